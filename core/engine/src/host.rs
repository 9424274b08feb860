//! Runs a machine on real sockets.
//!
//! The reactor gives a host its turns. In a turn the machine takes in commands, messages, room and time, and the host does
//! what it puts out: opens sockets, sends, delivers. The application's side is two bounded queues: commands in, events out.
//!
//! Others may give it a turn too, because a way to another thread costs more than most turns: who gives a command has it
//! carried out on his own thread, and who waits for an event drives the machine while he waits (`drive`). One lock decides.

mod dialled;
mod drive;
mod hosted;
mod sockets;
mod turn;

use std::{
    collections::VecDeque,
    os::fd::BorrowedFd,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use zpatterns_protocol::{Error, ErrorKind, Machine, Result, Time};

use self::{drive::Driver, sockets::State};
use crate::{
    Context, Deadline, Hook, Interest, Security,
    fork::Generation,
    mailbox::{Lane, Mailbox},
    reactor::Served,
    store::{Notice, Store, Writer},
};

/// How much may wait between a machine and its application, and how the machine's connections are protected.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Commands that the machine has not yet taken in.
    pub max_commands: usize,
    /// Events that the application has not yet taken.
    pub max_events: usize,
    /// Whom the machine lets in, and as whom it gets in elsewhere.
    pub security: Security,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self { max_commands: 8192, max_events: 8192, security: Security::default() }
    }
}

/// A running machine. It ends when the last clone is dropped, or with [`close`](Self::close).
pub struct Host<M: Machine>(Arc<Handle<M>>);

impl<M: Machine> Clone for Host<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Handle<M: Machine> {
    shared: Arc<Shared<M>>,
    /// Outlives the sockets, by the order of the fields.
    _context: Context,
}

struct Shared<M: Machine> {
    state: Mutex<State<M>>,
    commands: Mutex<VecDeque<M::Command>>,
    max_commands: usize,
    mailbox: Mailbox<M::Event>,
    writer: OnceLock<Writer>,
    /// What the store did, and the machine has not heard.
    notices: Mutex<VecDeque<Notice>>,
    generation: Generation,
    served: Served,
    kicked: AtomicBool,
    driver: Driver,
    /// While this is above zero, what commands make the machine send waits for what follows.
    corks: AtomicUsize,
    /// Events taken since the machine was last told of room.
    taken: AtomicUsize,
    started: Instant,
}

