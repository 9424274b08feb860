//! Names the shared library for the loader.
//!
//! A program records the soname, so it finds any 0.1.x and no other. The library is never unloaded: its threads and
//! its fork handler would run code that is gone.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        let version = |part| env::var(part).expect("cargo sets the version");
        let (major, minor) = (version("CARGO_PKG_VERSION_MAJOR"), version("CARGO_PKG_VERSION_MINOR"));
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzpatterns.so.{major}.{minor}");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
