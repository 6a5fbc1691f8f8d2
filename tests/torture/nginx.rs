//! The nginx of `deploy/nginx`, before instances of this machine.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

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
        let failed = log.lines().filter(|line| line.contains("\"status\":5")).map(str::to_owned).collect();
        Proxied { requests: log.lines().count(), passed_on, failed }
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

/// An instance that says 200, and keeps a stream open; it counts what it is asked.
struct Stub {
    requests: Arc<AtomicUsize>,
    streams: Arc<AtomicUsize>,
}

impl Stub {
    async fn start(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let stub = Self { requests: Arc::default(), streams: Arc::default() };
        let (requests, streams) = (Arc::clone(&stub.requests), Arc::clone(&stub.streams));
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let (requests, streams) = (Arc::clone(&requests), Arc::clone(&streams));
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while let Ok(length @ 1..) = connection.read(&mut request).await {
                        let is_stream = String::from_utf8_lossy(&request[..length]).contains("/orders/stream");
                        let (count, answer) = if is_stream {
                            (&streams, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n:\n\r\n")
                        } else {
                            (&requests, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        };
                        count.fetch_add(1, Ordering::Relaxed);
                        let _ = connection.write_all(answer.as_bytes()).await;
                    }
                });
            }
        });
        stub
    }
}

#[tokio::test]
async fn an_instance_that_comes_back_gets_the_next_streams_and_no_more_requests_than_the_others() {
    let Some(nginx) = find() else { return };
    let free = || std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ports = [free(), free(), free()].map(|listener| listener.local_addr().unwrap().port());
    let [port, stays, returns] = ports;
    let second = Duration::from_secs(1);
    let upgrade = Upgrade { nginx, from: None, drain: second, kept_idle: second };
    let directory = std::env::temp_dir().join(format!("tableorder-torture-{}-counted-apart", std::process::id()));
    let _nginx = Nginx::start(&upgrade, &directory, port, &[stays, returns]);
    let ask = |path: &'static str| async move {
        let mut connection = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        connection.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        connection
    };

    let mut open = Vec::new();
    let stays = Stub::start(stays).await;
    for _ in 0..20 {
        open.push(ask("/api/v1/admin/orders/stream").await);
    }
    assert_eq!(stays.streams.load(Ordering::Relaxed), 20);
    let returns = Stub::start(returns).await;
    // nginx may ask it once to see whether it is well.
    tokio::time::sleep(2 * second).await;
    ask("/api/v1/customer/menu").await;
    let before = returns.requests.load(Ordering::Relaxed);
    for _ in 0..20 {
        ask("/api/v1/customer/menu").await;
    }
    let answered = returns.requests.load(Ordering::Relaxed) - before;
    assert!((8..=12).contains(&answered), "half of 20, as no request is open: {answered}");
    for _ in 0..10 {
        open.push(ask("/api/v1/admin/orders/stream").await);
    }
    assert_eq!(returns.streams.load(Ordering::Relaxed), 10, "it has the fewest");
    drop(open);
    let _ = fs::remove_dir_all(&directory);
}
