//! The HTTP server: addresses, limits, timeouts.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::time::Duration;

use ipnet::IpNet;

use super::app_env::AppEnv;
use super::reader::Reader;

/// The origins whose pages may use the API from a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Every origin (never in production).
    Any,
    /// These origins.
    List(Vec<String>),
}

/// The HTTP server's settings.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 chooses any free port.
    pub port: u16,
    /// The address for operators: metrics, health checks, the log level. `None` disables it.
    pub private_address: Option<SocketAddr>,
    /// Whether `port` also serves the metrics: in local and development environments without a private address.
    pub serves_metrics: bool,
    /// The origins whose pages may use the API from a browser.
    pub cors_origins: CorsOrigins,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The limit of open connections.
    pub max_connections: usize,
    /// The rate limit of each address, on this instance; `None` means no limit.
    pub requests_per_second: Option<NonZero<u32>>,
    /// The size limit of a request's header, in bytes.
    pub header_limit: usize,
    /// The largest number of header fields in a request.
    pub header_fields: usize,
    /// Time limit for a request, except streams.
    pub request_timeout: Duration,
    /// Time limit for the header of a request, and for an idle connection.
    pub header_timeout: Duration,
    /// The size limit of a request's body, in bytes.
    pub body_limit: usize,
    /// The memory budget of large request and response bodies, in bytes.
    pub body_memory: usize,
    /// How long the server still accepts requests after the signal to stop, while its readiness check fails.
    pub shutdown_drain: Duration,
    /// Time limit for the graceful shutdown after the drain.
    pub shutdown_timeout: Duration,
    /// A client that reads nothing for this time is disconnected.
    pub write_timeout: Duration,
}

impl HttpConfig {
    pub(super) fn read(reader: &mut Reader<'_>, env: AppEnv) -> Self {
        let host = reader.get("HOST").unwrap_or_else(|| "0.0.0.0".to_owned());
        let host = host.parse().unwrap_or_else(|_| {
            reader.mistake("HOST", host, "must be an IP address to listen on, like 0.0.0.0, 127.0.0.1 or ::");
            IpAddr::from([0, 0, 0, 0])
        });
        let port = reader.number("PORT", 8000, 0, u16::MAX);
        let private_address = private_address(reader, host, port);
        // A private server needs no limit, and a load test of it comes from one address.
        let requests = if env.is_private() { 0 } else { 200 };
        Self {
            host,
            port,
            private_address,
            serves_metrics: env.is_private() && private_address.is_none(),
            cors_origins: cors_origins(reader, env),
            trusted_proxies: trusted_proxies(reader),
            max_connections: reader.number("MAX_CONNECTIONS", 25_000, 10, 1_000_000),
            requests_per_second: NonZero::new(reader.number("REQUESTS_PER_SECOND_PER_ADDRESS", requests, 0, 1_000_000)),
            header_limit: reader.number("REQUEST_HEADER_LIMIT_BYTES", 32 * 1024, 8 * 1024, 1024 * 1024),
            header_fields: reader.number("REQUEST_HEADER_LIMIT_FIELDS", 64, 20, 1000),
            request_timeout: reader.seconds("REQUEST_TIMEOUT_SECONDS", 30, 3600),
            header_timeout: reader.seconds("REQUEST_HEADER_TIMEOUT_SECONDS", 30, 3600),
            body_limit: reader.number("REQUEST_BODY_LIMIT_BYTES", 256 * 1024, 16 * 1024, 64 * 1024 * 1024),
            body_memory: reader.number("BODY_MEMORY_BYTES", 64 << 20, 1 << 20, 1 << 40),
            shutdown_drain: Duration::from_secs(reader.number("SHUTDOWN_DRAIN_SECONDS", 0, 0, 600)),
            shutdown_timeout: reader.seconds("SHUTDOWN_TIMEOUT_SECONDS", 10, 600),
            write_timeout: reader.seconds("CLIENT_WRITE_TIMEOUT_SECONDS", 15, 600),
        }
    }
}

fn private_address(reader: &mut Reader<'_>, host: IpAddr, port: u16) -> Option<SocketAddr> {
    let text = reader.get("PRIVATE_ADDRESS")?;
    let Ok(address) = text.parse::<SocketAddr>() else {
        reader.mistake("PRIVATE_ADDRESS", text, "must be an IP address and a port, like 127.0.0.1:9000 or [::1]:9000");
        return None;
    };
    let overlaps = address.ip() == host || address.ip().is_unspecified() || host.is_unspecified();
    if address.port() == port && port != 0 && overlaps {
        reader.mistake("PRIVATE_ADDRESS", text, format!("must not be the same address as PORT={port}"));
    }
    Some(address)
}

fn trusted_proxies(reader: &mut Reader<'_>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for text in reader.list("TRUSTED_PROXIES") {
        match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) if network.prefix_len() == 0 => {
                reader.mistake("TRUSTED_PROXIES", text, "must not include all addresses");
            }
            Ok(network) => networks.push(network),
            Err(_) => reader.mistake(
                "TRUSTED_PROXIES",
                text,
                "must be addresses or networks like 10.0.0.5 or 10.0.0.0/8, separated by commas",
            ),
        }
    }
    networks
}

fn cors_origins(reader: &mut Reader<'_>, env: AppEnv) -> CorsOrigins {
    const DEFAULT: [&str; 2] = ["http://localhost:3000", "http://localhost:3001"];
    let mut origins = reader.list("CORS_ORIGINS");
    if origins.is_empty() {
        origins = DEFAULT.map(str::to_owned).into();
    }
    if origins.iter().any(|origin| origin == "*") {
        if env == AppEnv::Production {
            reader.mistake("CORS_ORIGINS", origins.join(","), "must list the origins in production, not *");
        }
        return CorsOrigins::Any;
    }
    for origin in &origins {
        if !is_origin(origin) {
            reader.mistake(
                "CORS_ORIGINS",
                origin.clone(),
                "must be origins like https://order.example.com, without a path, separated by commas",
            );
        }
    }
    CorsOrigins::List(origins)
}

/// Whether this is an origin as browsers send it: scheme, host and an optional port, without a path.
fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@,".contains(&byte))
    })
}
