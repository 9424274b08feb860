//! The interface of this machine at which a bus is.
//!
//! It is named by its name, its address, or a network in which it has an address; no name is looked up anywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use if_addrs::{IfAddr, Interface};
use zpatterns_protocol::{Error, ErrorKind, Result};

/// An address of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) address: IpAddr,
    pub(super) index: u32,
    /// All addresses of this machine: who has one of them is here.
    pub(super) here: Vec<IpAddr>,
}

/// The interfaces of this machine.
fn all() -> Result<Vec<Interface>> {
    if_addrs::get_if_addrs()
        .map_err(|error| Error::new(ErrorKind::System, format!("the interfaces cannot be listed: {error}")))
}

fn without_brackets(text: &str) -> &str {
    text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text)
}

impl Place {
    /// One interface that is named so and has an address of this family. Where nothing is said, it is not the machine itself,
    /// unless there is nothing else.
    pub(super) fn one(interface: &str, is_ipv4: bool) -> Result<Self> {
        Self::find(&all()?, interface, is_ipv4)
    }

    /// As [`one`](Self::one), but where nothing is said, or the address that is none, it is all interfaces.
    pub(super) fn one_or_all(interface: &str, is_ipv4: bool) -> Result<Self> {
        let none = if is_ipv4 { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        if interface != "*" && without_brackets(interface).parse() != Ok(none) {
            return Self::one(interface, is_ipv4);
        }
        Ok(Self { address: none, index: 0, here: all()?.iter().map(Interface::ip).collect() })
    }

    /// Whether who has this address is here.
    pub(super) fn is_at(&self, address: IpAddr) -> bool {
        self.address == address || self.address.is_unspecified() && self.here.contains(&address)
    }

    /// A port here.
    pub(super) fn at(&self, port: u16) -> SocketAddr {
        self.on(SocketAddr::new(self.address, port))
    }

    /// An address on this interface, which addresses of one link only have to name.
    pub(super) fn on(&self, mut address: SocketAddr) -> SocketAddr {
        if let SocketAddr::V6(address) = &mut address {
            address.set_scope_id(self.index);
        }
        address
    }

    fn find(all: &[Interface], interface: &str, is_ipv4: bool) -> Result<Self> {
        let found = all
            .iter()
            .filter(|candidate| candidate.ip().is_ipv4() == is_ipv4 && candidate.is_oper_up())
            .filter(|candidate| matches(candidate, without_brackets(interface)))
            .min_by_key(|candidate| (candidate.is_loopback(), candidate.index));
        let Some(found) = found else {
            let names: Vec<String> =
                all.iter().map(|interface| format!("{} {}", interface.name, interface.ip())).collect();
            let text = "no interface is as the endpoint says, and has an address of its family";
            return Err(Error::new(ErrorKind::AddressNotAvailable, text)
                .with("interface", interface)
                .with("there are", names.join(", ")));
        };
        let here = all.iter().map(Interface::ip).collect();
        Ok(Self { address: found.ip(), index: found.index.unwrap_or(0), here })
    }
}

fn matches(candidate: &Interface, wanted: &str) -> bool {
    if wanted.is_empty() || wanted == "*" || wanted == candidate.name {
        return true;
    }
    match wanted.split_once('/') {
        Some((network, bits)) => {
            let (Ok(network), Ok(bits)) = (network.parse::<Ipv4Addr>(), bits.parse::<u32>()) else { return false };
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
            let IfAddr::V4(own) = &candidate.addr else { return false };
            bits <= 32 && own.ip.to_bits() & mask == network.to_bits() & mask
        }
        None => wanted.parse() == Ok(candidate.ip()),
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
        let found = |text: &str| Place::find(&all, text, true).map(|place| place.index).ok();
        assert_eq!(
            (found("lo"), found("p1"), found("127.0.0.1"), found("10.8.0.1")),
            (Some(1), Some(3), Some(1), Some(3))
        );
        assert_eq!(
            (found("10.8.0.0/24"), found("10.0.0.0/8"), found("*"), found("")),
            (Some(3), Some(2), Some(2), Some(2))
        );
        assert_eq!((found("localhost"), found("p2"), found("10.8.0.2"), found("1.2.3.4/24")), (None, None, None, None));
        let bare = Place::find(&all[..1], "", true).expect("one");
        assert_eq!((bare.index, bare.here), (1, vec![all[0].ip()]));
        assert!(Place::find(&all, "lo", false).is_err(), "it has no such address");
    }

    #[test]
    fn all_interfaces_are_every_address_of_this_machine() {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for (text, is_ipv4) in [("*", true), ("0.0.0.0", true), ("*", false), ("[::]", false)] {
            let place = Place::one_or_all(text, is_ipv4).expect("there are some");
            assert!(place.address.is_unspecified() && place.address.is_ipv4() == is_ipv4 && place.is_at(local));
        }
        let one = Place::one_or_all("127.0.0.1", true).expect("the loopback device");
        assert!(one.is_at(local) && !one.is_at(Ipv4Addr::UNSPECIFIED.into()));
    }
}
