//! Cursors: a client's position in the events of a store, as it is written to a stream.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::models::{Audience, Event, EventKind, SessionId, StoreId};

/// The audience of a stream. It decides which events are sent on the stream and which cursors are valid for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A dashboard receives all events.
    Staff,
    /// A tablet receives the events of its session and those for everyone.
    Session(SessionId),
}

impl Scope {
    /// Whether an event for `audience`, about `session`, is sent on the stream.
    #[must_use]
    pub fn sees(self, audience: Audience, session: Option<SessionId>) -> bool {
        match (self, audience) {
            (Self::Staff, _) | (Self::Session(_), Audience::Everyone) => true,
            (Self::Session(own), Audience::Session) => session == Some(own),
            (Self::Session(_), Audience::Staff) => false,
        }
    }

    /// Whether the stream ends after this event, which completes its session.
    #[must_use]
    pub fn ends_with(self, event: &Event) -> bool {
        let is_own = |session| event.session_id == Some(session);
        matches!(self, Self::Session(session) if is_own(session)) && event.kind == EventKind::SessionCompleted.as_str()
    }
}

/// The position `epoch:seq` of a stream. The epoch is a digest of the deployment's epoch, the store and the scope, so that
/// a cursor of another database, store or session is recognised as invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    epoch: String,
    /// The last event that was received.
    pub seq: i64,
}

impl Cursor {
    /// The cursor after event `seq` on a stream of `scope`.
    #[must_use]
    pub fn new(deployment: Uuid, store: StoreId, scope: Scope, seq: i64) -> Self {
        let session = match scope {
            Scope::Staff => 0,
            Scope::Session(session) => session.0,
        };
        let digest = Sha256::new()
            .chain_update(deployment.as_bytes())
            .chain_update(store.0.to_be_bytes())
            .chain_update(session.to_be_bytes())
            .finalize();
        let epoch = hex::encode(digest).chars().take(12).collect();
        Self { epoch, seq }
    }

    /// A cursor of the same stream, at `seq`.
    #[must_use]
    pub fn at(&self, seq: i64) -> Self {
        Self { epoch: self.epoch.clone(), seq }
    }

    /// The seq of `text`, if `text` is a cursor of the same stream.
    #[must_use]
    pub fn seq_of(&self, text: &str) -> Option<i64> {
        let (epoch, seq) = text.split_once(':')?;
        let canonical = seq.bytes().all(|byte| byte.is_ascii_digit());
        seq.parse().ok().filter(|_| canonical && epoch == self.epoch)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursor(store: i64, scope: Scope) -> Cursor {
        Cursor::new(Uuid::from_u128(7), StoreId(store), scope, 42)
    }

    #[test]
    fn a_cursor_is_invalid_on_another_stream() {
        let own = cursor(1, Scope::Staff);
        assert_eq!(own.seq_of(&own.to_string()), Some(42));
        for other in [
            cursor(2, Scope::Staff),
            cursor(1, Scope::Session(SessionId(1))),
            Cursor::new(Uuid::from_u128(8), StoreId(1), Scope::Staff, 42),
        ] {
            assert_eq!(own.seq_of(&other.to_string()), None);
        }
    }

    proptest! {
        #[test]
        fn other_text_is_not_a_cursor(text in ".*") {
            prop_assume!(!text.starts_with(&cursor(1, Scope::Staff).epoch));
            prop_assert_eq!(cursor(1, Scope::Staff).seq_of(&text), None);
        }

        #[test]
        fn every_cursor_can_be_parsed(seq in 0..i64::MAX) {
            let cursor = cursor(1, Scope::Session(SessionId(3))).at(seq);
            prop_assert_eq!(cursor.seq_of(&cursor.to_string()), Some(seq));
        }
    }
}
