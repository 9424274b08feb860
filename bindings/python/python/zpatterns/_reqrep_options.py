"""The options of reliable request-reply: their names and types, for type checkers, and what some of them consist of.

Times are in seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Buffer

Balance = Literal["least_recently_used", "most_free", "sticky"]
"""Who gets a request: who was given nothing for the longest time, who has the largest share of its credit free, or the
same for the same key."""

Side = Literal["clients", "workers"]
"""Who connects to a plain endpoint."""


class PlainEndpoint(NamedTuple):
    """An endpoint of a broker for programs with a protocol that says nothing of itself.

    REQ and DEALER clients that say nothing but their question, workers of the Paranoid Pirate, and REQ workers that say
    that they are ready, as the Simple Pirate's and the LRU queue's do.
    """

    endpoint: str
    """Where they connect to."""
    side: Side
    """Who they are."""
    service: str
    """What they ask for, or offer."""


class FreelanceServer(NamedTuple):
    """A server of the Freelance pattern, for a client to ask: whatever answers ``PING`` and repeats a control frame."""

    endpoint: str
    """Where it is."""
    service: str
    """What it is asked for."""
    credit: int = 1
    """How many requests it is given at once."""


class RequestOptions(TypedDict, total=False):
    """How a request is made. An option that is ``None`` keeps its default."""

    deadline: float | None
    """For how long an answer is of use; the outcome is there by then. 30 s."""
    patience: float | None
    """How long it may wait while nobody offers the service; as long as the deadline."""
    attempts: int | None
    """How often it may be given to a worker, if workers are lost: 1 is at most once. 3."""
    retries: int | None
    """How often to ask again, after a pause, where a queue was full. 3."""
    durable: bool | None
    """Stored by the broker before it is accepted, which needs a key; ``Unsupported`` where nothing is stored."""
    once: bool | None
    """Run once for all requests of the same service and key, which a broker sees to; ``Unsupported`` without one."""
    key: Buffer | str | None
    """By which it is kept to one worker, or run once: at most 255 bytes. Text goes as UTF-8."""


class ClientOptions(TypedDict, total=False):
    """How a client is set up. An option that is ``None`` keeps its default."""

    heartbeat_interval: float | None
    """Who owes a sign of life is asked for one after this much silence. 1 s."""
    heartbeat_limit: int | None
    """After how many silent intervals it counts as dead. 3."""
    max_requests: int | None
    """Requests that may be open at once; another ends with ``Full``. 16,384."""
    max_bytes: int | None
    """Bytes of open requests. 256 MiB."""
    balance: Balance | None
    """How requests are spread, where the client knows several workers or brokers."""
    freelance: Sequence[FreelanceServer | tuple[str, str] | tuple[str, str, int]] | None
    """Servers of the Freelance pattern to ask, beside the endpoints; there may be no others. None. One that works on a
    request answers no ``PING``: a heartbeat's interval times limit must be longer than that, or it is done twice."""


class WorkerOptions(TypedDict, total=False):
    """How a worker is set up. An option that is ``None`` keeps its default."""

    heartbeat_interval: float | None
    """Who owes a sign of life is asked for one after this much silence. 1 s."""
    heartbeat_limit: int | None
    """After how many silent intervals it counts as dead. 3."""
    credit: int | None
    """How many jobs it takes at once from each broker or client; the first is being done, the others are at hand. 1."""
    max_jobs: int | None
    """How many jobs it holds at once in all. 16,384."""
    max_clients: int | None
    """How many clients may connect to a worker that binds. 10,000."""


class BrokerOptions(TypedDict, total=False):
    """How a broker is set up. What is beyond a bound is refused with ``Full``. ``None`` keeps the default."""

    heartbeat_interval: float | None
    """A worker that owes a sign of life is asked for one after this much silence. 1 s."""
    heartbeat_limit: int | None
    """After how many silent intervals it counts as dead. 3."""
    balance: Balance | None
    """How requests are spread over the workers of a service."""
    plain: Sequence[PlainEndpoint | tuple[str, Side, str]] | None
    """Endpoints for programs with older protocols that cannot share one. None."""
    max_requests: int | None
    """Requests held at once in all. 100,000."""
    max_bytes: int | None
    """Bytes of requests held at once in all. 1 GiB."""
    max_waiting: int | None
    """Requests that wait for one service. 50,000."""
    max_waiting_bytes: int | None
    """Bytes of requests that wait for one service. 512 MiB."""
    max_age: float | None
    """How long a request may wait for a worker. 1 h."""
    max_per_client: int | None
    """Requests of one client at once. 16,384."""
    max_peers: int | None
    """Clients and workers connected at once. 20,000."""
    max_unfetched: int | None
    """Bytes of answers that a client has not fetched; requests whose answers come beyond end with ``Full``. 256 MiB."""
    max_cached: int | None
    """Answers kept for requests that are run once. 10,000."""
    max_cached_bytes: int | None
    """Bytes of those answers. 64 MiB."""
    max_cached_age: float | None
    """How long they are kept. 10 min."""
    store: str | os.PathLike[str] | None
    """The file of the store for durable requests and their answers; it is made if it is not there. None."""
    max_stored: int | None
    """Durable requests and answers kept at once, in the store and in memory. 100,000."""
    max_stored_bytes: int | None
    """Bytes of those. 256 MiB."""
    max_stored_age: float | None
    """How long an answer is kept in the store that nobody fetches. 24 h."""
