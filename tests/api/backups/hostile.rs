//! Files that are not backups, are damaged, or were changed by an attacker: each is refused and changes nothing.

use std::fs;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Executor};
use tar::{Builder, EntryType};

use super::archive::{Archive, append};
use super::{connect, content, number};
use crate::command_line::Shell;
use crate::support::{plain_database, url_of};

/// A database, a shell for it, and its backup.
struct Target {
    options: PgConnectOptions,
    shell: Shell,
    path: PathBuf,
}

impl Target {
    async fn new(name: &str) -> Self {
        let options = plain_database().await;
        content::fill(&mut connect(&options).await, 0, 40).await;
        let shell = Shell::at(url_of(&options), name);
        shell.ok(&["backup", "x.backup"], "");
        let path = shell.directory.join("x.backup");
        Self { options, shell, path }
    }

    /// Asserts that a restore of `bytes` fails with `expected` and changes nothing.
    async fn refuses(&self, what: &str, bytes: &[u8], expected: &str) {
        let before = content::of(&self.options).await;
        fs::write(&self.path, bytes).unwrap();
        let stderr = self.shell.fails(&["restore", "x.backup", "--force"], "");
        assert!(stderr.contains(expected), "{what}: {stderr}");
        content::assert_equal(&content::of(&self.options).await, &before, what);
        assert_eq!(number(&self.options, content::STAGING).await, 0, "{what}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_a_backup_is_refused() {
    let target = Target::new("backups-foreign-files").await;
    assert!(target.shell.fails(&["restore", "missing", "--force"], "").contains("missing: No such file"));
    assert!(target.shell.fails(&["restore", ".", "--force"], "").contains("is not a backup"));
    target.refuses("text", b"id,name\n1,cat\n", "is not a backup").await;
    target.refuses("empty", b"", "is not a backup").await;
    target.refuses("pg_dump's", b"PGDMP\x01\x0e\x00", "made by tableorder 0.1.0: restore it with that release").await;
    let mut other = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    append(&mut other, "photo.jpg", b"x", EntryType::Regular);
    target.refuses("another tar", &other.into_inner().unwrap().finish().unwrap(), "is not a backup").await;
    let mut newer = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    append(&mut newer, "format", b"tableorder backup 2\n", EntryType::Regular);
    target.refuses("format 2", &newer.into_inner().unwrap().finish().unwrap(), "newer tableorder").await;
}

#[tokio::test]
async fn a_damaged_backup_is_refused() {
    let target = Target::new("backups-damaged").await;
    let whole = fs::read(&target.path).unwrap();
    for length in [20, whole.len() / 2, whole.len() - 1] {
        target.refuses(&format!("{length} bytes"), &whole[..length], "damaged").await;
    }
    for place in [whole.len() / 5, whole.len() * 9 / 10, whole.len() - 6] {
        let mut altered = whole.clone();
        altered[place] ^= 0x55;
        target.refuses(&format!("byte {place}"), &altered, "damaged").await;
    }
    target.refuses("more", &[&whole[..], b"x"].concat(), "data after its end").await;
    target.refuses("twice", &[&whole[..], &whole[..]].concat(), "data after its end").await;
    fs::write(&target.path, &whole).unwrap();
    target.shell.ok(&["restore", "x.backup", "--force"], "");
}

#[tokio::test]
async fn an_archive_with_other_entries_is_refused() {
    let target = Target::new("backups-entries").await;
    let whole = Archive::read(&target.path);
    for name in ["pg_authid/000001", "_sqlx_migrations/000001", "event_epochs/000001", "../../etc/passwd", "orders"] {
        let mut archive = whole.clone();
        archive.entries.insert(1, (name.to_owned(), b"1\n".to_vec()));
        target.refuses(name, &archive.bytes(), "not expected").await;
    }
    let mut swapped = whole.clone();
    swapped.entries.swap(1, 2);
    target.refuses("another order", &swapped.bytes(), "not expected").await;
    let mut repeated = whole.clone();
    let entry = repeated.entries[1].clone();
    repeated.entries.insert(2, entry);
    target.refuses("a piece twice", &repeated.bytes(), "not expected").await;
    let mut missing = whole.clone();
    missing.entries.remove(1);
    target.refuses("a piece too few", &missing.bytes(), "differ from the manifest").await;

    for kind in [EntryType::Symlink, EntryType::Directory, EntryType::GNULongName, EntryType::XHeader] {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        append(&mut builder, "format", b"tableorder backup 1\n", EntryType::Regular);
        append(&mut builder, "stores/000001", b"x", kind);
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        target.refuses(&format!("{kind:?}"), &bytes, "not a plain file").await;
    }
    // A decompression bomb, 100 MB in 100 KB: refused by its declared size, before its content is read.
    let mut bomb = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    append(&mut bomb, "format", b"tableorder backup 1\n", EntryType::Regular);
    append(&mut bomb, "stores/000001", &vec![b'0'; 100_000_000], EntryType::Regular);
    target.refuses("a decompression bomb", &bomb.into_inner().unwrap().finish().unwrap(), "at most").await;
}

#[tokio::test]
async fn a_manifest_that_contradicts_the_schema_is_refused() {
    let target = Target::new("backups-manifests").await;
    let whole = Archive::read(&target.path);
    let altered = |change: &dyn Fn(&mut Archive)| {
        let mut archive = whole.clone();
        change(&mut archive);
        archive.bytes()
    };
    let columns = |columns: Value| altered(&|archive| archive.table("categories")["columns"] = columns.clone());
    let statement = r#"name") FROM PROGRAM 'touch executed'; --"#;
    for (what, bytes) in [
        ("a statement", columns(json!(["store_id", "id", statement, "display_order", "created_at"]))),
        ("another column", columns(json!(["store_id", "id", "title", "display_order", "created_at"]))),
        ("too few columns", columns(json!(["store_id", "id", "name", "display_order"]))),
        ("a column twice", columns(json!(["store_id", "id", "name", "name", "created_at"]))),
    ] {
        target.refuses(what, &bytes, "the columns of categories are unknown").await;
    }
    let fewer = altered(&|archive| drop(archive.manifest()["tables"].as_array_mut().unwrap().remove(3)));
    target.refuses("too few tables", &fewer, "damaged").await;
    let renamed = altered(&|archive| archive.table("audit_log")["name"] = "pg_authid".into());
    target.refuses("another table", &renamed, "damaged").await;
    let count = altered(&|archive| archive.table("orders")["rows"] = u64::MAX.into());
    target.refuses("a count", &count, "differ from the manifest").await;
    let unknown = altered(&|archive| archive.manifest()["sql"] = "DROP TABLE orders".into());
    target.refuses("an unknown field", &unknown, "unknown field").await;
    let ids = altered(&|archive| archive.table("orders")["last_id"] = i64::MAX.into());
    target.refuses("ids at their end", &ids, "cannot be continued").await;
    let older = altered(&|archive| archive.manifest()["migration"] = 20_261_120_000_001_i64.into());
    target.refuses("another version", &older, "damaged").await;
    assert!(!target.shell.directory.join("executed").exists());
}

#[tokio::test]
async fn rows_that_the_schema_does_not_allow_are_refused() {
    let target = Target::new("backups-rows").await;
    let whole = Archive::read(&target.path);
    let with = |table: &str, change: &dyn Fn(String) -> String| {
        let mut archive = whole.clone();
        let rows = change(archive.rows(table));
        archive.set_rows(table, &rows);
        archive.bytes()
    };
    for (what, bytes) in [
        ("another status", with("orders", &|rows| rows.replacen("\tpending\t", "\tfree\t", 1))),
        ("a negative price", with("menus", &|rows| rows.replacen('\t', "\t-", 2))),
        ("a row of another store", with("users", &|rows| format!("99{}", &rows[1..]))),
        ("a row twice", with("stores", &|rows| rows.lines().next().unwrap().to_owned() + "\n" + &rows)),
        ("too few values", with("tables", &|rows| rows + "1\t2\n")),
        ("an end in the middle", with("users", &|rows| "\\.\n".to_owned() + &rows)),
    ] {
        target.refuses(what, &bytes, "nothing was changed").await;
    }
}

#[tokio::test]
async fn costly_hashes_and_unknown_time_zones_are_refused() {
    let target = Target::new("backups-values").await;
    let mut conn = connect(&target.options).await;
    for (column, change) in [
        (
            "memory",
            "UPDATE users SET password_hash = '$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'",
        ),
        (
            "passes",
            "UPDATE tables SET password_hash = '$argon2id$v=19$m=64,t=4294967295,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA'",
        ),
        ("time zone", "UPDATE stores SET time_zone = 'Seoul'"),
    ] {
        conn.execute(AssertSqlSafe(format!("BEGIN; {change}; COMMIT"))).await.unwrap();
        target.shell.ok(&["backup", "bad.backup", "--fast"], "");
        let undo = "UPDATE users SET password_hash = ''; UPDATE tables SET password_hash = '';
                    UPDATE stores SET time_zone = 'Asia/Seoul'";
        conn.execute(undo).await.unwrap();
        let bad = target.shell.directory.join("bad.backup");
        target.refuses(column, &fs::read(&bad).unwrap(), "damaged").await;
        fs::remove_file(bad).unwrap();
    }
}

#[tokio::test]
async fn control_characters_of_a_file_are_not_printed() {
    let target = Target::new("backups-control-characters").await;
    let mut archive = Archive::read(&target.path);
    archive.manifest()["version"] = "1\u{1b}[2J".into();
    archive.write(&target.path);
    let printed = target.shell.ok(&["backup", "verify", "x.backup"], "");
    assert!(printed.contains("by tableorder 1\\u{1b}[2J"), "{printed:?}");
    archive.table("audit_log")["name"] = "\u{1b}[2J".into();
    archive.write(&target.path);
    let printed = target.shell.fails(&["backup", "verify", "x.backup"], "");
    assert!(printed.contains("\\u{1b}[2J") && !printed.contains('\u{1b}'), "{printed:?}");

    let names = "UPDATE stores SET name = E'a\\x1b]0;b\\x07\\tc'";
    connect(&target.options).await.execute(names).await.unwrap();
    let printed = target.shell.ok(&["store", "list"], "");
    assert!(printed.contains("store 1\ta\\u{1b}]0;b\\u{7}\\tc\tAsia/Seoul"), "{printed:?}");
}
