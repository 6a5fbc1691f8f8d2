//! One open stream: first it replays events from the table, then it sends live events; in order, and each event once.

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

/// The number of events that the first replay query of a stream reads, and the largest number.
const FIRST_PAGE: i64 = 25;
const MAX_PAGE: i64 = 200;

/// The size of replayed frames in memory, in bytes, above which no further one is made until they are sent. Events of large
/// orders have up to 50 KB.
const REPLAY_BYTES: usize = 64 << 10;

/// Clients reconnect after this time, in milliseconds. It is random, so that they do not all reconnect at once after a
/// restart.
const RETRY_MS: std::ops::Range<u64> = 1_000..4_000;

/// How long a stream stays open after the last event of its session. A browser discards what its page has not read yet
/// when a response is aborted.
const END_DELAY: Duration = Duration::from_secs(1);

/// Every stream ends with this error, because existing clients reconnect only after an error, not after an orderly end.
#[derive(Debug, thiserror::Error)]
#[error("the stream was aborted: {0}")]
pub struct StreamAborted(&'static str);

/// Checks whether a stream's token is still valid.
pub type TokenCheck = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// The properties of one stream.
pub struct StreamOptions {
    /// The scope of its events.
    pub scope: Scope,
    /// The `Last-Event-ID` from which it resumes.
    pub resume_from: Option<String>,
    /// The time until its token expires, or its maximum age.
    pub lifetime: Duration,
    /// The interval of heartbeats while there are no events.
    pub heartbeat: Duration,
    /// Checks its token after tokens of the store were revoked.
    pub token_check: TokenCheck,
}

/// An open stream: a sequence of frames, each of which is written and flushed.
pub struct EventStream {
    subscription: Subscription,
    scope: Scope,
    cursor: Cursor,
    /// The seq of the last event that was sent, or skipped because it is not in the scope.
    seen: i64,
    /// While `seen` is below this, events come from the table.
    replay_to: i64,
    /// The number of events that the next replay query reads.
    page: i64,
    frames: VecDeque<Bytes>,
    heartbeat: Duration,
    /// The time of the next heartbeat, unless a frame is sent before.
    heartbeat_at: Instant,
    ends_at: Instant,
    token_check: TokenCheck,
    /// Whether the end of its session was sent.
    has_session_ended: bool,
}

impl EventStream {
    /// Opens a stream on `subscription`.
    #[must_use]
    pub fn open(subscription: Subscription, options: StreamOptions) -> Self {
        let head = subscription.head;
        let at_head = subscription.cursor(options.scope, head.event_seq);
        let resumed = options
            .resume_from
            .as_deref()
            .map(|text| at_head.seq_of(text).filter(|seq| (head.pruned_seq..=head.event_seq).contains(seq)));
        // Without a cursor, or with one that cannot be replayed, it continues from the head.
        let seen = resumed.flatten().unwrap_or(head.event_seq);
        let cursor = at_head.at(seen);
        let (retry, menu_version) = (rand::random_range(RETRY_MS), head.menu_version);
        let frame = |event: &str| {
            let data = format!(r#"{{"event_id":"{cursor}","menu_version":{menu_version}}}"#);
            format!("id: {cursor}\nevent: {event}\ndata: {data}\n\n")
        };
        let mut frames = VecDeque::from([Bytes::from(format!("retry: {retry}\n{}", frame("connected")))]);
        if resumed == Some(None) {
            subscription.metrics().resets.inc();
            frames.push_back(Bytes::from(frame("reset")));
        }
        Self {
            scope: options.scope,
            cursor: at_head,
            seen,
            // Another stream may have advanced the channel since the head was read.
            replay_to: head.event_seq.max(subscription.sent_seq()),
            page: FIRST_PAGE,
            frames,
            heartbeat: options.heartbeat,
            heartbeat_at: Instant::now() + options.heartbeat,
            ends_at: Instant::now() + options.lifetime,
            token_check: options.token_check,
            has_session_ended: false,
            subscription,
        }
    }

    /// The seq after which it continues.
    #[must_use]
    pub fn seen(&self) -> i64 {
        self.seen
    }

    /// The seqs that it will read from the table before it sends live events.
    #[cfg(test)]
    pub(super) fn replay_range(&self) -> std::ops::RangeInclusive<i64> {
        self.seen + 1..=self.replay_to
    }

    /// The frames. The sequence ends only with an error.
    pub fn into_frames(self) -> impl Stream<Item = Result<Bytes, StreamAborted>> + Send {
        // Boxed: `unfold` moves the state into each step, and an unboxed state would be stored twice.
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
                return Err(self.end_of_session().await);
            }
            if self.seen < self.replay_to {
                self.replay_page().await?;
            } else if let Some(frame) = self.next_live().await? {
                return Ok(frame);
            }
        }
    }

    /// Checks before each frame, also during a long replay, that the stream may stay open.
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

    /// Waits until the client can have read the end of the session. Events in this time are replayed when it reconnects.
    async fn end_of_session(&mut self) -> StreamAborted {
        let ends_at = Instant::now() + END_DELAY;
        while let Next::Event(Ok(_) | Err(RecvError::Lagged(_))) = self.subscription.next(ends_at).await {}
        StreamAborted("its session has ended")
    }

    async fn replay_page(&mut self) -> Result<(), StreamAborted> {
        let page = self
            .subscription
            .read_after(self.seen, self.page)
            .await
            .map_err(|_| StreamAborted("the events could not be read"))?;
        if page.is_empty() {
            return Err(StreamAborted("its next events were pruned"));
        }
        let mut bytes = 0;
        for event in page {
            if event.seq != self.seen + 1 {
                return Err(StreamAborted("its next events were pruned"));
            }
            if bytes >= REPLAY_BYTES {
                break;
            }
            self.seen = event.seq;
            if self.scope.sees(event.audience, event.session_id) {
                self.subscription.metrics().delivered.inc();
                self.has_session_ended |= self.scope.ends_with(&event);
                let frame = LiveEvent::new(event).frame(&self.cursor, self.scope);
                bytes += frame.len();
                self.frames.push_back(frame);
            }
        }
        self.page = if bytes < REPLAY_BYTES { (self.page * 2).min(MAX_PAGE) } else { (self.page / 2).max(1) };
        self.replay_to = self.replay_to.max(self.seen);
        Ok(())
    }

    /// The next live event, or a heartbeat. `None` means that the caller must check the stream's state again.
    async fn next_live(&mut self) -> Result<Option<Bytes>, StreamAborted> {
        let received = match self.subscription.next(self.heartbeat_at.min(self.ends_at)).await {
            Next::Event(received) => received,
            // `check_open` handles both.
            Next::Closed | Next::Access => return Ok(None),
            Next::Deadline if Instant::now() < self.heartbeat_at => return Ok(None),
            Next::Deadline => return Ok(Some(Bytes::from_static(b": alive\n\n"))),
        };
        match received {
            Ok(live) if live.event.seq <= self.seen => Ok(None),
            Ok(live) if live.event.seq == self.seen + 1 => {
                self.seen = live.event.seq;
                let is_in_scope = self.scope.sees(live.event.audience, live.event.session_id);
                self.has_session_ended = is_in_scope && self.scope.ends_with(&live.event);
                self.subscription.metrics().delivered.inc_by(u64::from(is_in_scope));
                Ok(is_in_scope.then(|| live.frame(&self.cursor, self.scope)))
            }
            Ok(live) => {
                self.replay_to = live.event.seq;
                Ok(None)
            }
            Err(RecvError::Lagged(_)) => {
                self.subscription.metrics().lags.inc();
                self.replay_to = self.subscription.sent_seq();
                Ok(None)
            }
            Err(RecvError::Closed) => Err(StreamAborted("its channel closed")),
        }
    }
}
