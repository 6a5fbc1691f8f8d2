//! Reads an open event stream.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;

use crate::sse::{Buffer, Event};

/// The documented limit for the delivery of an event.
const EVENT_DEADLINE: Duration = Duration::from_secs(2);

pub struct EventReader {
    response: Response,
    pub headers: HeaderMap,
    buffer: Buffer,
    /// The cursor in the `connected` event.
    pub connected_at: String,
}

impl EventReader {
    pub fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        let headers = response.headers().clone();
        Self { response, headers, buffer: Buffer::default(), connected_at: String::new() }
    }

    /// Reads the `connected` event, the first of every stream.
    pub async fn connected(mut self) -> Self {
        let event = self.next().await;
        assert_eq!(event.name, "connected");
        assert_eq!(event.data["event_id"].as_str(), Some(event.id.as_str()));
        self.connected_at = event.id;
        self
    }

    /// The next event. Skips heartbeats.
    pub async fn next(&mut self) -> Event {
        tokio::time::timeout(EVENT_DEADLINE, self.read())
            .await
            .expect("an event should come in time")
            .expect("the stream should be open")
    }

    /// The next event, without a deadline; `None` at the end.
    pub async fn next_at_any_time(&mut self) -> Option<Event> {
        self.read().await
    }

    /// Asserts that no event arrives for 300 ms.
    pub async fn expect_no_event(&mut self) {
        let quiet = tokio::time::timeout(Duration::from_millis(300), self.read()).await;
        assert!(quiet.is_err(), "no event should arrive, got {quiet:?}");
    }

    /// Reads to the end: `Err` when the server aborted the stream, as it must; `Ok` when it ended the response normally.
    pub async fn end(mut self) -> reqwest::Result<()> {
        loop {
            match self.response.chunk().await? {
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    /// The next chunk as received.
    pub async fn raw_chunk(&mut self) -> String {
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
