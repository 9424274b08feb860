//! Options of a subscriber and of a subscription.

use std::{
    ffi::{c_char, c_int},
    mem::offset_of,
    ptr,
};

use zpatterns::{
    Result,
    pubsub::{Criterion, Start, SubscriberOptions, SubscriptionOptions, given},
};

use super::fields::{SubscriberGiven, SubscriptionGiven, with_subscriber_options, with_subscription_options};
use crate::{
    arguments::{growing, init_growing, optional_bytes, optional_text, zpat_slice_t},
    checked::{Checked, c_type, from_c, options, to_c},
    error::entry,
    plain::Plain,
};

/// Where a subscription begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_start_t {
    /// With what is published next.
    ZPAT_START_NOW = 0,
    /// With the last publication of each subject. What follows is sent to this subscriber by itself, also of public
    /// streams.
    ZPAT_START_LAST_VALUES = 1,
    /// With the last publications of each stream, as many as `last` says.
    ZPAT_START_LAST = 2,
}

/// What is done when a subscriber is slow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum zpat_slow_t {
    /// The publisher waits for it.
    ZPAT_SLOW_HOLD = 0,
    /// It loses the oldest, and is told.
    ZPAT_SLOW_DROP = 1,
    /// It is sent away, and told.
    ZPAT_SLOW_DISCONNECT = 2,
    /// What it has not taken is kept on the publisher's disk; when that is full, the publisher waits for it.
    ZPAT_SLOW_SPILL = 3,
}

/// How a subscriber is set up. Texts and bytes are read while it is opened, not later, and stay the caller's. Start
/// from `ZPAT_SUBSCRIBER_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_subscriber_options_t {
    /// `sizeof(zpat_subscriber_options_t)`.
    pub struct_size: usize,
    /// By which the publisher knows it when it comes back after its lease has ended: 1 to 200 bytes. NULL, the default:
    /// then it is not known.
    pub name: *const c_char,
    /// For how long the publisher keeps what is for it after that, in milliseconds; at most as long as the publisher
    /// wants.
    pub keep: i64,
    /// Who it is, together with `password`; each at most 255 bytes. NULL, the default, is nobody.
    pub user: zpat_slice_t,
    /// As `user` says.
    pub password: zpat_slice_t,
    /// Who it is, by what only it has: at most 16384 bytes, and 255 of those that entitlements know. Not together with
    /// `user`. NULL, the default, is none.
    pub token: zpat_slice_t,
    /// Where the shared path is, if not where the publisher says: a proxy's address, for example. NULL is unset, the
    /// default.
    pub shared: *const c_char,
    /// Where it wants what is for it alone: an endpoint that it binds, and to which the publisher connects. NULL, the
    /// default: over the connection to the publisher.
    pub endpoint: *const c_char,
    /// A publisher that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more.
    pub heartbeat_interval: i64,
    /// After how many silent intervals the connection counts as broken, and is made again. 2 or more.
    pub heartbeat_limit: i64,
    /// Publications that may be here, and not yet taken by the program. 1 or more.
    pub max_messages: i64,
    /// Bytes of those; each counts as 96 more. 1 or more.
    pub max_bytes: i64,
    /// It dies of being late when its program has not taken so many publications of a stream that it knows of. 0, the
    /// default, is without bound.
    pub snail_max_lag: i64,
    /// It dies of being late when its program has not taken for so long what it knows of, in milliseconds. 0, the
    /// default, is without bound.
    pub snail_max_age: i64,
    /// The publisher's public key, 40 characters of Z85; together with the next two. NULL, the default, is no CURVE.
    pub curve_server_key: *const c_char,
    /// Its own public key.
    pub curve_public_key: *const c_char,
    /// Its own secret key.
    pub curve_secret_key: *const c_char,
    /// A name for the publisher's authenticator, together with `plain_password`, which anybody on the way can read; not
    /// together with CURVE. NULL, the default, is none.
    pub plain_username: *const c_char,
    /// As `plain_username` says.
    pub plain_password: *const c_char,
}

/// What a subscription wants besides its subjects. Start from `ZPAT_SUBSCRIPTION_OPTIONS_INIT`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_subscription_options_t {
    /// `sizeof(zpat_subscription_options_t)`.
    pub struct_size: usize,
    /// 1: the text is a prefix, and asks for every subject that begins with it; 0, the default: it is a pattern.
    pub is_prefix: i64,
    /// A `zpat_start_t`: from where on. By default `ZPAT_START_NOW`.
    pub start: i64,
    /// With how many it begins, if with the last ones. At most 4294967295.
    pub last: i64,
    /// A `zpat_slow_t`: what is done when the program is slow. By default `ZPAT_SLOW_DROP`.
    pub slow: i64,
    /// It is slow when it has not taken so many publications, which have left or wait. 1 to 4294967295.
    pub max_messages: i64,
    /// Or so many bytes. 1 or more.
    pub max_bytes: i64,
    /// Public streams come over the shared path, if there is one. 0 or 1, the default.
    pub shared: i64,
}

