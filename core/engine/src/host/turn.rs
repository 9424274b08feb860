//! A turn: what came is told to the machine, and what it wants is done.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{MutexGuard, PoisonError, atomic::Ordering},
    time::Instant,
};

use zpatterns_protocol::{
    Error, ErrorKind, Machine, Result, Time,
    machine::{Input, Output, SocketId},
};

use super::{Shared, sockets::State};
use crate::{
    reactor::{Source, Turn, panic_text},
    store::Notice,
};

/// What one turn may take in, of commands and of each socket's messages.
pub(super) const TURN: usize = 256;
/// How many messages wait for a cork to be taken away.
const CORKED: usize = 1024;

impl<M> Source for Shared<M>
where
    M: Machine + Send,
    M::Command: Send,
    M::Event: Send,
{
    fn turn(&self) -> Turn {
        let kicked = self.kicked.swap(false, Ordering::SeqCst);
        let mut state = self.lock();
        if state.is_broken {
            return Turn { again: false, at: None };
        }
        let mut turn = if kicked || self.driver.is_watched() || self.is_due(&state) {
            let turn = self.work(&mut state);
            // The next turn goes on with what is left, of which no descriptor may tell any more.
            self.kicked.fetch_or(turn.again, Ordering::SeqCst);
            turn
        } else {
            // It only comes to see whether somebody still drives.
            Turn { again: false, at: self.deadline(&state) }
        };
        self.attend(&mut state, &mut turn);
        // Deadlines come and go; to come back once too often is cheaper than to be told of each.
        let planned = state.planned.filter(|planned| *planned > Instant::now());
        turn.at = [turn.at, planned].into_iter().flatten().min();
        state.planned = turn.at;
        self.tell_others(state);
        turn
    }

    fn removed(&self) {
        let mut state = self.lock();
        let ids: Vec<SocketId> = state.sockets.keys().copied().collect();
        for id in ids {
            self.close_socket(&mut state, id);
        }
        state.opener = None;
        drop(state);
        self.end(Error::new(ErrorKind::Closed, "the handle is closed"));
    }

    fn poisoned(&self, panic: &str) {
        self.end(Error::new(ErrorKind::Poisoned, format!("a fault of zpatterns ended the handle: {panic}")));
    }
}

impl<M> Shared<M>
where
    M: Machine + Send,
    M::Command: Send,
    M::Event: Send,
{
    /// Gives the machine commands on the caller's thread, after those that were there before.
    pub(super) fn obey(
        &self,
        state: MutexGuard<'_, State<M>>,
        commands: impl IntoIterator<Item = M::Command>,
    ) -> Result<()> {
        self.obey_as(state, commands, self.is_corked(), |_| ())
    }

    /// As [`obey`](Self::obey), and looks at what the machine made of it before anything else happens to it.
    pub(super) fn obey_and_look<R>(
        &self,
        state: MutexGuard<'_, State<M>>,
        command: M::Command,
        look: impl FnOnce(&M) -> R,
    ) -> Result<R> {
        self.obey_as(state, [command], self.is_corked(), look)
    }

    /// As [`obey`](Self::obey), with the last command: what is corked leaves with what it makes the machine send.
    pub(super) fn obey_last(&self, state: MutexGuard<'_, State<M>>, command: M::Command) -> Result<()> {
        self.obey_as(state, [command], false, |_| ())
    }

    fn is_corked(&self) -> bool {
        self.corks.load(Ordering::SeqCst) > 0
    }

    fn obey_as<R>(
        &self,
        state: MutexGuard<'_, State<M>>,
        commands: impl IntoIterator<Item = M::Command>,
        is_corked: bool,
        look: impl FnOnce(&M) -> R,
    ) -> Result<R> {
        let (turn, seen) = self.guarded(state, |state| {
            state.now = self.now();
            while self.take_commands(state) {}
            for command in commands {
                self.tell(state, Input::Command(command));
            }
            let seen = look(&state.machine);
            if is_corked && state.sends.len() < CORKED {
                return (Turn { again: false, at: self.deadline(state) }, seen);
            }
            (self.finish(state), seen)
        })?;
        if turn.again {
            self.go_on_soon();
        }
        Ok(seen)
    }

    /// Gives the machine a turn on the caller's thread. A panic ends the machine, and not the caller.
    pub(super) fn guarded<R>(
        &self,
        mut state: MutexGuard<'_, State<M>>,
        work: impl FnOnce(&mut State<M>) -> (Turn, R),
    ) -> Result<(Turn, R)> {
        if state.is_broken {
            return Err(Error::new(ErrorKind::Poisoned, "a fault of zpatterns ended the handle"));
        }
        match catch_unwind(AssertUnwindSafe(|| work(&mut state))) {
            Ok((turn, result)) => {
                let earlier = |at: Instant| state.planned.is_none_or(|planned| at < planned);
                if turn.at.is_some_and(earlier) {
                    state.planned = turn.at;
                    self.kick();
                }
                self.tell_others(state);
                Ok((turn, result))
            }
            Err(panic) => {
                drop(state);
                self.poisoned(panic_text(&*panic));
                self.served.remove();
                self.mailbox.check_open()?;
                unreachable!("the mailbox has just ended")
            }
        }
    }
}

