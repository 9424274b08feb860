//! What this build is and can do.

use std::ffi::CStr;

use zpatterns_protocol::Result;

use crate::{Context, SocketKind, SocketOptions};

/// Versions and capabilities of a build.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Info {
    /// Version of zpatterns.
    pub version: &'static str,
    /// Version of the libzmq that is compiled in.
    pub libzmq: String,
    /// Whether connections can be encrypted and authenticated with CURVE.
    pub curve: bool,
    /// Transports that a socket can bind to, in alphabetical order.
    pub transports: Vec<&'static str>,
}

/// Asks the compiled-in library. Each transport is tried by binding, because libzmq does not tell of all of them.
pub fn info() -> Result<Info> {
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: writes three integers.
    unsafe { libzmq::zmq_version(&mut major, &mut minor, &mut patch) };
    let curve = has(c"curve");
    let context = Context::new()?;
    let mut transports = Vec::new();
    for (name, endpoint) in
        [("inproc", "inproc://info"), ("ipc", "ipc://*"), ("tcp", "tcp://127.0.0.1:0"), ("ws", "ws://127.0.0.1:0")]
    {
        let socket = context.socket(SocketKind::Pull, &SocketOptions::default())?;
        if socket.bind(endpoint).is_ok() {
            transports.push(name);
        }
    }
    Ok(Info { version: env!("CARGO_PKG_VERSION"), libzmq: format!("{major}.{minor}.{patch}"), curve, transports })
}

fn has(capability: &CStr) -> bool {
    // SAFETY: reads the text.
    unsafe { libzmq::zmq_has(capability.as_ptr()) == 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_build_has_curve_and_every_transport() {
        let info = info().expect("a context");
        assert!(info.curve, "libzmq was built without CURVE");
        assert_eq!(info.libzmq, "4.3.5");
        assert_eq!(info.transports, ["inproc", "ipc", "tcp", "ws"]);
    }
}
