"""Reliable messaging patterns over ZeroMQ.

Now: ZeroMQ sockets as they are, safe to share between threads. :class:`Socket` is for ordinary programs,
:class:`zpatterns.aio.Socket` for asyncio.
"""

from . import _native
from ._context import Context
from ._info import CurveKeys, Info, curve_keypair, info
from ._monitor import Monitor, MonitorEvent
from ._native import Cancel
from ._options import Kind, Options, option_table
from ._services import Authenticator, Proxy
from ._socket import Socket
from .errors import (
    AddressInUse,
    AddressNotAvailable,
    Cancelled,
    Closed,
    Error,
    Forked,
    Full,
    Interrupted,
    InvalidArgument,
    InvalidEndpoint,
    InvalidText,
    JobFailed,
    NotFound,
    PermissionDenied,
    Poisoned,
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
    "Cancel",
    "Cancelled",
    "Closed",
    "Context",
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
    "Kind",
    "Monitor",
    "MonitorEvent",
    "NotFound",
    "Options",
    "PermissionDenied",
    "Poisoned",
    "Proxy",
    "Socket",
    "System",
    "Timeout",
    "TooLarge",
    "TooManyOpen",
    "Unreachable",
    "Unsupported",
    "WrongState",
    "curve_keypair",
    "info",
    "option_table",
]
