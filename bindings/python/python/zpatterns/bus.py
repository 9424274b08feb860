"""A multicast bus: what one says, all hear.

What a :class:`Bus` sends leaves once, whatever the number of those who listen; who missed something asks for it, and
hears it again. It is reliable as far as the sender remembers, which is its ``window``: beyond that, :class:`Missed`
stands where something is missing, and never silence, a repetition, or half a message. The peers of libzmq's ``epgm``
transport are at home on the same port.

>>> with Bus("epgm://lo;239.192.1.1:5670", subscribe=b"weather") as listener:
...     with Bus("epgm://lo;239.192.1.1:5670") as sender:
...         sender.send([b"weather", b"sunny"], timeout=5)
...         for event in listener:
...             if isinstance(event, Message):
...                 print(event.frames)
...                 break
[b'weather', b'sunny']

A message is one buffer, or a list or tuple of them: its frames. Times are in seconds. :mod:`zpatterns.aio` has the same
for asyncio.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypedDict, Union

from . import _native
from ._context import Context
from ._native import Broken, Dropped, Gone, Joined, Message, Missed
from .errors import Closed

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

__all__ = ["Broken", "Bus", "BusOptions", "Dropped", "Event", "Gone", "Joined", "Message", "Missed", "Peer"]

Event = Union[Message, Joined, Gone, Missed, Broken, Dropped]
"""What a bus brings."""


class Peer(int):
    """Who is on the bus: a source, since it began. A number, which people read as ``000102030405:4660``."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self >> 16:012x}:{self & 0xFFFF}"

    __repr__ = __str__


class BusOptions(TypedDict, total=False):
    """How a bus is set up. Times are in seconds; an option that is ``None`` keeps its default."""

    rate: int | None
    """Bytes of datagrams sent in a second, repairs with them; at least 1,000. 100 million."""
    window: int | None
    """Bytes that are kept to be repeated: as long an outage is survived as it takes to send them. 64 MiB."""
    max_age: float | None
    """They are kept no longer than this. Without end."""
    history: int | None
    """Bytes of what was sent before that who comes late gets: as much as both its sender and it say here. 0."""
    max_unsent: int | None
    """Bytes that may wait to be sent. 4 MiB."""
    hops: int | None
    """How many routers a message may cross, and one more; 1 is this network. 1."""
    looped: bool | None
    """Whether other programs on this machine hear what is sent. True."""
    flow_control: Literal["none", "slowest", "tagged"] | None
    """For whom sending waits: for nobody, for all who listen, or for those who have the same ``tag``. What is not
    ``"none"`` is of our own peers only, which excludes libzmq's: such a group has a port of its own. ``"none"``."""
    at_least: int | None
    """Before so many listen who are waited for, nothing is sent. 0."""
    tag: int | None
    """As whom one listens, and for whom one waits, if flow control is by tag. 0."""
    parity_group: int | None
    """Datagrams of a group that is repaired by parity, of our own peers only: 2, 4, 8, 16, 32, 64, or 0 for none. 0."""
    parity: int | None
    """Parity that is sent with each group, whether or not somebody asks. 0."""
    key: bytes | bytearray | memoryview | None
    """Datagrams carry a tag that only who has this key can make, and others are dropped; of our own peers only. At
    least 16 bytes, random ones. None."""
    max_peers: int | None
    """Sources heard at once. 1,024."""
    max_behind: int | None
    """Bytes of one source that wait while something before them is missing. 64 MiB."""
    max_message: int | None
    """Bytes of a message that is received; each frame counts as 32 more. Larger ones are lost. 16 MiB."""
    max_events: int | None
    """Messages and events that wait for the program. 100,000."""
    max_bytes: int | None
    """Bytes of those; each frame and each of them counts as 32 more. 64 MiB."""
    forget: float | None
    """How long a source is remembered that is silent. 5 min."""
    linger: float | None
    """How long closing waits for what is to be sent, and repeated. 1 s."""


class Bus(_native.Bus):
    """A place on a bus, which threads may share. Iterating it gives messages and events until it is closed.

    Nobody can hold a group back: what a program does not take in time is dropped, and :class:`Dropped` says how much.
    """

    def __new__(
        cls,
        endpoint: str,
        *,
        context: Context | None = None,
        subscribe: Buffer | Sequence[Buffer] = (),
        **options: Unpack[BusOptions],
    ) -> Self:
        """Takes part in the bus at ``epgm://INTERFACE;GROUP:PORT``, in ``context`` or the default one.

        The interface is a name, an address or a network of this machine, and may be left out. ``subscribe`` has one
        prefix or several; with ``b""`` all messages are received, and without any, none. ``InvalidEndpoint`` if the
        endpoint cannot be read, ``AddressNotAvailable`` if there is no such interface or it has no multicast.
        """
        return super().__new__(cls, endpoint, context or Context.default(), subscribe, options)

    def __iter__(self) -> Iterator[Event]:
        """Messages and events, until the bus is closed."""
        try:
            while True:
                yield self.recv()
        except Closed:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<zpatterns.Bus at {self.interface}{' closed' if self.closed else ''}>"
