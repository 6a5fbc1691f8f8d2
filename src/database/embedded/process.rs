//! PostgreSQL's processes on this machine.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The processes of a PostgreSQL on `cluster`: those named `postgres` with this working directory. `recorded_pid` is the
/// pid in its pid file; it is included also if its working directory cannot be read.
pub(super) fn of_cluster(cluster: &Path, recorded_pid: Option<i32>) -> Vec<i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let is_postgres = fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name.trim() == "postgres");
        let works_there = || match fs::read_link(entry.path().join("cwd")) {
            Ok(directory) => directory == cluster,
            Err(_) => recorded_pid == Some(pid),
        };
        (is_postgres && works_there()).then_some(pid)
    });
    processes.collect()
}

/// Whether a process of any user has this pid.
pub(super) fn is_alive(pid: i32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// Signals the PostgreSQL of an earlier server to shut down fast.
pub(super) fn ask_to_stop(pid: i32) {
    // An error means that the process has ended.
    let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
}
