//! The streams of all stores, and the processes that read them.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::arguments::{Arguments, dashboards};
use super::reader::{Job, Received, Stream};
use crate::seed::{Issuer, Store};
use crate::{Result, process};

/// Streams of one process, below the usual limits of open files and of ports of one address.
const STREAMS_PER_PROCESS: usize = 10_000;

/// The events that a stream delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Dashboard,
    /// The tablet of a session.
    Tablet(i64),
}

/// A stream of a store.
#[derive(Debug, Clone, Copy)]
pub struct StreamOf {
    pub store: i64,
    pub scope: Scope,
}

/// The streams that are to be opened, and their tokens.
pub fn plan(
    arguments: &Arguments,
    stores: &[Store],
    issuer: &Issuer,
    servers: &[SocketAddr],
) -> Result<Vec<(StreamOf, Stream)>> {
    let mut planned = Vec::with_capacity(arguments.streams);
    let mut servers = servers.iter().copied().cycle();
    for (index, store) in stores.iter().enumerate() {
        let streams = arguments.streams_of(index);
        let dashboards = dashboards(streams);
        for number in 0..streams {
            let (scope, path, token) = if number < dashboards {
                (Scope::Dashboard, "/admin/orders/stream", issuer.admin(store)?)
            } else {
                let table = store.tables[number - dashboards];
                (Scope::Tablet(table.session.0), "/customer/orders/stream", issuer.table(store, table)?)
            };
            let server = servers.next().ok_or("no servers")?;
            planned.push((StreamOf { store: store.id.0, scope }, Stream { server, path: path.to_owned(), token }));
        }
    }
    Ok(planned)
}

/// Processes that read streams.
pub struct Readers(Vec<ReaderProcess>);

struct ReaderProcess {
    process: Child,
    pid: u32,
    output: BufReader<ChildStdout>,
}

impl Readers {
    /// Opens the streams, and waits until each is open or has failed.
    pub async fn start(streams: Vec<Stream>) -> Result<Self> {
        let mut processes = Vec::new();
        let mut streams = streams.into_iter();
        for number in 2.. {
            let share: Vec<_> = streams.by_ref().take(STREAMS_PER_PROCESS).collect();
            if share.is_empty() {
                break;
            }
            processes
                .push(ReaderProcess::start(Job { source: Ipv4Addr::new(127, 0, 0, number), streams: share }).await?);
        }
        for process in &mut processes {
            process.output.read_line(&mut String::new()).await?;
        }
        Ok(Self(processes))
    }

    /// The processor time that they have taken so far.
    pub fn cpu(&self) -> Result<Duration> {
        self.0.iter().map(|process| process::cpu(process.pid)).sum()
    }

    /// Closes all streams; returns what was received on each, in the order in which they were given.
    pub async fn stop(self) -> Result<Vec<Received>> {
        let mut received: Vec<Received> = Vec::new();
        for process in self.0 {
            received.extend(process.stop().await?);
        }
        Ok(received)
    }
}

impl ReaderProcess {
    async fn start(job: Job) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("streams")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut line = serde_json::to_vec(&job)?;
        line.push(b'\n');
        process.stdin.as_mut().ok_or("no input")?.write_all(&line).await?;
        let output = BufReader::new(process.stdout.take().ok_or("no output")?);
        let pid = process.id().ok_or("a reader ended at once")?;
        Ok(Self { process, pid, output })
    }

    async fn stop(mut self) -> Result<Vec<Received>> {
        drop(self.process.stdin.take());
        let mut output = Vec::new();
        self.output.read_to_end(&mut output).await?;
        self.process.wait().await?;
        Ok(serde_json::from_slice(&output)?)
    }
}
