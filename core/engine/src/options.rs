//! Socket options, from one table.
//!
//! Each option is one row below: its field, its type, its default, its range, its text and what it sets in libzmq.
//! The bindings look options up by name in [`SocketOptions::TABLE`], so a new row is a new option in every language,
//! and a value out of range is refused in core with the same words everywhere.

use std::time::Duration;

use libzmq::option as zmq;
use zpatterns_protocol::{Error, ErrorKind, Result};

/// The type of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OptionType {
    /// On or off.
    Bool,
    /// A whole number, within the range of its row.
    Int,
    /// A time in milliseconds, within the range of its row.
    Duration,
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Bytes,
}

/// A value on its way in from another language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OptionValue {
    /// On or off.
    Bool(bool),
    /// A number, or a duration in milliseconds.
    Int(i64),
    /// Text, or bytes that are text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct OptionInfo {
    /// The name, in snake case: `send_hwm`.
    pub name: &'static str,
    /// The type.
    pub kind: OptionType,
    /// The default as text; empty is unset.
    pub default: &'static str,
    /// The smallest number allowed.
    pub min: i64,
    /// The largest number allowed.
    pub max: i64,
    /// What it does, with units.
    pub doc: &'static str,
}

/// Numbers that libzmq takes as `int`.
const INT: i64 = i32::MAX as i64;
/// A day: no timer of a socket is sensibly longer.
const DAY: i64 = 24 * 60 * 60 * 1000;

macro_rules! field_type {
    (Bool) => { bool };
    (Int) => { i64 };
    (Duration) => { Duration };
    (Text) => { Option<String> };
    (Bytes) => { Option<Vec<u8>> };
}

macro_rules! field_default {
    (Bool, $value:literal) => {
        $value
    };
    (Int, $value:literal) => {
        $value
    };
    (Duration, $value:literal) => {
        Duration::from_millis($value)
    };
    (Text, ) => {
        None
    };
    (Bytes, ) => {
        None
    };
}

macro_rules! field_default_text {
    ($value:literal) => {
        stringify!($value)
    };
    () => {
        ""
    };
}

/// Turns a value from outside into the field's type, checking type and range.
macro_rules! field_convert {
    (Bool, $info:expr, $value:expr) => {
        match $value {
            OptionValue::Bool(on) => on,
            other => return Err(wrong_type($info, &other)),
        }
    };
    (Int, $info:expr, $value:expr) => {
        match $value {
            OptionValue::Int(n) => n,
            other => return Err(wrong_type($info, &other)),
        }
    };
    (Duration, $info:expr, $value:expr) => {
        match $value {
            OptionValue::Int(ms) if ms >= 0 => Duration::from_millis(ms as u64),
            OptionValue::Int(ms) => return Err(out_of_range($info, ms)),
            other => return Err(wrong_type($info, &other)),
        }
    };
    (Text, $info:expr, $value:expr) => {
        match $value {
            OptionValue::Text(text) => Some(text),
            OptionValue::Bytes(bytes) => Some(String::from_utf8(bytes).map_err(|_| {
                Error::new(ErrorKind::InvalidText, "the option takes UTF-8 text").with("option", $info.name)
            })?),
            other => return Err(wrong_type($info, &other)),
        }
    };
    (Bytes, $info:expr, $value:expr) => {
        match $value {
            OptionValue::Bytes(bytes) => Some(bytes),
            OptionValue::Text(text) => Some(text.into_bytes()),
            other => return Err(wrong_type($info, &other)),
        }
    };
}

/// A field as a number to check against its row, if it is one.
macro_rules! field_number {
    (Bool, $value:expr) => {
        None::<i64>
    };
    (Int, $value:expr) => {
        Some($value)
    };
    (Duration, $value:expr) => {
        Some(i64::try_from($value.as_millis()).unwrap_or(i64::MAX))
    };
    (Text, $value:expr) => {
        None::<i64>
    };
    (Bytes, $value:expr) => {
        None::<i64>
    };
}

