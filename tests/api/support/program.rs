//! The program itself, as a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regex::Regex;

use super::{ApiClient, TestApp, scratch_directory};

/// A running server; killed with the value.
pub struct Server {
    process: Child,
    pub client: ApiClient,
    /// Where operators are answered, if `PRIVATE_ADDRESS` is set.
    pub private: Option<ApiClient>,
}

/// The program in `directory`, on any free port, with nothing set.
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
    /// Starts it and waits for its welcome, which tells the port it took.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    /// An instance beside `app`, on its database and with its secret, that answers operators.
    pub fn beside(app: &TestApp, directory: &Path, settings: &[(&str, &str)]) -> Self {
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

    /// As [`start`](Self::start), with these settings.
    pub fn start_with(directory: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = command(directory);
        command.envs(settings.iter().copied());
        Self::run(command)
    }

    /// Starts it as `command` says, and waits as [`start`](Self::start) does.
    pub fn run(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = Regex::new("127[.0-9]+:[0-9]+").unwrap();
        // Without a welcome, where logs are for machines alone, the log says it.
        let is_json = command.get_envs().any(|(name, value)| name == "LOG_FORMAT" && value == Some("json".as_ref()));
        let has_private = command.get_envs().any(|(name, value)| name == "PRIVATE_ADDRESS" && value.is_some());
        let (mut client, mut private) = (None, None);
        while client.is_none() || private.is_some() != has_private {
            let line = lines.next().expect("a welcome").unwrap();
            let at_address = || address.find(&line).map(|found| ApiClient::new(&format!("http://{}", found.as_str())));
            if let Some((_, base)) = line.split_once("tableorder is serving on ") {
                client = Some(ApiClient::new(&base.replace("localhost", "127.0.0.1")));
            } else if line.contains("serving operators") {
                private = at_address();
            } else if is_json && line.contains("\"serving\"") {
                client = at_address();
            }
        }
        // Somebody has to read what it says, or it would wait.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, client: client.unwrap(), private }
    }

    /// Where operators are answered.
    pub fn operators(&self) -> &ApiClient {
        self.private.as_ref().expect("PRIVATE_ADDRESS should be set")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).unwrap();
    }

    /// Its resident memory in bytes.
    pub fn resident(&self) -> u64 {
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

/// A directory of a test's own, removed with what is in it.
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
        let _ = fs::remove_dir_all(&self.0);
    }
}
