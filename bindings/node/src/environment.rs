//! One Node environment (the main thread, or a worker): its notices, and its end.
//!
//! A reactor wakes JavaScript through one thread-safe function per environment, once per armed edge. The function never
//! keeps the process alive; JavaScript does, while something waits.
//!
//! When the environment ends, also in the middle of a wait in a terminated worker, every handle loses its hook, so
//! nothing of ours calls into Node afterwards, and closes; then the contexts end, which waits until sent messages have
//! left, at most for their linger. `process.exit` and an uncaught exception skip the hooks of the environment, so the
//! exit of the process does the same.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
};

use napi::{
    Status,
    bindgen_prelude::{Env, Function},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode::NonBlocking},
};
use napi_derive::napi;
use zpatterns::{Error, ErrorKind, Hook, Result};

/// Calls `notice(id)` in JavaScript, without keeping the process alive.
type Notice = ThreadsafeFunction<u32, (), u32, Status, false, true>;

/// A handle of core that its environment can take away.
pub(crate) struct Handle<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Handle<T> {
    pub(crate) fn new(handle: T) -> Self {
        Self(Arc::new(Mutex::new(Some(handle))))
    }

    /// The handle; `Closed` once it was taken.
    pub(crate) fn get(&self) -> Result<T>
    where
        T: Clone,
    {
        self.with(|handle| Ok(handle.clone()))
    }

    /// Calls `operation`, which is short; `Closed` once the handle was taken.
    pub(crate) fn with<R>(&self, operation: impl FnOnce(&T) -> Result<R>) -> Result<R> {
        lock(&self.0).as_ref().map_or_else(|| Err(Error::new(ErrorKind::Closed, "the handle is closed")), operation)
    }

    pub(crate) fn take(&self) -> Option<T> {
        lock(&self.0).take()
    }
}

/// What an environment ends before it is gone.
pub(crate) trait Ending: Send {
    /// Takes the handle away, with its hook.
    fn end(&self);
}

/// What the handles of an environment share.
pub(crate) struct Shared {
    notice: Notice,
    ended: AtomicBool,
    next: AtomicU32,
    handles: Mutex<BTreeMap<u32, Box<dyn Ending>>>,
    ending: Mutex<Vec<JoinHandle<()>>>,
}

impl Shared {
    /// A number for a handle that is about to be made.
    pub(crate) fn next_id(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A hook that sends the notice of handle `id`.
    pub(crate) fn hook(self: &Arc<Self>, id: u32) -> Hook {
        let shared = Arc::downgrade(self);
        Box::new(move || {
            if let Some(shared) = shared.upgrade() {
                // An environment that is closing has nobody left to tell.
                let _ = shared.notice.call(id, NonBlocking);
            }
        })
    }

    /// Ends a handle with the environment, unless it is forgotten before.
    pub(crate) fn remember(&self, id: u32, handle: impl Ending + 'static) {
        lock(&self.handles).insert(id, Box::new(handle));
    }

    /// The handle ended before the environment.
    pub(crate) fn forget(&self, id: u32) {
        let forgotten = lock(&self.handles).remove(&id);
        drop(forgotten);
    }

    /// Ends something, which may wait for its messages, on a thread of its own: JavaScript does not wait.
    pub(crate) fn end_later(&self, end: impl FnOnce() + Send + 'static) {
        let mut threads = lock(&self.ending);
        threads.retain(|thread| !thread.is_finished());
        let builder = std::thread::Builder::new().name("zpatterns-end".into());
        threads.extend(builder.spawn(end));
    }

    /// The environment ends. The youngest handle goes first, so a context goes after its sockets.
    fn end(&self) {
        if self.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        let handles = std::mem::take(&mut *lock(&self.handles));
        for handle in handles.into_values().rev() {
            handle.end();
        }
        for thread in std::mem::take(&mut *lock(&self.ending)) {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every environment of the process, for its exit.
static ENVIRONMENTS: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

extern "C" fn process_exits() {
    let environments = std::mem::take(&mut *lock(&ENVIRONMENTS));
    for environment in environments.iter().filter_map(Weak::upgrade) {
        environment.end();
    }
}

fn end_with_process(shared: &Arc<Shared>) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the function takes nothing and does not unwind; Node never unloads an addon that has made a
        // thread-safe function. If there is no room to register it, messages do not outlive `process.exit`.
        let _ = unsafe { libc::atexit(process_exits) };
    });
    let mut environments = lock(&ENVIRONMENTS);
    environments.retain(|environment| environment.strong_count() > 0);
    environments.push(Arc::downgrade(shared));
}

/// The environment that loaded the addon.
#[napi]
pub struct Environment {
    pub(crate) shared: Arc<Shared>,
}

#[napi]
impl Environment {
    /// Calls `notice` with the id of a handle when what it armed for holds.
    #[napi(constructor)]
    pub fn new(env: &Env, notice: Function<'_, u32, ()>) -> napi::Result<Self> {
        let notice = notice.build_threadsafe_function::<u32>().weak::<true>().build()?;
        let shared = Arc::new(Shared {
            notice,
            ended: AtomicBool::new(false),
            next: AtomicU32::new(0),
            handles: Mutex::default(),
            ending: Mutex::default(),
        });
        env.add_env_cleanup_hook(Arc::clone(&shared), |shared| shared.end())?;
        end_with_process(&shared);
        Ok(Self { shared })
    }
}
