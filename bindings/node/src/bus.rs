//! A multicast bus.
//!
//! Messages and events come in one block, each with the facts that tell them apart. Closing waits, so a thread does it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use napi::bindgen_prelude::{ArrayBuffer, Either, Env, Object};
use napi_derive::napi;
use zpatterns::{
    Bus as Core, BusBatch, BusCounters, BusEvent, BusFlowControl, BusKey, BusOptions, Deadline, ErrorKind, Hook,
    Interest, OptionValue, PeerId, Result,
};

use crate::{
    bus::counters::{BusCounts, BusPeerCounts},
    context::{Context, Owned},
    environment::{Ending, Handle, Shared, lock},
    error::raise,
    given::{Given, options},
    pack::frames,
    packing::{BYTES, MESSAGES, Packing},
    socket::bytes,
};

pub mod counters;

/// How many facts JavaScript gets with an event: what it is; the upper and the lower half of the peer's number, or of a
/// count; the numbers of the first and the last datagram that is missed.
const FACTS: usize = 5;

impl Given for BusFlowControl {
    const EXPECTATION: &'static str = "flow control is none, slowest or tagged";

    fn given(value: OptionValue) -> Option<Self> {
        String::given(value)?.parse().ok()
    }
}

impl Given for BusKey {
    const EXPECTATION: &'static str = "a key has at least 16 bytes";

    fn given(value: OptionValue) -> Option<Self> {
        let OptionValue::Bytes(secret) = value else { return None };
        Self::new(secret).ok()
    }
}

options! {
    bus_options BusOptions {
        "rate" = rate,
        "window" = window,
        "maxAge" = max_age,
        "history" = history,
        "maxUnsent" = max_unsent,
        "hops" = hops,
        "looped" = looped,
        "flowControl" = flow_control,
        "atLeast" = at_least,
        "tag" = tag,
        "parityGroup" = parity_group,
        "parity" = parity,
        "key" = key,
        "maxPeers" = max_peers,
        "maxBehind" = max_behind,
        "maxMessage" = max_message,
        "maxEvents" = max_events,
        "maxBytes" = max_bytes,
        "forget" = forget,
        "linger" = linger,
    }
}

/// A place on a bus, and how long it waits when it closes, unless told otherwise.
#[derive(Clone)]
struct Place {
    bus: Core,
    linger: Duration,
}

impl Ending for Handle<Place> {
    fn end(&self) {
        if let Some(Place { bus, linger }) = self.take() {
            bus.set_hook(None);
            bus.close(linger);
        }
    }
}

/// Takes part in a multicast bus.
#[napi]
pub struct Bus {
    id: u32,
    interface: String,
    place: Handle<Place>,
    /// The counters of when it had closed.
    last: Arc<Mutex<Option<BusCounters>>>,
    // Kept until the bus is gone, and only then allowed to end.
    context: Arc<Owned>,
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.close(None);
    }
}

/// A bus on its way out: whatever becomes of the thread that was to close it, it is closed, and JavaScript is told.
struct Closing {
    place: Place,
    last: Arc<Mutex<Option<BusCounters>>>,
    told: Hook,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Place { bus, linger } = &self.place;
        bus.close(*linger);
        *lock(&self.last) = Some(bus.counters().unwrap_or_default());
        (self.told)();
    }
}

