//! Runs a machine on real sockets.
//!
//! The reactor gives a host its turns. In a turn the machine takes in commands, messages, room and time, and the host does
//! what it puts out: opens sockets, sends, delivers. The application's side is two bounded queues: commands in, events out.
//! While the reactor is busy elsewhere a command is carried out on the caller's thread, which saves it the way to another:
//! one lock decides who drives the machine.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    os::fd::{BorrowedFd, RawFd},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use zpatterns_protocol::{
    Error, ErrorKind, Machine, Result, Time,
    machine::{Frames, Input, Output, Peer, Refusal, Role, SocketId, Token},
};

use crate::{
    Context, Deadline, Frame, Hook, Message, SocketKind, SocketOptions,
    context::Opener,
    fork::Generation,
    mailbox::{Lane, Mailbox},
    raw::RawSocket,
    reactor::{Served, Source, Turn, panic_text},
    store::{Notice, Store, Writer},
};

/// What one turn may take in, of commands and of each socket's messages.
const TURN: usize = 256;
/// When to try a refused ROUTER again: libzmq calls it writable all the time.
const RETRY: Duration = Duration::from_millis(2);

/// How much may wait between a machine and its application.
#[derive(Clone, Copy, Debug)]
pub struct HostOptions {
    /// Commands that the machine has not yet taken in.
    pub max_commands: usize,
    /// Events that the application has not yet taken.
    pub max_events: usize,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self { max_commands: 8192, max_events: 8192 }
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
    /// Events taken since the machine was last told of room.
    taken: AtomicUsize,
    started: Instant,
}

struct State<M> {
    machine: M,
    opener: Option<Opener>,
    sockets: BTreeMap<SocketId, HostedSocket>,
    room: usize,
    /// What the machine sends leaves together at the end of a turn: else libzmq's thread is woken for each message.
    sends: VecDeque<Outgoing>,
    /// When the reactor will give a turn anyway.
    planned: Option<Instant>,
}

struct Outgoing {
    socket: SocketId,
    peer: Peer,
    token: Token,
    frames: Frames,
}

struct HostedSocket {
    raw: RawSocket,
    role: Role,
    fd: RawFd,
    /// Connections that refused a message for want of room. They refuse everything until the machine has heard of room:
    /// else a later message could overtake the refused one.
    full: BTreeSet<Peer>,
}

