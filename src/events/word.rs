//! What instances say to one another, and how it is written down: words apart by commas, as many to a payload as fit.

use std::fmt::{self, Display};

use crate::models::StoreId;
use crate::repositories::event::Position;

/// The longest payload, in bytes; PostgreSQL takes less than 8000.
const MAX_PAYLOAD: usize = 7_900;

/// One thing an instance says. It is a hint: what is lost is found by polling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// `store:seq:access:menu`: the store is at this position.
    At(Position),
    /// `ack=listener:store:access:menu`: this listener has heard that the store is at these versions.
    Heard(Heard),
    /// `ack=listener:0:0:0`: this listener has only just connected, and finds out everything earlier by itself.
    Connected {
        /// The listener, by the process of PostgreSQL that serves it.
        listener: i32,
    },
}

/// What a listener has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    /// The listener, by the process of PostgreSQL that serves it.
    pub(super) listener: i32,
    /// The versions of a store.
    pub(super) position: Position,
}

impl Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(Position { store_id, event_seq, access_version, menu_version }) => {
                write!(f, "{store_id}:{event_seq}:{access_version}:{menu_version}")
            }
            Self::Heard(Heard { listener, position: Position { store_id, access_version, menu_version, .. } }) => {
                write!(f, "ack={listener}:{store_id}:{access_version}:{menu_version}")
            }
            Self::Connected { listener } => write!(f, "ack={listener}:0:0:0"),
        }
    }
}

impl Word {
    /// The word, if it is one that this version knows. Numbers a newer instance may add are passed over; what an
    /// older one does not say of the menu is 0.
    fn parse(word: &str) -> Option<Self> {
        let (is_ack, numbers) = word.strip_prefix("ack=").map_or((false, word), |numbers| (true, numbers));
        let mut numbers = numbers.split(':').map(|number| number.parse::<i64>().ok());
        let mut next = || numbers.next().flatten();
        if is_ack {
            let listener = next()?.try_into().ok()?;
            let (store_id, access_version, menu_version) = (next()?, next()?, next()?);
            if store_id == 0 {
                return Some(Self::Connected { listener });
            }
            let store_id = StoreId(store_id);
            let position = Position { access_version, menu_version, ..Position::unmoved(store_id) };
            return Some(Self::Heard(Heard { listener, position }));
        }
        let (store_id, event_seq, access_version) = (StoreId(next()?), next()?, next()?);
        let menu_version = next().unwrap_or_default();
        Some(Self::At(Position { store_id, event_seq, access_version, menu_version }))
    }
}

/// The payloads that say all of `words`; an empty one is a ping.
pub(super) fn payloads(words: impl IntoIterator<Item = Word>) -> Vec<String> {
    let mut payloads = vec![String::new()];
    for word in words {
        let word = word.to_string();
        match payloads.last_mut() {
            Some(last) if last.is_empty() => last.push_str(&word),
            Some(last) if last.len() + 1 + word.len() <= MAX_PAYLOAD => {
                last.push(',');
                last.push_str(&word);
            }
            _ => payloads.push(word),
        }
    }
    payloads
}

/// The words of a payload that this version knows.
pub(super) fn words(payload: &str) -> impl Iterator<Item = Word> {
    payload.split(',').filter_map(Word::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_wire_in_payloads_that_postgresql_takes() {
        let sent: Vec<Word> = (1..=5_000)
            .flat_map(|number| {
                let versions =
                    Position { access_version: number, menu_version: 2, ..Position::unmoved(StoreId(number)) };
                let heard = Heard { listener: i32::MAX, position: versions };
                let connected = Word::Connected { listener: i32::try_from(number).unwrap() };
                [Word::At(Position { event_seq: i64::MAX - number, ..versions }), Word::Heard(heard), connected]
            })
            .collect();
        let payloads = payloads(sent.clone());
        assert!(payloads.iter().all(|payload| payload.len() < 8_000) && payloads.len() > 1);
        let received: Vec<Word> = payloads.iter().flat_map(|payload| words(payload)).collect();
        assert_eq!(received, sent);
        assert_eq!(super::payloads([]), [""], "nothing to say is a ping");
        assert_eq!(words("").count() + words("x:1,2:y:3,ack=1:2,nak=1:2:3:4").count(), 0);
    }

    #[test]
    fn instances_of_another_version_are_understood() {
        let expected = Position { event_seq: 7, access_version: 2, ..Position::unmoved(StoreId(3)) };
        assert_eq!(words("3:7:2").collect::<Vec<_>>(), [Word::At(expected)]);
        let expected = Word::At(Position { menu_version: 5, ..expected });
        assert_eq!(words("3:7:2:5:1,3:7:2:5:a").collect::<Vec<_>>(), [expected, expected]);
    }
}
