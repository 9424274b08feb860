//! Looks for the toolchains: what is there, what is too old, and the command that installs what is missing.
//!
//! A compiler is judged by compiling a program, Python's virtual environments by the parts they need, libzmq by what it says of
//! itself, everything else by its version: rustc, Python and Node by what the packages declare, the others by what building
//! them needs.

mod network;
mod python;
mod version;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

pub use network::Networks;
pub use python::{Environments, Python};
pub use version::Version;

use crate::{
    language::Language,
    shell::{Call, Finished, ask},
};

/// No tool needs longer to tell its version; a cold disk and a version manager's wrapper need seconds.
const WATCHDOG: Duration = Duration::from_secs(60);

/// How a tool was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Status {
    /// It is there and works.
    #[serde(rename = "ok")]
    Ok,
    /// It is not there, or does not run.
    #[serde(rename = "missing")]
    Missing,
    /// It is there and its version does not work.
    #[serde(rename = "too old")]
    TooOld,
}

impl Status {
    /// The word in tables: `ok`, `missing`, `too old`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::TooOld => "too old",
        }
    }
}

/// One tool and what was found.
#[derive(Clone, Debug)]
pub struct Tool {
    /// The name a person knows it by.
    pub name: &'static str,
    /// What the tool says its version is; empty if it is missing.
    pub version: String,
    /// The oldest that works.
    pub oldest: &'static str,
    /// Whether it can be used.
    pub status: Status,
    /// The languages that cannot be built without it.
    pub needed_by: &'static [Language],
    /// How to install it: Debian and Ubuntu, Homebrew, the official installer; separated by ` | `.
    pub install: &'static str,
}

impl Tool {
    /// The ways to install it.
    pub fn ways(&self) -> impl Iterator<Item = &'static str> {
        self.install.split(" | ")
    }
}

/// Every tool, and the paths of those that other steps call.
#[derive(Clone, Debug)]
pub struct Toolchains {
    /// One row each.
    pub tools: Vec<Tool>,
    /// The interpreter that was chosen.
    pub python: Option<Python>,
    /// The C compiler.
    pub cc: PathBuf,
    /// The C++ compiler; it links C programs against the static libzmq.
    pub cxx: PathBuf,
    /// Absent where C programs must do with plain flags.
    pub pkg_config: Option<PathBuf>,
    /// The server that requests are compared with; its rows are missing without.
    pub nats_server: Option<PathBuf>,
    /// The server that keeps the jobs of queues that ours is compared with; their rows are missing without.
    pub redis_server: Option<PathBuf>,
    /// Whether the system has a libzmq with pgm, which the bus is compared with.
    pub has_pgm: bool,
    /// How networks are made in which datagrams are lost.
    pub networks: Option<Networks>,
    /// What rustc calls this platform: `x86_64-unknown-linux-gnu`.
    pub host: Option<String>,
}

impl Toolchains {
    /// Looks for every tool.
    pub fn find() -> Self {
        let python = Python::newest();
        let mut cc = Compiler::new("CC", &["cc", "gcc", "clang"]);
        let mut cxx = Compiler::new("CXX", &["c++", "g++", "clang++"]);
        let (pkg_config, networks) = (pkg_config(), networks());
        let (nats_server, redis_server) = (server("nats-server", "2.9", NATS), server("redis-server", "6.2", REDIS));
        let pgm = cc.pgm();
        let tools = vec![
            by_version("rustc", "1.90", &Language::ALL, RUST, &["rustc"]),
            cc.tool("C compiler", "C11", "c", "-std=c11", "#include <stdint.h>\nint main(void) { return 0; }\n"),
            cxx.tool("C++ compiler", "C++11", "c++", "-std=c++11", "#include <atomic>\nint main() { return 0; }\n"),
            by_version("make", "3.81", &Language::ALL, BUILD, &["make", "gmake"]),
            Python::tool(python.as_ref()),
            Python::environments_tool(python.as_ref()),
            by_version("node", "20.0", &[Language::Node], NODE, &["node"]),
            by_version("npm", "9.2", &[Language::Node], NODE, &["npm"]),
            pkg_config.1,
            nats_server.1,
            redis_server.1,
            pgm.1,
            networks.1,
        ];
        Self {
            tools,
            python,
            cc: cc.path,
            cxx: cxx.path,
            pkg_config: pkg_config.0,
            nats_server: nats_server.0,
            redis_server: redis_server.0,
            has_pgm: pgm.0,
            networks: networks.0,
            host: host(),
        }
    }

