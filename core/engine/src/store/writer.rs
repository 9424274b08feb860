//! The thread of a store.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use zpatterns_protocol::{Error, Result, Wall, machine::Change};

use super::Store;
use crate::reactor::spawn_without_signals;

/// Bytes of changes that are made durable together, more or less: more would keep the first of them waiting.
const GROUP: usize = 8 << 20;

/// What the machine is to be told.
pub(crate) enum Notice {
    Recovered { date: Wall, records: Vec<(Bytes, Bytes)> },
    Fetched { key: Bytes, value: Result<Option<Bytes>> },
    Stored { up_to: u64 },
    Failed { up_to: u64, error: Error },
}

enum Work {
    Recover,
    Fetch { key: Bytes },
    Store { sequence: u64, changes: Vec<Change> },
}

/// Makes changes durable, in groups. What it was given is finished before it is gone.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    work: Vec<Work>,
    stop: bool,
}

impl Writer {
    /// Starts the thread, which calls `tell` with what has been done.
    pub(crate) fn start(store: Store, tell: impl Fn(Notice) + Send + 'static) -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let thread = spawn_without_signals("zpatterns-store", {
            let queue = Arc::clone(&queue);
            move || queue.work(store, tell)
        })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    pub(crate) fn recover(&self) {
        self.queue.push(Work::Recover);
    }

    pub(crate) fn fetch(&self, key: Bytes) {
        self.queue.push(Work::Fetch { key });
    }

    /// How much may wait is for the machine to bound.
    pub(crate) fn store(&self, sequence: u64, changes: Vec<Change>) {
        self.queue.push(Work::Store { sequence, changes });
    }

    /// Finishes what there is, and lets go of the store.
    pub(crate) fn close(&self) {
        self.queue.lock().stop = true;
        self.queue.changed.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic there was told as a failure of the store.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.lock().stop = true;
        self.queue.changed.notify_one();
    }
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, work: Work) {
        let first = {
            let mut state = self.lock();
            state.work.push(work);
            state.work.len() == 1
        };
        if first {
            self.changed.notify_one();
        }
    }

    fn work(&self, mut store: Store, tell: impl Fn(Notice)) {
        loop {
            let state = self.lock();
            let idle = |state: &mut State| state.work.is_empty() && !state.stop;
            let mut state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            if state.work.is_empty() {
                return;
            }
            let work = std::mem::take(&mut state.work);
            drop(state);
            let mut group = Group::default();
            for work in work {
                match work {
                    Work::Recover => tell(recover(&mut store)),
                    Work::Fetch { key } => {
                        let value = store.fetch(&key);
                        tell(Notice::Fetched { key, value });
                    }
                    Work::Store { sequence, changes } => group.add(sequence, changes),
                }
                if group.bytes >= GROUP {
                    group.commit(&mut store, &tell);
                }
            }
            group.commit(&mut store, &tell);
        }
    }
}

fn recover(store: &mut Store) -> Notice {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let date = Wall::from_nanos(u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX));
    match store.load() {
        Ok(records) => Notice::Recovered { date, records },
        Err(error) => Notice::Failed { up_to: 0, error },
    }
}

#[derive(Default)]
struct Group {
    up_to: u64,
    changes: Vec<Change>,
    bytes: usize,
}

impl Group {
    fn add(&mut self, sequence: u64, changes: Vec<Change>) {
        self.up_to = sequence;
        self.bytes += changes.iter().map(size).sum::<usize>();
        self.changes.extend(changes);
    }

    fn commit(&mut self, store: &mut Store, tell: &impl Fn(Notice)) {
        let Self { up_to, changes, .. } = std::mem::take(self);
        if up_to == 0 {
            return;
        }
        // Nothing is durable as it is.
        let committed = if changes.is_empty() { Ok(()) } else { store.commit(changes) };
        tell(match committed {
            Ok(()) => Notice::Stored { up_to },
            Err(error) => Notice::Failed { up_to, error },
        });
    }
}

fn size(change: &Change) -> usize {
    match change {
        Change::Put { key, value } => key.len() + value.len(),
        Change::Remove { key } => key.len(),
    }
}
