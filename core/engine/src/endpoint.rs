//! What libzmq does not check about an endpoint.
//!
//! It takes port 99999 for 34463 and reads up to a zero byte. Everything else about endpoints is left to it.

use zpatterns_protocol::{Error, ErrorKind, Result};

/// What endpoints look like.
pub(crate) const HELP: &str =
    "endpoints look like tcp://127.0.0.1:5555, ipc:///tmp/name, inproc://name or ws://127.0.0.1:5555/path";

/// An error if libzmq would read `endpoint` as something else than it says: [`ErrorKind::InvalidEndpoint`].
pub fn check(endpoint: &str) -> Result<()> {
    let bad = |text: String| Err(Error::new(ErrorKind::InvalidEndpoint, text).with("endpoint", endpoint));
    if endpoint.contains('\0') {
        return bad("an endpoint holds no zero byte".into());
    }
    let Some((transport, address)) = endpoint.split_once("://") else { return bad(HELP.into()) };
    let host_and_port = match transport {
        "tcp" => address,
        "ws" => address.split('/').next().unwrap_or_default(),
        _ => return Ok(()),
    };
    let Some((_, port)) = host_and_port.rsplit_once(':') else { return bad(HELP.into()) };
    if port != "*" && port.parse::<u16>().is_err() {
        return bad(format!("a port is a number from 0 to 65535, not `{port}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_that_fit() {
        for good in ["tcp://*:0", "tcp://[::1]:65535", "tcp://eth0:*", "tcp://a:1;b:2", "ws://h:80/a:b", "ipc://x"] {
            check(good).expect(good);
        }
        for bad in ["", "tcp", "tcp://", "tcp://h", "tcp://h:", "tcp://h:65536", "tcp://h:-1", "ws://h/80", "ipc://\0"]
        {
            assert_eq!(check(bad).expect_err(bad).kind(), ErrorKind::InvalidEndpoint);
        }
    }
}
