//! The options of a bus in C: the order of their structure, as in `reqrep/fields.rs`.

/// Calls `$then!` with the structure, core's options, and every option.
macro_rules! with_bus_options {
    ($then:ident) => {
        $then! {
            zpat_bus_options_t, BusOptions:
            rate = rate,
            window = window,
            max_age = max_age,
            history = history,
            max_unsent = max_unsent,
            hops = hops,
            looped = looped,
            flow_control = flow_control,
            at_least = at_least,
            tag = tag,
            parity_group = parity_group,
            parity = parity,
            key: Key(key_size) = key,
            max_peers = max_peers,
            max_behind = max_behind,
            max_message = max_message,
            max_events = max_events,
            max_bytes = max_bytes,
            forget = forget,
            linger = linger,
        }
    };
}

pub(crate) use with_bus_options;