impl<M> Host<M>
where
    M: Machine + Send + 'static,
    M::Command: Send,
    M::Event: Send,
{
    /// Runs `machine` in `context`. The first thing it hears is how much room its application has.
    pub fn start(context: &Context, machine: M, options: HostOptions) -> Result<Self> {
        Self::start_with(context, machine, options, |_| Lane::Common, None)
    }

    /// As [`start`](Self::start); `lane_of` says which events belong to one wait, see [`open_lane`](Self::open_lane).
    pub fn start_with_lanes(
        context: &Context,
        machine: M,
        options: HostOptions,
        lane_of: fn(&M::Event) -> Lane,
    ) -> Result<Self> {
        Self::start_with(context, machine, options, lane_of, None)
    }

    /// As [`start`](Self::start), for a machine that keeps something in a store.
    pub fn start_with_store(context: &Context, machine: M, options: HostOptions, store: Store) -> Result<Self> {
        Self::start_with(context, machine, options, |_| Lane::Common, Some(store))
    }

    fn start_with(
        context: &Context,
        machine: M,
        options: HostOptions,
        lane_of: fn(&M::Event) -> Lane,
        store: Option<Store>,
    ) -> Result<Self> {
        let mailbox = Mailbox::new(options.max_events.max(1), lane_of)?;
        let (opener, sockets) = (Some(context.opener()), BTreeMap::new());
        let state = State { machine, opener, sockets, room: 0, sends: VecDeque::new(), planned: None };
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
                kicked: AtomicBool::new(false),
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
        let shared = &self.0.shared;
        shared.generation.check()?;
        shared.mailbox.check_open()?;
        let mut commands = shared.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if commands.is_empty()
            && let Ok(state) = shared.state.try_lock()
        {
            drop(commands);
            return shared.obey(state, Input::Command(command));
        }
        if commands.len() >= shared.max_commands {
            drop(commands);
            return shared.obey(shared.lock(), Input::Command(command));
        }
        commands.push_back(command);
        drop(commands);
        shared.kick();
        Ok(())
    }

    /// The next event that is in no lane. [`ErrorKind::Timeout`] if none came until `deadline`.
    pub fn next(&self, deadline: &Deadline) -> Result<M::Event> {
        let shared = &self.0.shared;
        shared.generation.check()?;
        shared.mailbox.next(deadline, || shared.note_taken())
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
        shared.mailbox.next_in(lane, deadline, || shared.note_taken())
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
        self.0.shared.mailbox.arm()
    }

    /// Ends the machine where it is and closes its sockets. Waits until the store has what it was given.
    pub fn close(&self) {
        let shared = &self.0.shared;
        if shared.generation.is_current() {
            shared.mailbox.end(Error::new(ErrorKind::Closed, "the handle is closed"));
            shared.served.remove();
            shared.writer.get().into_iter().for_each(Writer::close);
        }
    }

    /// As [`close`](Self::close), after a last command, such as to say goodbye.
    pub fn close_after(&self, command: M::Command) {
        let shared = &self.0.shared;
        if shared.generation.is_current() && shared.mailbox.check_open().is_ok() {
            // What went wrong with it ends the machine all the same.
            let _ = shared.obey(shared.lock(), Input::Command(command));
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

    fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }
}

impl<M> Source for Shared<M>
where
    M: Machine + Send,
    M::Command: Send,
    M::Event: Send,
{
    fn turn(&self) -> Turn {
        self.kicked.store(false, Ordering::SeqCst);
        let mut state = self.lock();
        self.tell_room(&mut state);
        self.take_notices(&mut state);
        let mut again = self.take_commands(&mut state);
        again |= self.take_messages(&mut state);
        if state.machine.deadline().is_some_and(|at| at <= self.now()) {
            self.tell(&mut state, Input::Deadline);
        }
        let mut turn = self.finish(&mut state);
        turn.again |= again;
        state.planned = turn.at;
        drop(state);
        self.mailbox.announce();
        turn
    }

    fn removed(&self) {
        let mut state = self.lock();
        let ids: Vec<SocketId> = state.sockets.keys().copied().collect();
        for id in ids {
            self.close_socket(&mut state, id);
        }
        state.opener = None;
        self.mailbox.end(Error::new(ErrorKind::Closed, "the handle is closed"));
    }

    fn poisoned(&self, panic: &str) {
        self.mailbox.end(Error::new(ErrorKind::Poisoned, format!("a fault of zpatterns ended the handle: {panic}")));
    }
}

impl<M> Shared<M>
where
    M: Machine + Send,
    M::Command: Send,
    M::Event: Send,
{
    /// Gives the machine a turn on the caller's thread, with the commands that were there before.
    fn obey(&self, mut state: MutexGuard<'_, State<M>>, input: Input<M::Command>) -> Result<()> {
        let done = catch_unwind(AssertUnwindSafe(|| {
            while self.take_commands(&mut state) {}
            self.tell(&mut state, input);
            self.finish(&mut state)
        }));
        let earlier = |at: Instant| state.planned.is_none_or(|planned| at < planned);
        match done {
            Ok(turn) if turn.again || turn.at.is_some_and(earlier) => self.kick(),
            Ok(_) => {}
            Err(panic) => {
                drop(state);
                self.poisoned(panic_text(&*panic));
                self.served.remove();
                return self.mailbox.check_open();
            }
        }
        drop(state);
        self.mailbox.announce();
        Ok(())
    }
}

impl<M: Machine> Shared<M> {
    fn notice(&self, notice: Notice) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push_back(notice);
        self.kick();
    }

    fn take_notices(&self, state: &mut State<M>) {
        let notices = std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner));
        for notice in notices {
            let input = match notice {
                Notice::Recovered { date, records } => Input::Recovered { date, records },
                Notice::Stored { up_to } => Input::Stored { up_to },
                Notice::Failed { up_to, error } => Input::StoreFailed { up_to, error },
            };
            self.tell(state, input);
        }
    }

    /// Ends a turn: what else is to be done, and when.
    fn finish(&self, state: &mut State<M>) -> Turn {
        self.flush(state);
        let (again, retry) = self.settle(state);
        self.flush(state);
        let deadline = state.machine.deadline().map(|at| self.started + at.since(Time::ZERO));
        Turn { again, at: [deadline, retry].into_iter().flatten().min() }
    }

    /// Sends what the machine wants sent, and tells it what was refused.
    fn flush(&self, state: &mut State<M>) {
        while let Some(Outgoing { socket, peer, token, frames }) = state.sends.pop_front() {
            if let Some(refused) = state.send(socket, &peer, token, &frames) {
                self.tell(state, refused);
            }
        }
    }

    /// The machine hears of room in steps, not for every event.
    fn note_taken(&self) {
        let taken = self.taken.fetch_add(1, Ordering::SeqCst) + 1;
        if taken >= self.mailbox.capacity().div_ceil(2) {
            self.kick();
        }
    }

    /// Tells the machine what happened and does all that it wants.
    fn tell(&self, state: &mut State<M>, input: Input<M::Command>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            state.machine.handle(self.now(), input);
            while let Some(output) = state.machine.poll() {
                inputs.extend(self.carry_out(state, output));
            }
        }
    }

    fn tell_room(&self, state: &mut State<M>) {
        let taken = self.taken.swap(0, Ordering::SeqCst);
        let room = self.mailbox.room();
        if room != state.room && (taken > 0 || state.room == 0) {
            state.room = room;
            self.tell(state, Input::Room(room));
        }
    }

    fn take_commands(&self, state: &mut State<M>) -> bool {
        for _ in 0..TURN {
            let command = self.commands.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(command) = command else { return false };
            self.tell(state, Input::Command(command));
        }
        true
    }

    fn take_messages(&self, state: &mut State<M>) -> bool {
        let mut again = false;
        let ids: Vec<SocketId> = state.sockets.keys().copied().collect();
        for id in ids {
            for count in 0.. {
                if count == TURN {
                    again = true;
                    break;
                }
                // A message may make the machine close the socket.
                let Some(socket) = state.sockets.get_mut(&id) else { break };
                match socket.recv() {
                    Ok(Some((peer, frames))) => self.tell(state, Input::Message { socket: id, peer, frames }),
                    Ok(None) => break,
                    Err(error) => {
                        self.failed(state, id, error);
                        break;
                    }
                }
            }
        }
        again
    }

    /// A socket is of no more use. If that is because its context ended, so does everything here.
    fn failed(&self, state: &mut State<M>, socket: SocketId, error: Error) {
        if error.kind() == ErrorKind::Closed {
            self.mailbox.end(error.clone());
        }
        self.close_socket(state, socket);
        self.tell(state, Input::Failed { socket, error });
    }

    /// Sending may have taken away libzmq's notice of a message, so every socket is looked at once more. Tells the
    /// machine of sockets that have room again. Whether messages wait, and when to look again for those sockets that
    /// cannot say whether they have room.
    fn settle(&self, state: &mut State<M>) -> (bool, Option<Instant>) {
        let (mut more, mut writable) = (false, Vec::new());
        for (id, socket) in &mut state.sockets {
            let events = socket.raw.events().unwrap_or(libzmq::POLLIN);
            more |= events & libzmq::POLLIN != 0;
            if !socket.full.is_empty() && events & libzmq::POLLOUT != 0 {
                socket.full.clear();
                writable.push(*id);
            }
        }
        for socket in writable {
            self.tell(state, Input::Writable { socket });
        }
        let again = state.sockets.values().any(|socket| !socket.full.is_empty() && socket.role == Role::Router);
        (more, again.then(|| Instant::now() + RETRY))
    }

    /// Does what the machine wants; the answer, if there is one at once.
    fn carry_out(&self, state: &mut State<M>, output: Output<M::Event>) -> Option<Input<M::Command>> {
        let failed = |socket, result: Result<()>| result.err().map(|error| Input::Failed { socket, error });
        match output {
            Output::Open { socket, role } => failed(socket, self.open_socket(state, socket, role)),
            Output::Bind { socket, endpoint } => Some(match state.raw(socket).and_then(|raw| bind(raw, &endpoint)) {
                Ok(endpoint) => Input::Bound { socket, endpoint },
                Err(error) => Input::Failed { socket, error },
            }),
            Output::Connect { socket, endpoint } => {
                failed(socket, state.raw(socket).and_then(|raw| raw.connect(&endpoint)))
            }
            Output::Close { socket } => {
                state.send_last(socket);
                self.close_socket(state, socket);
                None
            }
            Output::Send { socket, peer, token, frames } => {
                state.sends.push_back(Outgoing { socket, peer, token, frames });
                None
            }
            Output::Deliver(event) => {
                state.room = state.room.saturating_sub(1);
                self.mailbox.push(event);
                None
            }
            Output::Recover => match self.writer.get() {
                Some(writer) => {
                    writer.recover();
                    None
                }
                None => Some(Input::StoreFailed { up_to: 0, error: no_store() }),
            },
            Output::Store { sequence, changes } => match self.writer.get() {
                Some(writer) => {
                    writer.store(sequence, changes);
                    None
                }
                None => Some(Input::StoreFailed { up_to: sequence, error: no_store() }),
            },
        }
    }

    fn open_socket(&self, state: &mut State<M>, id: SocketId, role: Role) -> Result<()> {
        let closed = || Error::new(ErrorKind::Closed, "the handle is closed");
        let kind = match role {
            Role::Dealer => SocketKind::Dealer,
            Role::Router => SocketKind::Router,
        };
        // A message goes to a connection, or is refused: what waits for one is the machine's to know.
        let options = SocketOptions { immediate: true, ..SocketOptions::default() };
        let mut raw = state.opener.as_ref().ok_or_else(closed)?.open(kind, &options)?;
        let fd = raw.fd()?;
        self.served.watch(fd)?;
        state.sockets.insert(id, HostedSocket { raw, role, fd, full: BTreeSet::new() });
        Ok(())
    }

    fn close_socket(&self, state: &mut State<M>, id: SocketId) {
        if let Some(socket) = state.sockets.remove(&id) {
            self.served.unwatch(socket.fd);
        }
    }
}

