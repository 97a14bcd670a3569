//! Which addresses a webhook may lead to.
//!
//! Who may add a webhook can have this server ask addresses that they cannot reach themselves. So
//! what is not of the open network is refused, unless the channel says otherwise; and what machines
//! of a cloud ask for their own secrets is refused always.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How near an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Of the open network.
    Open,
    /// Of this machine or of a network of one's own.
    Private,
    /// Never asked.
    Forbidden,
}

/// Why an address is refused, if it is.
pub(super) fn refusal(address: IpAddr, allows_private: bool) -> Option<&'static str> {
    match reach(address) {
        Reach::Open => None,
        Reach::Private if allows_private => None,
        Reach::Private => Some(
            "it leads to a private address; allow private addresses for the channel if it should",
        ),
        Reach::Forbidden => Some("it leads to an address that is never asked"),
    }
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        // Link-local, where clouds keep what their machines ask for; and what one of them uses.
        [169, 254, ..] | [100, 100, 100, 200] => Reach::Forbidden,
        [0, ..] | [224..=255, ..] => Reach::Forbidden,
        [10 | 127, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        | [100, 64..=127, ..]
        | [192, 0, 0 | 2, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Reach::Private,
        _ => Reach::Open,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if address == Ipv6Addr::LOCALHOST {
        return Reach::Private;
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        // The same address in clothes: IPv4-compatible, by NAT64, by 6to4.
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            reach_v4(Ipv4Addr::new(a, b, c, d))
        }
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Reach::Forbidden,
        [0xfe80..=0xfebf, ..] | [0xff00..=0xffff, ..] => Reach::Forbidden,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Reach::Private,
        // NAT64 with a prefix of one's own, Teredo, documentation.
        [0x64, 0xff9b, 1, ..] | [0x2001, 0 | 0xdb8, ..] => Reach::Private,
        _ => Reach::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_refused_unless_allowed_and_some_is_refused_always() {
        let check = |text: &str, private: bool| refusal(text.parse().unwrap(), private).is_none();
        for open in ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(check(open, false), "{open}");
        }
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::1",
        ] {
            assert!(!check(private, false), "{private}");
            assert!(check(private, true), "{private}");
        }
        for never in [
            "169.254.169.254",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "100.100.100.200",
        ] {
            assert!(!check(never, true), "{never}");
        }
    }
}