with_subscriber_options!(options);
with_subscription_options!(options);

impl SubscriberGiven {
    /// As core has it.
    pub(super) fn together(self) -> Result<SubscriberOptions> {
        let mut options = self.options;
        let bytes = |given: Option<Vec<u8>>| given.map(Into::into);
        options.credential = given::credential_of(bytes(self.user), bytes(self.password), bytes(self.token))?;
        let keys = (self.curve_server_key, self.curve_public_key, self.curve_secret_key);
        options.security = given::client_security(keys, (self.plain_username, self.plain_password))?;
        let max_lag = Some(self.snail_max_lag).filter(|lag| *lag > 0);
        options.snail = given::snail(max_lag, Some(self.snail_max_age).filter(|age| !age.is_zero()));
        Ok(options)
    }
}

impl SubscriptionGiven {
    /// As core has it.
    pub(super) fn together(self, text: &[u8]) -> Result<(Criterion, SubscriptionOptions)> {
        let Self { mut options, is_prefix, last } = self;
        if let Start::Last(count) = &mut options.start {
            *count = last;
        }
        let text = text.to_vec();
        Ok((if is_prefix { Criterion::prefix(text) } else { Criterion::pattern(text) }?, options))
    }
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_SUBSCRIBER_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscriber_options_init(
    options: *mut zpat_subscriber_options_t,
    struct_size: usize,
) -> c_int {
    let (defaults, ends) = (zpat_subscriber_options_t::defaults(), zpat_subscriber_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

/// Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_SUBSCRIPTION_OPTIONS_INIT` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zpat_subscription_options_init(
    options: *mut zpat_subscription_options_t,
    struct_size: usize,
) -> c_int {
    let (defaults, ends) = (zpat_subscription_options_t::defaults(), zpat_subscription_options_t::ENDS);
    // SAFETY: C's promise.
    entry(|| unsafe { init_growing(options, struct_size, defaults, ends) }.map(|()| 0))
}

#[cfg(test)]
mod tests {
    use zpatterns::pubsub::Slow;

    use super::{zpat_slow_t::*, zpat_start_t::*, *};
    use crate::checked::has_no_holes;

    #[test]
    fn structures_have_the_order_of_fields_rs_and_no_holes() {
        let layouts = [
            (zpat_subscriber_options_t::ENDS, size_of::<zpat_subscriber_options_t>()),
            (zpat_subscription_options_t::ENDS, size_of::<zpat_subscription_options_t>()),
        ];
        for (ends, size) in layouts {
            assert!(has_no_holes(ends, size), "{ends:?}");
        }
    }

    #[test]
    fn defaults_are_cores_whatever_the_age_of_the_header() {
        let core = format!("{:?}", SubscriberOptions::default());
        for size in zpat_subscriber_options_t::ENDS {
            let old = zpat_subscriber_options_t { struct_size: *size, ..zpat_subscriber_options_t::defaults() };
            // SAFETY: the structure is complete.
            let given = unsafe { zpat_subscriber_options_t::convert(&raw const old) }.expect("an older one is fine");
            assert_eq!(format!("{:?}", given.together().expect("nothing excludes anything")), core);
        }
        let (criterion, options) = SubscriptionGiven::default().together(b"a.>").expect("a pattern");
        assert_eq!((criterion, options), (Criterion::Pattern("a.>".into()), SubscriptionOptions::default()));
    }

    #[test]
    fn choices_have_their_numbers() {
        let slow = |number| Slow::checked(number, "slow").map(|slow| slow.plain());
        for choice in [ZPAT_SLOW_HOLD, ZPAT_SLOW_DROP, ZPAT_SLOW_DISCONNECT, ZPAT_SLOW_SPILL] {
            assert_eq!(slow(choice as i64), Ok(choice as i64));
        }
        assert!(slow(-1).is_err() && slow(4).is_err());
        let start = |number| Start::checked(number, "start").map(|start| start.plain());
        for choice in [ZPAT_START_NOW, ZPAT_START_LAST_VALUES, ZPAT_START_LAST] {
            assert_eq!(start(choice as i64), Ok(choice as i64));
        }
        assert!(start(-1).is_err() && start(3).is_err());
    }
}
