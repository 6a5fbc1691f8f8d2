//! `tableorder health`: checks whether the server on this machine is ready, for service managers without an HTTP client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;

use super::{CliError, print_result};
use crate::config::HttpConfig;

/// Longer than the three seconds in which the server answers while its database does not.
const TIMEOUT: Duration = Duration::from_secs(4);

pub(super) async fn run(config: &HttpConfig) -> Result<(), CliError> {
    let address = address_of(config)?;
    tokio::task::spawn_blocking(move || check(address)).await??;
    print_result(format_args!("{address} is ready"));
    Ok(())
}

/// The address of the server, seen from its own machine.
fn address_of(config: &HttpConfig) -> Result<SocketAddr, CliError> {
    let host = match config.host {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    if config.port == 0 {
        return Err(
            "PORT=0 lets the server choose a port, so its address is not known; set PORT to the port in use".into()
        );
    }
    Ok(SocketAddr::new(host, config.port))
}

fn check(address: SocketAddr) -> Result<(), CliError> {
    let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
    let response = ureq::Agent::new_with_config(config).get(format!("http://{address}/health/ready")).call();
    let mut response = response.map_err(|error| match error {
        ureq::Error::Timeout(_) => format!("{address} did not answer within {} seconds", TIMEOUT.as_secs()),
        ureq::Error::Io(error) => format!("{address} cannot be reached: {error}"),
        error => format!("{address} cannot be reached: {error}"),
    })?;
    if response.status().is_success() {
        return Ok(());
    }
    let failing = failing_checks(&response.body_mut().read_to_vec()?);
    let reason = if failing.is_empty() { response.status().to_string() } else { failing.join(", ") };
    Err(format!("{address} is not ready: {reason}").into())
}

/// The failing checks in the body of an error response.
fn failing_checks(body: &[u8]) -> Vec<String> {
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
    fn a_server_on_all_addresses_is_checked_on_loopback() {
        assert_eq!(address("0.0.0.0", "8000").unwrap(), "127.0.0.1:8000");
        assert_eq!(address("::", "80").unwrap(), "[::1]:80");
        assert_eq!(address("192.0.2.7", "8000").unwrap(), "192.0.2.7:8000");
        assert!(address("127.0.0.1", "0").unwrap_err().contains("PORT=0"));
    }

    #[test]
    fn failing_checks_are_listed() {
        let body = br#"{"error":{"details":[{"field":"database","reason":"x"}]}}"#;
        assert_eq!(failing_checks(body), ["database"]);
        assert!(failing_checks(b"<html>").is_empty());
    }
}
