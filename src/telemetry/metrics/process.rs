//! Metrics of the process: memory, processor time, files. Values that the system does not provide are left out.

use std::fs;
use std::time::Duration;

use nix::libc::RLIM_INFINITY;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tokio::runtime::Handle;

use super::{counter, gauge};

/// The values in `/proc/self` on Linux. The metric names are the usual ones of Prometheus clients.
#[derive(Debug)]
pub(super) struct Process {
    /// Seconds since 1970.
    pub(super) started_at: i64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let help = "Start time of the process, in seconds since 1970";
        gauge(&mut encoder, "process_start_time_seconds", help, self.started_at)?;
        if let Some(bytes) = resident_bytes() {
            gauge(&mut encoder, "process_resident_memory_bytes", "Memory in use", bytes)?;
        }
        if let Some(Stat { processor, threads }) = Stat::read() {
            counter(&mut encoder, "process_cpu_seconds", "Processor time used", processor.as_secs_f64())?;
            gauge(&mut encoder, "process_threads", "Threads", threads)?;
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is open for this listing.
            gauge(&mut encoder, "process_open_fds", "Open file descriptors", files.count().saturating_sub(1))?;
        }
        if let Ok((limit, _)) = getrlimit(Resource::RLIMIT_NOFILE)
            && limit != RLIM_INFINITY
        {
            gauge(&mut encoder, "process_max_fds", "The limit of open file descriptors", limit)?;
        }
        Ok(())
    }
}

/// The Tokio runtime.
#[derive(Debug)]
pub(super) struct Runtime;

impl Collector for Runtime {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let Ok(runtime) = Handle::try_current() else { return Ok(()) };
        gauge(&mut encoder, "tasks", "Tasks of the Tokio runtime", runtime.metrics().num_alive_tasks())
    }
}

fn resident_bytes() -> Option<u64> {
    let pages: u64 = fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * system_constant(SysconfVar::PAGE_SIZE)?)
}

fn system_constant(name: SysconfVar) -> Option<u64> {
    u64::try_from(sysconf(name).ok()??).ok()
}

/// The values in `/proc/self/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    processor: Duration,
    threads: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?, system_constant(SysconfVar::CLK_TCK)?)
    }

    /// Parses `stat`. Its times are in ticks; a second has `ticks_per_second`.
    fn parse(stat: &str, ticks_per_second: u64) -> Option<Self> {
        // The program's name, in parentheses, may contain spaces and parentheses. The third field follows it.
        let (_, fields) = stat.rsplit_once(") ")?;
        let field = |number: usize| fields.split(' ').nth(number - 3)?.parse::<u64>().ok();
        let ticks = field(14)? + field(15)?;
        let processor = Duration::from_millis((ticks * 1000).checked_div(ticks_per_second)?);
        Some(Self { processor, threads: field(20)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_parsed_with_any_program_name() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 1 2 3 4 150 25 7 8 20 0 9 0 100 1000 200";
        let read = Stat { processor: Duration::from_millis(1_750), threads: 9 };
        assert_eq!(Stat::parse(stat, 100), Some(read));
        assert_eq!(Stat::parse("", 100), None);
    }
}
