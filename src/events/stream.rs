//! One open stream: replay, then live, in order, each event once.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::cursor::{Cursor, Scope};
use super::hub::{LiveEvent, Next, Subscription};

/// Events read at a time while replaying.
const PAGE: i64 = 200;

/// Browsers reconnect after this long, spread so that a restart does not bring them all at once.
const RETRY_MS: std::ops::Range<u64> = 1_000..4_000;

/// Every stream ends with this error: existing clients reconnect only after an error, never after an orderly end.
#[derive(Debug, thiserror::Error)]
#[error("the stream was aborted: {0}")]
pub struct StreamAborted(&'static str);

/// Checks whether a stream's token is still valid.
pub type TokenCheck = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// The properties of one stream.
pub struct StreamOptions {
    /// What it shows.
    pub scope: Scope,
    /// The `Last-Event-ID` it resumes from.
    pub resume_from: Option<String>,
    /// How long it lives at most: until its token ends.
    pub lifetime: Duration,
    /// The interval of heartbeats on a quiet stream.
    pub heartbeat: Duration,
    /// Checks its token when tokens of the store were revoked.
    pub token_check: TokenCheck,
}

/// An open stream, as frames to write and flush one by one.
pub struct EventStream {
    subscription: Subscription,
    scope: Scope,
    cursor: Cursor,
    /// The seq of the last event that was sent, or passed over because others see it.
    seen: i64,
    /// While `seen` is below this, events come from the table.
    replay_to: i64,
    frames: VecDeque<Bytes>,
    heartbeat: Duration,
    /// When the next heartbeat is due, if nothing else is sent before.
    heartbeat_at: Instant,
    ends_at: Instant,
    token_check: TokenCheck,
    /// Whether it has shown the end of its session.
    has_session_ended: bool,
}

impl EventStream {
    /// Opens a stream on `subscription`.
    #[must_use]
    pub fn open(subscription: Subscription, options: StreamOptions) -> Self {
        let head = subscription.head;
        let here = subscription.cursor(options.scope, head.event_seq);
        let resumed = options
            .resume_from
            .as_deref()
            .map(|text| here.seq_of(text).filter(|seq| (head.pruned_seq..=head.event_seq).contains(seq)));
        // Without a cursor, or with one that cannot be replayed, it goes on from the head.
        let seen = resumed.flatten().unwrap_or(head.event_seq);
        let place = here.at(seen);
        let (retry, menu_version) = (rand::random_range(RETRY_MS), head.menu_version);
        let frame = |event: &str| {
            let data = format!(r#"{{"event_id":"{place}","menu_version":{menu_version}}}"#);
            format!("id: {place}\nevent: {event}\ndata: {data}\n\n")
        };
        let mut frames = VecDeque::from([Bytes::from(format!("retry: {retry}\n{}", frame("connected")))]);
        if resumed == Some(None) {
            subscription.metrics().resets.inc();
            frames.push_back(Bytes::from(frame("reset")));
        }
        Self {
            scope: options.scope,
            cursor: here,
            seen,
            // Another stream may have advanced the channel after our head was read.
            replay_to: head.event_seq.max(subscription.sent()),
            frames,
            heartbeat: options.heartbeat,
            heartbeat_at: Instant::now() + options.heartbeat,
            ends_at: Instant::now() + options.lifetime,
            token_check: options.token_check,
            has_session_ended: false,
            subscription,
        }
    }

    /// The seq that it goes on from.
    #[must_use]
    pub fn seen(&self) -> i64 {
        self.seen
    }

    /// The seqs it will read from the table before it goes live.
    #[cfg(test)]
    pub(super) fn replay_range(&self) -> std::ops::RangeInclusive<i64> {
        self.seen + 1..=self.replay_to
    }

    /// The frames, endless until an error breaks the stream off.
    pub fn into_frames(self) -> impl Stream<Item = Result<Bytes, StreamAborted>> + Send {
        // Boxed, since the state is handed to each step: unboxed, it has its room twice.
        unfold(Some(Box::new(self)), |stream| async move {
            let mut stream = stream?;
            match stream.next_frame().await {
                Ok(frame) => {
                    stream.heartbeat_at = Instant::now() + stream.heartbeat;
                    Some((Ok(frame), Some(stream)))
                }
                Err(error) => {
                    stream.subscription.metrics().aborted.inc();
                    Some((Err(error), None))
                }
            }
        })
    }

    async fn next_frame(&mut self) -> Result<Bytes, StreamAborted> {
        loop {
            self.check_open().await?;
            if let Some(frame) = self.frames.pop_front() {
                return Ok(frame);
            }
            if self.has_session_ended {
                return Err(StreamAborted("its session has ended"));
            }
            if self.seen < self.replay_to {
                self.replay_page().await?;
            } else if let Some(frame) = self.next_live().await? {
                return Ok(frame);
            }
        }
    }

    /// Before each frame, in a long replay too: is it still to be open?
    async fn check_open(&mut self) -> Result<(), StreamAborted> {
        if let Some(why) = self.subscription.closed() {
            return Err(StreamAborted(why));
        }
        if Instant::now() >= self.ends_at {
            return Err(StreamAborted("its token has expired, or it reached its maximum age"));
        }
        if self.subscription.has_access_changed() && !(self.token_check)().await {
            return Err(StreamAborted("its token was revoked"));
        }
        Ok(())
    }

    async fn replay_page(&mut self) -> Result<(), StreamAborted> {
        let page = self
            .subscription
            .read_after(self.seen, PAGE)
            .await
            .map_err(|_| StreamAborted("the events could not be read"))?;
        let Some(last) = page.last() else {
            return Err(StreamAborted("events it had yet to see were pruned"));
        };
        let last = last.seq;
        for event in page {
            if event.seq != self.seen + 1 {
                return Err(StreamAborted("events it had yet to see were pruned"));
            }
            self.seen = event.seq;
            if self.scope.sees(event.audience, event.session_id) {
                self.subscription.metrics().delivered.inc();
                self.has_session_ended |= self.scope.ends_with(&event);
                self.frames.push_back(LiveEvent::new(event).frame(&self.cursor, self.scope));
            }
        }
        self.replay_to = self.replay_to.max(last);
        Ok(())
    }

    /// The next live event, a heartbeat where it is quiet, or `None` where there is something to look at again.
    async fn next_live(&mut self) -> Result<Option<Bytes>, StreamAborted> {
        let received = match self.subscription.next(self.heartbeat_at.min(self.ends_at)).await {
            Next::Event(received) => received,
            // `check_open` looks into both.
            Next::Closed | Next::Access => return Ok(None),
            Next::Deadline if Instant::now() < self.heartbeat_at => return Ok(None),
            Next::Deadline => return Ok(Some(Bytes::from_static(b": alive\n\n"))),
        };
        match received {
            Ok(live) if live.event.seq <= self.seen => Ok(None),
            Ok(live) if live.event.seq == self.seen + 1 => {
                self.seen = live.event.seq;
                let seen_here = self.scope.sees(live.event.audience, live.event.session_id);
                self.has_session_ended = seen_here && self.scope.ends_with(&live.event);
                self.subscription.metrics().delivered.inc_by(u64::from(seen_here));
                Ok(seen_here.then(|| live.frame(&self.cursor, self.scope)))
            }
            Ok(live) => {
                self.replay_to = live.event.seq;
                Ok(None)
            }
            Err(RecvError::Lagged(_)) => {
                self.subscription.metrics().lags.inc();
                self.replay_to = self.subscription.sent();
                Ok(None)
            }
            Err(RecvError::Closed) => Err(StreamAborted("its channel closed")),
        }
    }
}
