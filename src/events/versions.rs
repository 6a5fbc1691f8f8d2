//! The stores' versions as this instance knows them, and whether that can be believed at this moment.
//!
//! What is remembered of a menu or of a token is right for as long as the store's version has not moved. It moves
//! here at once with a change that this instance commits, with the wake-up that tells of another's before that one is
//! acknowledged, and with the poll once a second should the wake-up be lost. Where none of these can be relied on,
//! because the listener is down or the last poll too long ago, the database is asked.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use moka::future::Cache;
use papaya::HashMap;
use scoped_futures::ScopedFutureExt;
use tokio::time::Instant;

use crate::database::Database;
use crate::error::{AppError, ErrorCode, Result};
use crate::models::StoreId;
use crate::repositories::event::{self, Position};

/// How long after it was read in the database a version is believed: two polls.
pub(super) const BELIEVED_FOR: Duration = Duration::from_secs(2);

/// A store that nobody asked about for so long is no longer polled.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);

/// How exactly it is noted when somebody asked about a store: each note takes the store's line of memory from the
/// other cores.
const NOTED_EVERY: Duration = Duration::from_secs(1);

/// Questions under way at a time that are asked once for all who ask; beyond, some are asked twice.
const QUESTIONS: u64 = 10_000;

/// What a store's memory is right for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreVersions {
    /// Grows with every change of a category or dish.
    pub menu: i64,
    /// Grows whenever a token of the store may have stopped counting.
    pub access: i64,
}

/// The versions of the stores that were asked about lately. Every request looks, so a look takes no lock, and writes to
/// memory that all cores read no more than once a second.
#[derive(Debug)]
pub(super) struct KnownVersions {
    database: Database,
    stores: HashMap<StoreId, KnownStore, RandomState>,
    /// Since when no change can go unheard for long; never while the listener is down. What was confirmed before
    /// may have changed unheard.
    hearing_since: Moment,
    /// What moments are counted from.
    epoch: Instant,
    /// Under the store and the confirmation that turned out too old: who finds the same asks once. When the database was
    /// asked.
    questions: Cache<(StoreId, u64), u64>,
}

/// Nanoseconds since [`KnownVersions::epoch`], which is the first; [`NEVER`] for what has not happened.
type Moment = AtomicU64;

const NEVER: u64 = 0;

#[derive(Debug)]
struct KnownStore {
    menu: AtomicI64,
    access: AtomicI64,
    /// When the database was last asked; the versions are at least those of that moment, and are written before it.
    confirmed_at: Moment,
    wanted_at: Moment,
}

impl KnownVersions {
    pub(super) fn new(database: Database) -> Self {
        let questions = Cache::builder().time_to_live(BELIEVED_FOR).max_capacity(QUESTIONS).build();
        let (stores, hearing_since) = (HashMap::with_hasher(RandomState::default()), Moment::new(NEVER));
        Self { database, stores, hearing_since, epoch: Instant::now(), questions }
    }

    /// The store's versions; of the database only where what is known cannot be believed.
    pub(super) async fn of(&self, store: StoreId) -> Result<StoreVersions> {
        let now = Instant::now();
        match self.look(store, now) {
            Ok(versions) => Ok(versions),
            // Boxed, since it is rare: every request would have its room otherwise.
            Err(confirmed_at) => Box::pin(self.of_database(store, self.moment(now), confirmed_at)).await,
        }
    }

    /// The store's versions as they were in the database at `now` or later.
    async fn of_database(&self, store: StoreId, now: u64, mut confirmed_at: u64) -> Result<StoreVersions> {
        loop {
            let asked_at = self.questions.try_get_with((store, confirmed_at), self.ask(store)).await;
            let asked_at = asked_at.map_err(|error| AppError::caused_by(error.code, error))?;
            if asked_at >= now {
                break;
            }
            // Somebody else's question, from before: what was acknowledged since is not in its answer.
            confirmed_at = asked_at;
        }
        // Not the answer itself: a change may have been told meanwhile.
        self.stores.pin().get(&store).map(KnownStore::versions).ok_or_else(|| ErrorCode::StoreNotFound.into())
    }

    /// What is known of the store, if it can be believed; else when it was confirmed last. From here on the store
    /// is known, so that no change is missed between a question and its answer.
    fn look(&self, store: StoreId, now: Instant) -> Result<StoreVersions, u64> {
        let now = self.moment(now);
        let hearing_since = self.hearing_since.load(Ordering::Acquire);
        let stores = self.stores.pin();
        let known = stores.get(&store).unwrap_or_else(|| stores.get_or_insert_with(store, || KnownStore::wanted(now)));
        known.note_wanted(now);
        let confirmed_at = known.confirmed_at.load(Ordering::Acquire);
        let is_heard = hearing_since != NEVER && hearing_since <= confirmed_at;
        if is_heard && now < after(confirmed_at, BELIEVED_FOR) { Ok(known.versions()) } else { Err(confirmed_at) }
    }

    /// Asks the database; says when.
    async fn ask(&self, store: StoreId) -> Result<u64> {
        let asked_at = Instant::now();
        // It may have been forgotten since the look.
        self.stores.pin().get_or_insert_with(store, || KnownStore::wanted(self.moment(asked_at)));
        let positions =
            self.database.read(|conn| async move { event::positions(conn, &[store]).await }.scope_boxed()).await?;
        let position = positions.into_iter().next().ok_or(ErrorCode::StoreNotFound)?;
        self.confirm(&position, asked_at);
        Ok(self.moment(asked_at))
    }

    /// The store is at `position`, at least.
    pub(super) fn raise(&self, position: &Position) {
        if let Some(known) = self.stores.pin().get(&position.store_id) {
            known.raise(position);
        }
    }