#[napi]
impl Bus {
    /// Takes part in the bus at this endpoint.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        context: &Context,
        endpoint: String,
        prefixes: Vec<Either<String, &[u8]>>,
        options: Object<'_>,
    ) -> napi::Result<Self> {
        let options = bus_options(env, &options)?;
        let context = Arc::clone(&context.0);
        let environment = context.environment();
        let (id, linger) = (environment.next_id(), options.linger);
        let open = |context: zpatterns::Context| {
            let bus = Core::open(&context, &endpoint, options)?;
            prefixes.iter().try_for_each(|prefix| bus.subscribe(bytes(prefix)))?;
            Ok(bus)
        };
        let bus = context.context().and_then(open).map_err(raise(env))?;
        bus.set_hook(Some(environment.hook(id)));
        let interface = bus.interface().to_string();
        let place = Handle::new(Place { bus, linger });
        environment.remember(id, place.clone());
        Ok(Self { id, interface, place, last: Arc::default(), context })
    }

    /// The number in this bus's notices.
    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The address of this machine where the bus is.
    #[napi(getter)]
    pub fn interface(&self) -> String {
        self.interface.clone()
    }

    /// How long closing waits, in milliseconds, unless told otherwise.
    #[napi(getter)]
    pub fn linger(&self) -> f64 {
        self.place.with(|place| Ok(place.linger.as_secs_f64() * 1000.0)).unwrap_or_default()
    }

    /// The size of a frame that is better copied together with others than sent alone: any.
    #[napi(getter)]
    pub fn coalesces_up_to(&self) -> f64 {
        f64::INFINITY
    }

    /// Messages whose first frame begins with `prefix` are received.
    #[napi]
    pub fn subscribe(&self, env: &Env, prefix: Either<String, &[u8]>) -> napi::Result<()> {
        self.bus().and_then(|bus| bus.subscribe(bytes(&prefix))).map_err(raise(env))
    }

    /// Undoes a `subscribe`.
    #[napi]
    pub fn unsubscribe(&self, env: &Env, prefix: Either<String, &[u8]>) -> napi::Result<()> {
        self.bus().and_then(|bus| bus.unsubscribe(bytes(&prefix))).map_err(raise(env))
    }

    /// Throws datagrams away that arrive.
    #[napi]
    pub fn inject_loss(&self, env: &Env, fraction: f64) -> napi::Result<()> {
        self.bus().and_then(|bus| bus.inject_loss(fraction)).map_err(raise(env))
    }

    /// Sends packed messages, those from `first` up to `end`, and returns how many there was room for; less than all
    /// means that a notice follows.
    #[napi]
    pub fn send_packed(
        &self,
        env: &Env,
        data: &[u8],
        frame_ends: &[u32],
        message_ends: &[u32],
        first: u32,
        end: u32,
    ) -> napi::Result<u32> {
        let messages: Vec<Vec<&[u8]>> = (first as usize..message_ends.len().min(end as usize))
            .map(|message| frames(data, frame_ends, message_ends, message).collect())
            .collect();
        let sent = self.until(Interest::SEND, |bus| bus.send_many(&messages, &Deadline::now()));
        Ok(sent.map_err(raise(env))?.unwrap_or(0) as u32)
    }

    /// Sends one message; false if there was no room, and then a notice follows.
    #[napi]
    pub fn send(&self, env: &Env, frames: Vec<&[u8]>) -> napi::Result<bool> {
        let sent = self.until(Interest::SEND, |bus| bus.send(&frames, &Deadline::now()));
        Ok(sent.map_err(raise(env))?.is_some())
    }

    /// Takes messages and events. Nothing, if there is none, and then a notice follows.
    #[napi]
    pub fn drain<'env>(&self, env: &'env Env) -> napi::Result<Option<ArrayBuffer<'env>>> {
        let taken = self.until(Interest::RECV, |bus| bus.recv_many(MESSAGES, BYTES, &Deadline::now()));
        taken.map_err(raise(env))?.map(|events| packed(&events).seal(env)).transpose()
    }

    /// What it did so far; after closing, the last.
    #[napi]
    pub fn counters(&self, env: &Env) -> napi::Result<BusCounts> {
        let last = *lock(&self.last);
        last.map_or_else(|| self.bus()?.counters(), Ok).map(Into::into).map_err(raise(env))
    }

    /// Who is heard now.
    #[napi]
    pub fn peers(&self, env: &Env) -> napi::Result<Vec<BusPeerCounts>> {
        let peers = self.bus().and_then(|bus| bus.peers()).map_err(raise(env))?;
        Ok(peers.into_iter().map(Into::into).collect())
    }

    /// Begins to leave the bus: at most `linger` milliseconds, or the option of that name. A notice follows.
    #[napi]
    pub fn close(&self, linger: Option<f64>) {
        let Some(mut place) = self.place.take() else { return };
        let environment: &Arc<Shared> = self.context.environment();
        environment.forget(self.id);
        place.bus.set_hook(None);
        if let Some(millis) = linger {
            place.linger = Duration::from_secs_f64(millis.clamp(0.0, 1e9) / 1000.0);
        }
        let closing = Closing { place, last: Arc::clone(&self.last), told: environment.hook(self.id) };
        environment.end_later(move || drop(closing));
    }

    /// Whether it has left the bus.
    #[napi]
    pub fn has_left(&self) -> bool {
        lock(&self.last).is_some()
    }

    fn bus(&self) -> Result<Core> {
        self.place.with(|place| Ok(place.bus.clone()))
    }

    /// Attempts until it has something; arms when it has not, and looks again if something came in between.
    fn until<T>(&self, interest: Interest, mut attempt: impl FnMut(&Core) -> Result<T>) -> Result<Option<T>> {
        let bus = self.bus()?;
        loop {
            match attempt(&bus) {
                Err(error) if error.kind() == ErrorKind::Timeout => {}
                done => return done.map(Some),
            }
            if bus.arm(interest).is_none() {
                return Ok(None);
            }
        }
    }
}

/// Events with their facts. Their kinds are numbered as in `lib/bus/event.ts`.
fn packed(events: &BusBatch) -> Packing<FACTS> {
    let mut packing = Packing::default();
    let halves = |number: u64| [(number >> 32) as u32, number as u32];
    for event in events.iter() {
        let (kind, [high, low], [first, last]) = match event {
            BusEvent::Message { peer: PeerId(peer), frames } => {
                let [high, low] = halves(peer);
                packing.add([0, high, low, 0, 0], frames.iter());
                continue;
            }
            BusEvent::Joined { peer: PeerId(peer) } => (1, halves(peer), [0, 0]),
            BusEvent::Gone { peer: PeerId(peer) } => (2, halves(peer), [0, 0]),
            BusEvent::Missed { peer: PeerId(peer), first, last } => (3, halves(peer), [first, last]),
            BusEvent::Broken { peer: PeerId(peer) } => (4, halves(peer), [0, 0]),
            BusEvent::Dropped { count } => (5, halves(count), [0, 0]),
            // Core may have more kinds than this binding was written for.
            _ => continue,
        };
        packing.add([kind, high, low, first, last], []);
    }
    packing
}
