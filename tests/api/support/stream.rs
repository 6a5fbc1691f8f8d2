//! Open streams.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;

use crate::sse::{Buffer, Event};

/// How long an event may take before a test gives up on it: the promise is two seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// An open stream.
pub struct EventReader {
    response: Response,
    pub headers: HeaderMap,
    buffer: Buffer,
    /// Where the first event said the stream goes on from.
    pub connected_at: String,
}

impl EventReader {
    pub fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        let headers = response.headers().clone();
        Self { response, headers, buffer: Buffer::default(), connected_at: String::new() }
    }

    /// Reads the `connected` every stream begins with.
    pub async fn connected(mut self) -> Self {
        let event = self.next().await;
        assert_eq!(event.name, "connected");
        assert_eq!(event.data["event_id"].as_str(), Some(event.id.as_str()));
        self.connected_at = event.id;
        self
    }

    /// The next event, heartbeats passed over.
    pub async fn next(&mut self) -> Event {
        tokio::time::timeout(PATIENCE, self.read())
            .await
            .expect("an event should come in time")
            .expect("the stream should be open")
    }

    /// The next event, however long it takes; `None` at the end.
    pub async fn next_at_any_time(&mut self) -> Option<Event> {
        self.read().await
    }

    /// Checks that nothing comes for a while.
    pub async fn silent(&mut self) {
        let quiet = tokio::time::timeout(Duration::from_millis(300), self.read()).await;
        assert!(quiet.is_err(), "nothing should come, got {quiet:?}");
    }

    /// Reads to the end: `Err` when it was broken off, as it must be, `Ok` when it ended in an orderly way.
    pub async fn end(mut self) -> reqwest::Result<()> {
        loop {
            match self.response.chunk().await? {
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    /// The next piece the way it came over the wire.
    pub async fn raw(&mut self) -> String {
        String::from_utf8(self.response.chunk().await.unwrap().unwrap().to_vec()).unwrap()
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.buffer.next_event() {
                return Some(event);
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.push(&chunk);
        }
    }
}
