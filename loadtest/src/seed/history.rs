//! Writes past orders. A thread makes the rows of the next batch while PostgreSQL stores those of the last.

use std::mem;
use std::thread;

use chrono::{Days, NaiveDate};
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::copy::Rows;
use super::plan::{PastOrder, PastSession, Size, StorePlan};
use super::stores::{Store, take_ids};
use crate::Result;

/// Orders that are written at a time.
const BATCH: usize = 20_000;

/// Events of an order that was placed, prepared and completed.
const EVENTS_PER_ORDER: i64 = 3;

/// Writes the past orders of `stores`, which were written according to `plans`; calls `progress` with the number of
/// orders of each batch.
pub async fn write(
    conn: &mut PgConnection,
    (size, today): (Size, NaiveDate),
    stores: &[Store],
    plans: Vec<StorePlan>,
    progress: impl Fn(u64),
) -> Result<()> {
    let orders = size.orders() * stores.len();
    if orders == 0 {
        return Ok(());
    }
    // At most one session an order; the ids that are left over stay unused.
    let sessions = take_ids(conn, "table_sessions", orders).await?;
    let orders = take_ids(conn, "orders", orders).await?;
    let stores = stores.iter().zip(plans).map(|(store, plan)| History::new(store, plan)).collect();
    let (sender, mut batches) = mpsc::channel(2);
    let generator = Generator { size, today, next_session: sessions, next_order: orders, batch: Batch::new(), sender };
    thread::spawn(move || generator.run(stores));
    while let Some(batch) = batches.recv().await {
        let orders = batch.orders;
        batch.copy(conn).await?;
        progress(orders as u64);
    }
    Ok(())
}

/// A store whose past orders are to be made.
struct History {
    store: i64,
    first_table: i64,
    first_menu_item: i64,
    plan: StorePlan,
}

struct Generator {
    size: Size,
    today: NaiveDate,
    next_session: i64,
    next_order: i64,
    batch: Batch,
    sender: mpsc::Sender<Batch>,
}

/// Rows that are written together.
struct Batch {
    sessions: Rows,
    orders_rows: Rows,
    items: Rows,
    counters: Rows,
    /// Stores whose last order is in this batch, and the events they have had.
    event_seqs: Vec<(i64, i64)>,
    orders: usize,
}

/// The totals of a session's orders.
#[derive(Default)]
struct Totals {
    amount: i64,
    lines: i32,
}

impl History {
    fn new(store: &Store, plan: StorePlan) -> Self {
        Self {
            store: store.id.0,
            first_table: store.tables.first().map_or(0, |table| table.id.0),
            first_menu_item: store.menu_items.first().copied().unwrap_or(0),
            plan,
        }
    }
}

impl Generator {
    /// Sends the rows of all stores, until the receiver is gone.
    fn run(mut self, stores: Vec<History>) {
        for mut history in stores {
            let mut events = 0;
            for days_ago in (1..=self.size.days).rev() {
                let day = self.today.checked_sub_days(Days::new(days_ago.into())).unwrap_or(self.today);
                let sessions = history.plan.day(day, self.size);
                events += self.add_day(&history, day, &sessions);
                if self.batch.orders >= BATCH && !self.send() {
                    return;
                }
            }
            self.batch.event_seqs.push((history.store, events));
        }
        self.send();
    }

    /// `false` if the receiver is gone.
    fn send(&mut self) -> bool {
        self.sender.blocking_send(mem::replace(&mut self.batch, Batch::new())).is_ok()
    }

    /// Adds the rows of a day; returns the number of its events.
    fn add_day(&mut self, history: &History, day: NaiveDate, sessions: &[PastSession]) -> i64 {
        let mut by_time: Vec<(&PastOrder, i64, usize)> = Vec::with_capacity(self.size.orders_per_day);
        for session in sessions {
            let id = self.next_session;
            self.next_session += 1;
            self.batch.push_session(history, id, session);
            by_time.extend(session.orders.iter().map(|order| (order, id, session.table)));
        }
        by_time.sort_by_key(|(order, ..)| order.at);
        for (number, (order, session, table)) in (1_i32..).zip(&by_time) {
            self.batch.push_order(history, (self.next_order, *session), *table, (day, number), order);
            self.next_order += 1;
        }
        self.batch.counters.push(&[&history.store, &day, &(by_time.len() as i32)]);
        by_time.len() as i64 * EVENTS_PER_ORDER + sessions.len() as i64
    }
}

impl Batch {
    fn new() -> Self {
        Self {
            sessions: Rows::new(
                "table_sessions",
                "store_id, id, table_id, created_at, started_at, completed_at, order_count, total_amount, \
                 unfinished_count, placed_order_count, placed_line_count",
            ),
            orders_rows: Rows::new(
                "orders",
                "store_id, id, session_id, table_id, table_number, business_day, day_number, status, total_amount, \
                 created_at, updated_at",
            ),
            items: Rows::new("order_items", "store_id, order_id, line, menu_id, menu_name, unit_price, quantity"),
            counters: Rows::new("order_counters", "store_id, business_day, last_number"),
            event_seqs: Vec::new(),
            orders: 0,
        }
    }

    fn push_session(&mut self, history: &History, id: i64, session: &PastSession) {
        let Some(first) = session.orders.first() else { return };
        let mut totals = Totals::default();
        for order in &session.orders {
            totals.amount += amount(&history.plan, order);
            totals.lines += order.lines.len() as i32;
        }
        let orders = session.orders.len();
        let (order_count, placed) = (orders as i64, orders as i32);
        self.sessions.push(&[
            &history.store,
            &id,
            &(history.first_table + session.table as i64),
            &first.at,
            &first.at,
            &session.completed_at,
            &order_count,
            &totals.amount,
            &0_i64,
            &placed,
            &totals.lines,
        ]);
    }

    fn push_order(
        &mut self,
        history: &History,
        (id, session): (i64, i64),
        table: usize,
        (day, number): (NaiveDate, i32),
        order: &PastOrder,
    ) {
        for (line, (index, quantity)) in (1_i16..).zip(&order.lines) {
            let item = &history.plan.menu_items[*index];
            let menu_item = history.first_menu_item + *index as i64;
            self.items.push(&[&history.store, &id, &line, &menu_item, &item.name.as_str(), &item.price, quantity]);
        }
        self.orders_rows.push(&[
            &history.store,
            &id,
            &session,
            &(history.first_table + table as i64),
            &(table as i32 + 1),
            &day,
            &number,
            &"completed",
            &amount(&history.plan, order),
            &order.at,
            &order.at,
        ]);
        self.orders += 1;
    }

    async fn copy(self, conn: &mut PgConnection) -> Result<()> {
        self.sessions.copy(conn).await?;
        self.orders_rows.copy(conn).await?;
        self.items.copy(conn).await?;
        self.counters.copy(conn).await?;
        let (stores, event_seqs): (Vec<_>, Vec<_>) = self.event_seqs.into_iter().unzip();
        // Events of past days have been deleted by now.
        let statement = "UPDATE store_streams s SET event_seq = e.seq, pruned_seq = e.seq
                         FROM unnest($1::bigint[], $2::bigint[]) AS e (store_id, seq) WHERE s.store_id = e.store_id";
        sqlx::query(statement).bind(stores).bind(event_seqs).execute(conn).await?;
        Ok(())
    }
}

fn amount(plan: &StorePlan, order: &PastOrder) -> i64 {
    order.lines.iter().map(|(index, quantity)| plan.menu_items[*index].price * i64::from(*quantity)).sum()
}