macro_rules! options {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ident $(= $default:literal)?
        $(in $min:literal..=$max:expr)?;)*) => {
        /// How a socket is set up; fixed once it is open. Start from `SocketOptions::default()`.
        #[derive(Clone, Debug)]
        pub struct SocketOptions {
            $($(#[doc = $doc])+ pub $name: field_type!($type),)*
        }

        impl Default for SocketOptions {
            fn default() -> Self {
                Self { $($name: field_default!($type, $($default)?),)* }
            }
        }

        impl SocketOptions {
            /// Every option, in the order in which people look for them.
            pub const TABLE: &'static [OptionInfo] = &[$(OptionInfo {
                name: stringify!($name),
                kind: OptionType::$type,
                default: field_default_text!($($default)?),
                min: 0 $(+ $min)?,
                max: 0 $(+ $max)?,
                doc: concat!($($doc,)+),
            },)*];

            /// Sets an option by name. [`ErrorKind::InvalidArgument`] for a name that does not exist, a value of
            /// another type, or one out of range.
            pub fn set(&mut self, name: &str, value: OptionValue) -> Result<()> {
                let info = Self::info(name).ok_or_else(|| {
                    Error::new(ErrorKind::InvalidArgument, "there is no such option").with("option", name)
                })?;
                match name {
                    $(stringify!($name) => self.$name = field_convert!($type, info, value),)*
                    _ => unreachable!("the table and this match have the same rows"),
                }
                self.check()
            }

            /// An error if a number is out of its range.
            pub(crate) fn check(&self) -> Result<()> {
                let numbers = [$((stringify!($name), field_number!($type, self.$name)),)*];
                for (name, number) in numbers {
                    let (Some(number), Some(info)) = (number, Self::info(name)) else { continue };
                    if number < info.min || number > info.max {
                        return Err(out_of_range(info, number));
                    }
                }
                Ok(())
            }
        }
    };
}

