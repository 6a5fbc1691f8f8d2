//! `tableorder health`: whether the server on this machine takes requests, for whoever watches over it without an HTTP
//! client at hand.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::{CliError, say};
use crate::config::HttpConfig;

/// Longer than the server needs to find out that its database does not answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// More than any answer has.
const MOST_BYTES: usize = 64 * 1024;

pub(super) async fn run(config: &HttpConfig) -> Result<(), CliError> {
    let address = address_of(config)?;
    let readiness = tokio::time::timeout(PATIENCE, ask(address))
        .await
        .map_err(|_| format!("{address} did not answer within {} seconds", PATIENCE.as_secs()))?
        .map_err(|error| format!("{address} cannot be asked: {error}"))?;
    match readiness {
        Readiness { status, .. } if status.is_success() => {
            say(format_args!("{address} is ready"));
            Ok(())
        }
        not_ready => Err(format!("{address} is not ready: {not_ready}").into()),
    }
}

/// Where the server is reached from its own machine.
fn address_of(config: &HttpConfig) -> Result<SocketAddr, CliError> {
    let host = match config.host {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    if config.port == 0 {
        return Err("PORT=0 lets the server take any port: which one is not known here".into());
    }
    Ok(SocketAddr::new(host, config.port))
}

/// What the server says of itself.
struct Readiness {
    status: StatusCode,
    failing: Vec<String>,
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failing.is_empty() { self.status.fmt(f) } else { f.write_str(&self.failing.join(", ")) }
    }
}

async fn ask(address: SocketAddr) -> Result<Readiness, CliError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/health/ready").header(header::HOST, address.to_string()).body(Body::empty())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = to_bytes(Body::new(answer.into_body()), MOST_BYTES).await?;
    Ok(Readiness { status, failing: failing_checks(&body) })
}

/// The checks named in a refusal.
fn failing_checks(body: &Bytes) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let details = body.pointer("/error/details").and_then(Value::as_array);
    let named = details.into_iter().flatten().filter_map(|detail| detail.get("field")?.as_str());
    named.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn address(host: &str, port: &str) -> Result<String, String> {
        let setting = |name: &str| match name {
            "HOST" => Some(host.to_owned()),
            "PORT" => Some(port.to_owned()),
            _ => None,
        };
        let config = Config::read(setting).unwrap();
        address_of(&config.http).map(|address| address.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_that_listens_everywhere_is_asked_at_home() {
        assert_eq!(address("0.0.0.0", "8000").unwrap(), "127.0.0.1:8000");
        assert_eq!(address("::", "80").unwrap(), "[::1]:80");
        assert_eq!(address("192.0.2.7", "8000").unwrap(), "192.0.2.7:8000");
        assert!(address("127.0.0.1", "0").unwrap_err().contains("PORT=0"));
    }

    #[test]
    fn what_fails_is_named() {
        let body = br#"{"error":{"details":[{"field":"database","reason":"x"}]}}"#;
        assert_eq!(failing_checks(&Bytes::from_static(body)), ["database"]);
        assert!(failing_checks(&Bytes::from_static(b"<html>")).is_empty());
    }
}
