//! Log lines gathered in memory and written by a thread of their own: a request waits for no disk and no console.
//!
//! (tracing-appender's `NonBlocking` sends each line through a channel, in an allocation that another thread frees. That
//! took about 5 µs of processor time more per request, of 36.)

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that may wait for a slow disk or console; lines beyond are dropped.
const CAPACITY: usize = 4 << 20;

/// How long lines are gathered before they are written together.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// How long the end of the process waits for the last lines to be written.
const LAST_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The buffer of one target. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for LogBuffer {
    /// Takes the line whole or drops it whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() + line.len() <= CAPACITY {
            lines.extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogBuffer {
    /// Exchanges the lines that wait for the empty `written`.
    fn take(&self, written: &mut Vec<u8>) {
        mem::swap(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), written);
    }
}

/// The thread that writes a buffer to its target. Dropping it writes the lines that wait.
#[derive(Debug)]
pub(super) struct LogWriter {
    stop: Option<Sender<()>>,
    stopped: Receiver<()>,
}

impl LogWriter {
    /// Writes `buffer` to `target` from now on.
    pub(super) fn start(buffer: LogBuffer, target: impl Write + Send + 'static) -> io::Result<Self> {
        let (stop, stops) = mpsc::channel();
        let (stopping, stopped) = mpsc::channel::<()>();
        thread::Builder::new().name("log-writer".to_owned()).spawn(move || {
            write_all(&buffer, target, &stops);
            drop(stopping);
        })?;
        Ok(Self { stop: Some(stop), stopped })
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Ends when the thread has dropped its sender, too.
        let _ = self.stopped.recv_timeout(LAST_FLUSH_TIMEOUT);
    }
}

/// Writes until `stops` is closed.
fn write_all(buffer: &LogBuffer, mut target: impl Write, stops: &Receiver<()>) {
    let mut lines = Vec::new();
    loop {
        let is_last = !matches!(stops.recv_timeout(FLUSH_INTERVAL), Err(RecvTimeoutError::Timeout));
        buffer.take(&mut lines);
        // A log that cannot be written has nowhere to say so.
        let _ = target.write_all(&lines).and_then(|()| target.flush());
        lines.clear();
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target that takes a write only when the test lets it, and shows what it was given.
    struct Gate {
        opened: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.opened.recv().map_err(io::Error::other)?;
            self.written.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn started() -> (LogBuffer, LogWriter, Sender<()>, Receiver<Vec<u8>>) {
        let buffer = LogBuffer::default();
        let (open, opened) = mpsc::channel();
        let (written, received) = mpsc::channel();
        let writer = LogWriter::start(buffer.clone(), Gate { opened, written }).unwrap();
        (buffer, writer, open, received)
    }

    #[test]
    fn lines_are_written_in_order_and_the_last_ones_at_the_end() {
        let (mut buffer, writer, open, received) = started();
        buffer.write_all(b"first\n").unwrap();
        open.send(()).unwrap();
        assert_eq!(received.recv().unwrap(), b"first\n");
        buffer.write_all(b"second\n").unwrap();
        buffer.write_all(b"third\n").unwrap();
        open.send(()).unwrap();
        open.send(()).unwrap();
        drop(writer);
        assert_eq!(received.iter().collect::<Vec<_>>().concat(), b"second\nthird\n");
    }

    #[test]
    fn a_target_that_blocks_holds_up_nobody_and_costs_whole_lines() {
        let (mut buffer, writer, open, received) = started();
        buffer.write_all(b"blocks\n").unwrap();
        while !buffer.0.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        for _ in 0..CAPACITY / line.len() + 10 {
            buffer.write_all(&line).unwrap();
        }
        open.send(()).unwrap();
        open.send(()).unwrap();
        assert_eq!(received.recv().unwrap(), b"blocks\n");
        assert_eq!(received.recv().unwrap().len(), CAPACITY, "as many whole lines as there is room for");
        drop(writer);
    }
}
