//! A store on disks that tear, fill up and flip bits, against a plain table.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use fastrand::Rng;
use redb::StorageBackend;
use zpatterns_simulator::{Disk, DiskFull, seeds};

use super::*;

type Table = BTreeMap<Bytes, Bytes>;

/// A file of the simulator, as redb sees it. The one before a crash is cut off from the one after.
#[derive(Clone, Default, Debug)]
struct Simulated(Arc<Mutex<Disk>>);

impl Simulated {
    fn with<T>(&self, work: impl FnOnce(&mut Disk) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    fn store(&self) -> Result<Store> {
        let disk = self.clone();
        Ok(Store::new(FileStorage::with_backend(move || disk.clone())?))
    }

    /// What is there after a crash now; the store that wrote it knows nothing of that.
    fn crashed(&self, random: &mut Rng) -> Self {
        let mut disk = self.with(|disk| disk.clone());
        disk.crash(random);
        Self(Arc::new(Mutex::new(disk)))
    }
}

fn full(_: DiskFull) -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl StorageBackend for Simulated {
    fn len(&self) -> io::Result<u64> {
        Ok(self.with(|disk| disk.len()))
    }

    fn read(&self, offset: u64, to: &mut [u8]) -> io::Result<()> {
        let read = self.with(|disk| disk.read(offset, to));
        read.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.with(|disk| disk.set_len(length)).map_err(full)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(Disk::flush);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|disk| disk.write(offset, data)).map_err(full)
    }
}

fn some_changes(random: &mut Rng, most: usize) -> Vec<Change> {
    (0..random.usize(1..20))
        .map(|_| {
            let key = Bytes::from(format!("key {}", random.u8(0..50)));
            if random.u8(0..4) == 0 {
                return Change::Remove { key };
            }
            let length = random.usize(0..most);
            Change::Put { key, value: std::iter::repeat_with(|| random.u8(..)).take(length).collect() }
        })
        .collect()
}

fn apply(table: &mut Table, changes: &[Change]) {
    for change in changes.iter().cloned() {
        match change {
            Change::Put { key, value } => table.insert(key, value),
            Change::Remove { key } => table.remove(&key),
        };
    }
}

fn loaded(store: &mut Store) -> Table {
    store.load().unwrap().into_iter().collect()
}

/// Cuts a store off from its disk after so many writes and flushes.
#[derive(Clone, Debug)]
struct Dying {
    disk: Simulated,
    left: Arc<Mutex<u32>>,
}

impl Dying {
    fn spend(&self) -> io::Result<()> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or_else(|| io::Error::other("the power is gone"))?;
        Ok(())
    }
}

impl StorageBackend for Dying {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, to: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, to)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.spend()?;
        self.disk.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.spend()?;
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.spend()?;
        self.disk.write(offset, data)
    }
}

#[test]
fn a_commit_that_dies_anywhere_is_there_wholly_or_not_at_all() {
    seeds(0..100, |seed| {
        let mut random = Rng::with_seed(seed);
        let mut disk = Simulated::default();
        drop(disk.store().unwrap());
        // What must be there, and what may be.
        let (mut table, mut perhaps) = (Table::new(), Table::new());
        for _ in 0..8 {
            let left = Arc::new(Mutex::new(random.u32(0..150)));
            let dying = Dying { disk: disk.clone(), left };
            if let Ok(storage) = FileStorage::with_backend(move || dying.clone()) {
                let mut store = Store::new(storage);
                loop {
                    let changes = some_changes(&mut random, 3000);
                    perhaps = table.clone();
                    apply(&mut perhaps, &changes);
                    if store.commit(changes).is_err() {
                        break;
                    }
                    table.clone_from(&perhaps);
                }
            }
            disk = disk.crashed(&mut random);
            let found = loaded(&mut disk.store().unwrap());
            assert!(found == table || found == perhaps, "half a commit, or one that was told is lost");
            table.clone_from(&found);
            perhaps = found;
        }
        assert!(!table.is_empty(), "no commit ever got through");
    });
}

