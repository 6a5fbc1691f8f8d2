//! Logs to the console and to a daily file. Seven files are kept.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;

use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::MakeWriterExt;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::level::{self, LogLevel};
use super::log_buffer::{LogBuffer, LogWriter};
use crate::config::{LogConfig, LogFormat};

/// The number of log files that are kept, including today's.
const FILES_KEPT: usize = 7;

/// The registry behind the filter.
type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;

/// The reason why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not valid.
    #[error("LOG_LEVEL is not a valid filter: {0}")]
    Filter(#[from] ParseError),
    /// The file cannot be written.
    #[error("the log file {0} cannot be written: {1}")]
    File(String, InitError),
    /// The console cannot be written.
    #[error("the console cannot be written: {0}")]
    Console(#[from] io::Error),
    /// The process already has a logger.
    #[error(transparent)]
    Init(#[from] TryInitError),
}

/// Keeps the writers alive. Dropping it writes the remaining lines.
#[must_use]
pub struct LogGuard {
    _writers: Vec<LogWriter>,
    /// The log filter, which can be changed while the server runs.
    pub level: LogLevel,
}

/// Starts logging for the whole process. The daily files are named like `app.log.2026-11-20`; `app.log` is a link to the
/// current one.
pub fn init(config: &LogConfig) -> Result<LogGuard, LogError> {
    let has_colour = io::stdout().is_terminal();
    // Not `io::stdout()`, which writes each line separately.
    let (console, console_guard) = in_background(File::from(io::stdout().as_fd().try_clone_to_owned()?))?;
    let mut guards = vec![console_guard];
    let layers = match &config.file {
        None => vec![layer(console, config.format, has_colour)],
        Some(path) => {
            let (file, file_guard) = in_background(daily_file(path)?)?;
            guards.push(file_guard);
            if has_colour {
                vec![layer(console, config.format, true), layer(file, config.format, false)]
            } else {
                // One layer for both, so that each line is formatted once.
                vec![layer(console.and(file), config.format, false)]
            }
        }
    };
    let (filter, level) = level::filter(&config.level)?;
    tracing_subscriber::registry().with(filter).with(layers).try_init()?;
    Ok(LogGuard { _writers: guards, level })
}

fn daily_file(path: &Path) -> Result<RollingFileAppender, LogError> {
    let name = path.file_name().unwrap_or_else(|| "app.log".as_ref()).to_string_lossy();
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // The appender would create the directory, but prints a warning on standard error first.
    let _ = std::fs::create_dir_all(directory);
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(&*name)
        .max_log_files(FILES_KEPT)
        .latest_symlink(&*name)
        // An absolute path, because a relative link would be relative to its own directory.
        .build(std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()))
        .map_err(|error| LogError::File(path.display().to_string(), error))
}

/// Writes to `target` on a separate thread, so that a blocked console does not delay the file.
fn in_background(
    target: impl Write + Send + 'static,
) -> io::Result<(impl Fn() -> LogBuffer + Send + Sync + 'static, LogWriter)> {
    let buffer = LogBuffer::default();
    let writer = LogWriter::start(buffer.clone(), target)?;
    Ok((move || buffer.clone(), writer))
}

fn layer<W>(writer: W, format: LogFormat, has_colour: bool) -> Box<dyn Layer<Filtered> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(has_colour);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    }
}
