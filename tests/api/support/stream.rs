//! Reads a stream the way a strict client does.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// How long an event may take before a test gives up on it: the promise is two seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// An event as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

impl Event {
    /// The seq of its cursor.
    pub fn seq(&self) -> i64 {
        self.id.split_once(':').unwrap().1.parse().unwrap()
    }
}

/// An open stream.
pub struct EventReader {
    response: Response,
    pub headers: HeaderMap,
    buffer: Vec<u8>,
    /// Where the first event said the stream goes on from.
    pub connected_at: String,
}

impl EventReader {
    pub fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        let headers = response.headers().clone();
        Self { response, headers, buffer: Vec::new(), connected_at: String::new() }
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
            // Whole blocks only: the network may cut anywhere, in the middle of a character too.
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(event) = parse(std::str::from_utf8(&block).unwrap()) {
                    return Some(event);
                }
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.extend_from_slice(&chunk);
        }
    }
}

/// The event of a block; a comment or a `retry` alone is none.
fn parse(block: &str) -> Option<Event> {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned);
    field("event").map(|name| Event {
        id: field("id").unwrap(),
        name,
        data: serde_json::from_str(&field("data").unwrap()).unwrap(),
    })
}