#[test]
fn a_flipped_bit_is_found() {
    let mut random = Rng::with_seed(4);
    let disk = Simulated::default();
    let mut store = disk.store().unwrap();
    let changes = some_changes(&mut random, 10_000);
    let mut table = Table::new();
    apply(&mut table, &changes);
    store.commit(changes).unwrap();
    drop(store);
    let mut found = 0;
    for _ in 0..500 {
        let copy = Simulated(Arc::new(Mutex::new(disk.with(|disk| disk.clone()))));
        copy.with(|disk| disk.flip(&mut random));
        match copy.store().and_then(|mut store| store.load()) {
            // It was where nothing is kept.
            Ok(records) => assert_eq!(records.into_iter().collect::<Table>(), table),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::System), "{error}");
                found += 1;
            }
        }
    }
    assert!(found > 0, "no flip hit anything");
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let mut random = Rng::with_seed(5);
    let disk = Simulated::default();
    let mut store = disk.store().unwrap();
    store.commit(vec![Change::Put { key: "a".into(), value: "1".into() }]).unwrap();
    disk.with(|disk| disk.set_capacity(Some(disk.len())));
    let large = vec![Change::Put { key: "b".into(), value: vec![random.u8(..); 64 << 20].into() }];
    let error = store.commit(large.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert_eq!(loaded(&mut store), Table::from([("a".into(), "1".into())]), "what was there is there");
    disk.with(|disk| disk.set_capacity(None));
    store.commit(large).unwrap();
    assert_eq!(loaded(&mut store).len(), 2);
}

#[test]
fn a_record_that_is_not_what_was_stored_is_found_in_any_storage() {
    struct Liar(Table);

    impl Storage for Liar {
        fn load(&mut self) -> Result<Vec<(Bytes, Bytes)>> {
            Ok(self.0.clone().into_iter().map(|(key, value)| (key, value.slice(..value.len() - 1))).collect())
        }

        fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
            Ok(self.0.get(key).map(|value| value.slice(..value.len() - 1)))
        }

        fn commit(&mut self, changes: &[Change]) -> Result<()> {
            apply(&mut self.0, changes);
            Ok(())
        }
    }

    let mut store = Store::new(Liar(Table::new()));
    store.commit(vec![Change::Put { key: "a".into(), value: "1".into() }]).unwrap();
    assert_eq!(store.load().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(store.fetch(b"a").unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn single_records_are_as_they_were_stored() {
    let mut random = Rng::with_seed(6);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::scratch(folder.path()).unwrap();
    let mut table = Table::new();
    for _ in 0..50 {
        let changes = some_changes(&mut random, 3000);
        apply(&mut table, &changes);
        store.commit(changes).unwrap();
        let key = format!("key {}", random.u8(0..50));
        assert_eq!(store.fetch(key.as_bytes()).unwrap(), table.get(key.as_bytes()).cloned());
    }
    // Nobody else sees it, and nothing is left of it.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(Store::scratch(Path::new("/nowhere")).err().map(|error| error.kind()), Some(ErrorKind::NotFound));
}

#[test]
fn a_file_is_one_stores_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = Store::open(&path).unwrap();
    store.commit(vec![Change::Put { key: "a".into(), value: "1".into() }]).unwrap();
    assert_eq!(Store::open(&path).err().map(|error| error.kind()), Some(ErrorKind::WrongState));
    drop(store);
    assert_eq!(loaded(&mut Store::open(&path).unwrap()).len(), 1);
    std::fs::write(&path, b"this is no store, but a letter to whom it may concern").unwrap();
    assert_eq!(Store::open(&path).err().map(|error| error.kind()), Some(ErrorKind::Corrupt));
    assert_eq!(Store::open(Path::new("/nowhere/at/all")).err().map(|error| error.kind()), Some(ErrorKind::NotFound));
}
