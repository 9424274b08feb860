//! Builds the package of each language and installs it as a user would.
//!
//! One language never stops another: what fails is written to a log, shown, and its rows say `failed`. The result is
//! one [`Programs`] per language: how to start its tutorials and its bench driver, wherever they were installed.

mod artifacts;
mod c;
mod node;
mod python;
mod rust;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;
use c::Natives;
use serde::Deserialize;

use crate::{
    doctor::{Networks, Toolchains},
    language::{Absent, Language},
    layout::Layout,
    progress::{Progress, Step},
    shell::{Call, Finished, Log},
    tutorials,
};

/// What to build and with what.
#[derive(Debug)]
pub struct Builder<'a> {
    /// Where everything goes.
    pub layout: &'a Layout,
    /// Who sees how it goes.
    pub progress: &'a Progress,
    /// The tools that were found.
    pub toolchains: &'a Toolchains,
    /// How many compilers may run at a time; cargo's own choice if `None`.
    pub jobs: Option<usize>,
}

/// How to start the programs of one language.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The tutorials.
    pub tutorials: tutorials::Programs,
    /// The bench driver, without arguments; absent also when it was not asked for.
    pub driver: Result<Call, Absent>,
    /// Whether the driver finds the package that an implementation needs; those that need none are not listed.
    pub peers: BTreeMap<String, Result<(), Absent>>,
}

/// Everything that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The languages that were asked for.
    pub languages: BTreeMap<Language, Result<Programs, Absent>>,
    /// The C program on the same libzmq, counterpart and limit of every measurement.
    pub limit: Result<Call, Absent>,
    /// The server between those who speak NATS.
    pub nats_server: Result<Call, Absent>,
    /// The server that keeps the jobs of BullMQ and arq.
    pub redis_server: Result<Call, Absent>,
    /// The driver in Rust, which sends to ours in every language where one sends to many.
    pub sender: Result<Call, Absent>,
    /// What a bus is measured with, beside the drivers.
    pub bus: Bus,
    /// Where measurements may leave files; it is on a disk.
    pub folder: PathBuf,
}

/// The programs on a bus that belong to no language, without arguments.
#[derive(Clone, Debug)]
pub struct Bus {
    /// The system's libzmq.
    pub libzmq: Result<Call, Absent>,
    /// Datagrams and nothing else: the limit.
    pub udp: Result<Call, Absent>,
    /// Where datagrams are lost.
    pub networks: Result<Networks, Absent>,
}

impl Built {
    /// The programs of `language`, or why there are none.
    pub fn programs(&self, language: Language) -> Result<&Programs, Absent> {
        match self.languages.get(&language) {
            Some(Ok(programs)) => Ok(programs),
            Some(Err(absent)) => Err(absent.clone()),
            None => Err(Absent::Missing("not asked for".into())),
        }
    }

    /// One entry per thing that was tried and failed.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut note = |what: &str, absent: &Absent| {
            if let Absent::Failed(reason) = absent {
                failures.push(format!("{what}: {}", reason.lines().next().unwrap_or_default()));
            }
        };
        for (language, built) in &self.languages {
            match built {
                Err(absent) => note(language.title(), absent),
                Ok(programs) => {
                    let _ = programs.driver.as_ref().inspect_err(|absent| note(language.title(), absent));
                    for peer in programs.peers.values() {
                        let _ = peer.as_ref().inspect_err(|absent| note(language.title(), absent));
                    }
                }
            }
        }
        for program in [&self.limit, &self.sender, &self.bus.libzmq, &self.bus.udp] {
            let _ = program.as_ref().inspect_err(|absent| note("bench", absent));
        }
        failures
    }
}

/// A package that users would take otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// As pip or npm names it.
    pub package: String,
    /// The implementations in the drivers that need it.
    pub implementations: Vec<String>,
}

/// The packages of others for each language.
pub type Peers = BTreeMap<Language, Vec<Peer>>;

