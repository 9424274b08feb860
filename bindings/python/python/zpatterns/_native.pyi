"""The native module. Private: programs use the package."""

from collections.abc import Callable, Iterable
from typing import Any, final

from typing_extensions import Buffer, Self, disjoint_base

__all__ = [
    "Authenticator",
    "Cancel",
    "Context",
    "error_kinds",
    "raise_error",
    "curve_keypair",
    "curve_public_key",
    "info",
    "Monitor",
    "option_table",
    "Proxy",
    "Socket",
    "VERSION",
    "zpat",
]

VERSION: str

def error_kinds() -> list[tuple[str, int, bool]]: ...
def raise_error(code: int, message: str) -> None: ...
def info() -> dict[str, Any]: ...
def zpat(arguments: list[str]) -> int:
    """Runs the command ``zpat`` with these arguments, the first of which is its name; its exit code."""

def curve_keypair() -> tuple[str, str]: ...
def curve_public_key(secret: str) -> str: ...
def option_table() -> list[tuple[str, str, str, int, int, str]]:
    """The table of socket options: name, type, default as text, smallest and largest number, what it does."""

@final
class Cancel:
    """Ends waits from another thread.

    Once cancelled it stays so: every wait that it was given to, now or later, raises ``Cancelled``.
    """

    def __new__(cls) -> Self: ...
    def cancel(self) -> None:
        """Fires."""
    @property
    def cancelled(self) -> bool:
        """Whether it fired."""

@disjoint_base
class Context:
    def __new__(cls, *, io_threads: int | None = None, max_sockets: int | None = None) -> Self: ...
    def close(self) -> None:
        """Closes every socket of the context and waits until what was sent has left, at most for the longest linger.

        Closing twice is fine.
        """
    @property
    def closed(self) -> bool:
        """Whether the context is closed."""

