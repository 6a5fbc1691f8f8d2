//! Reads a stream the way a strict client does.

use serde_json::Value;

/// An event as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: String,
    pub name: String,
    /// Its data as it stood on the wire.
    pub text: String,
    pub data: Value,
}

impl Event {
    /// The seq of its cursor.
    pub fn seq(&self) -> i64 {
        self.id.split_once(':').unwrap().1.parse().unwrap()
    }
}

/// What came over the wire and was not read yet.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Takes in the next piece. The network may cut anywhere, in the middle of a character too.
    pub fn push(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// The next whole event; comments and a `retry` alone are passed over.
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
