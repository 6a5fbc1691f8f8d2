//! Compares received events with the events table, and the table with the acknowledged changes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::cluster::{Cluster, MIN_CHANGES};
use crate::outages::Outages;
use crate::subscriber::{Record, hash_of};
use crate::writer::Acknowledged;

/// An event in the table.
struct Stored {
    kind: String,
    audience: String,
    session: Option<i64>,
    data_hash: u64,
    change: String,
    created_at: DateTime<Utc>,
}

#[derive(Default)]
pub struct Report {
    outages: Outages,
    streams: usize,
    acknowledged: usize,
    lost: usize,
    expected: usize,
    missed: usize,
    repeated: usize,
    out_of_order: usize,
    foreign: usize,
    resets: usize,
    /// Changes whose acknowledgement no writer received.
    unacknowledged: usize,
    failures: Vec<String>,
    /// The time from each change to its delivery, sorted.
    delays: Vec<Duration>,
}

impl Report {
    pub async fn compare(
        cluster: &Cluster,
        acknowledged: Vec<Acknowledged>,
        records: Vec<Record>,
        outages: Outages,
    ) -> Self {
        let tables = read_events(cluster).await;
        let failures = cluster.failures();
        let mut report =
            Self { failures, outages, streams: records.len(), acknowledged: acknowledged.len(), ..Self::default() };
        let mut changes: HashMap<(&str, &str), usize> = HashMap::new();
        for (store, events) in &tables {
            for (expected_seq, (seq, event)) in (1..).zip(events) {
                assert_eq!(*seq, expected_seq, "the events of {store} should have no gap");
                *changes.entry((store, &event.change)).or_default() += 1;
            }
        }
        report.repeated += changes.values().filter(|count| **count > 1).count();
        report.unacknowledged = changes.len().saturating_sub(acknowledged.len());
        let is_lost = |ack: &&Acknowledged| !changes.contains_key(&(ack.store.as_str(), ack.change.as_str()));
        report.lost = acknowledged.iter().filter(is_lost).count();
        for record in &records {
            report.compare_one(record, &tables[&record.store]);
        }
        report.delays.sort_unstable();
        report
    }

    fn compare_one(&mut self, record: &Record, events: &BTreeMap<i64, Stored>) {
        self.resets += record.resets;
        let sees = |event: &Stored| match record.session {
            None => true,
            Some(session) => {
                event.audience == "everyone" || (event.audience == "session" && event.session == Some(session))
            }
        };
        let mut received_seqs = HashSet::new();
        let mut before = record.from;
        for received in &record.received {
            match events.get(&received.seq) {
                Some(event) if event.kind == received.kind && event.data_hash == received.data_hash && sees(event) => {
                    let created_at = SystemTime::from(event.created_at);
                    self.delays.push(received.at.duration_since(created_at).unwrap_or_default());
                }
                _ => self.foreign += 1,
            }
            self.repeated += usize::from(!received_seqs.insert(received.seq));
            self.out_of_order += usize::from(received.seq < before);
            before = received.seq;
        }
        // A tablet's stream ends with its session; a dashboard's ends with the run.
        let end =
            record.received.iter().find(|received| record.session.is_some() && received.kind == "session_completed");
        let end = end.map_or(i64::MAX, |received| received.seq);
        for (seq, _) in events.range(record.from + 1..).filter(|(seq, event)| **seq <= end && sees(event)) {
            self.expected += 1;
            self.missed += usize::from(!received_seqs.contains(seq));
        }
    }

    #[track_caller]
    pub fn assert_no_loss(&self) {
        let flaws = [self.lost, self.missed, self.repeated, self.out_of_order, self.foreign, self.resets];
        assert_eq!(flaws, [0; 6], "\n{self}");
        assert!(
            self.acknowledged > MIN_CHANGES && self.expected > MIN_CHANGES,
            "too few changes for a meaningful comparison\n{self}"
        );
    }

    /// Asserts that every request succeeded and every change was acknowledged.
    #[track_caller]
    pub fn assert_nothing_failed(&self) {
        let (failed, first) = (self.failures.len(), self.failures.first());
        assert_eq!(failed, 0, "requests failed, the first of them {first:?}\n{self}");
        assert_eq!(self.unacknowledged, 0, "\n{self}");
    }

    fn delay(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index"
        )]
        let index = (self.delays.len().saturating_sub(1) as f64 * share) as usize;
        self.delays.get(index).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  outages                   {}", self.outages)?;
        writeln!(f, "  streams compared          {}", self.streams)?;
        writeln!(f, "  acknowledged changes      {}", self.acknowledged)?;
        writeln!(f, "  lost                      {}", self.lost)?;
        writeln!(f, "  events expected           {}", self.expected)?;
        writeln!(f, "  missed                    {}", self.missed)?;
        writeln!(f, "  repeated                  {}", self.repeated)?;
        writeln!(f, "  out of order              {}", self.out_of_order)?;
        writeln!(f, "  foreign                   {}", self.foreign)?;
        writeln!(f, "  resets                    {}", self.resets)?;
        writeln!(f, "  delivery, median          {:.1?}", self.delay(0.5))?;
        write!(f, "  delivery, longest         {:.1?}", self.delay(1.0))
    }
}

async fn read_events(cluster: &Cluster) -> HashMap<String, BTreeMap<i64, Stored>> {
    type Row = (String, i64, String, String, Option<i64>, String, DateTime<Utc>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT s.code, e.seq, e.kind, e.audience::text, e.session_id, e.data::text, e.created_at
         FROM events e JOIN stores s ON s.id = e.store_id",
    )
    .fetch_all(&mut cluster.connect().await)
    .await
    .unwrap();
    let mut tables: HashMap<String, BTreeMap<i64, Stored>> =
        cluster.stores.iter().map(|store| (store.code.clone(), BTreeMap::new())).collect();
    for (store, seq, kind, audience, session, data, created_at) in rows {
        let stored =
            Stored { change: change_of(&kind, &data), data_hash: hash_of(&data), kind, audience, session, created_at };
        tables.get_mut(&store).unwrap().insert(seq, stored);
    }
    tables
}

/// The change's name, in the form that the writer records.
fn change_of(kind: &str, data: &str) -> String {
    let data: Value = serde_json::from_str(data).unwrap();
    match kind {
        "order_updated" => format!("{kind} {} {}", data["order_id"], data["status"].as_str().unwrap()),
        "session_completed" => format!("{kind} {}", data["session_id"]),
        _ => format!("{kind} {}", data["order_id"]),
    }
}