options! {
    /// Let a thread of the context receive ahead into a bounded inbox and keep the connections served while the
    /// program is busy. Event loops (asyncio, Node, epoll) need it. Off, every call works on the caller's thread,
    /// which has the lowest latency.
    background: Bool = false;
    /// How many messages may wait to be sent, per peer.
    send_hwm: Int = 1000 in 1..=INT;
    /// How many messages may wait to be received, per peer, before the peer is held back.
    recv_hwm: Int = 1000 in 1..=INT;
    /// How many messages the inbox of a background socket holds.
    inbox_messages: Int = 8192 in 1..=INT;
    /// How many bytes the inbox of a background socket holds; one message is always let in.
    inbox_bytes: Int = 2097152 in 1..=INT;
    /// The largest frame in bytes, sent or received. A peer that sends a larger one is disconnected. Handshakes have
    /// to fit, hence the minimum.
    max_message_size: Int = 268435456 in 1024..=i64::MAX;
    /// How long messages that are not yet sent survive `close`, in milliseconds.
    linger: Duration = 5000 in 0..=DAY;
    /// SUB and PUB (on both ends): receive everything but what was subscribed to.
    invert_matching: Bool = false;
    /// Keep only the newest message in each direction (single-frame messages only).
    conflate: Bool = false;
    /// Queue only to connections that are complete.
    immediate: Bool = false;
    /// The name under which a ROUTER knows this socket: 1 to 255 bytes, the first not zero.
    routing_id: Bytes;
    /// ROUTER: a message to an unknown peer is an error (`Unreachable`) instead of being dropped in silence.
    router_mandatory: Bool = true;
    /// ROUTER: a new peer takes over the routing id of an older one instead of being refused.
    router_handover: Bool = false;
    /// Send an empty message on each new connection, so that a ROUTER learns of this peer.
    probe_router: Bool = false;
    /// REQ: a new request may be sent before the reply to the last; that reply is dropped.
    req_relaxed: Bool = false;
    /// REQ: number the requests and drop replies with another number.
    req_correlate: Bool = false;
    /// XPUB: pass on every subscription, not only the first of a kind.
    xpub_verbose: Bool = false;
    /// XPUB: pass on every subscription and every unsubscription.
    xpub_verboser: Bool = false;
    /// XPUB and PUB: a full subscriber makes `send` wait instead of losing messages.
    xpub_nodrop: Bool = false;
    /// STREAM: receive an empty frame when a connection opens and closes.
    stream_notify: Bool = true;
    /// Wait before the first reconnection attempt, in milliseconds.
    reconnect_interval: Duration = 100 in 1..=DAY;
    /// The wait doubles with each attempt up to this, in milliseconds.
    reconnect_interval_max: Duration = 2000 in 0..=DAY;
    /// Give up a connection attempt after this, in milliseconds; 0 leaves it to the operating system.
    connect_timeout: Duration = 0 in 0..=DAY;
    /// A handshake that takes longer is broken off, in milliseconds.
    handshake_interval: Duration = 30000 in 1..=DAY;
    /// Ping the peer this often, in milliseconds; 0 is off.
    heartbeat_interval: Duration = 0 in 0..=DAY;
    /// A peer that does not answer a ping for this long is disconnected, in milliseconds; 0 means the interval.
    heartbeat_timeout: Duration = 0 in 0..=DAY;
    /// Ask the peer to disconnect us after this silence, in milliseconds; 0 is off.
    heartbeat_ttl: Duration = 0 in 0..=6553599;
    /// TCP keepalive: 1 on, 0 off, -1 as the operating system has it.
    tcp_keepalive: Int = -1 in -1..=1;
    /// Seconds of silence before the first keepalive; -1 as the operating system has it.
    tcp_keepalive_idle: Int = -1 in -1..=32767;
    /// Unanswered keepalives before the connection is dropped; -1 as the operating system has it.
    tcp_keepalive_count: Int = -1 in -1..=127;
    /// Seconds between keepalives; -1 as the operating system has it.
    tcp_keepalive_interval: Int = -1 in -1..=32767;
    /// How many connections may wait to be accepted.
    backlog: Int = 1024 in 1..=65535;
    /// Size of the kernel's send buffer in bytes; -1 as the operating system has it.
    kernel_send_buffer: Int = -1 in -1..=INT;
    /// Size of the kernel's receive buffer in bytes; -1 as the operating system has it.
    kernel_recv_buffer: Int = -1 in -1..=INT;
    /// Type of service of sent packets.
    tos: Int = 0 in 0..=255;
    /// Use IPv6 besides IPv4.
    ipv6: Bool = false;
    /// Bind connections to this network device (Linux, needs a privilege).
    bind_to_device: Text;
    /// Connect through this SOCKS5 proxy, `host:port`.
    socks_proxy: Text;
    /// ipc: permission bits of the socket file, set before anyone can connect; -1 leaves the umask to decide.
    ipc_mode: Int = -1 in -1..=0o777;
    /// ipc: user id that owns the socket file; -1 leaves it.
    ipc_uid: Int = -1 in -1..=INT;
    /// ipc: group id that owns the socket file; -1 leaves it.
    ipc_gid: Int = -1 in -1..=INT;
    /// PLAIN: this side decides about user names and passwords; the context needs an authenticator.
    plain_server: Bool = false;
    /// PLAIN: user name of this client.
    plain_username: Text;
    /// PLAIN: password of this client.
    plain_password: Text;
    /// CURVE: this side is the server; the context needs an authenticator that says which keys may enter.
    curve_server: Bool = false;
    /// CURVE: our public key, 40 characters of Z85.
    curve_public_key: Text;
    /// CURVE: our secret key, 40 characters of Z85.
    curve_secret_key: Text;
    /// CURVE: the server's public key, 40 characters of Z85, which makes this side a client.
    curve_server_key: Text;
    /// What the authenticator is asked for; a server's default is `global`. Set on a socket without a mechanism, the
    /// authenticator decides about its peers by address.
    zap_domain: Text;
}

