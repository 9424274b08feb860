//! What must outlive the process: a table of values by key, for any machine that wants one.
//!
//! A machine puts out changes; a thread of the store's own makes them durable, as many at once as have come up while the
//! last ones were being written, and tells the machine. So the disk's own pace sets the size of a group, and nobody waits
//! longer than two of its flushes.
//!
//! Every value carries a checksum over itself and its key, whatever keeps it: what a disk or a database gives back
//! damaged is found when it is read, and nothing of it is used.

mod file;
mod writer;

use std::path::Path;

use bytes::Bytes;
use zpatterns_protocol::{Error, ErrorKind, Result, machine::Change};

pub use self::file::FileStorage;
pub(crate) use self::writer::{Notice, Writer};

/// What keeps the table: a file by default, and another database for whoever writes this.
pub trait Storage: Send {
    /// All keys with their values, in the order of the keys.
    ///
    /// [`ErrorKind::Corrupt`] if they cannot be trusted.
    fn load(&mut self) -> Result<Vec<(Bytes, Bytes)>>;

    /// The value that a key has.
    ///
    /// [`ErrorKind::Corrupt`] if it cannot be trusted.
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>>;

    /// Makes all changes durable, in their order; returns once they are. After an error none of them is in the table, and
    /// the next call may succeed; what was changed before is untouched.
    fn commit(&mut self, changes: &[Change]) -> Result<()>;
}

/// A store for one handle.
pub struct Store {
    storage: Box<dyn Storage>,
}

impl Store {
    /// A store in this file, which is made if it is not there.
    ///
    /// [`ErrorKind::WrongState`] if it is open already, here or in another process; [`ErrorKind::Corrupt`] if it is damaged
    /// or no store.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self::new(FileStorage::open(path)?))
    }

    /// A store in this folder that nobody else sees and that is gone with the process: what memory has no room for goes there, and
    /// nothing in it is meant to survive.
    pub fn scratch(folder: &Path) -> Result<Self> {
        Ok(Self::new(FileStorage::scratch(folder)?))
    }

    /// A store that something else keeps.
    pub fn new(storage: impl Storage + 'static) -> Self {
        Self { storage: Box::new(storage) }
    }

    fn load(&mut self) -> Result<Vec<(Bytes, Bytes)>> {
        let records = self.storage.load()?;
        records.into_iter().map(|(key, value)| unseal(&key, value).map(|value| (key, value))).collect()
    }

    fn fetch(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        self.storage.get(key)?.map(|sealed| unseal(key, sealed)).transpose()
    }

    fn commit(&mut self, mut changes: Vec<Change>) -> Result<()> {
        for change in &mut changes {
            if let Change::Put { key, value } = change {
                *value = seal(key, value);
            }
        }
        self.storage.commit(&changes)
    }
}

/// Bytes of the checksum, which is a CRC-32 over the key and the value and goes before the value.
const SEAL: usize = 4;

fn checksum(key: &[u8], value: &[u8]) -> [u8; SEAL] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize().to_be_bytes()
}

fn seal(key: &[u8], value: &[u8]) -> Bytes {
    [&checksum(key, value)[..], value].concat().into()
}

fn unseal(key: &[u8], sealed: Bytes) -> Result<Bytes> {
    let damaged = || Error::new(ErrorKind::Corrupt, "a record of the store is damaged").with("key", key.escape_ascii());
    if sealed.len() < SEAL || sealed[..SEAL] != checksum(key, &sealed[SEAL..]) {
        return Err(damaged());
    }
    Ok(sealed.slice(SEAL..))
}

#[cfg(test)]
mod tests;