impl<M> Host<M>
where
    M: Machine + Send + 'static,
    M::Command: Send,
    M::Event: Send,
{
    /// Runs `machine` in `context`. The first thing it hears is how much room its application has.
    ///
    /// [`ErrorKind::WrongState`] if it is to serve users or keys and the context has no authenticator,
    /// [`ErrorKind::InvalidArgument`] for a key or a name that is malformed.
    pub fn start(context: &Context, machine: M, options: HostOptions) -> Result<Self> {
        Self::start_with_lanes(context, machine, options, |_| Lane::Common, None)
    }

    /// As [`start`](Self::start); `lane_of` says which events belong to one wait, see [`open_lane`](Self::open_lane), and the
    /// machine may keep something in a store.
    pub fn start_with_lanes(
        context: &Context,
        machine: M,
        options: HostOptions,
        lane_of: fn(&M::Event) -> Lane,
        store: Option<Store>,
    ) -> Result<Self> {
        options.security.check(context)?;
        let mailbox = Mailbox::new(options.max_events.max(1), lane_of)?;
        let (state, driver) = (State::new(machine, context.opener(), options.security), Driver::new()?);
        let shared = context.serve(|served| {
            let shared = Arc::new(Shared {
                state: Mutex::new(state),
                commands: Mutex::default(),
                max_commands: options.max_commands.max(1),
                mailbox,
                writer: OnceLock::new(),
                notices: Mutex::default(),
                generation: context.generation(),
                served,
                // It is being added, which is its first turn.
                kicked: AtomicBool::new(true),
                driver,
                corks: AtomicUsize::new(0),
                taken: AtomicUsize::new(0),
                started: Instant::now(),
            });
            if let Some(store) = store {
                let weak = Arc::downgrade(&shared);
                let writer = Writer::start(store, move |notice| {
                    if let Some(shared) = Weak::upgrade(&weak) {
                        shared.notice(notice);
                    }
                })?;
                shared.writer.get_or_init(|| writer);
            }
            Ok(shared)
        })?;
        Ok(Self(Arc::new(Handle { shared, _context: context.clone() })))
    }

    /// Gives the machine a command. [`ErrorKind::Closed`] if the machine ended.
    ///
    /// If too many wait, so does the caller, until the reactor's turn is over; then the machine takes them in on the caller's
    /// thread.
    pub fn command(&self, command: M::Command) -> Result<()> {
        self.commands([command])
    }

    /// Gives the machine several commands at once, which costs it one turn.
    pub fn commands(&self, given: impl IntoIterator<Item = M::Command>) -> Result<()> {
        let shared = &self.0.shared;
        shared.generation.check()?;
        shared.mailbox.check_open()?;
        let mut commands = shared.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if commands.is_empty()
            && let Ok(state) = shared.state.try_lock()
        {
            drop(commands);
            return shared.obey(state, given);
        }
        if commands.len() >= shared.max_commands {
            drop(commands);
            return shared.obey(shared.lock(), given);
        }
        commands.extend(given);
        drop(commands);
        shared.kick();
        Ok(())
    }

    /// As [`command`](Self::command), always on the caller's thread, and looks at what the machine made of it before anything
    /// else happens to it. What fails meanwhile, `look` as well, ends the machine, and not the caller.
    pub fn ask<R>(&self, command: M::Command, look: impl FnOnce(&M) -> R) -> Result<R> {
        let shared = &self.0.shared;
        shared.generation.check()?;
        let state = shared.lock();
        shared.mailbox.check_open()?;
        shared.obey_and_look(state, command, look)
    }

    /// From now on what commands make the machine send is kept, to leave together with [`uncork`](Self::uncork): a message by
    /// itself costs libzmq a wake-up. It leaves earlier if something else happens. Corks are counted.
    pub fn cork(&self) {
        self.0.shared.corks.fetch_add(1, Ordering::SeqCst);
    }

    /// Undoes one [`cork`](Self::cork); [`ErrorKind::WrongState`] if there is none.
    pub fn uncork(&self) -> Result<()> {
        let shared = &self.0.shared;
        shared.generation.check()?;
        let one_less = shared.corks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |corks| corks.checked_sub(1));
        one_less.map_err(|_| Error::new(ErrorKind::WrongState, "uncorked without a cork"))?;
        shared.obey(shared.lock(), [])
    }

    /// The next event that is in no lane. [`ErrorKind::Timeout`] if none came until `deadline`.
    pub fn next(&self, deadline: &Deadline) -> Result<M::Event> {
        self.next_with(deadline, |events| events.pop_front().expect("there is one"))
    }

    /// As [`next`](Self::next), with those that are there besides, up to `most` in all.
    pub fn next_many(&self, most: usize, deadline: &Deadline) -> Result<Vec<M::Event>> {
        self.next_with(deadline, |events| events.drain(..most.max(1).min(events.len())).collect())
    }

    /// As [`next`](Self::next), for who takes parts of events: what `take` makes of those that are in no lane, of which there is at
    /// least one. It takes out of them what it wants, in order, before anybody else sees them; so it does nothing else.
    pub fn next_with<T>(&self, deadline: &Deadline, take: impl Fn(&mut VecDeque<M::Event>) -> T) -> Result<T> {
        let shared = &self.0.shared;
        shared.generation.check()?;
        let take = || {
            let Some((taken, count)) = shared.mailbox.take_with(&take)? else { return Ok(None) };
            shared.note_taken(count);
            Ok(Some(taken))
        };
        match shared.drive(deadline, take)? {
            Some(taken) => Ok(taken),
            None => shared.mailbox.next_with(deadline, take),
        }
    }

    /// What `attempt` gives, as soon as it gives something: it is tried at once, and again whenever an event in [`Lane::Room`] came,
    /// as long as `is_full` says that there is none. [`ErrorKind::Timeout`] if that was so until `deadline`.
    pub fn when_room<T>(
        &self,
        deadline: &Deadline,
        attempt: impl Fn() -> Result<Option<T>>,
        is_full: impl Fn(&M) -> bool,
    ) -> Result<T> {
        let shared = &self.0.shared;
        shared.mailbox.senders.wait_for(deadline, attempt, || {
            if !shared.driver.is_driving() {
                shared.hand_back();
            }
            self.is_full(&is_full)
        })
    }

    /// As [`arm`](Self::arm), for room: true if there is some already, or never will be.
    pub fn arm_room(&self, is_full: impl Fn(&M) -> bool) -> bool {
        let shared = &self.0.shared;
        shared.hand_back();
        shared.mailbox.ready.arm(Interest::SEND);
        let has_room = !self.is_full(is_full);
        if has_room {
            shared.mailbox.ready.disarm(Interest::SEND);
        }
        has_room
    }

    /// Whoever cannot look finds out why when he tries.
    fn is_full(&self, is_full: impl Fn(&M) -> bool) -> bool {
        self.0.shared.mailbox.check_open().is_ok() && self.with(is_full).unwrap_or(false)
    }

    /// From now on the events of this lane are kept for [`next_in`](Self::next_in).
    pub fn open_lane(&self, lane: u64) {
        if self.0.shared.generation.is_current() {
            self.0.shared.mailbox.open_lane(lane);
        }
    }

    /// The next event of a lane, in which one thread waits at a time. [`ErrorKind::NotFound`] if the lane is not open,
    /// [`ErrorKind::Timeout`] if nothing came until `deadline`.
    pub fn next_in(&self, lane: u64, deadline: &Deadline) -> Result<M::Event> {
        let shared = &self.0.shared;
        shared.generation.check()?;
        let take = || {
            let event = shared.mailbox.take_in(lane)?;
            shared.note_taken(usize::from(event.is_some()));
            Ok(event)
        };
        match shared.drive(deadline, take)? {
            Some(event) => Ok(event),
            None => shared.mailbox.next_in(lane, deadline, || shared.note_taken(1)),
        }
    }

    /// Whether a lane has an event. It stays there, for whoever waits for it.
    pub fn has_in(&self, lane: u64) -> bool {
        self.0.shared.generation.is_current() && self.0.shared.mailbox.has_in(lane)
    }

    /// Sets what is called once: when the lane has an event, or as soon as it is closed or no more events come; at once if that
    /// is so. As of all hooks, it may only wake somebody.
    pub fn set_lane_hook(&self, lane: u64, hook: Hook) -> Result<()> {
        self.0.shared.generation.check()?;
        self.0.shared.mailbox.set_lane_hook(lane, hook);
        Ok(())
    }

    /// Events of this lane are like others from now on; those that are there are dropped.
    pub fn close_lane(&self, lane: u64) {
        // In a child process somebody who is not there may hold the lock.
        if self.0.shared.generation.is_current() {
            self.0.shared.mailbox.close_lane(lane);
        }
    }

    /// Looks at the machine.
    pub fn with<R>(&self, look: impl FnOnce(&M) -> R) -> Result<R> {
        self.0.shared.generation.check()?;
        Ok(look(&self.0.shared.lock().machine))
    }

    /// As [`Socket::ready_fd`](crate::Socket::ready_fd), for events.
    pub fn ready_fd(&self) -> BorrowedFd<'_> {
        self.0.shared.mailbox.ready.fd()
    }

    /// As [`Socket::arm`](crate::Socket::arm), for events: true if one waits already.
    pub fn arm(&self) -> bool {
        self.0.shared.hand_back();
        self.0.shared.mailbox.arm()
    }

    /// Whether the machine has ended.
    pub fn is_closed(&self) -> bool {
        self.0.shared.generation.check().is_err() || self.0.shared.mailbox.check_open().is_err()
    }

    /// Ends the machine where it is and closes its sockets. Waits until the store has what it was given.
    pub fn close(&self) {
        self.close_because(Error::new(ErrorKind::Closed, "the handle is closed"));
    }

    /// As [`close`](Self::close); every wait and every command fails because of `why` from now on.
    pub fn close_because(&self, why: Error) {
        let shared = &self.0.shared;
        if shared.generation.is_current() {
            shared.end(why);
            shared.served.remove();
            shared.writer.get().into_iter().for_each(Writer::close);
        }
    }

    /// As [`close`](Self::close), after a last command, such as to say goodbye.
    pub fn close_after(&self, command: M::Command) {
        let shared = &self.0.shared;
        if shared.generation.is_current() && shared.mailbox.check_open().is_ok() {
            // What went wrong with it ends the machine all the same.
            let _ = shared.obey_last(shared.lock(), command);
        }
        self.close();
    }

    /// As [`Socket::set_hook`](crate::Socket::set_hook), for events. The hook may also run on a thread that gives a
    /// command.
    pub fn set_hook(&self, hook: Option<Hook>) {
        self.0.shared.mailbox.ready.set_hook(hook);
    }
}

impl<M: Machine> Drop for Handle<M> {
    fn drop(&mut self) {
        if self.shared.generation.is_current() {
            self.shared.served.remove();
        }
    }
}

impl<M: Machine> Shared<M> {
    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kick(&self) {
        if !self.kicked.swap(true, Ordering::SeqCst) {
            self.served.kick();
        }
    }

    /// No more events come, because of `why`.
    fn end(&self, why: Error) {
        self.mailbox.end(why);
        self.wake_driver();
    }

    fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }
}
