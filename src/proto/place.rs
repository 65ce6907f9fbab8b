//! Where a candidate of somebody else may have our browser look for a peer.
//!
//! A description is believed before anything is proven, and the browser sends its connectivity checks wherever that says.
//! So what others say is taken only where a peer can be: at an address, or at the name behind which a browser hides one.
//! Any other name would be looked up for whoever wrote it. Addresses of special purpose (the registries of
//! [RFC 6890](https://www.rfc-editor.org/rfc/rfc6890)) are nobody's, or reach no farther than one machine or one wire.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A port somewhere. Two that lead to the same place are equal, however it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// An address, or the name that hides one. No IPv4 address is an IPv6 address that a peer can have; a name with the
    /// digits of an address could be made up, and is taken for it.
    place: u128,
    port: u16,
}

/// From where an endpoint can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// From anywhere, or from the same private network: which one that is cannot be seen.
    Open,
    /// From the same machine.
    Loopback,
    /// From the same wire.
    LinkLocal,
}

impl Endpoint {
    /// Reads where a peer may be, and from where it can be reached; `None`: no peer is there.
    pub(crate) fn read(place: &str, port: u16) -> Option<(Self, Zone)> {
        let (place, zone) = match place.parse() {
            Ok(IpAddr::V4(ip)) => (ip.to_bits().into(), zone_v4(ip)?),
            Ok(IpAddr::V6(ip)) => (ip.to_bits(), zone_v6(ip)?),
            Err(_) => (hidden(place)?, Zone::Open),
        };
        // Below 1024 are services. As libwebrtc's VerifyCandidate we take two of them, behind which some relays pass
        // firewalls.
        (port >= 1024 || matches!(port, 80 | 443)).then_some((Self { place, port }, zone))
    }
}

/// A random UUID below `.local`, to which a browser answers while its page has the connection
/// (draft-ietf-mmusic-mdns-ice-candidates, section 3.1.1).
fn hidden(name: &str) -> Option<u128> {
    let uuid = name.strip_suffix(".local").filter(|uuid| uuid.len() == 36)?;
    uuid.bytes().enumerate().try_fold(0, |value, (at, byte)| match at {
        8 | 13 | 18 | 23 => (byte == b'-').then_some(value),
        _ => Some(value << 4 | u128::from(char::from(byte).to_digit(16)?)),
    })
}

fn zone_v4(ip: Ipv4Addr) -> Option<Zone> {
    match ip.octets() {
        [127, ..] => Some(Zone::Loopback),
        [169, 254, ..] => Some(Zone::LinkLocal),
        // "This network", protocol assignments, relays of 6to4, benchmarks.
        [0, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => None,
        // Documentation.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => None,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => None,
        _ => Some(Zone::Open),
    }
}

fn zone_v6(ip: Ipv6Addr) -> Option<Zone> {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(Zone::Loopback),
        [0xfe80..=0xfebf, ..] => Some(Zone::LinkLocal),
        // Teredo and other protocols, and 6to4: there is an IPv4 address in them, and any at all.
        [0x2001, ..=0x01ff, ..] | [0x2002, ..] => None,
        // Documentation.
        [0x2001, 0x0db8, ..] | [0x3fff, ..=0x0fff, ..] => None,
        // What is given out, and what is private.
        [0x2000..=0x3fff | 0xfc00..=0xfdff, ..] => Some(Zone::Open),
        // Unspecified, multicast, and IPv4 mapped, compatible or translated.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone_of(place: &str) -> Option<Zone> {
        Endpoint::read(place, 5000).map(|(_, zone)| zone)
    }

    #[test]
    fn peers_are_at_addresses_that_are_given_out_or_private_and_at_names_that_hide_one() {
        for place in [
            "8.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.7",
            "100.64.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2a01:4f8::1",
            "2001:4860:4860::8888",
            "fc00::1",
            "fdff::1",
            "8a8a8a8a-1234-4abc-8def-0123456789ab.local",
        ] {
            assert_eq!(zone_of(place), Some(Zone::Open), "{place}");
        }
        assert_eq!(
            (zone_of("127.0.0.1"), zone_of("127.255.0.1")),
            (Some(Zone::Loopback), Some(Zone::Loopback))
        );
        assert_eq!((zone_of("::1"), zone_of("169.254.0.1")), (Some(Zone::Loopback), Some(Zone::LinkLocal)));
        assert_eq!((zone_of("fe80::1"), zone_of("febf::1")), (Some(Zone::LinkLocal), Some(Zone::LinkLocal)));
    }

    #[test]
    fn there_is_no_peer_anywhere_else() {
        for place in [
            "",
            "localhost",
            "attacker.example",
            "local",
            ".local",
            "printer.local",
            "8a8a8a8a123441238def0123456789ab.local",
            "8a8a8a8a-1234-4abc-8def-0123456789ab.example.local",
            "8a8a8a8a-1234-4abc-8def-0123456789ab.localhost",
            // Other ways to write addresses, of which some resolvers know more than we do.
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "010.0.0.1",
            "10.0.0.256",
            "[::1]",
            "fe80::1%eth0",
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.251",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "fec0::1",
            "ff02::fb",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
        ] {
            assert_eq!(zone_of(place), None, "{place}");
        }
        let ports = [0, 1, 53, 80, 443, 1023, 1024, 65535];
        let taken = ports.into_iter().filter(|&port| Endpoint::read("8.8.8.8", port).is_some());
        assert_eq!(taken.collect::<Vec<_>>(), [80, 443, 1024, 65535]);
    }

    #[test]
    fn one_place_is_one_however_it_is_written() {
        let same = |one, other| Endpoint::read(one, 5000) == Endpoint::read(other, 5000);
        assert!(same("2a01:4f8::1", "2A01:04F8:0:0::0001") && !same("2a01:4f8::1", "2a01:4f8::2"));
        let hidden = "8a8a8a8a-1234-4abc-8def-0123456789ab.local";
        assert!(same(hidden, "8A8A8A8A-1234-4ABC-8DEF-0123456789AB.local"));
        assert_ne!(Endpoint::read(hidden, 5000), Endpoint::read(hidden, 5001));
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_not(place in ".*", port: u16) {
            let _ = Endpoint::read(&place, port);
        }

        #[test]
        fn no_address_that_is_special_to_the_standard_library_is_open(bits: u32, v6: u128) {
            let ip = Ipv4Addr::from(bits);
            let special = ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_broadcast()
                || ip.is_documentation() || ip.is_unspecified();
            prop_assert!(!special || zone_v4(ip) != Some(Zone::Open), "{ip}");
            prop_assert_eq!(zone_v6(ip.to_ipv6_mapped()), None);
            let ip = Ipv6Addr::from(v6);
            let special = ip.is_loopback() || ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified();
            prop_assert!(!special || zone_v6(ip) != Some(Zone::Open), "{ip}");
        }
    }
}