impl Builder<'_> {
    /// Builds and installs `languages`; with `peers` also everything that a measurement needs.
    pub fn build(&self, languages: &[Language], peers: Option<&Peers>) -> Built {
        let core = if languages.iter().any(|&language| self.toolchains.lacks(language).is_none()) {
            self.step("libzmq", "Core: compile libzmq and libsodium", |shell| self.compile_libzmq(shell))
        } else {
            Err(Absent::Missing("no language can be built here".into()))
        };
        let built = languages.iter().map(|&language| {
            let programs = match (self.toolchains.lacks(language), &core) {
                (Some(lacking), _) => {
                    self.progress.say(&format!("{language}: missing, it needs {lacking}"));
                    Err(Absent::Missing(lacking))
                }
                (None, Err(absent)) => Err(absent.clone()),
                (None, Ok(_)) => self.package(language, peers),
            };
            (language, programs)
        });
        let languages: BTreeMap<_, _> = built.collect();
        let natives = match (peers, core) {
            (None, _) => Err(Absent::Missing("not asked for".into())),
            (Some(_), core) => core,
        };
        let limit = natives.clone().and_then(|natives| {
            self.step("bench-limit", "Bench: compile the counterpart on plain libzmq", |shell| {
                self.compile_limit(&natives, shell)
            })
        });
        let rust = languages.get(&Language::Rust).and_then(|programs| programs.as_ref().ok());
        let sender = rust.map_or_else(
            || natives.as_ref().map_err(Absent::clone).and_then(|_| self.rust_driver()),
            |rust| rust.driver.clone(),
        );
        let bus = self.bus(natives);
        let (nats_server, redis_server) = (self.nats_server(), self.redis_server());
        Built { languages, limit, nats_server, redis_server, sender, bus, folder: self.layout.made("") }
    }

    /// The programs on a bus; what the machine has not is missing.
    fn bus(&self, natives: Result<Natives, Absent>) -> Bus {
        let pgm = if self.toolchains.has_pgm { Ok(()) } else { missing("libzmq with pgm (apt install libzmq5)") };
        let linux = if cfg!(target_os = "linux") { Ok(()) } else { missing("the system calls of Linux") };
        let libzmq = natives.clone().and_then(|natives| {
            pgm?;
            self.step("bench-epgm", "Bench: compile the peer on the bus", |shell| self.compile_epgm(&natives, shell))
        });
        let udp = natives.and_then(|_| {
            linux?;
            self.step("bench-udp", "Bench: compile the limit of the bus", |shell| self.compile_udp(shell))
        });
        let networks = self.toolchains.networks;
        let networks = networks.map_or_else(|| missing("nft, in networks of its own (apt install nftables)"), Ok);
        Bus { libzmq, udp, networks }
    }

    fn package(&self, language: Language, peers: Option<&Peers>) -> Result<Programs, Absent> {
        let (tutorials, driver) = match language {
            Language::Rust => (self.rust_package()?, peers.map(|_| self.rust_driver())),
            Language::C => (self.c_package()?, peers.map(|_| self.c_driver())),
            Language::Python => (self.python_package()?, peers.map(|_| Ok(self.python_driver()))),
            Language::Node => (self.node_package()?, peers.map(|_| self.node_driver())),
        };
        let driver = driver.unwrap_or_else(|| Err(Absent::Missing("not asked for".into())));
        let wanted = peers.and_then(|peers| peers.get(&language)).into_iter().flatten();
        let mut peers = BTreeMap::<String, Result<(), Absent>>::new();
        for peer in wanted {
            let installed = self.peer(language, &peer.package);
            for name in &peer.implementations {
                // One that needs several packages needs all of them.
                let known = peers.entry(name.clone()).or_insert(Ok(()));
                *known = known.clone().and_then(|()| installed.clone());
            }
        }
        Ok(Programs { tutorials, driver, peers })
    }

    /// Installs a package to compare with, beside ours.
    fn peer(&self, language: Language, package: &str) -> Result<(), Absent> {
        match language {
            Language::Python => self.python_peer(package),
            Language::Node => self.node_peer(package),
            Language::Rust | Language::C => Err(Absent::Missing(format!("{language} is compared with libzmq alone"))),
        }
    }

    /// On a free port of this machine only.
    fn nats_server(&self) -> Result<Call, Absent> {
        let found = self.toolchains.nats_server.clone();
        let program = found.map_or_else(|| missing("nats-server (apt install nats-server)"), Ok)?;
        Ok(Call::new(program).args(["--addr", "127.0.0.1", "--port", "-1"]))
    }

    fn redis_server(&self) -> Result<Call, Absent> {
        let found = self.toolchains.redis_server.clone();
        found.map_or_else(|| missing("redis-server (apt install redis-server)"), |program| Ok(Call::new(program)))
    }

    /// Runs `work` as one step with a log of its own; tells at once what fails.
    fn step<T>(&self, name: &str, title: &str, work: impl FnOnce(&mut Shell) -> Result<T>) -> Result<T, Absent> {
        let step = self.progress.step(title);
        let done = Log::create(self.layout.log(name)).and_then(|log| work(&mut Shell { log, step: &step }));
        step.end(if done.is_ok() { "ok" } else { "failed" });
        done.map_err(|error| {
            let reason = format!("{error:#}");
            self.progress.say(&format!("{title}: {reason}"));
            Absent::Failed(reason)
        })
    }

    /// The folder in which cargo leaves what it builds for release.
    pub fn built(&self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.layout.source("target"), PathBuf::from);
        let target = self.toolchains.host.as_ref().map_or(target.clone(), |host| target.join(host));
        target.join("release")
    }

    /// A call of cargo, in the repository, with the settings of every build here.
    pub fn cargo(&self) -> Call {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.in_source(Call::new(cargo), ".")
    }

    /// Runs `call` in a source folder, and gives every cargo that it starts, itself or through other build tools, the
    /// same settings. The platform is named because napi names it: cargo keeps what is built with and without a name
    /// apart, and libzmq would be compiled twice.
    fn in_source(&self, call: Call, folder: &str) -> Call {
        let mut call = call.dir(self.layout.source(folder));
        if let Some(host) = &self.toolchains.host {
            call = call.env("CARGO_BUILD_TARGET", host);
        }
        if let Some(jobs) = self.jobs {
            call = call.env("CARGO_BUILD_JOBS", jobs.to_string());
        }
        call
    }
}

fn missing<T>(what: &str) -> Result<T, Absent> {
    Err(Absent::Missing(what.into()))
}

/// What a step runs its calls with.
struct Shell<'a> {
    log: Log,
    step: &'a Step,
}

impl Shell<'_> {
    fn run(&mut self, call: &Call) -> Result<Finished> {
        self.log.run(call, self.step)
    }
}
