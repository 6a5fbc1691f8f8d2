//! Reads some of the streams, in a process of its own, because the number of open files of a process is limited. It gets its streams
//! on standard input, and writes what arrived on them to standard output.
//!
//! Readers use the same cores as the server, so they do little: one task a stream, one read buffer for all, and of an
//! event only its `seq` and the time of its arrival.

use std::cell::RefCell;
use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tableorder::clock::Clock;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::LocalSet;

use crate::http::{find, get};
use crate::{Failure, Result};

/// How many streams connect at a time.
const CONNECTING: usize = 50;

/// Attempts to open a stream, and the time between them.
const ATTEMPTS: u32 = 5;
const RETRY_DELAY: Duration = Duration::from_secs(2);

const READ_BUFFER: usize = 64 * 1024;

/// The streams that one process reads.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// The local address of the streams. One address has too few ports for all streams to one server.
    pub source: Ipv4Addr,
    pub streams: Vec<Stream>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Stream {
    pub server: SocketAddr,
    pub path: String,
    pub token: String,
}

/// The events read from a stream.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Received {
    /// The store's newest event when the stream was opened.
    pub opened_at: Option<i64>,
    /// `seq` and time of each event, in microseconds since 1970.
    pub events: Vec<(i64, i64)>,
    /// Why it ended early, if it did.
    pub closed: Option<String>,
}

type Results = Rc<RefCell<Vec<Received>>>;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BUFFER]);
}

/// Reads a [`Job`] from the first line of standard input, opens its streams and writes a line. When standard input
/// ends, it writes a list of [`Received`].
pub fn run() -> Result<()> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    drop(line);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, read_all(job))
}

async fn read_all(job: Job) -> Result<()> {
    let results: Results = Rc::new(RefCell::new(vec![Received::default(); job.streams.len()]));
    let (connecting, is_open) = (Arc::new(Semaphore::new(CONNECTING)), Rc::new(Notify::new()));
    let stopped = stop_signal();
    let (count, source) = (job.streams.len(), job.source);
    for (index, stream) in job.streams.into_iter().enumerate() {
        let permit = Arc::clone(&connecting).acquire_owned().await?;
        let (results, is_open) = (Rc::clone(&results), Rc::clone(&is_open));
        tokio::task::spawn_local(async move {
            let mut reader = Reader { index, results: Rc::clone(&results), rest: Vec::new() };
            let opened = reader.open(source, &stream).await;
            drop(stream);
            drop(permit);
            is_open.notify_one();
            let ended = match opened {
                Ok(socket) => reader.read_to_end(&socket).await,
                Err(failure) => failure,
            };
            results.borrow_mut()[index].closed = Some(ended.to_string());
        });
    }
    while connecting.available_permits() < CONNECTING {
        is_open.notified().await;
    }
    let opened = results.borrow().iter().filter(|received| received.opened_at.is_some()).count();
    println!("{opened} of {count} streams are open");
    stopped.notified().await;
    let results = results.take();
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &results)?;
    Ok(output.flush()?)
}

/// Notified when standard input ends: the process that started this one wants the results, or has ended.
fn stop_signal() -> Arc<Notify> {
    let stopped = Arc::new(Notify::new());
    let notify = Arc::clone(&stopped);
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        notify.notify_one();
    });
    stopped
}

struct Reader {
    index: usize,
    results: Results,
    /// The beginning of an event whose end has not arrived.
    rest: Vec<u8>,
}

