"""Reliable messaging patterns over ZeroMQ.

Now: ZeroMQ sockets as they are, safe to share between threads, with :class:`Socket`; reliable request-reply, with
the Client, Worker, Job and Broker of :mod:`zpatterns.reqrep`; a job queue for recursion, with the Queue, Producer, Watch,
Draft, QueueWorker, QueueJob, Child, Handlers and Workers of :mod:`zpatterns.zqueue`; publish-subscribe for those who may hear
it, with the Publisher and Subscriber of :mod:`zpatterns.pubsub`; a multicast bus, with :class:`Bus`, whose events are in
:mod:`zpatterns.bus`. :mod:`zpatterns.aio` has them for asyncio.
"""

from . import _native, bus, pubsub, reqrep, zqueue
from ._context import Context
from ._info import CurveKeys, Info, curve_keypair, info
from ._monitor import Monitor, MonitorEvent
from ._native import Cancel
from ._options import Kind, Options, option_table
from ._services import Authenticator, Proxy
from ._socket import Socket
from .bus import Bus
from .errors import (
    AddressInUse,
    AddressNotAvailable,
    Cancelled,
    Closed,
    Corrupt,
    Error,
    Forked,
    Full,
    Interrupted,
    InvalidArgument,
    InvalidEndpoint,
    InvalidText,
    JobFailed,
    JobLost,
    NotFound,
    PermissionDenied,
    Poisoned,
    RequestFailed,
    System,
    Timeout,
    TooLarge,
    TooManyOpen,
    Unreachable,
    Unsupported,
    WrongState,
)

__version__: str = _native.VERSION

__all__ = [
    "AddressInUse",
    "AddressNotAvailable",
    "Authenticator",
    "Bus",
    "Cancel",
    "Cancelled",
    "Closed",
    "Context",
    "Corrupt",
    "CurveKeys",
    "Error",
    "Forked",
    "Full",
    "Info",
    "Interrupted",
    "InvalidArgument",
    "InvalidEndpoint",
    "InvalidText",
    "JobFailed",
    "JobLost",
    "Kind",
    "Monitor",
    "MonitorEvent",
    "NotFound",
    "Options",
    "PermissionDenied",
    "Poisoned",
    "Proxy",
    "RequestFailed",
    "Socket",
    "System",
    "Timeout",
    "TooLarge",
    "TooManyOpen",
    "Unreachable",
    "Unsupported",
    "WrongState",
    "bus",
    "curve_keypair",
    "info",
    "option_table",
    "pubsub",
    "reqrep",
    "zqueue",
]