impl SocketOptions {
    /// The row with this name.
    pub fn info(name: &str) -> Option<&'static OptionInfo> {
        Self::TABLE.iter().find(|info| info.name == name)
    }

    /// Options for a background socket.
    pub fn background() -> Self {
        Self { background: true, ..Self::default() }
    }

    /// Whether the socket decides about user names or keys.
    pub(crate) fn is_server(&self) -> bool {
        self.plain_server || self.curve_server
    }

    /// What these options set in libzmq, in an order that works.
    pub(crate) fn settings(&self) -> Settings<'_> {
        let mut list = vec![
            ("linger", zmq::LINGER, Setting::millis(self.linger)),
            ("send_hwm", zmq::SNDHWM, Setting::Int(self.send_hwm)),
            ("recv_hwm", zmq::RCVHWM, Setting::Int(self.recv_hwm)),
            ("max_message_size", zmq::MAXMSGSIZE, Setting::Long(self.max_message_size)),
            ("reconnect_interval", zmq::RECONNECT_IVL, Setting::millis(self.reconnect_interval)),
            ("reconnect_interval_max", zmq::RECONNECT_IVL_MAX, Setting::millis(self.reconnect_interval_max)),
            ("connect_timeout", zmq::CONNECT_TIMEOUT, Setting::millis(self.connect_timeout)),
            ("handshake_interval", zmq::HANDSHAKE_IVL, Setting::millis(self.handshake_interval)),
            ("backlog", zmq::BACKLOG, Setting::Int(self.backlog)),
            ("tcp_keepalive", zmq::TCP_KEEPALIVE, Setting::Int(self.tcp_keepalive)),
            ("tcp_keepalive_idle", zmq::TCP_KEEPALIVE_IDLE, Setting::Int(self.tcp_keepalive_idle)),
            ("tcp_keepalive_count", zmq::TCP_KEEPALIVE_CNT, Setting::Int(self.tcp_keepalive_count)),
            ("tcp_keepalive_interval", zmq::TCP_KEEPALIVE_INTVL, Setting::Int(self.tcp_keepalive_interval)),
            ("kernel_send_buffer", zmq::SNDBUF, Setting::Int(self.kernel_send_buffer)),
            ("kernel_recv_buffer", zmq::RCVBUF, Setting::Int(self.kernel_recv_buffer)),
            ("tos", zmq::TOS, Setting::Int(self.tos)),
            ("ipv6", zmq::IPV6, Setting::bool(self.ipv6)),
            ("immediate", zmq::IMMEDIATE, Setting::bool(self.immediate)),
        ];
        if !self.heartbeat_interval.is_zero() {
            list.push(("heartbeat_interval", zmq::HEARTBEAT_IVL, Setting::millis(self.heartbeat_interval)));
            if !self.heartbeat_timeout.is_zero() {
                list.push(("heartbeat_timeout", zmq::HEARTBEAT_TIMEOUT, Setting::millis(self.heartbeat_timeout)));
            }
            list.push(("heartbeat_ttl", zmq::HEARTBEAT_TTL, Setting::millis(self.heartbeat_ttl)));
        }
        // Only where they are on: each is refused by the socket types that do not know it.
        let switches = [
            ("conflate", zmq::CONFLATE, self.conflate),
            ("probe_router", zmq::PROBE_ROUTER, self.probe_router),
            ("router_handover", zmq::ROUTER_HANDOVER, self.router_handover),
            ("req_relaxed", zmq::REQ_RELAXED, self.req_relaxed),
            ("req_correlate", zmq::REQ_CORRELATE, self.req_correlate),
            ("xpub_verbose", zmq::XPUB_VERBOSE, self.xpub_verbose),
            ("xpub_verboser", zmq::XPUB_VERBOSER, self.xpub_verboser),
            ("xpub_nodrop", zmq::XPUB_NODROP, self.xpub_nodrop),
            ("invert_matching", zmq::INVERT_MATCHING, self.invert_matching),
        ];
        push_switches(&mut list, &switches);
        let texts = [
            ("bind_to_device", zmq::BINDTODEVICE, &self.bind_to_device),
            ("socks_proxy", zmq::SOCKS_PROXY, &self.socks_proxy),
        ];
        push_texts(&mut list, &texts);
        list.extend(self.security());
        if let Some(id) = &self.routing_id {
            list.push(("routing_id", zmq::ROUTING_ID, Setting::Bytes(id)));
        }
        list
    }

    /// Of these, what says whom to let in, and as whom to get in.
    pub(crate) fn security(&self) -> Settings<'_> {
        let mut list = Vec::new();
        let switches = [
            ("plain_server", zmq::PLAIN_SERVER, self.plain_server),
            ("curve_server", zmq::CURVE_SERVER, self.curve_server),
        ];
        push_switches(&mut list, &switches);
        let texts = [
            ("zap_domain", zmq::ZAP_DOMAIN, &self.zap_domain),
            ("plain_username", zmq::PLAIN_USERNAME, &self.plain_username),
            ("plain_password", zmq::PLAIN_PASSWORD, &self.plain_password),
            ("curve_server_key", zmq::CURVE_SERVERKEY, &self.curve_server_key),
            ("curve_public_key", zmq::CURVE_PUBLICKEY, &self.curve_public_key),
            ("curve_secret_key", zmq::CURVE_SECRETKEY, &self.curve_secret_key),
        ];
        push_texts(&mut list, &texts);
        if self.is_server() {
            // Without these libzmq lets everybody in while no authenticator answers.
            if self.zap_domain.is_none() {
                list.push(("zap_domain", zmq::ZAP_DOMAIN, Setting::Bytes(b"global")));
            }
            list.push(("zap_domain", zmq::ZAP_ENFORCE_DOMAIN, Setting::Int(1)));
        }
        list
    }
}

