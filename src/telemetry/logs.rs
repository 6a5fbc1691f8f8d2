//! Logs to the console and to a file a day, of which seven are kept.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::level::{self, LogLevel};
use crate::config::{LogConfig, LogFormat};

/// Lines that may wait for a slow disk or console; any more are dropped, so that no request waits.
const BUFFERED_LINES: usize = 16_384;

/// How long lines are gathered before they are written together.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// How many log files are kept, today's included.
const FILES_KEPT: usize = 7;

/// The registry behind the filter.
type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("LOG_LEVEL cannot be read: {0}")]
    Filter(#[from] ParseError),
    /// The file cannot be written.
    #[error("the log file {0} cannot be written: {1}")]
    File(String, InitError),
    /// The console cannot be written.
    #[error("the console cannot be written: {0}")]
    Console(#[from] io::Error),
    /// Something else logs already.
    #[error(transparent)]
    Init(#[from] TryInitError),
}

/// Keeps the writers alive; dropping it writes the lines that wait.
#[must_use]
pub struct LogGuard {
    _writers: Vec<WorkerGuard>,
    /// What is logged, to change it while the server runs.
    pub level: LogLevel,
}

/// Starts logging for the whole process. The day's file is `app.log.2026-11-20`, and `app.log` links to it.
///
/// # Errors
/// [`LogError`], before anything is logged.
pub fn init(config: &LogConfig) -> Result<LogGuard, LogError> {
    // Not `io::stdout()` itself, which writes each line at once.
    let console = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let has_colour = console.is_terminal();
    let file = config.file.as_deref().map(daily_file).transpose()?;
    let mut guards = Vec::new();
    let mut layer = |writer, has_colour| {
        let (writer, guard) = in_background(writer);
        guards.push(guard);
        layer(writer, config.format, has_colour)
    };
    let layers = match file {
        Some(file) if has_colour => {
            vec![
                layer(BatchWriter::new(vec![Box::new(console)]), true),
                layer(BatchWriter::new(vec![Box::new(file)]), false),
            ]
        }
        // A line for both is formatted once.
        Some(file) => vec![layer(BatchWriter::new(vec![Box::new(console), Box::new(file)]), false)],
        None => vec![layer(BatchWriter::new(vec![Box::new(console)]), has_colour)],
    };
    let (filter, level) = level::filter(&config.level)?;
    tracing_subscriber::registry().with(filter).with(layers).try_init()?;
    Ok(LogGuard { _writers: guards, level })
}

fn daily_file(path: &Path) -> Result<RollingFileAppender, LogError> {
    let name = path.file_name().unwrap_or_else(|| "app.log".as_ref()).to_string_lossy();
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // The appender would make it, but complains on standard error first.
    let _ = std::fs::create_dir_all(directory);
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(&*name)
        .max_log_files(FILES_KEPT)
        .latest_symlink(&*name)
        // Absolute, as the link is relative to its own directory otherwise.
        .build(std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()))
        .map_err(|error| LogError::File(path.display().to_string(), error))
}

fn in_background(writer: BatchWriter) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().lossy(true).buffered_lines_limit(BUFFERED_LINES).finish(writer)
}

/// Gathers lines before they are written. The background thread flushes whenever no line waits; without the pause it
/// would be woken, and would call the system, for every line.
struct BatchWriter(Vec<BufWriter<Target>>);

type Target = Box<dyn Write + Send>;

impl BatchWriter {
    fn new(targets: Vec<Target>) -> Self {
        Self(targets.into_iter().map(BufWriter::new).collect())
    }
}

impl Write for BatchWriter {
    /// Writes the whole line to every target; one that fails, such as a full disk, keeps none of the others from it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        for target in &mut self.0 {
            let _ = target.write_all(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        thread::sleep(FLUSH_INTERVAL);
        for target in &mut self.0 {
            let _ = target.flush();
        }
        Ok(())
    }
}

fn layer(writer: NonBlocking, format: LogFormat, has_colour: bool) -> Box<dyn Layer<Filtered> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(has_colour);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    }
}
