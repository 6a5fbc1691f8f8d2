//! The part of HTTP/1.1 that a load generator needs. It uses the same cores as the server that it measures, so it sends
//! prepared bytes and parses no more than status and length.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;

const LENGTH: &[u8] = b"content-length:";

/// A keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, until the next request.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub status: u16,
    head: &'a [u8],
    pub body: &'a [u8],
}

impl Connection {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        Self::over(TcpStream::connect(address).await?)
    }

    fn over(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(32 * 1024) })
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head_end = loop {
            self.read_more().await?;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
        };
        let body_start = head_end + 4;
        let (status, length) = parse(&self.buffer[..head_end])?;
        while self.buffer.len() < body_start + length {
            self.read_more().await?;
        }
        Ok(Answer { status, head: &self.buffer[..head_end], body: &self.buffer[body_start..body_start + length] })
    }

    /// As [`ask`](Self::ask); any other status is a failure.
    pub async fn expect(&mut self, status: u16, request: &[u8]) -> Result<Answer<'_>> {
        let answer = self.ask(request).await?;
        if answer.status != status {
            return Err(format!("answered {}: {}", answer.status, String::from_utf8_lossy(answer.body)).into());
        }
        Ok(answer)
    }

    /// As [`expect`](Self::expect), for how long it takes.
    pub async fn time(&mut self, status: u16, request: &[u8]) -> Result<Duration> {
        let sent = Instant::now();
        self.expect(status, request).await?;
        Ok(sent.elapsed())
    }

    async fn read_more(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed a connection".into()),
            _ => Ok(()),
        }
    }
}

impl Answer<'_> {
    /// Its headers, names in lower case.
    pub fn headers(&self) -> Vec<(String, String)> {
        let text = String::from_utf8_lossy(self.head);
        let lines = text.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
        lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.headers().into_iter().find_map(|(found, value)| (found == name).then_some(value))
    }
}

/// A request without a body; `headers` are whole lines.
pub fn get(path: &str, token: &str, headers: &str) -> Vec<u8> {
    format!("GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{headers}\r\n")
        .into_bytes()
}

/// A request with a JSON body.
pub fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    with_body("POST", path, token, "", body)
}

/// `headers` are whole lines.
pub fn with_body(method: &str, path: &str, token: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{headers}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Status and length of the body.
fn parse(head: &[u8]) -> Result<(u16, usize)> {
    let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let status: u16 = status.ok_or("not HTTP/1.1")?;
    if matches!(status, 204 | 304) {
        return Ok((status, 0));
    }
    let mut lines = head.split(|&byte| byte == b'\n');
    let line = lines.find(|line| line.get(..LENGTH.len()).is_some_and(|name| name.eq_ignore_ascii_case(LENGTH)));
    let length = line.and_then(|line| std::str::from_utf8(&line[LENGTH.len()..]).ok()?.trim().parse().ok());
    Ok((status, length.ok_or("an answer without Content-Length")?))
}

/// The offset of `wanted`.
pub fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