/// What is to be set: the option's name, libzmq's number for it, and the value.
pub(crate) type Settings<'a> = Vec<(&'static str, i32, Setting<'a>)>;

fn push_switches(list: &mut Settings<'_>, switches: &[(&'static str, i32, bool)]) {
    let on = switches.iter().filter(|(_, _, on)| *on);
    list.extend(on.map(|(name, option, _)| (*name, *option, Setting::Int(1))));
}

fn push_texts<'a>(list: &mut Settings<'a>, texts: &[(&'static str, i32, &'a Option<String>)]) {
    for (name, option, text) in texts {
        list.extend(text.iter().map(|text| (*name, *option, Setting::Bytes(text.as_bytes()))));
    }
}

/// A value as libzmq wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting<'a> {
    /// A C `int`.
    Int(i64),
    /// An `int64_t`.
    Long(i64),
    /// Bytes or text.
    Bytes(&'a [u8]),
}

impl Setting<'_> {
    fn millis(duration: Duration) -> Self {
        Self::Int(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }

    fn bool(on: bool) -> Self {
        Self::Int(on.into())
    }
}

fn wrong_type(info: &OptionInfo, value: &OptionValue) -> Error {
    let given = match value {
        OptionValue::Bool(_) => "a bool",
        OptionValue::Int(_) => "a number",
        OptionValue::Text(_) => "text",
        OptionValue::Bytes(_) => "bytes",
    };
    Error::new(ErrorKind::InvalidArgument, format!("the option takes {:?}, not {given}", info.kind))
        .with("option", info.name)
}

fn out_of_range(info: &OptionInfo, number: i64) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the option goes from {} to {}", info.min, info.max))
        .with("option", info.name)
        .with("value", number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range() {
        SocketOptions::default().check().expect("defaults are valid");
    }

    #[test]
    fn options_are_set_by_name_and_checked() {
        let mut options = SocketOptions::default();
        options.set("send_hwm", OptionValue::Int(5)).expect("in range");
        options.set("linger", OptionValue::Int(250)).expect("in range");
        options.set("routing_id", OptionValue::Text("me".into())).expect("text is bytes");
        assert_eq!((options.send_hwm, options.linger), (5, Duration::from_millis(250)));
        assert_eq!(options.routing_id.as_deref(), Some(&b"me"[..]));
        for (name, value) in [
            ("no_such", OptionValue::Int(1)),
            ("send_hwm", OptionValue::Int(0)),
            ("send_hwm", OptionValue::Bool(true)),
            ("linger", OptionValue::Int(-1)),
            ("tos", OptionValue::Int(256)),
        ] {
            let error = SocketOptions::default().set(name, value).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
    }
}
