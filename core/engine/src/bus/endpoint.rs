//! Where a bus is.
//!
//! ```text
//! endpoint  = ("epgm" | "pgm") "://" [interface ";"] group ":" port
//!           | "udp://" interface ":" port ";" member *255("," member)
//!           | "relay://" member
//! interface = name | address | address "/" bits | "*"      of this machine, as it is: no name is looked up anywhere
//! group     = address                                      224.0.0.0/4, or in brackets ff00::/8
//! member    = address ":" port                             IPv6 addresses in brackets
//! ```

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use zpatterns_protocol::{Error, ErrorKind, Result};

const HELP: &str = "a bus is at epgm://INTERFACE;GROUP:PORT, pgm://INTERFACE;GROUP:PORT, \
                    udp://INTERFACE:PORT;HOST:PORT,HOST:PORT or relay://HOST:PORT";
const GROUP: &str = "a group is at INTERFACE;GROUP:PORT, such as eth0;239.192.1.1:5555";
const NO_GROUP: &str = "a group is a multicast address: 224.0.0.0 to 239.255.255.255, or one that begins with ff";
const PORT: &str = "a port is a number from 1 to 65535";
const MEMBERS: &str =
    "members are at INTERFACE:PORT;HOST:PORT,HOST:PORT, such as eth0:5670;10.0.0.1:5670,10.0.0.2:5670";
const MEMBER: &str = "a member is an address, in brackets if it is IPv6, and a port, such as 10.0.0.1:5670; no name \
                      is looked up";
const NO_MEMBER: &str = "an address of one machine is needed, not of a group or of none";
const FAMILIES: &str = "all members are of one family, IPv4 or IPv6";
const MANY: &str = "a bus has at most 256 members";
const BIND: &str = "a forwarder is at udp://INTERFACE:PORT, such as udp://*:5670";

const MAX_MEMBERS: usize = 256;

/// An endpoint as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Endpoint {
    /// A group hears what is sent to it, in UDP or right in IP.
    Group { interface: String, group: SocketAddr, in_udp: bool },
    /// Each member is sent to.
    Members { interface: String, port: u16, members: Vec<SocketAddr> },
    /// A relay sends to all.
    Relay(SocketAddr),
}

impl Endpoint {
    pub(super) fn read(text: &str) -> Result<Self> {
        let (transport, rest) = text.split_once("://").unwrap_or_default();
        let read = match transport {
            "epgm" => read_group(rest, true),
            "pgm" => read_group(rest, false),
            "udp" => read_members(rest),
            "relay" => read_member(rest).map(Self::Relay),
            _ => Err(HELP),
        };
        read.map_err(|why| bad(why, text))
    }
}

/// Where a forwarder is to be: at which interface, of which family, and at which port; 0 is any.
pub(super) fn read_bind(text: &str) -> Result<(&str, bool, u16)> {
    let read = || {
        let (interface, port) = text.strip_prefix("udp://").and_then(|rest| rest.rsplit_once(':')).ok_or(BIND)?;
        let inner = interface.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(interface);
        let is_ipv4 = inner.parse::<Ipv6Addr>().is_err();
        port.parse().map(|port| (interface, is_ipv4, port)).map_err(|_| PORT)
    };
    read().map_err(|why| bad(why, text))
}

fn bad(why: &str, text: &str) -> Error {
    Error::new(ErrorKind::InvalidEndpoint, why).with("endpoint", text)
}

type Read<T> = std::result::Result<T, &'static str>;

fn read_port(text: &str) -> Read<u16> {
    text.parse().ok().filter(|port| *port > 0).ok_or(PORT)
}

fn read_group(text: &str, in_udp: bool) -> Read<Endpoint> {
    let (interface, rest) = text.split_once(';').unwrap_or(("", text));
    let (group, port) = rest.rsplit_once(':').ok_or(GROUP)?;
    let port = read_port(port)?;
    let group = group.strip_prefix('[').and_then(|group| group.strip_suffix(']')).unwrap_or(group);
    let group: IpAddr = group.parse().map_err(|_| GROUP)?;
    if !group.is_multicast() {
        return Err(NO_GROUP);
    }
    Ok(Endpoint::Group { interface: interface.to_owned(), group: SocketAddr::new(group, port), in_udp })
}

