//! What is logged, and changing it while the server runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::{EnvFilter, Registry};

/// What [`LogLevel::increase`] adds to the configured filter.
const MORE: &str = "tableorder=debug";

/// Why the filter could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// The filter cannot be read; it stays as it was.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// Nothing logs any more.
    #[error(transparent)]
    Reload(#[from] reload::Error),
}

/// The filter of the process's log. Clones change the same one.
#[derive(Clone)]
pub struct LogLevel {
    handle: Handle<EnvFilter, Registry>,
    current: Arc<Mutex<String>>,
    configured: Arc<str>,
}

/// The layer that filters what is logged as `configured`, and the handle to change it.
pub(super) fn filter(configured: &str) -> Result<(reload::Layer<EnvFilter, Registry>, LogLevel), ParseError> {
    let (layer, handle) = reload::Layer::new(parse(configured)?);
    let current = Arc::new(Mutex::new(configured.to_owned()));
    Ok((layer, LogLevel { handle, current, configured: configured.into() }))
}

impl LogLevel {
    /// The filter of this moment, as it was written.
    #[must_use]
    pub fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs what `filter` selects from here on: a level, or a list like `tableorder=debug,info`.
    ///
    /// # Errors
    /// When it cannot be read; then nothing changes.
    pub fn set(&self, filter: &str) -> Result<(), LevelError> {
        self.handle.reload(parse(filter)?)?;
        filter.clone_into(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
        // Not `level`: a line in JSON has a field of that name.
        tracing::info!(filter, "the log level was changed");
        Ok(())
    }

    /// Adds the server's own debug lines to what is configured.
    pub fn increase(&self) -> Result<(), LevelError> {
        self.set(&format!("{},{MORE}", self.configured))
    }

    /// Returns to what is configured.
    pub fn reset(&self) -> Result<(), LevelError> {
        self.set(&self.configured)
    }
}

impl fmt::Debug for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogLevel({})", self.current())
    }
}

fn parse(filter: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(filter)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn is_enabled(level: tracing::Level) -> bool {
        // One callsite each, whose interest is cached: a change must reach it.
        match level {
            tracing::Level::DEBUG => tracing::enabled!(target: "tableorder::somewhere", tracing::Level::DEBUG),
            _ => tracing::enabled!(target: "tableorder::somewhere", tracing::Level::INFO),
        }
    }

    #[test]
    fn it_changes_at_once_and_a_mistake_changes_nothing() {
        let (layer, level) = filter("info").unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let enabled = || (is_enabled(tracing::Level::INFO), is_enabled(tracing::Level::DEBUG));
            assert_eq!(enabled(), (true, false));
            level.increase().unwrap();
            assert_eq!((enabled(), level.current().as_str()), ((true, true), "info,tableorder=debug"));
            level.set("warn").unwrap();
            assert_eq!(enabled(), (false, false));
            assert!(level.set("tableorder=loud").is_err());
            assert_eq!((enabled(), level.current().as_str()), ((false, false), "warn"));
            level.reset().unwrap();
            assert_eq!((enabled(), level.current().as_str()), ((true, false), "info"));
        });
    }
}
