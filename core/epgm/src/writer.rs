//! Packets as they leave, with their tag if they have one.

use bytes::{Bytes, BytesMut};

use crate::{
    key::{Key, TAG},
    packet::{DATA_HEADER, Flow, Packet, write_data_header},
    sequence::Sqn,
};

/// Writes the packets of one who sends or listens.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    key: Option<Key>,
}

impl Writer {
    pub(crate) fn new(key: Option<Key>) -> Self {
        Self { key }
    }

    /// What is a packet in a datagram; nothing, if somebody has sent it who does not know the key.
    pub(crate) fn open<'a>(&self, datagram: &'a [u8]) -> Option<&'a [u8]> {
        self.key.as_ref().map_or(Some(datagram), |key| key.open(datagram))
    }

    /// Bytes of a tag.
    fn tag(&self) -> usize {
        if self.key.is_some() { TAG } else { 0 }
    }

    fn seal(&self, mut packet: BytesMut) -> Bytes {
        if let Some(key) = &self.key {
            let tag = key.tag(&packet);
            packet.extend(tag);
        }
        packet.freeze()
    }

    pub(crate) fn packet(&self, packet: &Packet<'_>) -> Bytes {
        let mut datagram = Vec::new();
        packet.write(&mut datagram);
        self.seal(BytesMut::from(&datagram[..]))
    }

    /// Data whose payload stands behind the room for its header.
    pub(crate) fn data(&self, mut datagram: BytesMut, flow: Flow, sequence: Sqn, trail: Sqn) -> Bytes {
        write_data_header(&mut datagram, flow, false, sequence, trail);
        self.seal(datagram)
    }

    /// The same data once more.
    pub(crate) fn again(&self, data: &Bytes, flow: Flow, sequence: Sqn, trail: Sqn) -> Bytes {
        let mut datagram = BytesMut::with_capacity(data.len());
        datagram.extend_from_slice(&data[..data.len() - self.tag()]);
        write_data_header(&mut datagram, flow, true, sequence, trail);
        self.seal(datagram)
    }

    /// The payload of data that was written here.
    pub(crate) fn payload<'a>(&self, data: &'a Bytes) -> &'a [u8] {
        &data[DATA_HEADER..data.len() - self.tag()]
    }
}
