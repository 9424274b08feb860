//! Two hosts on a network of their own, where datagrams may be lost without harm to others.
//!
//! Two, because libzmq's peers on one host take each other's questions: they share a port, and the system gives a datagram to
//! one of them.

use super::Version;
use crate::shell::Call;

/// The first host: it starts the second, and tells it a rule for what comes in, and whose network it is itself.
const FIRST: &str = r#"unshare -n sh -ec "$2" sh $$ "$1""#;
/// The second, which joins both, tells its number once the link works, and is there as long as its input.
const SECOND: &str = r#"host='ip link set lo up
ip addr add $2 dev $1
ip link set $1 up
nft add table inet bench
nft "add chain inet bench in { type filter hook input priority 0; }"
nft "add rule inet bench in $3"'
ip link add second type veth peer name first netns $1
sh -ec "$host" sh second 10.9.0.2/24 "$2"
nsenter --net=/proc/$1/ns/net sh -ec "$host" sh first 10.9.0.1/24 "$2"
works='until ip link show $1 | grep -q "state UP"; do :; done'
sh -ec "$works" sh second
nsenter --net=/proc/$1/ns/net sh -ec "$works" sh first
nft --version
echo "second $$"
exec cat"#;

/// How networks are made and entered here.
#[derive(Clone, Copy, Debug)]
pub struct Networks {
    unshare: &'static str,
    nsenter: &'static [&'static str],
}

impl Networks {
    /// The network of both hosts, as endpoints name it.
    pub const ADDRESS: &str = "10.9.0.0/24";

    /// As anybody makes them, and as root where others may not.
    const WAYS: [Self; 2] = [
        Self { unshare: "-rn", nsenter: &["--user", "--net", "--preserve-credentials"] },
        Self { unshare: "-n", nsenter: &["--net"] },
    ];

    /// The way that works on this machine, and the version of nft; `None` if there is none.
    pub fn find() -> Option<(Self, Version)> {
        let version = |way: &Self| Version::of(&way.make("udp dport 1 numgen random mod 1000 lt 0 drop"));
        Self::WAYS.into_iter().find_map(|way| Some((way, version(&way)?)))
    }

    /// A program that makes two hosts, on both of which `rule` decides about what comes in. It is the first of them, prints
    /// `second` with the number of the process that is the other, and keeps them as long as its input.
    pub fn make(&self, rule: &str) -> Call {
        Call::new("unshare").args([self.unshare, "sh", "-ec", FIRST, "sh", rule, SECOND])
    }

    /// `call` on the host that the process `id` is.
    pub fn inside(&self, id: u32, call: Call) -> Call {
        call.through(Call::new("nsenter").args(["--target", &id.to_string()]).args(self.nsenter))
    }
}
