//! Two instances behind PgBouncer in transaction mode. Skipped with a message if PgBouncer 1.21 or newer, the first with
//! prepared statements, is not installed.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tableorder::cluster::LISTENER_NAME;

use crate::support::{TestApp, password_of, plain_database, scratch_directory};

/// The number of PostgreSQL connections that all instances share.
const SERVER_CONNECTIONS: i64 = 4;

struct Pooler {
    process: Child,
    options: PgConnectOptions,
    directory: PathBuf,
}

impl Pooler {
    /// Starts PgBouncer before `postgres`, with the settings of `deploy/pgbouncer.ini`.
    async fn start(postgres: &PgConnectOptions) -> Option<Self> {
        let program = find_program()?;
        let socket = postgres.get_socket().unwrap();
        let database = postgres.get_database().unwrap();
        let directory = scratch_directory("pooler");
        fs::create_dir_all(&directory).unwrap();
        let (socket_directory, port) = (socket.display(), postgres.get_port());
        let here = directory.display();
        // The paths and addresses are the test's own; the other settings are as deployed.
        let own = [
            (
                "tableorder = host=postgres port=5432 dbname=tableorder",
                format!("{database} = host={socket_directory} port={port} dbname={database}"),
            ),
            ("listen_addr = 0.0.0.0", format!("unix_socket_dir = {here}")),
            ("auth_type = scram-sha-256", "auth_type = trust".to_owned()),
            ("/etc/pgbouncer/userlist.txt", format!("{here}/users")),
            ("default_pool_size = 40", format!("default_pool_size = {SERVER_CONNECTIONS}")),
        ];
        let mut settings = include_str!("../../deploy/pgbouncer.ini").to_owned();
        for (deployed, own) in own {
            assert!(settings.contains(deployed), "{deployed}");
            settings = settings.replace(deployed, &own);
        }
        fs::write(directory.join("pgbouncer.ini"), settings).unwrap();
        fs::write(directory.join("users"), format!("\"tableorder\" \"{}\"\n", password_of(postgres))).unwrap();
        // PgBouncer refuses to run as root and needs access to the sockets, so it runs as PostgreSQL's user.
        let owner = fs::metadata(socket).unwrap();
        // The shell kills PgBouncer when its input closes, which happens whenever this process ends.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "\"$0\" \"$1\" & read -r _; kill -9 $!; wait"]).arg(program);
        if owner.uid() != nix::unistd::geteuid().as_raw() {
            for path in [directory.clone(), directory.join("pgbouncer.ini"), directory.join("users")] {
                chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
            }
            command.uid(owner.uid()).gid(owner.gid());
        }
        let log = fs::File::create(directory.join("log")).unwrap();
        let process = command
            .arg(directory.join("pgbouncer.ini"))
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&directory)
            .port(6432)
            .username("tableorder")
            .database(database);
        let pooler = Self { process, options, directory };
        let asked = Instant::now();
        loop {
            match PgConnection::connect_with(&pooler.options).await {
                Ok(connection) => break drop(connection),
                Err(error) => assert!(asked.elapsed() < Duration::from_secs(10), "{error}\n{}", pooler.log()),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(pooler)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The path of PgBouncer 1.21 or newer.
#[expect(clippy::print_stderr, reason = "the output should show that a test was skipped")]
fn find_program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let mut seen = String::from("none is installed");
    for program in directories.map(|directory| directory.join("pgbouncer")).filter(|program| program.is_file()) {
        let output = Command::new(&program).arg("--version").output().unwrap();
        let version = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
        let mut numbers = version.rsplit(' ').next()?.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        if (numbers.next()?, numbers.next()?) >= (1, 21) {
            return Some(program);
        }
        seen = format!("{} is {version}", program.display());
    }
    eprintln!("skipped: this needs PgBouncer 1.21 or newer, and {seen}");
    None
}

#[tokio::test]
async fn instances_behind_a_transaction_pooler_share_orders_and_events() {
    let postgres = plain_database().await;
    let Some(pooler) = Pooler::start(&postgres).await else { return };
    let one = TestApp::start_behind_pooler(pooler.options.clone(), postgres.clone()).await;
    let other = TestApp::start_behind_pooler(pooler.options.clone(), postgres.clone()).await;
    let store = one.store("demo").await;
    let there = store.on(&other);
    let (admin, away) = (store.admin().await, there.admin().await);
    let mut stream = away.stream("/admin/orders/stream", None).await.connected().await;

    // More concurrent orders than connections, on both instances.
    let mut guests = Vec::new();
    for table in 1..=3 {
        for tablet in [store.tablet(table).await, there.tablet(table).await] {
            let menus = store.menus.clone();
            guests.push(tokio::spawn(async move {
                for _ in 0..10 {
                    tablet.order(&menus[..2]).await.ok();
                }
            }));
        }
    }
    let mut numbers = Vec::new();
    for _ in 0..60 {
        let event = stream.next().await;
        numbers.push(event.data["order_number"].as_str().unwrap()[9..].parse::<u32>().unwrap());
    }
    for guest in guests {
        guest.await.unwrap();
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>(), "every order should have one number");

    // A change is visible in the next read of the other instance, because the listener bypasses the pooler.
    let menu = store.menus[0];
    let tablet = there.tablet(2).await;
    let on_the_menu = async || {
        let menus = tablet.get("/customer/menu").await.ok();
        menus["menus"].as_array().unwrap().iter().any(|item| item["id"] == json!(menu))
    };
    for is_available in [false, true, false] {
        assert_eq!(on_the_menu().await, !is_available);
        admin.patch(&format!("/admin/menus/{menu}"), &json!({"is_available": is_available})).await.ok();
        assert_eq!(on_the_menu().await, is_available);
        assert_eq!(stream.next().await.name, "menu_changed");
    }

    // A logout applies on the other instance too, and failed logins are counted for both.
    let body = json!({"store_id": "demo", "username": "admin", "password": "wrong"});
    other.anonymous().post("/admin/auth/login", &body).await.refused(401, "AUTH_FAILED");
    let leaving = away.with_token(store.admin().await.token());
    leaving.get("/admin/auth/me").await.ok();
    admin.with_token(leaving.token()).post("/admin/auth/logout", &json!({})).await.ok();
    leaving.get("/admin/auth/me").await.refused(401, "INVALID_TOKEN");

    let mut connection = PgConnection::connect_with(&postgres).await.unwrap();
    let count = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND (application_name = $1) = $2";
    let mut connections = async |is_listener: bool| -> i64 {
        sqlx::query_scalar(count).bind(LISTENER_NAME).bind(is_listener).fetch_one(&mut connection).await.unwrap()
    };
    assert_eq!(connections(true).await, 2, "each instance should have one listener outside the pooler");
    let used = connections(false).await;
    assert!((1..=SERVER_CONNECTIONS).contains(&used), "{used} connections through the pooler");
    let mut client = PgConnection::connect_with(&pooler.options).await.unwrap();
    let timeout: String = sqlx::query_scalar("SHOW statement_timeout").fetch_one(&mut client).await.unwrap();
    assert_eq!(timeout, "10s", "the pooler's setting should apply, because it ignores startup options");
}