    /// The tools that `language` needs and that are missing or too old, in one line; `None` if it can be built.
    pub fn lacks(&self, language: Language) -> Option<String> {
        let lacking: Vec<String> = self
            .tools
            .iter()
            .filter(|tool| tool.status != Status::Ok && tool.needed_by.contains(&language))
            .map(|tool| format!("{} ({}: {})", tool.name, tool.status.word(), tool.ways().next().unwrap_or_default()))
            .collect();
        if lacking.is_empty() { None } else { Some(lacking.join(", ")) }
    }
}

const RUST: &str = "apt install rustup | brew install rustup | https://rustup.rs";
const BUILD: &str = "apt install build-essential | xcode-select --install";
const NODE: &str = "apt install nodejs npm (Debian 13 or newer) | brew install node | https://nodejs.org/en/download";
const PKG_CONFIG: &str = "apt install pkg-config | brew install pkgconf | (optional: plain flags do as well)";
const NATS: &str = "apt install nats-server | brew install nats-server | (optional: to compare requests with NATS)";
const REDIS: &str =
    "apt install redis-server | brew install redis | (optional: to compare job queues with those on Redis)";
const PGM: &str = "apt install libzmq5 | (optional: to compare the bus with libzmq's)";
const NETWORKS: &str = "apt install nftables iproute2 | (optional: to measure the bus where datagrams are lost)";
/// Prints the version of a libzmq that has pgm.
const HAS_PGM: &str = r#"
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
  int major, minor, patch;
  void *library = dlopen("libzmq.so.5", RTLD_NOW);
  int (*has)(const char *) = library ? (int (*)(const char *))dlsym(library, "zmq_has") : 0;
  if (!has || !has("pgm")) return 1;
  ((void (*)(int *, int *, int *))dlsym(library, "zmq_version"))(&major, &minor, &patch);
  printf("%d.%d.%d\n", major, minor, patch);
  return 0;
}
"#;

/// The first of `names` on the PATH that tells a version.
fn by_version(
    name: &'static str,
    oldest: &'static str,
    needed_by: &'static [Language],
    install: &'static str,
    names: &[&str],
) -> Tool {
    let found = names.iter().find_map(|name| Version::of(&Call::new(which::which(name).ok()?).arg("--version")));
    let status = match &found {
        None => Status::Missing,
        Some(version) if *version < Version::parse(oldest).expect("our own table is well-formed") => Status::TooOld,
        Some(_) => Status::Ok,
    };
    let version = found.map(|version| version.to_string()).unwrap_or_default();
    Tool { name, version, oldest, status, needed_by, install }
}

/// What is there if its version was found, and will do whatever that is.
fn optional(name: &'static str, version: Option<&Version>, install: &'static str) -> Tool {
    let status = if version.is_some() { Status::Ok } else { Status::Missing };
    let version = version.map(Version::to_string).unwrap_or_default();
    Tool { name, version, oldest: "any", status, needed_by: &[], install }
}

fn networks() -> (Option<Networks>, Tool) {
    let (networks, version) = Networks::find().unzip();
    (networks, optional("nft, in networks of its own", version.as_ref(), NETWORKS))
}