impl<M> State<M> {
    fn raw(&mut self, id: SocketId) -> Result<&mut RawSocket> {
        let unknown = || Error::new(ErrorKind::Closed, "the socket is not open").with("socket", id.0);
        self.sockets.get_mut(&id).map(|socket| &mut socket.raw).ok_or_else(unknown)
    }

    /// What a socket is to send before it closes. Nobody is left to hear that it was refused.
    fn send_last(&mut self, id: SocketId) {
        for sent in std::mem::take(&mut self.sends) {
            if sent.socket == id {
                let _: Option<Input<()>> = self.send(id, &sent.peer, sent.token, &sent.frames);
            } else {
                self.sends.push_back(sent);
            }
        }
    }

    fn send<C>(&mut self, id: SocketId, peer: &Peer, token: Token, frames: &Frames) -> Option<Input<C>> {
        let refused = |why| Some(Input::Refused { socket: id, token, why });
        let Some(socket) = self.sockets.get_mut(&id) else { return refused(Refusal::Gone) };
        if socket.full.contains(peer) {
            return refused(Refusal::Full);
        }
        match socket.send(peer, frames) {
            Ok(true) => None,
            Ok(false) => {
                socket.full.insert(peer.clone());
                refused(Refusal::Full)
            }
            Err(error) if error.kind() == ErrorKind::Unreachable => refused(Refusal::Gone),
            Err(error) => Some(Input::Failed { socket: id, error }),
        }
    }
}

impl HostedSocket {
    fn send(&mut self, peer: &Peer, frames: &Frames) -> Result<bool> {
        let address = (self.role == Role::Router).then_some(&peer.0);
        let all: Vec<&bytes::Bytes> = address.into_iter().chain(frames).collect();
        for (index, bytes) in all.iter().enumerate() {
            let mut frame = Frame::from_bytes((*bytes).clone())?;
            if !self.raw.send_frame(&mut frame, index + 1 < all.len())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn recv(&mut self) -> Result<Option<(Peer, Frames)>> {
        let mut message = Message::new();
        if !self.raw.recv_message(|frame| message.push(std::mem::take(frame)))? {
            return Ok(None);
        }
        let mut frames: Frames = message.into_frames().map(Frame::into_bytes).collect();
        let peer = match self.role {
            Role::Dealer => Peer::default(),
            Role::Router => Peer(frames.remove(0)),
        };
        Ok(Some((peer, frames)))
    }
}

fn no_store() -> Error {
    Error::new(ErrorKind::Unsupported, "this handle has no store")
}

fn bind(raw: &mut RawSocket, endpoint: &str) -> Result<String> {
    raw.bind(endpoint)?;
    raw.last_endpoint()
}
