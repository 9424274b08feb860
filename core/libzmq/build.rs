//! Compiles libzmq and tells it what the platform can do.
//!
//! `zeromq-src` brings the sources and compiles them, but probes hardly anything: without more macros the library
//! signals through socketpairs, ignores keepalive options and cannot bind by interface name. The macros below are
//! what libzmq's own CMake build finds on each platform.
//!
//! `patch/` is included before each file of libzmq, and mends what a peer could end the process with
//! (`docs/decisions/0011`).

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// In `patch/`.
const PATCH: &str = "zpatterns_whole.hpp";

/// Found by libzmq's CMake on any Linux of the last ten years. HAVE_FORK is left out on purpose: with it libzmq asks for
/// its process id at every signal, some twenty system calls per round trip, to notice a fork; our handles notice it
/// themselves and touch nothing in the child.
const LINUX: &[&str] = &[
    "ZMQ_HAVE_EVENTFD=1",
    "ZMQ_HAVE_EVENTFD_CLOEXEC=1",
    "ZMQ_IOTHREAD_POLLER_USE_EPOLL_CLOEXEC=1",
    "HAVE_ACCEPT4=1",
    "HAVE_CLOCK_GETTIME=1",
    "HAVE_MKDTEMP=1",
    "HAVE_POSIX_MEMALIGN=1",
    "HAVE_IF_NAMETOINDEX=1",
    "ZMQ_HAVE_IFADDRS=1",
    "ZMQ_HAVE_SO_BINDTODEVICE=1",
    "ZMQ_HAVE_SO_PEERCRED=1",
    "ZMQ_HAVE_BUSY_POLL=1",
    "ZMQ_HAVE_O_CLOEXEC=1",
    "ZMQ_HAVE_SOCK_CLOEXEC=1",
    "ZMQ_HAVE_SO_KEEPALIVE=1",
    "ZMQ_HAVE_SO_PRIORITY=1",
    "ZMQ_HAVE_TCP_KEEPCNT=1",
    "ZMQ_HAVE_TCP_KEEPIDLE=1",
    "ZMQ_HAVE_TCP_KEEPINTVL=1",
    "ZMQ_HAVE_PTHREAD_SETNAME_2=1",
    "ZMQ_HAVE_PTHREAD_SET_AFFINITY=1",
    "ZMQ_HAVE_PPOLL=1",
    "ZMQ_HAVE_NOEXCEPT=1",
    "ZMQ_CACHELINE_SIZE=64",
];

/// Found by libzmq's CMake on macOS (not yet exercised by this project's checks).
const APPLE: &[&str] = &[
    "HAVE_MKDTEMP=1",
    "HAVE_POSIX_MEMALIGN=1",
    "HAVE_IF_NAMETOINDEX=1",
    "ZMQ_HAVE_IFADDRS=1",
    "ZMQ_HAVE_LOCAL_PEERCRED=1",
    "ZMQ_HAVE_O_CLOEXEC=1",
    "ZMQ_HAVE_SO_KEEPALIVE=1",
    "ZMQ_HAVE_TCP_KEEPALIVE=1",
    "ZMQ_HAVE_TCP_KEEPCNT=1",
    "ZMQ_HAVE_TCP_KEEPINTVL=1",
    "ZMQ_HAVE_PTHREAD_SETNAME_1=1",
    "ZMQ_HAVE_NOEXCEPT=1",
    "ZMQ_CACHELINE_SIZE=128",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=patch");
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let macros: &[&str] = match os.as_str() {
        "linux" => LINUX,
        "macos" => APPLE,
        _ => &[],
    };
    let flags: Vec<String> = macros.iter().map(|name| format!("-D{name}")).collect();
    append_cxxflags(&format!("{} -include {PATCH}", flags.join(" ")));
    include_from(&PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo tells where we are")).join("patch"));

    let lib = PathBuf::from(env::var("DEP_SODIUM_LIB").expect("libsodium-sys-stable tells where its library is"));
    let include =
        PathBuf::from(env::var("DEP_SODIUM_INCLUDE").expect("libsodium-sys-stable tells where its headers are"));
    zeromq_src::Build::new().with_libsodium(Some(zeromq_src::LibLocation::new(lib, include))).build();
}

/// cc reads the target's own variable first, so extend that one and keep what the person set.
fn append_cxxflags(extra: &str) {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let names = [format!("CXXFLAGS_{target}"), format!("CXXFLAGS_{}", target.replace('-', "_")), "CXXFLAGS".into()];
    let given = names.iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
    // SAFETY: a build script is single-threaded at this point.
    unsafe { env::set_var(&names[0], format!("{given} {extra}")) };
}

/// Has compilers look for headers in `directory`, last of all, and keeps what the person set. It may have spaces in its name,
/// which would be the end of a flag.
fn include_from(directory: &Path) {
    const PATHS: &str = "CPLUS_INCLUDE_PATH";
    let mut paths: OsString = directory.into();
    if let Some(given) = env::var_os(PATHS).filter(|given| !given.is_empty()) {
        paths = [given, paths].join(":".as_ref());
    }
    // SAFETY: as above.
    unsafe { env::set_var(PATHS, paths) };
}
