"""What serves a whole context or several sockets: the authenticator and the proxy."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from . import _native
from ._context import Context

if TYPE_CHECKING:
    from typing_extensions import Self


class Authenticator(_native.Authenticator):
    """Decides which peers may connect to the server sockets of a context.

    Everybody is refused until allowed. A context has one; closing it refuses every new connection and leaves those
    that exist.

    >>> keys = curve_keypair()
    >>> with Authenticator() as authenticator:
    ...     authenticator.allow_key(keys.public)
    """

    def __new__(cls, context: Context | None = None) -> Self:
        """Starts the authenticator of ``context`` or the default one. ``AddressInUse`` if the context has one."""
        return super().__new__(cls, context or Context.default())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Proxy(_native.Proxy):
    """Passes messages on between two sockets, on threads of its own, until it or a socket of it is closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
