//! Logs to the console and to a file that is rotated daily, seven days kept.

use std::io;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry};

use super::daily::DailyFile;
use super::level::LogLevel;
use super::lines::WithRequest;
use crate::clock::Clock;
use crate::config::{LogConfig, LogFormat};

/// Lines that may wait for a slow disk or console; beyond, they are dropped and no request waits.
const BUFFERED_LINES: usize = 16_384;

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("LOG_LEVEL cannot be read: {0}")]
    Filter(#[from] ParseError),
    /// The file cannot be written.
    #[error("the log file {0} cannot be written: {1}")]
    File(String, io::Error),
    /// Something else logs already.
    #[error(transparent)]
    Init(#[from] TryInitError),
}

/// Keeps the writers alive; dropping it writes what is still waiting.
#[must_use]
pub struct LogGuard {
    _writers: Vec<WorkerGuard>,
    /// What is logged, to change it while the server runs.
    pub level: LogLevel,
}

/// Starts logging for the whole process.
///
/// The day's file is `app.log.2026-11-20`, and `app.log` always points at it.
///
/// # Errors
/// [`LogError`], before anything was logged.
pub fn init(config: &LogConfig, clock: Clock) -> Result<LogGuard, LogError> {
    let (console, console_guard) = never_blocking(io::stdout());
    let mut guards = vec![console_guard];
    let mut layers = vec![lines(console, config.format, use_colour())];
    if let Some(path) = &config.file {
        let file = DailyFile::open(path, clock).map_err(|error| LogError::File(path.display().to_string(), error))?;
        let (file, file_guard) = never_blocking(file);
        guards.push(file_guard);
        layers.push(lines(file, config.format, false));
    }
    let level = LogLevel::new(&config.level)?;
    tracing_subscriber::registry().with(layers).with(level.layer()).try_init()?;
    Ok(LogGuard { _writers: guards, level })
}

fn use_colour() -> bool {
    io::IsTerminal::is_terminal(&io::stdout())
}

fn never_blocking(writer: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().lossy(true).buffered_lines_limit(BUFFERED_LINES).finish(writer)
}

fn lines<W>(writer: W, format: LogFormat, colour: bool) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colour);
    match format {
        LogFormat::Text => {
            layer.map_event_format(|lines| WithRequest { inner: lines.with_ansi(colour), format }).boxed()
        }
        LogFormat::Json => {
            layer.map_event_format(|lines| WithRequest { inner: lines.json().flatten_event(true), format }).boxed()
        }
    }
}
