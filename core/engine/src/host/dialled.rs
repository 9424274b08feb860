//! Whom a ROUTER dialled.
//!
//! libzmq ends the process if a connection gets a name that another one has, and one that was given up has its name until it
//! is gone, which nobody is told. So libzmq's names are numbers that are used once, and the machine's names are ours to keep.

use std::collections::BTreeMap;

use zpatterns_protocol::{Error, ErrorKind, Result, machine::Peer};

/// What libzmq knows a connection by.
type Id = [u8; 8];

#[derive(Default)]
pub(super) struct Dialled {
    last: u64,
    peers: BTreeMap<Id, Peer>,
    ids: BTreeMap<Peer, Id>,
    endpoints: BTreeMap<String, Id>,
}

impl Dialled {
    /// [`ErrorKind::WrongState`] if one of them is in use.
    pub(super) fn add(&mut self, endpoint: String, peer: Peer) -> Result<Id> {
        if self.endpoints.contains_key(&endpoint) || self.ids.contains_key(&peer) {
            let error = Error::new(ErrorKind::WrongState, "the socket has dialled there, or under this name");
            return Err(error.with("endpoint", endpoint));
        }
        self.last += 1;
        let id = self.last.to_be_bytes();
        self.endpoints.insert(endpoint, id);
        self.ids.insert(peer.clone(), id);
        self.peers.insert(id, peer);
        Ok(id)
    }

    pub(super) fn remove(&mut self, endpoint: &str) -> Option<Peer> {
        let peer = self.peers.remove(&self.endpoints.remove(endpoint)?)?;
        self.ids.remove(&peer);
        Some(peer)
    }

    pub(super) fn id_of(&self, peer: &Peer) -> Option<Id> {
        self.ids.get(peer).copied()
    }

    pub(super) fn peer_of(&self, id: &[u8]) -> Option<Peer> {
        self.peers.get(id).cloned()
    }
}
