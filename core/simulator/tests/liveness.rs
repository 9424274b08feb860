//! Two machines that keep an eye on each other, under everything that a network does.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use zpatterns_protocol::{
    Machine, Time,
    liveness::{Due, Liveness, Pace},
    machine::{Input, Output, Peer, Role, SocketId, Token},
};
use zpatterns_simulator::{Faults, World, seeds};

const PACE: Pace = Pace { interval: Duration::from_millis(100), limit: 3 };
const SOCKET: SocketId = SocketId(0);

/// Watches one other: a server whoever speaks to it, a client the server.
struct Watcher {
    server: bool,
    peer: Peer,
    alive: bool,
    liveness: Option<Liveness>,
    outputs: VecDeque<Output<bool>>,
}

impl Watcher {
    fn new(server: bool) -> Self {
        Self { server, peer: Peer::default(), alive: false, liveness: None, outputs: VecDeque::new() }
    }

    fn set_alive(&mut self, alive: bool) {
        if self.alive != alive {
            self.alive = alive;
            self.outputs.push_back(Output::Deliver(alive));
        }
    }
}

impl Machine for Watcher {
    type Command = ();
    /// Whether the other side is alive now.
    type Event = bool;

    fn handle(&mut self, now: Time, input: Input<()>) {
        match input {
            Input::Room(_) => {
                let (role, endpoint) = (if self.server { Role::Router } else { Role::Dealer }, "here".to_owned());
                self.outputs.push_back(Output::Open { socket: SOCKET, role });
                self.outputs.push_back(if self.server {
                    Output::Bind { socket: SOCKET, endpoint }
                } else {
                    Output::Connect { socket: SOCKET, endpoint }
                });
                if !self.server {
                    self.liveness = Some(Liveness::new(now, PACE));
                }
            }
            Input::Message { peer, .. } => {
                self.peer = peer;
                self.liveness.get_or_insert_with(|| Liveness::new(now, PACE)).heard(now);
                self.set_alive(true);
            }
            Input::Deadline => {
                while let Some(liveness) = &mut self.liveness {
                    match liveness.due(now) {
                        Due::Nothing => break,
                        Due::Heartbeat => self.outputs.push_back(Output::Send {
                            socket: SOCKET,
                            peer: self.peer.clone(),
                            token: Token(0),
                            frames: vec![Bytes::new()],
                        }),
                        Due::Dead => {
                            // A client goes on calling at its pace; a server forgets whom it does not hear.
                            liveness.heard(now);
                            if self.server {
                                self.liveness = None;
                            }
                            self.set_alive(false);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self) -> Option<Output<bool>> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.liveness.as_ref().map(Liveness::deadline)
    }
}

fn pair(seed: u64) -> World<Watcher> {
    let mut world = World::new(seed);
    world.add(Watcher::new(true));
    world.add(Watcher::new(false));
    world
}

fn both_alive(world: &mut World<Watcher>) -> bool {
    (0..2).all(|node| world.machine(node).is_some_and(|machine| machine.alive))
}

#[test]
fn delay_and_reordering_below_the_patience_kill_nobody() {
    seeds(0..500, |seed| {
        let mut world = pair(seed);
        let delay = (Duration::ZERO, Duration::from_millis(150));
        world.network().set_faults(Faults { delay, reorder: true, duplicate: 0.1, ..Faults::default() });
        assert!(world.run_until(Duration::from_secs(1), both_alive), "they never met");
        world.events(0);
        world.events(1);
        world.run_for(Duration::from_secs(60));
        assert_eq!((world.events(0), world.events(1)), (vec![], vec![]), "nobody died");
    });
}

#[test]
fn a_cut_is_noticed_within_the_patience_and_healing_within_an_interval() {
    seeds(0..500, |seed| {
        let mut world = pair(seed);
        assert!(world.run_until(Duration::from_secs(1), both_alive), "they never met");
        let pause = Duration::from_millis(world.random().u64(0..1000));
        world.run_for(pause);
        world.events(0);
        world.events(1);
        // In one direction only: the server hears nothing and falls silent itself once it has given up.
        world.network().cut(1, 0);
        let cut = world.now();
        world.run_for(Duration::from_secs(2));
        let (server, client) = (world.events(0), world.events(1));
        let on_the_way = Duration::from_millis(1);
        let noticed = server.first().expect("the server noticed").0 - cut;
        assert!(noticed <= PACE.patience() + on_the_way, "the server took {noticed:?}");
        let noticed = client.first().expect("the client noticed").0 - cut;
        assert!(noticed <= 2 * PACE.patience() + PACE.interval + on_the_way, "the client took {noticed:?}");
        world.network().heal();
        assert!(world.run_until(2 * PACE.interval + 2 * on_the_way, both_alive), "they did not meet again");
    });
}

#[test]
fn a_crashed_server_is_noticed_and_its_successor_found() {
    seeds(0..500, |seed| {
        let mut world = pair(seed);
        world.network().set_faults(Faults { loss: 0.05, ..Faults::default() });
        assert!(world.run_until(Duration::from_secs(60), both_alive), "they never met");
        world.crash(0);
        let crashed = world.now();
        let noticed = world
            .run_until(PACE.patience() + PACE.interval, |world| world.machine(1).is_some_and(|client| !client.alive));
        assert!(noticed, "not noticed {:?} after the crash", world.now() - crashed);
        world.restart(0, Watcher::new(true));
        assert!(world.run_until(Duration::from_secs(60), both_alive), "the new server was not found");
        let counts = world.network().counts();
        assert_eq!(counts.sent + counts.duplicated, counts.passed + counts.lost + counts.cut);
    });
}

#[test]
fn a_seed_tells_the_whole_story() {
    let story = |seed| {
        let mut world = pair(seed);
        let delay = (Duration::ZERO, Duration::from_millis(400));
        world.network().set_faults(Faults { loss: 0.3, duplicate: 0.3, delay, reorder: true });
        world.run_for(Duration::from_secs(60));
        (world.events(0), world.events(1), world.network().counts())
    };
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}