    /// The database said so, asked at `asked_at`.
    pub(super) fn confirm(&self, position: &Position, asked_at: Instant) {
        if let Some(known) = self.stores.pin().get(&position.store_id) {
            known.raise(position);
            known.confirmed_at.fetch_max(self.moment(asked_at), Ordering::AcqRel);
        }
    }

    /// From `now` on every change is heard of, by a wake-up or else by a poll.
    pub(super) fn hear(&self, now: Instant) {
        self.hearing_since.store(self.moment(now), Ordering::Release);
    }

    /// Wake-ups do not come through.
    pub(super) fn go_deaf(&self) {
        self.hearing_since.store(NEVER, Ordering::Release);
    }

    /// Whether every change is heard of.
    pub(super) fn is_hearing(&self) -> bool {
        self.hearing_since.load(Ordering::Acquire) != NEVER
    }

    /// The stores to poll: those that somebody asked about lately. The others are forgotten.
    pub(super) fn stores(&self, now: Instant) -> Vec<StoreId> {
        let now = self.moment(now);
        let is_wanted = |known: &KnownStore| now < after(known.wanted_at.load(Ordering::Relaxed), FORGOTTEN_AFTER);
        let stores = self.stores.pin();
        stores.retain(|_, known| is_wanted(known));
        stores.keys().copied().collect()
    }

    fn moment(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// `moment`, and `wait` later.
fn after(moment: u64, wait: Duration) -> u64 {
    moment.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX))
}

impl KnownStore {
    fn wanted(now: u64) -> Self {
        let (menu, access) = (AtomicI64::new(0), AtomicI64::new(0));
        Self { menu, access, confirmed_at: Moment::new(NEVER), wanted_at: Moment::new(now) }
    }

    fn versions(&self) -> StoreVersions {
        StoreVersions { menu: self.menu.load(Ordering::Acquire), access: self.access.load(Ordering::Acquire) }
    }

    fn note_wanted(&self, now: u64) {
        if now > after(self.wanted_at.load(Ordering::Relaxed), NOTED_EVERY) {
            self.wanted_at.store(now, Ordering::Relaxed);
        }
    }

    fn raise(&self, position: &Position) {
        self.menu.fetch_max(position.menu_version, Ordering::AcqRel);
        self.access.fetch_max(position.access_version, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: StoreId = StoreId(1);

    fn at(menu_version: i64) -> Position {
        Position { menu_version, ..Position::unmoved(STORE) }
    }

    fn versions() -> KnownVersions {
        KnownVersions::new(Database::unconnected())
    }

    fn menu(versions: &KnownVersions, now: Instant) -> Option<i64> {
        versions.look(STORE, now).ok().map(|versions| versions.menu)
    }

    #[tokio::test]
    async fn a_version_is_believed_for_two_polls_and_never_one_that_was_overtaken() {
        let (versions, start) = (versions(), Instant::now());
        versions.hear(start);
        assert_eq!(menu(&versions, start), None, "the database has not said anything yet");
        versions.raise(&at(6));
        versions.confirm(&at(5), start);
        assert_eq!(menu(&versions, start), Some(6), "the answer was under way when the change was told");
        let almost = start + BELIEVED_FOR - Duration::from_millis(1);
        assert_eq!(menu(&versions, almost), Some(6));
        versions.raise(&at(7));
        assert_eq!(menu(&versions, almost), Some(7));
        assert_eq!(menu(&versions, start + BELIEVED_FOR), None, "a wake-up says nothing of one that was lost");
    }

    #[tokio::test]
    async fn nothing_is_believed_while_the_listener_is_down_nor_what_was_confirmed_before_it_was_back() {
        let (versions, start) = (versions(), Instant::now());
        assert_eq!(menu(&versions, start), None);
        versions.confirm(&at(5), start);
        assert_eq!(menu(&versions, start), None, "nobody listens yet");
        versions.hear(start);
        assert_eq!(menu(&versions, start), Some(5));
        versions.go_deaf();
        assert_eq!(menu(&versions, start), None);
        let back = start + Duration::from_millis(1);
        versions.hear(back);
        assert_eq!(menu(&versions, back), None, "it may have changed while nobody listened");
        versions.confirm(&at(5), back);
        assert_eq!(menu(&versions, back), Some(5));
    }

    #[tokio::test]
    async fn a_store_is_polled_while_somebody_asks_about_it() {
        let (versions, start) = (versions(), Instant::now());
        versions.raise(&at(9));
        assert_eq!(versions.stores(start), [], "only who asks is told");
        assert_eq!(menu(&versions, start), None);
        let late = start + FORGOTTEN_AFTER;
        assert_eq!(versions.stores(late - Duration::from_secs(1)), [STORE]);
        versions.confirm(&at(9), late);
        assert_eq!(versions.stores(late), []);
    }

    #[tokio::test]
    async fn an_answer_to_a_question_from_before_the_request_is_none() {
        let (versions, start) = (versions(), Instant::now());
        let before = versions.moment(start);
        tokio::time::sleep(Duration::from_millis(2)).await;
        versions.questions.insert((STORE, NEVER), before).await;
        versions.database.close().await;
        let asked = versions.of(STORE).await;
        assert_eq!(asked.unwrap_err().code, ErrorCode::ServiceUnavailable, "the database was not asked");
    }

    #[tokio::test]
    async fn a_store_that_was_forgotten_since_the_look_is_known_again_once_the_database_is_asked() {
        let (versions, start) = (versions(), Instant::now());
        assert_eq!(menu(&versions, start), None);
        assert_eq!(versions.stores(start + FORGOTTEN_AFTER), []);
        versions.database.close().await;
        versions.ask(STORE).await.expect_err("the database is closed");
        assert_eq!(versions.stores(start), [STORE], "there is a place for its answer");
    }
}
