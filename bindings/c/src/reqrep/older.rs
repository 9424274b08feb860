//! Programs that speak older protocols: where a broker meets them, and which of them a client asks.
//!
//! Options name them in arrays, and an array has the size of its elements for ever: these structures do not grow.

use std::ffi::{c_char, c_int};

use zpatterns::{
    Result,
    reqrep::{FreelanceServer, PlainEndpoint, Side},
};

use crate::{
    arguments::text,
    checked::{Checked, Element},
};

/// Who connects to a plain endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_side_t {
    /// Those who ask: REQ, or DEALER with an empty frame before the question, or without.
    ZPAT_SIDE_CLIENTS = 0,
    /// Those who answer: DEALER as 6/PPP has it, or REQ that says that it is ready.
    ZPAT_SIDE_WORKERS = 1,
}

/// An endpoint of a broker for programs whose protocol nothing tells from others: bare clients, and the workers of the
/// Simple and the Paranoid Pirate. The texts are read while the broker is opened, not later, and stay the caller's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_plain_endpoint_t {
    /// Where they connect to.
    pub endpoint: *const c_char,
    /// A `zpat_side_t`: who they are.
    pub side: c_int,
    /// What they ask for, or offer. 1 to 255 bytes.
    pub service: *const c_char,
}

/// A server that speaks the Freelance protocol, 10/FLP, for a client to ask. The texts are read while the client is
/// opened, not later, and stay the caller's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_freelance_server_t {
    /// Where it is.
    pub endpoint: *const c_char,
    /// What it is asked for. 1 to 255 bytes.
    pub service: *const c_char,
    /// How many requests it is given at once. 1 or more.
    pub credit: u32,
}

impl Element for zpat_plain_endpoint_t {
    type Core = PlainEndpoint;

    unsafe fn convert(&self) -> Result<PlainEndpoint> {
        // SAFETY: as the caller promises.
        let (endpoint, service) = unsafe { (text(self.endpoint, "endpoint")?, text(self.service, "service")?) };
        let side = Side::checked(self.side.into(), "side")?;
        Ok(PlainEndpoint { endpoint: endpoint.to_owned(), side, service: service.to_owned() })
    }
}

impl Element for zpat_freelance_server_t {
    type Core = FreelanceServer;

    unsafe fn convert(&self) -> Result<FreelanceServer> {
        // SAFETY: as the caller promises.
        let (endpoint, service) = unsafe { (text(self.endpoint, "endpoint")?, text(self.service, "service")?) };
        Ok(FreelanceServer { endpoint: endpoint.to_owned(), service: service.to_owned(), credit: self.credit })
    }
}

#[cfg(test)]
mod tests {
    use super::{zpat_side_t::*, *};

    #[test]
    fn sides_have_their_numbers() {
        let side = |number| Side::checked(number, "side").ok();
        assert_eq!(side(ZPAT_SIDE_CLIENTS as i64), Some(Side::Clients));
        assert_eq!(side(ZPAT_SIDE_WORKERS as i64), Some(Side::Workers));
        assert_eq!((side(-1), side(2)), (None, None));
    }
}
