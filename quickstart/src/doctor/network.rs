//! Networks of one's own, with nothing in them but a loopback device, where datagrams may be lost without harm to others.

use super::Version;
use crate::shell::Call;

/// Makes one, tells that it is there, and keeps it as long as its input; the arguments are rules for what comes in.
const KEEP: &str = r#"ip link set lo up
nft add table inet bench
nft 'add chain inet bench in { type filter hook input priority 0; }'
for rule in "$@"; do nft "add rule inet bench in $rule"; done
nft --version
exec cat"#;

/// How networks are made and entered here.
#[derive(Clone, Copy, Debug)]
pub struct Networks {
    unshare: &'static str,
    nsenter: &'static [&'static str],
}

impl Networks {
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

    /// A program that makes a network in which `rule` decides about what comes in; it prints a version when the network is
    /// there, and keeps it as long as its input.
    pub fn make(&self, rule: &str) -> Call {
        Call::new("unshare").args([self.unshare, "sh", "-ec", KEEP, "sh", rule])
    }

    /// `call` in the network that the process `id` keeps.
    pub fn inside(&self, id: u32, call: Call) -> Call {
        call.through(Call::new("nsenter").args(["--target", &id.to_string()]).args(self.nsenter))
    }
}
