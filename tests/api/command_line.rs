//! The command line.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::support::{TestApp, scratch_directory};

/// A working directory for commands, and the database that they use.
pub struct Shell {
    pub url: String,
    pub directory: PathBuf,
}

impl Shell {
    pub fn on(app: &TestApp, name: &str) -> Self {
        Self::at(app.url(), name)
    }

    pub fn at(url: String, name: &str) -> Self {
        let directory = scratch_directory(name);
        fs::create_dir_all(&directory).unwrap();
        Self { url, directory }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tableorder"));
        command
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", &self.url)
            .env("JWT_SECRET_KEY", TestApp::SECRET)
            .current_dir(&self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut process = self.command(arguments).spawn().unwrap();
        process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        process.wait_with_output().unwrap()
    }

    #[track_caller]
    pub fn ok(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub fn fails(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test]
async fn stores_and_users_are_created_from_the_command_line() {
    let app = TestApp::start().await;
    let shell = Shell::on(&app, "stores");
    shell.ok(&["migrate"], "");
    shell.ok(
        &["store", "create", "bar", "--name", "심야식당", "--day-starts-at", "04:00", "--owner", "boss"],
        "open sesame\n",
    );
    let stderr = shell.fails(&["store", "create", "bar"], "open sesame\n");
    assert!(stderr.contains("bar already"), "{stderr}");
    assert!(shell.fails(&["store", "create", "pub"], "abc\n").contains("4 to 128"));
    assert_eq!(shell.ok(&["store", "list"], ""), "bar\t심야식당\tAsia/Seoul\t04:00\n");
    let login = async |username: &str, password: &str| {
        let body = json!({"store_id": "bar", "username": username, "password": password});
        app.anonymous().post("/admin/auth/login", &body).await
    };
    let boss = login("boss", "open sesame").await.ok();
    assert_eq!(boss["role"], "owner");
    shell.ok(&["user", "create", "bar", "kim"], "kim's own\n");
    assert_eq!(login("kim", "kim's own").await.ok()["role"], "staff");
    assert!(shell.fails(&["user", "create", "bar", "kim"], "kim's own\n").contains("already"));

    shell.ok(&["user", "reset-password", "bar", "boss"], "shut sesame\n");
    login("boss", "open sesame").await.refused(401, "AUTH_FAILED");
    login("boss", "shut sesame").await.ok();
    app.anonymous()
        .with_token(boss["token"].as_str().unwrap())
        .get("/admin/auth/me")
        .await
        .refused(401, "INVALID_TOKEN");
    assert!(shell.fails(&["user", "reset-password", "bar", "missing"], "long enough\n").contains("no user missing"));
    assert!(shell.fails(&["user", "create", "nowhere", "kim"], "long enough\n").contains("no store nowhere"));
}

#[test]
fn the_openapi_document_is_printed_without_settings_or_database() {
    let output = Command::new(env!("CARGO_BIN_EXE_tableorder"))
        .arg("openapi")
        .env_clear()
        .env("PORT", "nonsense")
        .output()
        .unwrap();
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, serde_json::to_value(tableorder::openapi()).unwrap());
}
