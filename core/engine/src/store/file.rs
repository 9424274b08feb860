//! A store in a file, kept by redb: a copy-on-write tree, of which a commit is there wholly or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, StorageError, TableDefinition,
    TableError, backends::FileBackend,
};
use zpatterns_protocol::{Error, ErrorKind, Result, machine::Change};

use super::Storage;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
/// Bytes of pages in memory. All is read once, and written as it comes.
const CACHE: usize = 16 << 20;

type Opener = Box<dyn Fn() -> Result<Database> + Send>;

/// Keeps the table in a file.
pub struct FileStorage {
    open: Opener,
    /// Gone after an error: what failed once is opened anew, and checked.
    database: Option<Database>,
}

impl FileStorage {
    /// In this file, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self> {
        let path: PathBuf = path.to_owned();
        Self::with_opener(Box::new(move || {
            let opened = if path.try_exists().is_ok_and(|exists| exists) { open(&path) } else { make(&path) };
            opened.map_err(|error| error.with("file", path.display()))
        }))
    }

    /// In a file of this folder that has no name and goes with the process. Nothing is flushed: it is not to survive anything.
    pub fn scratch(folder: &Path) -> Result<Self> {
        let failed = |error: io::Error| io_error(&error).with("folder", folder.display());
        let file = tempfile::tempfile_in(folder).map_err(failed)?;
        // What is in it is not lost when it is opened anew.
        Self::with_opener(Box::new(move || {
            let file = file.try_clone().map_err(|error| io_error(&error))?;
            create(Unflushed(FileBackend::new(file).map_err(database_error)?))
        }))
    }

    /// In what takes the place of a file; `backend` is asked again after an error.
    pub fn with_backend<B: StorageBackend>(backend: impl Fn() -> B + Send + 'static) -> Result<Self> {
        Self::with_opener(Box::new(move || create(backend())))
    }

    fn with_opener(open: Opener) -> Result<Self> {
        let database = spared(&open)?;
        Ok(Self { open, database: Some(database) })
    }

    fn using<T>(&mut self, work: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let database = match self.database.take() {
            Some(database) => database,
            None => spared(&self.open)?,
        };
        let done = spared(|| work(&database));
        if done.is_ok() {
            self.database = Some(database);
        } else {
            // It may panic over what made it fail.
            let _ = spared(|| database.close().map_err(database_error));
        }
        done
    }
}

/// A file that takes its time to reach the disk.
#[derive(Debug)]
struct Unflushed(FileBackend);

impl StorageBackend for Unflushed {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, to: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, to)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

fn open(path: &Path) -> Result<Database> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| io_error(&error))?;
    create(FileBackend::new(file).map_err(database_error)?)
}

/// A file gets its name when it is a store: one that was begun and never finished would be taken for a damaged one.
fn make(path: &Path) -> Result<Database> {
    let failed = |error: io::Error| io_error(&error);
    let folder = path.parent().filter(|path| *path != Path::new("")).unwrap_or(Path::new("."));
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&unfinished);
    let file = file.map_err(failed)?;
    // Somebody else may be at it.
    file.try_lock().map_err(|_| database_error(DatabaseError::DatabaseAlreadyOpen))?;
    file.set_len(0).map_err(failed)?;
    let database = create(FileBackend::new(file).map_err(database_error)?)?;
    fs::hard_link(&unfinished, path).map_err(failed)?;
    fs::remove_file(&unfinished).map_err(failed)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(database)
}

fn create(backend: impl StorageBackend) -> Result<Database> {
    // A page that is damaged is found by its checksum now rather than used later.
    Builder::new()
        .set_cache_size(CACHE)
        .set_check_integrity_on_open(true)
        .create_with_backend(backend)
        .map_err(database_error)
}

/// A database that meets what it never wrote may panic; the store then fails, and not its thread.
fn spared<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Corrupt, "the store's file is damaged")))
}

impl Storage for FileStorage {
    fn load(&mut self) -> Result<Vec<(Bytes, Bytes)>> {
        self.using(|database| {
            let transaction = database.begin_read().map_err(other)?;
            let table = match transaction.open_table(TABLE) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(other(error)),
            };
            let record = |record| {
                let (key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>) = record?;
                Ok((Bytes::copy_from_slice(key.value()), Bytes::copy_from_slice(value.value())))
            };
            table
                .iter()
                .map_err(storage_error)?
                .map(record)
                .collect::<std::result::Result<_, _>>()
                .map_err(storage_error)
        })
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        self.using(|database| {
            let transaction = database.begin_read().map_err(other)?;
            let table = match transaction.open_table(TABLE) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(other(error)),
            };
            let value = table.get(key).map_err(storage_error)?;
            Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
        })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        self.using(|database| {
            let transaction = database.begin_write().map_err(other)?;
            {
                let mut table = transaction.open_table(TABLE).map_err(other)?;
                for change in changes {
                    let old = match change {
                        Change::Put { key, value } => table.insert(&**key, &**value),
                        Change::Remove { key } => table.remove(&**key),
                    };
                    old.map_err(storage_error)?;
                }
            }
            transaction.commit().map_err(other)
        })
    }
}

fn other(error: impl Into<redb::Error>) -> Error {
    match error.into() {
        redb::Error::Io(error) => io_error(&error),
        redb::Error::Corrupted(text) => corrupt(&text),
        error => Error::new(ErrorKind::System, format!("the store failed: {error}")),
    }
}

fn storage_error(error: StorageError) -> Error {
    other(error)
}

fn database_error(error: DatabaseError) -> Error {
    match error {
        DatabaseError::DatabaseAlreadyOpen => Error::new(ErrorKind::WrongState, "the store is open already"),
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
            corrupt("it is no store")
        }
        error => other(error),
    }
}

fn corrupt(text: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the store's file is damaged: {text}"))
}

fn io_error(error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => ErrorKind::Full,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::System,
    };
    Error::new(kind, format!("the store's file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_scratch_file_outlives_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let mut storage = FileStorage::scratch(folder.path()).unwrap();
        storage.commit(&[Change::Put { key: "a".into(), value: "1".into() }]).unwrap();
        let failure = || Error::new(ErrorKind::Full, "the disk is full");
        assert!(storage.using(|_| Err::<(), _>(failure())).is_err() && storage.database.is_none());
        assert_eq!(storage.get(b"a").unwrap(), Some("1".into()));
        storage.commit(&[Change::Put { key: "b".into(), value: "2".into() }]).unwrap();
        assert_eq!(storage.load().unwrap().len(), 2);
    }
}
