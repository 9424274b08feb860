//! Where a bus is: an interface, a group and a port.
//!
//! ```text
//! endpoint  = "epgm://" [interface ";"] group ":" port
//! interface = name | address | address "/" bits        of this machine, as it is: no name is looked up anywhere
//! group     = address                                  224.0.0.0/4, or in brackets ff00::/8
//! ```

use std::net::{IpAddr, Ipv4Addr};

use if_addrs::{IfAddr, Interface};
use zpatterns_protocol::{Error, ErrorKind, Result};

const HELP: &str = "a bus is at epgm://INTERFACE;GROUP:PORT, such as epgm://eth0;239.192.1.1:5555";

/// An endpoint as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Endpoint {
    interface: String,
    pub(super) group: IpAddr,
    pub(super) port: u16,
}

/// An interface of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) address: IpAddr,
    pub(super) index: u32,
    /// All addresses of this machine: who has one of them is here.
    pub(super) here: Vec<IpAddr>,
}

impl Endpoint {
    pub(super) fn read(text: &str) -> Result<Self> {
        let bad = |why: &str| Error::new(ErrorKind::InvalidEndpoint, why).with("endpoint", text);
        let (transport, rest) = text.split_once("://").ok_or_else(|| bad(HELP))?;
        if transport != "epgm" {
            return Err(bad(HELP));
        }
        let (interface, rest) = rest.split_once(';').unwrap_or(("", rest));
        let (group, port) = rest.rsplit_once(':').ok_or_else(|| bad(HELP))?;
        let port =
            port.parse().ok().filter(|port| *port > 0).ok_or_else(|| bad("a port is a number from 1 to 65535"))?;
        let group = group.strip_prefix('[').and_then(|group| group.strip_suffix(']')).unwrap_or(group);
        let group: IpAddr = group.parse().map_err(|_| bad(HELP))?;
        if !group.is_multicast() {
            return Err(bad(
                "a group is a multicast address: 224.0.0.0 to 239.255.255.255, or one that begins with ff",
            ));
        }
        Ok(Self { interface: interface.to_owned(), group, port })
    }

    /// Finds the interface among those of this machine.
    pub(super) fn place(&self) -> Result<Place> {
        let all = if_addrs::get_if_addrs()
            .map_err(|error| Error::new(ErrorKind::System, format!("the interfaces cannot be listed: {error}")))?;
        self.find(&all)
    }

    fn find(&self, all: &[Interface]) -> Result<Place> {
        let found = all
            .iter()
            .filter(|candidate| candidate.ip().is_ipv4() == self.group.is_ipv4() && candidate.is_oper_up())
            .filter(|candidate| self.matches(candidate))
            // Where nothing is said, not the machine itself, unless there is nothing else.
            .min_by_key(|candidate| (candidate.is_loopback(), candidate.index));
        let Some(found) = found else {
            let names: Vec<String> =
                all.iter().map(|interface| format!("{} {}", interface.name, interface.ip())).collect();
            let text = "no interface is as the endpoint says, and has an address of the group's family";
            return Err(Error::new(ErrorKind::AddressNotAvailable, text)
                .with("interface", &self.interface)
                .with("there are", names.join(", ")));
        };
        let here = all.iter().map(Interface::ip).collect();
        Ok(Place { address: found.ip(), index: found.index.unwrap_or(0), here })
    }

    fn matches(&self, candidate: &Interface) -> bool {
        let wanted = &*self.interface;
        let inner = wanted.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(wanted);
        if inner.is_empty() || inner == "*" || inner == candidate.name {
            return true;
        }
        match inner.split_once('/') {
            Some((network, bits)) => {
                let (Ok(network), Ok(bits)) = (network.parse::<Ipv4Addr>(), bits.parse::<u32>()) else { return false };
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
                let IfAddr::V4(own) = &candidate.addr else { return false };
                bits <= 32 && own.ip.to_bits() & mask == network.to_bits() & mask
            }
            None => inner.parse() == Ok(candidate.ip()),
        }
    }
}

#[cfg(test)]
mod tests {
    use if_addrs::{IfOperStatus, Ifv4Addr};

    use super::*;

    fn interface(name: &str, index: u32, ip: [u8; 4]) -> Interface {
        Interface {
            name: name.to_owned(),
            addr: IfAddr::V4(Ifv4Addr {
                ip: ip.into(),
                netmask: Ipv4Addr::new(255, 255, 255, 0),
                prefixlen: 24,
                broadcast: None,
            }),
            index: Some(index),
            oper_status: IfOperStatus::Up,
            is_p2p: false,
        }
    }

    #[test]
    fn interfaces_are_found_by_name_address_and_network_and_never_by_dns() {
        let all =
            [interface("lo", 1, [127, 0, 0, 1]), interface("p0", 2, [10, 9, 0, 1]), interface("p1", 3, [10, 8, 0, 1])];
        let found = |text: &str| {
            Endpoint::read(&format!("epgm://{text};239.192.1.1:5555"))
                .expect(text)
                .find(&all)
                .map(|place| place.index)
                .ok()
        };
        assert_eq!(
            (found("lo"), found("p1"), found("127.0.0.1"), found("10.8.0.1")),
            (Some(1), Some(3), Some(1), Some(3))
        );
        assert_eq!(
            (found("10.8.0.0/24"), found("10.0.0.0/8"), found("*"), found("")),
            (Some(3), Some(2), Some(2), Some(2))
        );
        assert_eq!((found("localhost"), found("p2"), found("10.8.0.2"), found("1.2.3.4/24")), (None, None, None, None));
        let bare = Endpoint::read("epgm://239.192.1.1:5555").expect("an endpoint").find(&all[..1]).expect("one");
        assert_eq!((bare.index, bare.here), (1, vec![all[0].ip()]));
    }

    #[test]
    fn what_is_no_place_for_a_bus_is_said() {
        for bad in [
            "",
            "epgm",
            "epgm://",
            "tcp://lo;239.0.0.1:1",
            "epgm://lo;239.0.0.1",
            "epgm://lo;239.0.0.1:0",
            "epgm://lo;239.0.0.1:65536",
            "epgm://lo;10.0.0.1:5555",
            "epgm://lo;name:5555",
            "epgm://lo;:5555",
        ] {
            assert_eq!(Endpoint::read(bad).expect_err(bad).kind(), ErrorKind::InvalidEndpoint, "{bad}");
        }
        assert!(Endpoint::read("epgm://lo;[ff02::1]:5555").expect("IPv6").group.is_ipv6());
    }
}
