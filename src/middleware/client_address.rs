//! The client's address. `X-Forwarded-For` is used only if it comes from a configured proxy.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client that sent `request`.
pub(super) fn from_request(request: &Request, trusted: &[IpNet]) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip());
    behind_proxies(peer, request.headers(), trusted)
}

/// The client's address for a connection from `peer` with these `headers`: the last hop that is not a trusted proxy.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    // Each proxy appends the address from which it received the request, so the fields are read from the right. An
    // untrusted hop can have written everything to the left of its own address.
    let forwarded = headers.get_all(X_FORWARDED_FOR).iter().rev().map(HeaderValue::as_bytes);
    for hop in forwarded.flat_map(|value| value.rsplit(|byte| *byte == b',')) {
        if !is_trusted(&client) {
            break;
        }
        let Some(address) = parse_hop(hop) else { break };
        client = address;
    }
    client
}

/// Parses an address with or without a port, as proxies write it.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let address = hop.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let forwarded: Vec<&[u8]> = forwarded.iter().map(|value| value.as_bytes()).collect();
        client_of(peer, &forwarded, trusted)
    }

    fn client_of(peer: &str, forwarded: &[&[u8]], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        behind_proxies(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_configured_proxies_are_trusted() {
        let proxies = ["10.0.0.0/8", "::1/128"];
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &proxies), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], &proxies), "198.51.100.1");
        // The client's own entry is left of the entry that the proxy appended.
        assert_eq!(client("10.0.0.1", &["192.0.2.7, 198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.7", "198.51.100.1, 10.0.0.2"], &proxies), "198.51.100.1");
        assert_eq!(client("::1", &["2001:db8::1"], &proxies), "2001:db8::1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1:4711"], &proxies), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:443"], &proxies), "2001:db8::1");
        for garbage in ["unknown", "", "for=1.2.3.4", "1.2.3"] {
            assert_eq!(client("10.0.0.1", &[garbage], &proxies), "10.0.0.1");
        }
        assert_eq!(client("10.0.0.1", &[], &proxies), "10.0.0.1");
        // An entry that cannot be parsed ends the chain.
        assert_eq!(client_of("10.0.0.1", &[b"6.6.6.6", b"\xff, 198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client_of("10.0.0.1", &[b"6.6.6.6", b"\xff"], &proxies), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn any_forwarded_value_gives_an_address(value in prop::collection::vec(0x20..=0xff_u8, 0..80)) {
            prop_assume!(!value.contains(&0x7f));
            let untrusted = client_of("203.0.113.9", &[&value], &["10.0.0.0/8"]);
            prop_assert_eq!(untrusted, "203.0.113.9");
            prop_assert!(client_of("10.0.0.1", &[&value], &["10.0.0.0/8"]).parse::<IpAddr>().is_ok());
        }
    }
}
