//! Processor time and memory of processes, from `/proc`.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

use crate::Result;

/// The processor time that a process has taken so far, without that of its children.
pub fn cpu(pid: u32) -> Result<Duration> {
    Ok(Stat::read(pid)?.own)
}

/// The resident memory of a process in bytes.
pub fn resident(pid: u32) -> Result<f64> {
    kibibytes(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// The processor time of a process and all its children, those that have ended included.
pub fn cpu_of_tree(pid: u32) -> Result<Duration> {
    let root = Stat::read(pid)?;
    let children = children(pid).into_iter().filter_map(|child| Stat::read(child).ok());
    Ok(root.own + root.ended_children + children.map(|child| child.own + child.ended_children).sum::<Duration>())
}

/// The memory of a process and its children in bytes; what they share is counted once.
pub fn memory_of_tree(pid: u32) -> f64 {
    let processes = std::iter::once(pid).chain(children(pid));
    // A process may end meanwhile.
    processes.filter_map(|pid| kibibytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:").ok()).sum()
}

struct Stat {
    parent: u32,
    own: Duration,
    /// Of children that have ended and were waited for.
    ended_children: Duration,
}

impl Stat {
    fn read(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name, in parentheses, may contain spaces. From the state on: ppid is the 2nd field, utime to cstime are
        // the 12th to 15th.
        let fields: Vec<_> = stat.rsplit_once(") ").ok_or("no name in stat")?.1.split(' ').collect();
        let per_second = sysconf(SysconfVar::CLK_TCK)?.ok_or("no clock tick")? as f64;
        let ticks = |indexes: [usize; 2]| -> Result<Duration> {
            let ticks = fields[indexes[0]].parse::<f64>()? + fields[indexes[1]].parse::<f64>()?;
            Ok(Duration::from_secs_f64(ticks / per_second))
        };
        Ok(Self { parent: fields[1].parse()?, own: ticks([11, 12])?, ended_children: ticks([13, 14])? })
    }
}

fn children(pid: u32) -> HashSet<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter(|child| Stat::read(*child).is_ok_and(|stat| stat.parent == pid)).collect()
}

fn kibibytes(file: &str, name: &str) -> Result<f64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("a field of /proc is missing")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024.0)
}
