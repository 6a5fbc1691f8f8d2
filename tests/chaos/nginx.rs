//! Runs nginx with the configuration of `deploy/nginx` before local instances.

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

/// The deployed file. The lines below are replaced for the test.
const CONFIGURATION: &str = include_str!("../../deploy/nginx/nginx.conf");
const LISTEN: &str = "listen 8080 default_server;";
const ACCESS_LOG: &str = "access_log /dev/stdout tableorder;";
const KEEP_ALIVE: &str = "keepalive_timeout 5s;";
const OWN_FILES: &str = " /tmp/";

/// Counts from nginx's access log.
#[derive(Debug, Default)]
pub struct Proxied {
    pub requests: usize,
    /// Requests that nginx retried on a second or third instance.
    pub retried: usize,
    /// The log lines of failed requests.
    pub failed: Vec<String>,
}

pub struct Nginx {
    directory: PathBuf,
    process: Child,
}

/// The nginx program: `NGINX_PROGRAM`, or the first one in the usual directories. (nginx itself uses the variable `NGINX`.)
pub fn find() -> Option<PathBuf> {
    let named = std::env::var_os("NGINX_PROGRAM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    named.or_else(|| usual.map(|directory| directory.join("nginx")).find(|nginx| nginx.is_file()))
}

impl Nginx {
    /// Starts nginx on `port` with these instances as upstreams.
    pub fn start(upgrade: &Upgrade, directory: &Path, port: u16, instances: &[u16]) -> Self {
        fs::create_dir_all(directory).unwrap();
        let own = |file: &str| directory.join(file).display().to_string();
        let mut configuration = CONFIGURATION.replace(OWN_FILES, &format!(" {}/", directory.display()));
        for (theirs, ours) in [
            (LISTEN, format!("listen 127.0.0.1:{port} default_server;")),
            (ACCESS_LOG, format!("access_log {} tableorder;", own("access.log"))),
            (KEEP_ALIVE, format!("keepalive_timeout {}s;", upgrade.idle_timeout.as_secs())),
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

    pub fn errors(&self) -> String {
        fs::read_to_string(self.directory.join("error.log")).unwrap_or_default()
    }

    /// The counts so far.
    pub fn proxied(&self) -> Proxied {
        let log = fs::read_to_string(self.directory.join("access.log")).unwrap_or_default();
        let tried = log.lines().filter_map(|line| line.split("\"upstream\":\"").nth(1));
        let retried = tried.filter(|rest| is_list(rest)).count();
        let failed = log.lines().filter(|line| line.contains("\"status\":5")).map(str::to_owned).collect();
        Proxied { requests: log.lines().count(), retried, failed }
    }
}

/// Whether the log value that begins here is a list.
fn is_list(value: &str) -> bool {
    value.split('"').next().is_some_and(|value| value.contains(','))
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// A fake instance that responds 200, keeps streams open, and counts requests and streams.
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
                        let (count, response) = if is_stream {
                            (&streams, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n:\n\r\n")
                        } else {
                            (&requests, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        };
                        count.fetch_add(1, Ordering::Relaxed);
                        let _ = connection.write_all(response.as_bytes()).await;
                    }
                });
            }
        });
        stub
    }
}

#[tokio::test]
async fn returning_instance_gets_the_next_streams_and_half_of_the_requests() {
    let Some(nginx) = find() else { return };
    let free = || std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ports = [free(), free(), free()].map(|listener| listener.local_addr().unwrap().port());
    let [port, running, returning] = ports;
    let second = Duration::from_secs(1);
    let upgrade = Upgrade { nginx, from: None, drain: second, idle_timeout: second };
    let directory = std::env::temp_dir().join(format!("tableorder-chaos-{}-upstreams", std::process::id()));
    let _nginx = Nginx::start(&upgrade, &directory, port, &[running, returning]);
    let get = |path: &'static str| async move {
        let mut connection = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        connection.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut response = [0; 12];
        connection.read_exact(&mut response).await.unwrap();
        assert_eq!(&response, b"HTTP/1.1 200");
        connection
    };

    let mut open = Vec::new();
    let running = Stub::start(running).await;
    for _ in 0..20 {
        open.push(get("/api/v1/admin/orders/stream").await);
    }
    assert_eq!(running.streams.load(Ordering::Relaxed), 20);
    let returning = Stub::start(returning).await;
    // nginx may send one request to the instance to test whether it has recovered.
    tokio::time::sleep(2 * second).await;
    get("/api/v1/customer/menu").await;
    let before = returning.requests.load(Ordering::Relaxed);
    for _ in 0..20 {
        get("/api/v1/customer/menu").await;
    }
    let responses = returning.requests.load(Ordering::Relaxed) - before;
    assert!((8..=12).contains(&responses), "half of 20, because no request is open: {responses}");
    for _ in 0..10 {
        open.push(get("/api/v1/admin/orders/stream").await);
    }
    assert_eq!(returning.streams.load(Ordering::Relaxed), 10, "the returning instance has the fewest open streams");
    drop(open);
    let _ = fs::remove_dir_all(&directory);
}
