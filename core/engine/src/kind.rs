//! Socket types and what each can do.

use std::fmt;

use libzmq::kind;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:path, $text:literal, $sends:literal, $receives:literal;)*) => {
        /// A ZeroMQ socket type.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum SocketKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl SocketKind {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in lower case: `push`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The type with this name, in any case.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name().eq_ignore_ascii_case(name))
            }

            /// Whether messages can be sent.
            pub const fn sends(self) -> bool {
                match self { $(Self::$name => $sends,)* }
            }

            /// Whether messages can be received.
            pub const fn receives(self) -> bool {
                match self { $(Self::$name => $receives,)* }
            }

            pub(crate) const fn number(self) -> i32 {
                match self { $(Self::$name => $number,)* }
            }
        }
    };
}

kinds! {
    /// Exactly one peer, both ways.
    Pair = kind::PAIR, "pair", true, true;
    /// Publishes to every subscriber; drops for a subscriber whose queue is full.
    Pub = kind::PUB, "pub", true, false;
    /// Receives what it subscribed to.
    Sub = kind::SUB, "sub", false, true;
    /// Sends a request, then receives its reply, in strict turns.
    Req = kind::REQ, "req", true, true;
    /// Receives a request, then sends its reply, in strict turns.
    Rep = kind::REP, "rep", true, true;
    /// Sends in turn to every peer, receives from all fairly.
    Dealer = kind::DEALER, "dealer", true, true;
    /// Sends to the peer that the first frame names, receives with the sender as first frame.
    Router = kind::ROUTER, "router", true, true;
    /// Receives from all fairly.
    Pull = kind::PULL, "pull", false, true;
    /// Sends in turn to every peer.
    Push = kind::PUSH, "push", true, false;
    /// A publisher that receives subscriptions as messages.
    XPub = kind::XPUB, "xpub", true, true;
    /// A subscriber that sends subscriptions as messages.
    XSub = kind::XSUB, "xsub", true, true;
    /// Plain TCP connections, each with an identity as first frame.
    Stream = kind::STREAM, "stream", true, true;
}

impl fmt::Display for SocketKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
