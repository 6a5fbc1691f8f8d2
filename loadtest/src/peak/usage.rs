//! Processor time and memory of all parts of the measurement.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::Serialize;

use super::streams::Readers;
use crate::Result;
use crate::process;
use crate::server::Server;

/// Processor time so far.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    servers: Duration,
    postgres: Duration,
    load: Duration,
}

/// Processor time during the load, in percent of one core.
#[derive(Debug, Serialize)]
pub struct CpuPercent {
    pub servers: f64,
    pub postgres: f64,
    /// The load generator and the readers of the streams.
    pub load: f64,
}

/// Memory in MiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Memory {
    /// Resident, all instances together.
    pub servers: f64,
    /// Memory that its processes share is counted once.
    pub postgres: f64,
}

impl Cpu {
    pub fn read(servers: &[Server], postmaster: u32, readers: &Readers) -> Result<Self> {
        let own = getrusage(UsageWho::RUSAGE_SELF)?;
        let own = own.user_time().num_microseconds() + own.system_time().num_microseconds();
        Ok(Self {
            servers: servers.iter().map(Server::cpu).sum::<Result<_>>()?,
            postgres: process::cpu_of_tree(postmaster)?,
            load: Duration::from_micros(own.cast_unsigned()) + readers.cpu()?,
        })
    }

    pub fn since(self, before: Self, elapsed: Duration) -> CpuPercent {
        let percent =
            |now: Duration, before: Duration| now.saturating_sub(before).as_secs_f64() / elapsed.as_secs_f64() * 100.0;
        CpuPercent {
            servers: percent(self.servers, before.servers),
            postgres: percent(self.postgres, before.postgres),
            load: percent(self.load, before.load),
        }
    }
}

impl Memory {
    pub fn read(servers: &[Server], postmaster: u32) -> Result<Self> {
        const MEBIBYTE: f64 = 1024.0 * 1024.0;
        let resident: f64 = servers.iter().map(Server::resident).sum::<Result<_>>()?;
        Ok(Self { servers: resident / MEBIBYTE, postgres: process::memory_of_tree(postmaster) / MEBIBYTE })
    }
}
