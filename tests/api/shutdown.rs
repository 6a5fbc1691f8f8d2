//! Start and shutdown with a proxy, a service manager, and requests in flight.

use std::fs;
use std::net::{TcpListener, TcpStream as StdTcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ApiClient, TestApp, TestStore, scratch_directory};

/// A keep-alive connection, as a proxy uses it.
struct KeepAlive(TcpStream);

impl KeepAlive {
    async fn open(app: &TestApp) -> Self {
        Self(TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap())
    }

    /// The response header in lower case; empty if there was no response.
    async fn request(&mut self) -> String {
        self.0.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let read = async { while !answer.ends_with(b"}") && self.0.read_buf(&mut answer).await.unwrap_or(0) > 0 {} };
        tokio::time::timeout(Duration::from_secs(5), read).await.unwrap();
        String::from_utf8(answer).unwrap().to_ascii_lowercase()
    }

    async fn is_closed(&mut self) -> bool {
        let read = tokio::time::timeout(Duration::from_secs(5), self.0.read_u8());
        read.await.is_ok_and(|read| read.is_err())
    }
}

fn has_close_header(answer: &str) -> bool {
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    answer.contains("\r\nconnection: close\r\n")
}

async fn draining() -> (TestApp, TestStore) {
    let app = TestApp::start_with(|config| config.http.shutdown_drain = Duration::from_secs(1)).await;
    let store = app.store("demo").await;
    (app, store)
}

#[tokio::test]
async fn a_draining_server_serves_requests_and_closes_connections_after() {
    let (app, store) = draining().await;
    let (admin, tablet) = (store.admin().await, store.tablet(1).await);
    let mut stream = admin.stream("/admin/orders/stream", None).await.connected().await;
    let mut idle = KeepAlive::open(&app).await;
    assert!(!has_close_header(&idle.request().await));

    app.shutdown.drain();
    let error = app.anonymous().get("/health/ready").await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(error["details"][0]["field"], "shutdown");
    let order = tablet.order(&store.menus[..1]).await;
    assert_eq!(order.headers["connection"], "close");
    assert_eq!(stream.next().await.data["order_id"], order.ok()["id"], "streams should continue during the drain");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(has_close_header(&idle.request().await), "an idle connection should stay open until its next request");
    assert!(idle.is_closed().await);

    app.shutdown.close();
    assert!(stream.end().await.is_err());
}

#[tokio::test]
async fn a_request_at_the_end_of_the_drain_is_answered() {
    let (app, _store) = draining().await;
    let (mut used, mut fresh, mut quiet) =
        (KeepAlive::open(&app).await, KeepAlive::open(&app).await, KeepAlive::open(&app).await);
    assert!(!has_close_header(&used.request().await));
    app.shutdown.drain();
    app.shutdown.close();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(
        StdTcpStream::connect(app.base.strip_prefix("http://").unwrap()).is_err(),
        "new connections should be refused"
    );
    assert!(has_close_header(&used.request().await));
    assert!(has_close_header(&fresh.request().await));
    assert!(quiet.is_closed().await, "an idle connection should be closed");
}

#[tokio::test]
async fn without_a_drain_idle_connections_close_at_once() {
    let app = TestApp::start().await;
    let mut quiet = KeepAlive::open(&app).await;
    assert!(!has_close_header(&quiet.request().await));
    let asked = Instant::now();
    app.closing.cancel();
    assert!(quiet.is_closed().await);
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
}

/// The program with the database of `app`.
struct Program {
    directory: PathBuf,
    port: u16,
    url: String,
}

impl Program {
    fn new(name: &str, url: String) -> Self {
        let directory = scratch_directory(name);
        fs::create_dir_all(&directory).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { directory, port, url }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tableorder"));
        command
            .env_clear()
            .env("DATABASE_URL", &self.url)
            .env("JWT_SECRET_KEY", TestApp::SECRET)
            .env("PORT", self.port.to_string())
            .env("LOG_FILE", "off")
            .env("SHUTDOWN_DRAIN_SECONDS", "2")
            .env("DATABASE_ACQUIRE_TIMEOUT_SECONDS", "20")
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        command
    }

    fn spawn(&self) -> Child {
        self.command().env("HOST", "127.0.0.1").stdout(Stdio::null()).spawn().unwrap()
    }

    /// The output of `tableorder health` with the server's settings.
    fn health(&self) -> Result<String, String> {
        let Output { status, stdout, stderr } = self.command().arg("health").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if status.success() { Ok(text(stdout)) } else { Err(text(stderr)) }
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.health().is_err() {
            assert!(Instant::now() < deadline, "{:?}", self.health());
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn send_sigterm(process: &Child) {
    kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGTERM).unwrap();
}

#[tokio::test]
async fn sigterm_drains_and_the_health_command_reports_each_state() {
    let app = TestApp::start().await;
    let program = Program::new("drained", app.url());
    let address = format!("127.0.0.1:{}", program.port);
    let error = program.health().unwrap_err();
    assert!(error.starts_with(&format!("tableorder: {address} cannot be reached: Connection refused")), "{error}");
    let mut process = program.spawn();
    program.wait_until_ready();
    assert_eq!(program.health().unwrap(), format!("{address} is ready\n"));

    let asked = Instant::now();
    send_sigterm(&process);
    let client = ApiClient::new(&format!("http://{address}"));
    while client.get("/health/ready").await.status == StatusCode::OK {}
    assert_eq!(program.health().unwrap_err(), format!("tableorder: {address} is not ready: shutdown\n"));
    assert_eq!(client.get("/health").await.status, 200);
    assert!(process.wait().unwrap().success());
    assert!((2..8).contains(&asked.elapsed().as_secs()), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_second_sigterm_skips_the_drain() {
    let app = TestApp::start().await;
    let program = Program::new("hurried", app.url());
    let mut process = program.spawn();
    program.wait_until_ready();
    let asked = Instant::now();
    send_sigterm(&process);
    tokio::time::sleep(Duration::from_millis(200)).await;
    send_sigterm(&process);
    assert!(process.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_millis(1900), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn connections_are_refused_until_the_server_can_respond() {
    // A PostgreSQL that accepts the connection and sends nothing.
    let unresponsive = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = unresponsive.local_addr().unwrap().port();
    let program = Program::new("starting", format!("postgres://tableorder@127.0.0.1:{port}/tableorder"));
    let mut process = program.spawn();
    let asked = tokio::task::spawn_blocking(move || unresponsive.accept().unwrap()).await.unwrap();
    let error = StdTcpStream::connect(("127.0.0.1", program.port)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    process.kill().unwrap();
    process.wait().unwrap();
    drop(asked);
}
