//! The addresses under which other devices in the restaurant reach this server.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;

/// An address in each network that this machine may be connected to: the internet (an address reserved for documentation)
/// and the private networks. The route to each of them shows an address of this machine.
const DESTINATIONS: [Ipv4Addr; 5] = [
    Ipv4Addr::new(192, 0, 2, 1),
    Ipv4Addr::new(192, 168, 0, 1),
    Ipv4Addr::new(192, 168, 1, 1),
    Ipv4Addr::new(10, 0, 0, 1),
    Ipv4Addr::new(172, 16, 0, 1),
];

/// Files that exist in a container, whose own addresses cannot be reached from outside.
const CONTAINER_MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The addresses of this machine in its local networks, for a server that listens on `host`. Empty if they are not known
/// or other devices cannot use them.
#[must_use]
pub fn lan_hosts(host: IpAddr) -> Vec<IpAddr> {
    if host.is_loopback() || CONTAINER_MARKS.iter().any(|mark| Path::new(mark).exists()) {
        return Vec::new();
    }
    if !host.is_unspecified() {
        return vec![host];
    }
    let mut hosts = Vec::new();
    for address in DESTINATIONS.into_iter().filter_map(source_address) {
        if !hosts.contains(&address) {
            hosts.push(address);
        }
    }
    hosts
}

/// The address from which this machine would send to `destination`. Connecting a UDP socket sends nothing.
fn source_address(destination: Ipv4Addr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((destination, 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_one_address_has_only_that_one() {
        assert_eq!(lan_hosts(Ipv4Addr::LOCALHOST.into()), [] as [IpAddr; 0]);
        let all = lan_hosts(Ipv4Addr::UNSPECIFIED.into());
        assert!(all.iter().all(|host| !host.is_loopback() && !host.is_unspecified()), "{all:?}");
    }
}
