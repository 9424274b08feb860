//! Options of a publisher.

use std::{
    ffi::{c_char, c_int, c_void},
    mem::offset_of,
    ptr,
    time::Duration,
};

use zpatterns::{
    Result,
    pubsub::{PublisherOptions, given},
};

use super::{
    fields::{PublisherGiven, with_publisher_options},
    streams::zpat_stream_t,
};
use crate::{
    arguments::{growing, init_growing, optional_bytes, optional_path, optional_text, zpat_slice_t},
    checked::{Checked, c_type, from_c, list, options, to_c},
    error::entry,
    plain::Plain,
};

/// How a publisher is set up. Who comes beyond a bound is refused with `ZPAT_E_FULL`. Texts, bytes and arrays are read
/// while the publisher is opened, not later, and stay the caller's. Start from `ZPAT_PUBLISHER_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_publisher_options_t {
    /// `sizeof(zpat_publisher_options_t)`.
    pub struct_size: usize,
    /// The streams, in the order in which they are asked whether a subject is theirs; at most 1000. NULL, the default,
    /// is one of all subjects, `main`, which is not public.
    pub streams: *const zpat_stream_t,
    /// How many those are.
    pub streams_count: usize,
    /// An endpoint where public streams leave once for all. NULL, the default: they are sent to each subscriber by
    /// itself.
    pub shared: *const c_char,
    /// An endpoint where plain SUB sockets hear public streams: the subject, and the frames. NULL, the default, is
    /// none.
    pub plain: *const c_char,
    /// Who may hear what, in ZPL, as the specification has it. Without them, and without `ask`, everybody may hear
    /// everything.
    pub entitlements: zpat_slice_t,
    /// The program is asked for each subscriber, by `zpat_publisher_next`, and has so long for its answer, in
    /// milliseconds; refused if it gives none. 0, the default: it is not asked. Not together with `entitlements`.
    pub ask: i64,
    /// 1: `zpat_publisher_next` tells who comes and goes. 0 or 1.
    pub news: i64,
    /// A subscriber that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more.
    pub heartbeat_interval: i64,
    /// After how many silent intervals its connection counts as broken. 2 or more.
    pub heartbeat_limit: i64,
    /// For how long a subscriber is waited for and remembered after its last sign of life, in milliseconds. At least
    /// the interval times the limit.
    pub lease: i64,
    /// The longest `keep` that a subscriber gets, in milliseconds.
    pub max_keep: i64,
    /// For how long the publisher waits for a subscription that takes nothing, in milliseconds: then it loses the oldest,
    /// and is told, until it takes again.
    pub max_hold: i64,
    /// For how long what is published soon after other publications may wait for more, to leave together. In
    /// microseconds.
    pub gather_us: i64,
    /// Subscribers, with those that are away.
    pub max_subscribers: i64,
    /// Subscriptions of one subscriber.
    pub max_subscriptions: i64,
    /// Subscriptions of all.
    pub max_all_subscriptions: i64,
    /// Endpoints of subscribers that are connected to.
    pub max_endpoints: i64,
    /// Endpoints that are open for plain SUB sockets of users, by `zpat_publisher_open_plain`.
    pub max_plain: i64,
    /// Bytes of a publication. 1 to 1073741824.
    pub max_size: i64,
    /// Bytes of publications that are here, in histories and for subscribers; each counts as 96 more.
    pub max_bytes: i64,
    /// A folder for what streams keep on disk, a path as `open(2)` takes it: in a file without a name, which goes with the
    /// publisher. NULL, the default: nothing is kept on disk.
    pub disk: *const c_char,
    /// How long closing waits until what is for connected subscribers has arrived, in milliseconds.
    pub linger: i64,
    /// Subscribers must know the public key that belongs to this one, 40 characters of Z85, and show one of their own.
    /// The context needs an authenticator. NULL, the default, is no CURVE.
    pub curve_secret_key: *const c_char,
    /// 1: subscribers must show a name and a password, which anybody on the way can read. The context needs an
    /// authenticator. Not together with `curve_secret_key`. 0 or 1.
    pub plain_server: i64,
    /// What the authenticator is asked for. NULL is unset, the default.
    pub zap_domain: *const c_char,
}

with_publisher_options!(options);

impl PublisherGiven {
    /// As core has it.
    pub(super) fn together(self) -> Result<PublisherOptions> {
        let Self { mut options, streams, entitlements, ask, gather, curve_secret_key, plain_server, zap_domain } = self;
        if !streams.is_empty() {
            options.streams = streams;
        }
        options.gather = Duration::from_micros(gather);
        options.access = given::access_of(entitlements.as_deref(), Some(ask).filter(|ask| !ask.is_zero()))?;
        options.security = given::server_security(curve_secret_key, plain_server, zap_domain)?;
        Ok(options)
    }
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_PUBLISHER_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_publisher_options_init(
    options: *mut zpat_publisher_options_t,
    struct_size: usize,
) -> c_int {
    let (defaults, ends) = (zpat_publisher_options_t::defaults(), zpat_publisher_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checked::has_no_holes, pubsub::streams::zpat_stream_options_t};

    #[test]
    fn structures_have_the_order_of_fields_rs_and_no_holes() {
        let layouts = [
            (zpat_publisher_options_t::ENDS, size_of::<zpat_publisher_options_t>()),
            (zpat_stream_options_t::ENDS, size_of::<zpat_stream_options_t>()),
        ];
        for (ends, size) in layouts {
            assert!(has_no_holes(ends, size), "{ends:?}");
        }
    }

    #[test]
    fn defaults_are_cores_whatever_the_age_of_the_header() {
        let core = format!("{:?}", PublisherOptions::default());
        for size in zpat_publisher_options_t::ENDS {
            let old = zpat_publisher_options_t { struct_size: *size, ..zpat_publisher_options_t::defaults() };
            // SAFETY: the structure is complete.
            let given = unsafe { zpat_publisher_options_t::convert(&raw const old) }.expect("an older one is fine");
            assert_eq!(format!("{:?}", given.together().expect("nothing excludes anything")), core);
        }
    }
}
