//! The options of a socket in C, in the order of their structure.
//!
//! The order is binary: a new option goes to the end, or programs that were compiled with an older header break. Names
//! and types are those of `SocketOptions::TABLE`, whose order is for readers; a test holds the two together. The header
//! generator reads the same list.

/// Calls `$then!` with every option and its type, one of `Bool`, `Int`, `Duration`, `Text`, `Bytes`.
macro_rules! with_socket_options {
    ($then:ident) => {
        $then! {
            background: Bool,
            send_hwm: Int,
            recv_hwm: Int,
            inbox_messages: Int,
            inbox_bytes: Int,
            max_message_size: Int,
            linger: Duration,
            invert_matching: Bool,
            conflate: Bool,
            immediate: Bool,
            routing_id: Bytes,
            router_mandatory: Bool,
            router_handover: Bool,
            probe_router: Bool,
            req_relaxed: Bool,
            req_correlate: Bool,
            xpub_verbose: Bool,
            xpub_verboser: Bool,
            xpub_nodrop: Bool,
            stream_notify: Bool,
            reconnect_interval: Duration,
            reconnect_interval_max: Duration,
            connect_timeout: Duration,
            handshake_interval: Duration,
            heartbeat_interval: Duration,
            heartbeat_timeout: Duration,
            heartbeat_ttl: Duration,
            tcp_keepalive: Int,
            tcp_keepalive_idle: Int,
            tcp_keepalive_count: Int,
            tcp_keepalive_interval: Int,
            backlog: Int,
            kernel_send_buffer: Int,
            kernel_recv_buffer: Int,
            tos: Int,
            ipv6: Bool,
            bind_to_device: Text,
            socks_proxy: Text,
            ipc_mode: Int,
            ipc_uid: Int,
            ipc_gid: Int,
            plain_server: Bool,
            plain_username: Text,
            plain_password: Text,
            curve_server: Bool,
            curve_public_key: Text,
            curve_secret_key: Text,
            curve_server_key: Text,
            zap_domain: Text,
        }
    };
}

pub(crate) use with_socket_options;
