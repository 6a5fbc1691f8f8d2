//! The log filter, which can be changed while the server runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::{EnvFilter, Registry};

/// The directive that [`LogLevel::increase`] adds to the configured filter.
const DEBUG_DIRECTIVE: &str = "tableorder=debug";

/// The reason why the filter could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// The new filter is not valid; the old one stays in use.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// Logging has ended.
    #[error(transparent)]
    Reload(#[from] reload::Error),
}

/// The log filter of the process. Clones share it.
#[derive(Clone)]
pub struct LogLevel {
    handle: Handle<EnvFilter, Registry>,
    current: Arc<Mutex<String>>,
    configured: Arc<str>,
}

/// Creates the layer that filters log lines by `configured`, and the handle that changes it.
pub(super) fn filter(configured: &str) -> Result<(reload::Layer<EnvFilter, Registry>, LogLevel), ParseError> {
    let (layer, handle) = reload::Layer::new(parse(configured)?);
    let current = Arc::new(Mutex::new(configured.to_owned()));
    Ok((layer, LogLevel { handle, current, configured: configured.into() }))
}

impl LogLevel {
    /// The current filter, as text.
    #[must_use]
    pub fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the filter: a level, or a list like `tableorder=debug,info`.
    ///
    /// # Errors
    /// If `filter` is not valid. The old one then stays in use.
    pub fn set(&self, filter: &str) -> Result<(), LevelError> {
        self.handle.reload(parse(filter)?)?;
        filter.clone_into(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
        // The field is not named `level`, because a JSON log line already has a field of that name.
        tracing::info!(filter, "the log level was changed");
        Ok(())
    }

    /// Adds the server's own debug lines to the configured filter.
    pub fn increase(&self) -> Result<(), LevelError> {
        self.set(&format!("{},{DEBUG_DIRECTIVE}", self.configured))
    }

    /// Returns to the configured filter.
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
        // tracing caches the interest of each callsite, and a change must update it.
        match level {
            tracing::Level::DEBUG => tracing::enabled!(target: "tableorder::somewhere", tracing::Level::DEBUG),
            _ => tracing::enabled!(target: "tableorder::somewhere", tracing::Level::INFO),
        }
    }

    #[test]
    fn a_valid_filter_applies_at_once_and_an_invalid_one_is_ignored() {
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
