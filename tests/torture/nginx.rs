//! The nginx of `deploy/nginx`, before instances of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::rolling_upgrade::Upgrade;

/// The file as it is deployed, and what is another here.
const CONFIGURATION: &str = include_str!("../../deploy/nginx/nginx.conf");
const LISTEN: &str = "listen 8080 default_server;";
const ACCESS_LOG: &str = "access_log /dev/stdout tableorder;";
const KEEP_ALIVE: &str = "keepalive_timeout 5s;";
const OWN_FILES: &str = " /tmp/";

/// Requests that came through.
#[derive(Debug, Default)]
pub struct Proxied {
    pub requests: usize,
    /// Of them, those that were sent to a second instance, or to a third.
    pub passed_on: usize,
    /// How many each instance answered, streams apart, by its address.
    pub answered: BTreeMap<String, usize>,
    /// The log's lines of those that failed.
    pub failed: Vec<String>,
}

pub struct Nginx {
    directory: PathBuf,
    process: Child,
}

/// Where it is: what `NGINX_PROGRAM` names, or where systems put it. (`NGINX` means something else to nginx itself.)
pub fn find() -> Option<PathBuf> {
    let named = std::env::var_os("NGINX_PROGRAM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    named.or_else(|| usual.map(|directory| directory.join("nginx")).find(|nginx| nginx.is_file()))
}

impl Nginx {
    /// Starts it on `port`, before the instances on these.
    pub fn start(upgrade: &Upgrade, directory: &Path, port: u16, instances: &[u16]) -> Self {
        fs::create_dir_all(directory).unwrap();
        let own = |file: &str| directory.join(file).display().to_string();
        let mut configuration = CONFIGURATION.replace(OWN_FILES, &format!(" {}/", directory.display()));
        for (theirs, ours) in [
            (LISTEN, format!("listen 127.0.0.1:{port} default_server;")),
            (ACCESS_LOG, format!("access_log {} tableorder;", own("access.log"))),
            (KEEP_ALIVE, format!("keepalive_timeout {}s;", upgrade.kept_idle.as_secs())),
        ] {
            assert_eq!(configuration.matches(theirs).count(), 1, "{theirs}");
            configuration = configuration.replace(theirs, &ours);
        }
        fs::write(directory.join("nginx.conf"), configuration).unwrap();
        for (file, deployed) in [
            ("upstream.conf", include_str!("../../deploy/nginx/upstream.conf")),
            ("upstream_streams.conf", include_str!("../../deploy/nginx/upstream_streams.conf")),
        ] {
            let server = deployed.lines().find(|line| line.starts_with("server ")).unwrap();
            let (_, settings) = server.strip_prefix("server ").unwrap().split_once(' ').unwrap();
            let servers = instances.iter().map(|port| format!("server 127.0.0.1:{port} {settings}\n"));
            fs::write(directory.join(file), servers.collect::<String>()).unwrap();
        }

        let log = fs::File::create(directory.join("error.log")).unwrap();
        let process = Command::new(&upgrade.nginx)
            .arg("-p")
            .arg(directory)
            .args(["-c", "nginx.conf", "-g", "daemon off;"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let nginx = Self { directory: directory.to_owned(), process };
        let (address, deadline) = (SocketAddr::from(([127, 0, 0, 1], port)), Instant::now() + Duration::from_secs(10));
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "{}", nginx.errors());
            std::thread::sleep(Duration::from_millis(20));
        }
        nginx
    }

    /// What it complained of.
    pub fn errors(&self) -> String {
        fs::read_to_string(self.directory.join("error.log")).unwrap_or_default()
    }

    /// What it did so far.
    pub fn proxied(&self) -> Proxied {
        let log = fs::read_to_string(self.directory.join("access.log")).unwrap_or_default();
        let tried = log.lines().filter_map(|line| line.split("\"upstream\":\"").nth(1));
        let passed_on = tried.filter(|rest| is_list(rest)).count();
        let mut answered = BTreeMap::new();
        for line in log.lines().filter(|line| !line.contains("/orders/stream\"")) {
            let tried = line.split("\"upstream\":\"").nth(1).and_then(|rest| rest.split('"').next());
            if let Some(last) = tried.and_then(|tried| tried.split(", ").last()) {
                *answered.entry(last.to_owned()).or_default() += 1;
            }
        }
        let failed = log.lines().filter(|line| line.contains("\"status\":5")).map(str::to_owned).collect();
        Proxied { requests: log.lines().count(), passed_on, answered, failed }
    }
}

/// Whether the value that begins here names more than one.
fn is_list(value: &str) -> bool {
    value.split('"').next().is_some_and(|value| value.contains(','))
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGTERM);
        let _ = self.process.wait();
    }
}
