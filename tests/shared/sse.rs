//! A strict parser of event streams.

use serde_json::Value;

/// A received event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: String,
    pub name: String,
    /// The data as received.
    pub text: String,
    pub data: Value,
}

impl Event {
    /// The `seq` in the event's cursor.
    pub fn seq(&self) -> i64 {
        self.id.split_once(':').unwrap().1.parse().unwrap()
    }
}

/// Received bytes that are not parsed yet.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Appends a chunk. The network may split anywhere, even inside a character.
    pub fn push(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// The next complete event. Skips comments and blocks with only a `retry` field.
    pub fn next_event(&mut self) -> Option<Event> {
        while let Some(end) = self.0.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.0.drain(..end + 2).collect();
            if let Some(event) = parse(std::str::from_utf8(&block).unwrap()) {
                return Some(event);
            }
        }
        None
    }
}

fn parse(block: &str) -> Option<Event> {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned);
    let name = field("event")?;
    let text = field("data").unwrap();
    Some(Event { id: field("id").unwrap(), name, data: serde_json::from_str(&text).unwrap(), text })
}