fn host() -> Option<String> {
    let said = ask(&Call::new("rustc").arg("-vV"), WATCHDOG).ok()?;
    said.stdout.iter().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

fn pkg_config() -> (Option<PathBuf>, Tool) {
    let tool = by_version("pkg-config", "0.29", &[], PKG_CONFIG, &["pkg-config", "pkgconf"]);
    let path = ["pkg-config", "pkgconf"].iter().find_map(|name| which::which(name).ok());
    (path.filter(|_| tool.status == Status::Ok), tool)
}

/// A server, which Debian may have where only an administrator's PATH leads.
fn server(name: &'static str, oldest: &'static str, install: &'static str) -> (Option<PathBuf>, Tool) {
    let names = [name, &format!("/usr/sbin/{name}")];
    let tool = by_version(name, oldest, &[], install, &names);
    let path = names.iter().find_map(|name| which::which(name).ok());
    (path.filter(|_| tool.status == Status::Ok), tool)
}

/// A compiler: the one that the environment names, as cargo's build scripts take it, or the first found.
struct Compiler {
    path: PathBuf,
}

impl Compiler {
    fn new(variable: &str, names: &[&str]) -> Self {
        let named = std::env::var_os(variable).and_then(|name| which::which(name).ok());
        let found = named.or_else(|| names.iter().find_map(|name| which::which(name).ok()));
        Self { path: found.unwrap_or_else(|| PathBuf::from(names[0])) }
    }

    fn tool(
        &mut self,
        name: &'static str,
        oldest: &'static str,
        language: &str,
        standard: &str,
        program: &str,
    ) -> Tool {
        let version = Version::of(&Call::new(&self.path).arg("--version"));
        let status = match &version {
            None => Status::Missing,
            Some(_) if self.compiles(language, standard, program) => Status::Ok,
            Some(_) => Status::TooOld,
        };
        let version = version.map(|version| version.to_string()).unwrap_or_default();
        Tool { name, version, oldest, status, needed_by: &Language::ALL, install: BUILD }
    }

    fn compiles(&self, language: &str, standard: &str, program: &str) -> bool {
        tempfile::tempdir().is_ok_and(|folder| self.compile(folder.path(), language, standard, program).is_some())
    }

    /// The program, compiled in `folder`.
    fn compile(&self, folder: &Path, language: &str, standard: &str, program: &str) -> Option<Call> {
        let (source, made) = (folder.join("probe.txt"), folder.join("probe"));
        let call = Call::new(&self.path).args([standard, "-x", language]).arg(&source).arg("-o").arg(&made).arg("-ldl");
        fs::write(&source, program).ok()?;
        ask(&call, WATCHDOG).ok().filter(Finished::succeeded).map(|_| Call::new(made))
    }

    /// Whether programs find a libzmq with pgm.
    fn pgm(&self) -> (bool, Tool) {
        let version = tempfile::tempdir()
            .ok()
            .and_then(|folder| Version::of(&self.compile(folder.path(), "c", "-std=c11", HAS_PGM)?));
        (version.is_some(), optional("libzmq with pgm", version.as_ref(), PGM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_not_there_is_missing() {
        let tool = by_version("nothing", "1.0", &[Language::C], "no way", &["a-program-that-nobody-has"]);
        assert_eq!((tool.status, tool.version.as_str()), (Status::Missing, ""));
    }

    #[test]
    fn names_what_a_language_lacks_and_how_to_get_it() {
        let mut node =
            by_version("node", "20.0", &[Language::Node], "some command | another", &["a-program-that-nobody-has"]);
        node.status = Status::TooOld;
        let toolchains = Toolchains {
            tools: vec![node],
            python: None,
            cc: "cc".into(),
            cxx: "c++".into(),
            pkg_config: None,
            nats_server: None,
            redis_server: None,
            has_pgm: false,
            networks: None,
            host: None,
        };
        assert_eq!(toolchains.lacks(Language::Node).unwrap(), "node (too old: some command)");
        assert_eq!(toolchains.lacks(Language::C), None);
    }
}