@disjoint_base
class Socket:
    def __new__(cls, kind: str, context: Context, options: Any) -> Self: ...
    @property
    def kind(self) -> str:
        """The type, in lower case: ``"push"``."""
    @property
    def closed(self) -> bool:
        """Whether the socket is closed, by itself or with its context."""
    def bind(self, endpoint: str) -> str:
        """Binds, and returns the endpoint as it became, with the port that the system chose for port 0."""
    def connect(self, endpoint: str) -> None:
        """Connects, and connects again after a failure, in the background."""
    def unbind(self, endpoint: str) -> None:
        """Stops listening on an endpoint, given as ``bind`` returned it. Connections already made stay."""
    def disconnect(self, endpoint: str) -> None:
        """Ends a connection, given as it was to ``connect``. What is not yet sent on it is dropped after the linger."""
    def subscribe(self, prefix: Buffer) -> None:
        """SUB: receive messages whose first frame starts with ``prefix``."""
    def unsubscribe(self, prefix: Buffer) -> None:
        """SUB: take back one ``subscribe`` with the same prefix."""
    def _monitor(self) -> Monitor: ...
    def send(self, data: Buffer, timeout: float | None = None, cancel: Cancel | None = None) -> None:
        """Sends a message of one frame; waits for room.

        Large ``bytes`` are handed over without a copy, other buffers are copied. Success means that libzmq took the
        message. ``Full`` (with timeout 0) or ``Timeout`` if there was no room.
        """
    def send_multipart(
        self, frames: Iterable[Buffer], timeout: float | None = None, cancel: Cancel | None = None
    ) -> None:
        """Sends a message of these frames, as ``send`` does."""
    def send_many(
        self, messages: Iterable[Buffer], timeout: float | None = None, cancel: Cancel | None = None
    ) -> int:
        """Sends messages of one frame each, in order, and returns how many were sent.

        ``timeout`` is for all of them together. An error of the first message is raised; an error later ends the call, which
        then returns less than all, and shows when the rest is sent again.
        """
    def send_many_multipart(
        self, messages: Iterable[Iterable[Buffer]], timeout: float | None = None, cancel: Cancel | None = None
    ) -> int:
        """Sends messages of several frames, as ``send_many`` does."""
    def recv(self, timeout: float | None = None, cancel: Cancel | None = None) -> bytes:
        """Receives a message of one frame.

        If the next message has several, that is ``Unsupported``, and it stays in line for ``recv_multipart``.
        """
    def recv_text(self, timeout: float | None = None, cancel: Cancel | None = None) -> str:
        """Receives a message of one frame that is UTF-8.

        If the next message is not, that is ``InvalidText``, and it stays in line for ``recv``.
        """
    def recv_multipart(self, timeout: float | None = None, cancel: Cancel | None = None) -> list[bytes]:
        """Receives a message as the list of its frames."""
    def recv_many(
        self,
        max_messages: int = 1024,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        *,
        max_bytes: int = 1048576,
    ) -> list[bytes]:
        """Receives what is there: waits for one message, then takes what else has arrived.

        It takes at most ``max_messages`` and stops before ``max_bytes`` would be exceeded by a second message, and
        before a message of several frames.
        """
    def recv_many_multipart(
        self,
        max_messages: int = 1024,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        *,
        max_bytes: int = 1048576,
    ) -> list[list[bytes]]:
        """Receives what is there, each message as the list of its frames."""
    def stats(self) -> dict[str, int]:
        """Counters by name; after ``close``, the last."""
    def close(self, linger: float | None = None) -> None:
        """Closes. What is not yet sent survives for ``linger`` seconds, or the option of that name.

        Every wait on the socket ends with ``Closed``. Closing twice is fine.
        """
    def try_send(self, data: Buffer) -> bool:
        """Sends a message of one frame if there is room now, and returns whether there was."""
    def try_send_multipart(self, frames: Iterable[Buffer]) -> bool:
        """Sends a message of these frames if there is room now, and returns whether there was."""
    def try_send_many(self, messages: list[Buffer]) -> int: ...
    def try_send_many_multipart(self, messages: list[list[Buffer]]) -> int: ...
    def drain(self, max_messages: int, max_bytes: int) -> list[bytes]: ...
    def drain_multipart(self, max_messages: int, max_bytes: int) -> list[list[bytes]]: ...
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class Monitor:
    def next(self, timeout: float | None = None, cancel: Cancel | None = None) -> tuple[str, str, int]: ...
    def try_next(self) -> tuple[str, str, int] | None: ...
    @property
    def lost(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class Authenticator:
    def __new__(cls, context: Context) -> Self: ...
    def allow_address(self, address: str) -> None:
        """Lets peers from this address in, as far as user or key allow. With one allowed, all others are refused."""
    def deny_address(self, address: str) -> None:
        """Refuses peers from this address, whatever else is allowed."""
    def allow_user(self, name: str, password: str) -> None:
        """Lets a PLAIN user with this password in; replaces an earlier one. Both have at most 255 bytes."""
    def remove_user(self, name: str) -> None:
        """Refuses this user from now on; connections that exist stay."""
    def allow_key(self, public_key: str) -> None:
        """Lets the CURVE client with this public key in: 40 characters of Z85."""
    def remove_key(self, public_key: str) -> None:
        """Refuses this key from now on; connections that exist stay."""
    def allow_any_key(self) -> None:
        """Lets every CURVE client in: encryption without authentication."""
    def stats(self) -> dict[str, int]:
        """Decisions so far, by name."""
    def close(self) -> None:
        """Stops. From now on nobody new gets into a server socket of the context."""

@disjoint_base
class Proxy:
    def __new__(cls, front: Socket, back: Socket, capture: Socket | None = None) -> Self:
        """Passes messages on between ``front`` and ``back``, and sends each on ``capture``, too.

        Both ways as far as the socket types send and receive; ``Unsupported`` if that is neither.
        """
    def stats(self) -> dict[str, int]:
        """What was passed on, by name."""
    def wait(self, timeout: float | None = None, cancel: Cancel | None = None) -> Exception:
        """Waits until the proxy ends by itself, and returns the error that says why."""
    def close(self) -> None:
        """Stops passing messages on. Closing twice is fine."""
