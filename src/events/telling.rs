//! Telling every other instance of a change before it is acknowledged, so that the very next read on any of them
//! sees it: each says that it has heard.
//!
//! Who is to be waited for PostgreSQL knows: the listeners that are connected. One that is not there any more has left
//! an instance that no longer believes its memory.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scoped_futures::ScopedFutureExt;
use tokio::sync::{Notify, broadcast};
use tokio::time::timeout;

use super::LISTENER_NAME;
use super::versions::BELIEVED_FOR;
use super::word::{Heard, Word};
use crate::database::Database;
use crate::error::Result;
use crate::repositories::event::{self, Position};

/// How long a listener is waited for, once: an instance that has not heard by then, nor by its poll, has had nothing
/// confirmed for so long that it asks the database.
const PATIENCE: Duration = BELIEVED_FOR;

/// How often it is looked which listeners are still there.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Answers somebody who waits may be behind.
const CAPACITY: usize = 1_024;

/// Waits until the other instances have heard, and tells them what this one has.
#[derive(Debug)]
pub(super) struct Telling {
    answers: broadcast::Sender<Word>,
    state: Mutex<State>,
    /// Rung when there is something to be answered.
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// This instance's own listener, while it is there.
    listener: Option<i32>,
    /// What it has heard and has yet to say so.
    unanswered: Vec<Word>,
    /// Listeners that did not answer when they were waited for. They are not waited for again until they do: the
    /// connection of a machine that lost its power may seem to be there for hours.
    silent: HashSet<i32>,
}

impl Telling {
    pub(super) fn new() -> Self {
        Self { answers: broadcast::Sender::new(CAPACITY), state: Mutex::default(), bell: Notify::new() }
    }

    /// This instance begins to listen, or no longer does.
    pub(super) fn listen_as(&self, listener: Option<i32>) {
        let mut state = self.lock();
        state.listener = listener;
        if let Some(listener) = listener {
            // An instance that waits for this listener need not: it was not connected when that one spoke.
            state.unanswered.push(Word::Connected { listener });
            self.bell.notify_one();
        }
    }

    /// This instance has heard, and from here on acts on it.
    pub(super) fn heard(&self, position: Position) {
        let mut state = self.lock();
        if let Some(listener) = state.listener {
            state.unanswered.push(Word::Heard(Heard { listener, position }));
            self.bell.notify_one();
        }
    }

    /// Completes once there is something to be answered.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Takes what is to be answered.
    pub(super) fn take(&self) -> Vec<Word> {
        std::mem::take(&mut self.lock().unanswered)
    }

    /// A listener, maybe this instance's own, says what it has heard.
    pub(super) fn answered(&self, listener: i32, answer: Word) {
        self.lock().silent.remove(&listener);
        // Nobody waiting is no error.
        let _ = self.answers.send(answer);
    }

    /// Says `position` by `say`, and waits until every other instance has heard of its versions.
    pub(super) async fn tell(&self, database: &Database, position: Position, say: impl FnOnce(Position)) {
        let mut answers = self.answers.subscribe();
        say(position);
        let Some(own) = self.lock().listener else {
            // Nobody answers, or not so that it could be heard: the others hear of it all the same, or poll.
            return;
        };
        let mut missing = HashSet::new();
        let all_heard = all_heard(self, database, own, position, &mut answers, &mut missing);
        match timeout(PATIENCE, all_heard).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the other instances find out by polling"),
            Err(_) => {
                tracing::warn!(?missing, "listeners that did not hear of a change in time");
                self.lock().silent.extend(missing);
            }
        }
    }

    /// Held for a few instructions and never across an await.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Completes when each listener that is there, but for `own`, has heard; until then `missing` says which have not.
async fn all_heard(
    telling: &Telling,
    database: &Database,
    own: i32,
    position: Position,
    answers: &mut broadcast::Receiver<Word>,
    missing: &mut HashSet<i32>,
) -> Result<()> {
    let mut heard = HashSet::from([own]);
    loop {
        let listeners = database.read(|conn| event::listeners(conn, LISTENER_NAME).scope_boxed()).await?;
        *missing = listeners.into_iter().collect();
        missing.retain(|listener| !heard.contains(listener) && !telling.lock().silent.contains(listener));
        let answer = async {
            while !missing.is_empty() {
                // Answers that were missed are those of somebody else, or waited for in vain.
                let listener = match answers.recv().await {
                    Ok(Word::Heard(answer)) if covers(answer.position, position) => answer.listener,
                    Ok(Word::Connected { listener }) => listener,
                    _ => continue,
                };
                heard.insert(listener);
                missing.remove(&listener);
            }
        };
        if timeout(LOOK_AGAIN, answer).await.is_ok() {
            return Ok(());
        }
    }
}

/// Whether who has heard of `heard` knows of `told`.
fn covers(heard: Position, told: Position) -> bool {
    let is_newer = heard.menu_version >= told.menu_version && heard.access_version >= told.access_version;
    heard.store_id == told.store_id && is_newer
}
