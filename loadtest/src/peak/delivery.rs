//! Compares the events that the streams received with those that the database holds.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;
use sqlx::PgConnection;

use super::reader::Received;
use super::streams::{Scope, StreamOf};
use crate::Result;
use crate::quantiles::Quantiles;

/// An event in the database.
#[derive(Debug, Clone)]
pub struct Event {
    pub store: i64,
    pub seq: i64,
    /// `staff`, `session` or `everyone`.
    pub audience: String,
    pub session: Option<i64>,
    /// The order that it reports, if it is a new one.
    pub new_order: Option<i64>,
}

/// Compares the events that the streams received with those they should have received.
#[derive(Debug, Default, Serialize)]
pub struct Delivery {
    pub streams: usize,
    /// Streams that could not be opened.
    pub refused: usize,
    /// Streams that the server closed.
    pub closed: usize,
    pub expected: usize,
    pub received: usize,
    pub missed: usize,
    pub duplicate: usize,
    /// Events that the stream should not have shown.
    pub foreign: usize,
    /// From the due time of an order to its arrival on a stream.
    #[serde(skip)]
    pub times: Quantiles,
}

pub async fn read_events(conn: &mut PgConnection) -> Result<Vec<Event>> {
    type Row = (i64, i64, String, Option<i64>, Option<i64>);
    let statement = "SELECT store_id, seq, audience::text, session_id,
                            CASE kind WHEN 'new_order' THEN (data->>'order_id')::bigint END
                     FROM events ORDER BY store_id, seq";
    let rows: Vec<Row> = sqlx::query_as(statement).fetch_all(conn).await?;
    let event = |(store, seq, audience, session, new_order)| Event { store, seq, audience, session, new_order };
    Ok(rows.into_iter().map(event).collect())
}

/// `due` has the due time of each order, in microseconds since 1970.
pub fn compare(streams: &[StreamOf], received: &[Received], events: &[Event], due: &HashMap<i64, i64>) -> Delivery {
    let mut of_store: HashMap<i64, Vec<&Event>> = HashMap::new();
    for event in events {
        of_store.entry(event.store).or_default().push(event);
    }
    let mut delivery = Delivery { streams: streams.len(), ..Delivery::default() };
    let mut times = Vec::new();
    for (stream, received) in streams.iter().zip(received) {
        let Some(opened_at) = received.opened_at else {
            delivery.refused += 1;
            continue;
        };
        delivery.closed += usize::from(received.closed.is_some());
        let events = of_store.get(&stream.store).map(Vec::as_slice).unwrap_or_default();
        let expected = events.iter().filter(|event| event.seq > opened_at && stream.scope.sees(event));
        let expected: HashMap<i64, &Event> = expected.map(|event| (event.seq, *event)).collect();
        let mut seen = HashSet::new();
        for (seq, at) in &received.events {
            match expected.get(seq) {
                None => delivery.foreign += 1,
                Some(_) if !seen.insert(*seq) => delivery.duplicate += 1,
                Some(event) => {
                    let due = event.new_order.and_then(|order| due.get(&order));
                    times.extend(due.map(|due| Duration::from_micros((at - due).max(0).cast_unsigned())));
                }
            }
        }
        delivery.expected += expected.len();
        delivery.received += seen.len();
        delivery.missed += expected.len() - seen.len();
    }
    delivery.times = Quantiles::of(times);
    delivery
}

impl Scope {
    fn sees(self, event: &Event) -> bool {
        match self {
            Self::Dashboard => true,
            Self::Tablet(session) => {
                event.audience == "everyone" || event.audience == "session" && event.session == Some(session)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: i64, session: i64) -> Event {
        Event { store: 1, seq, audience: "session".to_owned(), session: Some(session), new_order: Some(seq * 10) }
    }

    fn received(seqs: &[i64]) -> Received {
        let events = seqs.iter().map(|seq| (*seq, 1_000 * seq)).collect();
        Received { opened_at: Some(4), events, closed: None }
    }

    #[test]
    fn missed_duplicate_and_foreign_events_are_counted() {
        let streams = [Scope::Dashboard, Scope::Tablet(8)].map(|scope| StreamOf { store: 1, scope });
        let events = [event(4, 7), event(5, 7), event(6, 8), event(7, 8)];
        let due = HashMap::from([(50, 4_000), (60, 5_000), (70, 6_000)]);
        let good = compare(&streams, &[received(&[5, 6, 7]), received(&[6, 7])], &events, &due);
        assert_eq!((good.expected, good.received, good.missed, good.duplicate, good.foreign), (5, 5, 0, 0, 0));
        assert_eq!(good.times.p50, Duration::from_millis(1));
        let bad = compare(&streams, &[received(&[5, 7, 7]), received(&[5, 6])], &events, &due);
        assert_eq!((bad.expected, bad.received, bad.missed, bad.duplicate, bad.foreign), (5, 3, 2, 1, 1));
        let refused = compare(&streams, &[received(&[5, 6, 7]), Received::default()], &events, &due);
        assert_eq!((refused.refused, refused.expected), (1, 3));
    }
}
