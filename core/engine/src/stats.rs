//! What a socket counted.

/// Counters of one socket since it was opened, and what it holds now.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SocketStats {
    /// Messages handed over to libzmq.
    pub sent_messages: u64,
    /// Their bytes, without framing.
    pub sent_bytes: u64,
    /// Messages handed to the program.
    pub received_messages: u64,
    /// Their bytes, without framing.
    pub received_bytes: u64,
    /// How often a send found no room and had to wait or was refused with `Full`.
    pub send_full: u64,
    /// Sends refused because the addressed peer is not connected.
    pub send_unreachable: u64,
    /// Messages in the inbox of a background socket now.
    pub inbox_messages: u64,
    /// Their bytes.
    pub inbox_bytes: u64,
    /// How often the inbox was full and the peer was held back.
    pub inbox_full: u64,
    /// Messages dropped because the inbox was full. Only a monitor drops; every other inbox holds the peer back.
    pub lost_full: u64,
    /// Messages that were in the inbox when the socket closed: lost, because nobody took them.
    pub lost_closed: u64,
}

impl SocketStats {
    /// The counters by name, in a fixed order, for languages that want a table.
    pub fn fields(&self) -> [(&'static str, u64); 11] {
        [
            ("sent_messages", self.sent_messages),
            ("sent_bytes", self.sent_bytes),
            ("received_messages", self.received_messages),
            ("received_bytes", self.received_bytes),
            ("send_full", self.send_full),
            ("send_unreachable", self.send_unreachable),
            ("inbox_messages", self.inbox_messages),
            ("inbox_bytes", self.inbox_bytes),
            ("inbox_full", self.inbox_full),
            ("lost_full", self.lost_full),
            ("lost_closed", self.lost_closed),
        ]
    }
}