impl<M: Machine> Shared<M> {
    pub(super) fn notice(&self, notice: Notice) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push_back(notice);
        self.kick();
    }

    fn take_notices(&self, state: &mut State<M>) {
        let notices = std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner));
        for notice in notices {
            let input = match notice {
                Notice::Recovered { date, records } => Input::Recovered { date, records },
                Notice::Fetched { key, value } => Input::Fetched { key, value },
                Notice::Stored { up_to } => Input::Stored { up_to },
                Notice::Failed { up_to, error } => Input::StoreFailed { up_to, error },
            };
            self.tell(state, input);
        }
    }

    /// All that a turn is.
    pub(super) fn work(&self, state: &mut State<M>) -> Turn {
        state.now = self.now();
        self.tell_room(state);
        self.take_notices(state);
        let mut again = self.take_commands(state);
        again |= self.take_messages(state);
        self.take_refusals(state);
        if state.machine.deadline().is_some_and(|at| at <= state.now) {
            self.tell(state, Input::Deadline);
        }
        let mut turn = self.finish(state);
        turn.again |= again;
        turn
    }

    /// Whether a turn has something to do that no socket and no kick tells of.
    fn is_due(&self, state: &State<M>) -> bool {
        state.machine.deadline().is_some_and(|at| at <= self.now())
            || state.sockets.values().any(|socket| !socket.full.is_empty())
    }

    /// After a turn: wakes whoever waits for what it brought.
    fn tell_others(&self, mut state: MutexGuard<'_, State<M>>) {
        let stirred = std::mem::take(&mut state.stirred);
        drop(state);
        if stirred {
            self.mailbox.announce();
            self.wake_driver();
        }
    }

    /// Ends a turn: what else is to be done, and when.
    fn finish(&self, state: &mut State<M>) -> Turn {
        self.flush(state);
        self.settle(state);
        self.flush(state);
        let (again, retry) = state.left();
        Turn { again, at: [self.deadline(state), retry].into_iter().flatten().min() }
    }

    fn deadline(&self, state: &State<M>) -> Option<Instant> {
        state.machine.deadline().map(|at| self.started + at.since(Time::ZERO))
    }

    /// Sends what the machine wants sent, and tells it what was refused.
    fn flush(&self, state: &mut State<M>) {
        while let Some(outgoing) = state.sends.pop_front() {
            if let Some(refused) = state.send(outgoing) {
                self.tell(state, refused);
            }
        }
    }

    /// The machine hears of room in steps, not for every event.
    pub(super) fn note_taken(&self, count: usize) {
        let taken = self.taken.fetch_add(count, Ordering::SeqCst) + count;
        if taken >= self.mailbox.capacity().div_ceil(2) {
            self.kick();
        }
    }

    /// Tells the machine what happened and does all that it wants.
    pub(super) fn tell(&self, state: &mut State<M>, input: Input<M::Command>) {
        let (mut next, mut later) = (Some(input), VecDeque::new());
        state.is_broken = true;
        while let Some(input) = next {
            if !self.is_of_the_end(&input) {
                state.machine.handle(state.now, input);
                while let Some(output) = state.machine.poll() {
                    later.extend(self.carry_out(state, output));
                }
            }
            next = later.pop_front();
        }
        state.is_broken = false;
    }

    /// Where a socket fails, or cannot be opened, because the context ended, so does everything here, and the machine has nothing to do
    /// about what else fails.
    fn is_of_the_end(&self, input: &Input<M::Command>) -> bool {
        let Input::Failed { error, .. } = input else { return false };
        if error.kind() == ErrorKind::Closed {
            self.end(error.clone());
        }
        self.mailbox.check_open().is_err()
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

    /// Does what the machine wants; the answer, if there is one at once.
    fn carry_out(&self, state: &mut State<M>, output: Output<M::Event>) -> Option<Input<M::Command>> {
        let failed = |socket, result: Result<()>| result.err().map(|error| Input::Failed { socket, error });
        match output {
            Output::Open { socket, role } => failed(socket, self.open_socket(state, socket, role)),
            Output::Bind { socket, endpoint } => {
                Some(match state.socket(socket).and_then(|hosted| hosted.bind(&endpoint)) {
                    Ok(endpoint) => Input::Bound { socket, endpoint },
                    Err(error) => Input::Failed { socket, error },
                })
            }
            Output::Connect { socket, endpoint } => failed(socket, self.connect(state, socket, &endpoint)),
            Output::Dial { socket, endpoint, peer } => {
                failed(socket, state.socket(socket).and_then(|hosted| hosted.dial(endpoint, peer)))
            }
            Output::HangUp { socket, endpoint } => {
                if let Ok(hosted) = state.socket(socket) {
                    hosted.hang_up(&endpoint);
                }
                None
            }
            Output::Subscribe { socket, prefix } => {
                failed(socket, state.socket(socket).and_then(|hosted| hosted.subscribe(&prefix)))
            }
            Output::Close { socket } => {
                state.send_last(socket);
                self.close_socket(state, socket);
                None
            }
            Output::Send { socket, peer, token, frames } => state.prepare(socket, peer, token, frames),
            Output::Deliver(event) => {
                state.room = state.room.saturating_sub(1);
                state.stirred = true;
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
            Output::Fetch { key } => match self.writer.get() {
                Some(writer) => {
                    writer.fetch(key);
                    None
                }
                None => Some(Input::Fetched { key, value: Err(no_store()) }),
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
}

fn no_store() -> Error {
    Error::new(ErrorKind::Unsupported, "this handle has no store")
}
