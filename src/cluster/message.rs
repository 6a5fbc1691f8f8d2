//! The format of a `NOTIFY` payload: positions `store:seq:access:menu`, separated by commas.

use crate::models::{StoreId, StorePosition};

/// The longest payload, in bytes. PostgreSQL accepts less than 8000.
const MAX_PAYLOAD: usize = 7_900;

/// Encodes `positions` into payloads. Without positions, there is a single empty payload, a ping.
pub(super) fn encode(positions: impl IntoIterator<Item = StorePosition>) -> Vec<String> {
    let mut payloads = vec![String::new()];
    for StorePosition { store_id, event_seq, access_version, menu_version } in positions {
        let position = format!("{store_id}:{event_seq}:{access_version}:{menu_version}");
        match payloads.last_mut() {
            Some(last) if last.is_empty() => last.push_str(&position),
            Some(last) if last.len() + 1 + position.len() <= MAX_PAYLOAD => {
                last.push(',');
                last.push_str(&position);
            }
            _ => payloads.push(position),
        }
    }
    payloads
}

/// The positions in a payload. Unknown content is skipped, and also further numbers, which a newer version may add.
pub(super) fn decode(payload: &str) -> impl Iterator<Item = StorePosition> {
    payload.split(',').filter_map(|position| {
        let mut numbers = position.split(':').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(StorePosition {
            store_id: StoreId(next()?),
            event_seq: next()?,
            access_version: next()?,
            menu_version: next()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_fit_into_payloads_that_postgresql_accepts() {
        let sent: Vec<_> = (1..=5_000)
            .map(|number| StorePosition {
                event_seq: i64::MAX - number,
                access_version: number,
                menu_version: 2,
                ..StorePosition::zero(StoreId(number))
            })
            .collect();
        let payloads = encode(sent.clone());
        assert!(payloads.iter().all(|payload| payload.len() < 8_000) && payloads.len() > 1);
        let received: Vec<_> = payloads.iter().flat_map(|payload| decode(payload)).collect();
        assert_eq!(received, sent);
        assert_eq!(encode([]), [""], "a ping");
    }

    #[test]
    fn payloads_of_other_versions_are_decoded_or_skipped() {
        let expected =
            StorePosition { event_seq: 7, access_version: 2, menu_version: 5, ..StorePosition::zero(StoreId(3)) };
        assert_eq!(decode("3:7:2:5:1,3:7:2:5:a").collect::<Vec<_>>(), [expected, expected]);
        assert_eq!(decode("").count() + decode("x:1,2:y:3,ack=17:3:2:5,1:2:3").count(), 0);
    }
}