impl Reader {
    /// Opens the stream. Clients try again where the server has no connection to the database in time.
    async fn open(&mut self, source: Ipv4Addr, stream: &Stream) -> Result<TcpStream> {
        let mut attempts = 1;
        loop {
            match self.try_open(source, stream).await {
                Err(failure) if attempts < ATTEMPTS && failure.to_string().starts_with("HTTP/1.1 503") => {
                    attempts += 1;
                    self.rest.clear();
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                opened => return opened,
            }
        }
    }

    async fn try_open(&mut self, source: Ipv4Addr, stream: &Stream) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((source, 0)))?;
        let mut socket = socket.connect(stream.server).await?;
        socket.write_all(&get(&stream.path, &stream.token, "Accept: text/event-stream\r\n")).await?;
        while self.has_not_opened() {
            self.read_more(&socket).await?;
        }
        Ok(socket)
    }

    fn has_not_opened(&self) -> bool {
        self.results.borrow()[self.index].opened_at.is_none()
    }

    /// Reads until the stream ends; returns why it did.
    async fn read_to_end(&mut self, socket: &TcpStream) -> Failure {
        loop {
            if let Err(failure) = self.read_more(socket).await {
                return failure;
            }
        }
    }

    /// Reads once; notes the events that are complete now.
    async fn read_more(&mut self, socket: &TcpStream) -> Result<()> {
        socket.readable().await?;
        BUFFER.with_borrow_mut(|buffer| {
            let length = match socket.try_read(buffer) {
                Ok(0) => return Err("the server closed the stream".into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            self.take(&buffer[..length])
        })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        let now = Clock::system().now().timestamp_micros();
        let received = &mut self.results.borrow_mut()[self.index];
        let note = |seq| match received.opened_at {
            None => received.opened_at = Some(seq),
            Some(_) => received.events.push((seq, now)),
        };
        if self.rest.is_empty() {
            let read = read_events(bytes, note)?;
            self.rest.extend_from_slice(&bytes[read..]);
        } else {
            self.rest.extend_from_slice(bytes);
            let read = read_events(&self.rest, note)?;
            self.rest.drain(..read);
        }
        // The bytes between two events (the end of a chunk) are not needed.
        if self.rest == b"\r\n" {
            self.rest = Vec::new();
        }
        Ok(())
    }
}

/// Calls `note` with the `seq` of each complete event; returns how many bytes are read. The server sends each event in
/// a chunk of its own, so events are found without decoding the chunks.
fn read_events(bytes: &[u8], mut note: impl FnMut(i64)) -> Result<usize> {
    const STATUS: &[u8] = b"HTTP/1.1 200";
    if bytes.starts_with(b"HTTP/1.1 ") && bytes.len() >= STATUS.len() && !bytes.starts_with(STATUS) {
        return Err(String::from_utf8_lossy(bytes).into());
    }
    let mut read = 0;
    while let Some(length) = find(&bytes[read..], b"\n\n") {
        seq(&bytes[read..read + length]).into_iter().for_each(&mut note);
        read += length + 2;
    }
    Ok(read)
}

/// The number after the colon in the line `id: epoch:seq`.
fn seq(event: &[u8]) -> Option<i64> {
    const ID: &[u8] = b"\nid: ";
    let id = &event[find(event, ID)? + ID.len()..];
    let id = id.split(|byte| *byte == b'\n').next()?;
    let digits = id.rsplit(|byte| *byte == b':').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4a\r\nretry: 1500\nid: 4f1c2a9be07d:41\n\
        event: connected\ndata: {\"menu_version\":1}\n\n\r\n9\r\n: alive\n\n\r\n50\r\nid: 4f1c2a9be07d:42\nevent: new_order\n\
        data: {\"order_id\":7}\n\n\r\n50\r\nid: 4f1c2a9be07d:43\nevent: new_order\ndata: {\"order_id\":8}\n\n\r\n";

    #[test]
    fn events_are_read_wherever_the_stream_is_split() {
        for split in 0..STREAM.len() {
            let results: Results = Rc::new(RefCell::new(vec![Received::default()]));
            let mut reader = Reader { index: 0, results: Rc::clone(&results), rest: Vec::new() };
            reader.take(&STREAM[..split]).unwrap();
            reader.take(&STREAM[split..]).unwrap();
            let received = results.take().remove(0);
            assert_eq!(received.opened_at, Some(41));
            assert_eq!(received.events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [42, 43], "split at {split}");
            assert!(reader.rest.is_empty());
        }
    }

    #[test]
    fn a_refusal_is_no_stream() {
        let refused = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}";
        assert!(read_events(refused, |_| ()).unwrap_err().to_string().contains("429"));
    }
}
