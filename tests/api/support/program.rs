//! The server program as a child process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regex::Regex;

use super::{ApiClient, TestApp, scratch_directory};

/// The time in which the server prints the rest of its text, after its address.
const PRINT_DEADLINE: Duration = Duration::from_secs(5);

/// A running server process, killed on drop.
pub struct Server {
    process: Child,
    pub client: ApiClient,
    /// The client of the private port, if `PRIVATE_ADDRESS` is set.
    pub private: Option<ApiClient>,
    /// The lines printed since the address.
    printed: Arc<Mutex<String>>,
}

/// The program in `directory`, on a free port, without other settings.
pub fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tableorder"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PORT", "0")
        .env("HOST", "127.0.0.1")
        .env("SESSION_ORDERS_PER_SECOND", "0")
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Server {
    /// Starts the server and reads its port from the start-up banner.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    /// Another instance with `app`'s database and secret, and with a private port.
    pub fn start_beside(app: &TestApp, directory: &Path, settings: &[(&str, &str)]) -> Self {
        let url = app.url();
        let beside = [
            ("DATABASE_URL", url.as_str()),
            ("DATABASE_MIN_CONNECTIONS", "1"),
            ("DATABASE_MAX_CONNECTIONS", "5"),
            ("JWT_SECRET_KEY", TestApp::SECRET),
            ("PRIVATE_ADDRESS", "127.0.0.1:0"),
            ("SEED_DEMO_STORE", "false"),
        ];
        Self::start_with(directory, &[&beside, settings].concat())
    }

    /// Like [`start`](Self::start), with these settings.
    pub fn start_with(directory: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = command(directory);
        command.envs(settings.iter().copied());
        Self::run(command)
    }

    /// Like [`start`](Self::start), with a prepared command.
    pub fn run(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = Regex::new("127[.0-9]+:[0-9]+").unwrap();
        // With JSON logs there is no banner; the log has the address.
        let is_json = command.get_envs().any(|(name, value)| name == "LOG_FORMAT" && value == Some("json".as_ref()));
        let has_private = command.get_envs().any(|(name, value)| name == "PRIVATE_ADDRESS" && value.is_some());
        let (mut client, mut private) = (None, None);
        while client.is_none() || private.is_some() != has_private {
            let line = lines.next().expect("the server should print its address").unwrap();
            let at_address = || address.find(&line).map(|found| ApiClient::new(&format!("http://{}", found.as_str())));
            if let Some((_, base)) = line.split_once("tableorder is serving on ") {
                client = Some(ApiClient::new(&base.replace("localhost", "127.0.0.1")));
            } else if line.contains("serving operators") {
                private = at_address();
            } else if is_json && line.contains("\"serving\"") {
                client = at_address();
            }
        }
        // Keep reading: a full pipe would block the server.
        let printed: Arc<Mutex<String>> = Arc::default();
        let to = Arc::clone(&printed);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                to.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { process, client: client.unwrap(), private, printed }
    }

    /// Waits until the server has printed `pattern`, and returns its first group.
    pub fn printed(&self, pattern: &str) -> String {
        let pattern = Regex::new(pattern).unwrap();
        let asked = Instant::now();
        loop {
            if let Some(found) = pattern.captures(&self.printed.lock().unwrap()) {
                return found[1].to_owned();
            }
            assert!(asked.elapsed() < PRINT_DEADLINE, "the server should print {pattern}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the server has printed this text so far.
    pub fn has_printed(&self, text: &str) -> bool {
        self.printed.lock().unwrap().contains(text)
    }

    pub fn private_client(&self) -> &ApiClient {
        self.private.as_ref().expect("PRIVATE_ADDRESS should be set")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).unwrap();
    }

    /// The resident memory, in bytes.
    pub fn resident_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let kibibytes = Regex::new(r"VmRSS:\s+(\d+) kB").unwrap().captures(&status).unwrap()[1].parse::<u64>();
        kibibytes.unwrap() << 10
    }

    pub fn wait(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A directory for one test, removed on drop.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = scratch_directory(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // The database of a server started by root is elsewhere, and this is a link to it.
        if let Ok(database) = self.0.join("data/postgres").canonicalize() {
            let _ = fs::remove_dir_all(database);
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}