fn read_members(text: &str) -> Read<Endpoint> {
    let (own, members) = text.split_once(';').ok_or(MEMBERS)?;
    let (interface, port) = own.rsplit_once(':').ok_or(MEMBERS)?;
    let port = read_port(port)?;
    if members.split(',').count() > MAX_MEMBERS {
        return Err(MANY);
    }
    let members: Vec<SocketAddr> = members.split(',').map(read_member).collect::<Read<_>>()?;
    if members.iter().any(|member| member.is_ipv4() != members[0].is_ipv4()) {
        return Err(FAMILIES);
    }
    Ok(Endpoint::Members { interface: interface.to_owned(), port, members })
}

fn read_member(text: &str) -> Read<SocketAddr> {
    let (_, port) = text.rsplit_once(':').ok_or(MEMBER)?;
    read_port(port)?;
    let member: SocketAddr = text.parse().map_err(|_| MEMBER)?;
    if member.ip().is_multicast() || member.ip().is_unspecified() { Err(NO_MEMBER) } else { Ok(member) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect(text)
    }

    #[test]
    fn every_form_is_read_as_it_is_written() {
        let group = |interface: &str, group, in_udp| Endpoint::Group {
            interface: interface.to_owned(),
            group: address(group),
            in_udp,
        };
        let members = |interface: &str, members: &[&str]| Endpoint::Members {
            interface: interface.to_owned(),
            port: 5670,
            members: members.iter().map(|member| address(member)).collect(),
        };
        for (text, expected) in [
            ("epgm://239.192.1.1:5555", group("", "239.192.1.1:5555", true)),
            ("epgm://10.0.0.0/8;239.192.1.1:5555", group("10.0.0.0/8", "239.192.1.1:5555", true)),
            ("epgm://lo;[ff02::1]:5555", group("lo", "[ff02::1]:5555", true)),
            ("pgm://lo;239.192.1.1:5555", group("lo", "239.192.1.1:5555", false)),
            ("udp://*:5670;10.0.0.1:1", members("*", &["10.0.0.1:1"])),
            ("udp://eth0:5670;10.0.0.1:1,10.0.0.2:2", members("eth0", &["10.0.0.1:1", "10.0.0.2:2"])),
            ("udp://[::1]:5670;[::1]:1,[fd00::1]:2", members("[::1]", &["[::1]:1", "[fd00::1]:2"])),
            ("relay://10.0.0.1:5670", Endpoint::Relay(address("10.0.0.1:5670"))),
            ("relay://[fd00::1]:5670", Endpoint::Relay(address("[fd00::1]:5670"))),
        ] {
            assert_eq!(Endpoint::read(text), Ok(expected), "{text}");
        }
        assert_eq!(read_bind("udp://*:5670"), Ok(("*", true, 5670)));
        assert_eq!(read_bind("udp://[::]:0"), Ok(("[::]", false, 0)));
    }

    #[test]
    fn every_mistake_is_named() {
        let too_many = format!("udp://lo:1;{}", ["127.0.0.1:1"; MAX_MEMBERS + 1].join(","));
        for (text, expected) in [
            ("", HELP),
            ("epgm", HELP),
            ("tcp://lo;239.0.0.1:1", HELP),
            ("epgm://", GROUP),
            ("epgm://lo;239.0.0.1", GROUP),
            ("epgm://lo;name:5555", GROUP),
            ("pgm://lo;:5555", GROUP),
            ("epgm://lo;239.0.0.1:0", PORT),
            ("pgm://lo;239.0.0.1:65536", PORT),
            ("epgm://lo;10.0.0.1:5555", NO_GROUP),
            ("udp://lo:5670", MEMBERS),
            ("udp://lo;127.0.0.1:1", MEMBERS),
            ("udp://lo:0;127.0.0.1:1", PORT),
            ("udp://lo:1;127.0.0.1:0", PORT),
            ("udp://lo:1;", MEMBER),
            ("udp://lo:1;127.0.0.1", MEMBER),
            ("udp://lo:1;127.0.0.1:1,", MEMBER),
            ("udp://lo:1;localhost:1", MEMBER),
            ("udp://lo:1;::1:1", MEMBER),
            ("udp://lo:1;239.0.0.1:1", NO_MEMBER),
            ("udp://lo:1;0.0.0.0:1", NO_MEMBER),
            ("udp://lo:1;127.0.0.1:1,[::1]:1", FAMILIES),
            (&too_many, MANY),
            ("relay://", MEMBER),
            ("relay://host:1", MEMBER),
            ("relay://239.0.0.1:1", NO_MEMBER),
        ] {
            let error = Endpoint::read(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidEndpoint, "{text}");
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
        for (text, expected) in [("udp://", BIND), ("tcp://*:1", BIND), ("udp://*:x", PORT)] {
            assert!(read_bind(text).expect_err(text).to_string().contains(expected), "{text}");
        }
    }
}
