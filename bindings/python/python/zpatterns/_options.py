"""The names of socket options and their types, for type checkers.

Defaults, ranges and what each does are in the core's table, :func:`option_table`; a test compares the two.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from ._native import option_table

Kind = Literal[
    "pair", "pub", "sub", "req", "rep", "dealer", "router", "pull", "push", "xpub", "xsub", "stream"
]
"""A ZeroMQ socket type."""


class Options(TypedDict, total=False):
    """How a socket is set up. Times are in seconds; an option that is ``None`` keeps its default."""

    background: bool | None
    send_hwm: int | None
    recv_hwm: int | None
    inbox_messages: int | None
    inbox_bytes: int | None
    max_message_size: int | None
    linger: float | None
    invert_matching: bool | None
    conflate: bool | None
    immediate: bool | None
    routing_id: bytes | None
    router_mandatory: bool | None
    router_handover: bool | None
    probe_router: bool | None
    req_relaxed: bool | None
    req_correlate: bool | None
    xpub_verbose: bool | None
    xpub_verboser: bool | None
    xpub_nodrop: bool | None
    stream_notify: bool | None
    reconnect_interval: float | None
    reconnect_interval_max: float | None
    connect_timeout: float | None
    handshake_interval: float | None
    heartbeat_interval: float | None
    heartbeat_timeout: float | None
    heartbeat_ttl: float | None
    tcp_keepalive: int | None
    tcp_keepalive_idle: int | None
    tcp_keepalive_count: int | None
    tcp_keepalive_interval: int | None
    backlog: int | None
    kernel_send_buffer: int | None
    kernel_recv_buffer: int | None
    tos: int | None
    ipv6: bool | None
    bind_to_device: str | None
    socks_proxy: str | None
    ipc_mode: int | None
    ipc_uid: int | None
    ipc_gid: int | None
    plain_server: bool | None
    plain_username: str | None
    plain_password: str | None
    curve_server: bool | None
    curve_public_key: str | None
    curve_secret_key: str | None
    curve_server_key: str | None
    zap_domain: str | None


__all__ = ["Kind", "Options", "option_table"]
