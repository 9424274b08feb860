"""The options of the job queue: their names and types, for type checkers.

Times are in seconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Buffer

Order = Literal["depth", "fifo", "lifo", "priority"]
"""Which of the jobs that wait is the next: what was begun (a job that goes on, then children, then others as they came),
what came first, what came last, or what has the highest priority (of the same, as ``"depth"``)."""

OnFailure = Literal["fail", "pass", "ignore"]
"""What becomes of a job when a child fails: it fails in the same way and the other children are cancelled; it goes on and
finds the failure among its results; or it goes on and finds ``None``."""


class ChildOptions(TypedDict, total=False):
    """How a child is to be done. An option that is ``None`` keeps its default."""

    priority: int | None
    """In queues with ``order="priority"``: the highest first, 0 to 255. 0."""
    delay: float | None
    """It waits so long before it is given to a worker. 0."""
    attempts: int | None
    """How often it may fail and be tried again, the first time included: 1 to 255. Lost workers are counted by
    themselves. 3."""
    backoff: float | None
    """It is tried again after so long, then after twice as long, and so on up to 1 h, with jitter. 1 s."""
    time_limit: float | None
    """A worker that has had it for so long has failed; 0 is no limit. 0."""


class JobOptions(ChildOptions, total=False):
    """How a job is to be done. An option that is ``None`` keeps its default."""

    key: Buffer | str | None
    """Of the jobs in a queue with the same key one is taken, as long as that is there or its outcome is kept: at most 255
    bytes. Text goes as UTF-8. None."""
    keep: float | None
    """For how long its outcome is kept for who asks. 0."""


class ProducerOptions(TypedDict, total=False):
    """How a producer is set up. An option that is ``None`` keeps its default."""

    heartbeat_interval: float | None
    """A queue that owes a sign of life is asked for one after this much silence. 1 s."""
    heartbeat_limit: int | None
    """After how many silent intervals it counts as dead. 3."""
    patience: float | None
    """How long a job may take until it is accepted, and a question until it is answered. 30 s."""
    max_calls: int | None
    """What it may wait for at once. 100,000."""
    max_bytes: int | None
    """Bytes of jobs that are not accepted yet. 256 MiB."""


class QueueWorkerOptions(TypedDict, total=False):
    """How a worker is set up. An option that is ``None`` keeps its default."""

    heartbeat_interval: float | None
    """A queue that owes a sign of life is asked for one after this much silence. 1 s."""
    heartbeat_limit: int | None
    """After how many silent intervals it counts as dead. 3."""
    credit: int | None
    """How many jobs it has at once of each endpoint; the first is being done, the others are at hand. 1."""
    max_bytes: int | None
    """Bytes of what a queue has not taken. 256 MiB."""


class QueueOptions(TypedDict, total=False):
    """How a queue is set up. What is beyond a bound is refused with ``Full``, and a tree that outgrows one of its own fails
    with ``TooLarge``. ``None`` keeps the default."""

    heartbeat_interval: float | None
    """A worker that owes a sign of life is asked for one after this much silence. 1 s."""
    heartbeat_limit: int | None
    """After how many silent intervals it counts as dead. 3."""
    order: Order | None
    """Which job is the next. ``"depth"``."""
    orders: Mapping[str, Order] | None
    """The same, of queues by their names. None."""
    store: str | os.PathLike[str] | None
    """The file of the store, which is made if it is not there. With it, what is accepted is on the disk; without, a queue
    that ends takes its jobs with it. None."""
    max_queues: int | None
    """Names of queues. 10,000."""
    max_jobs: int | None
    """Jobs in all. 2,000,000."""
    max_bytes: int | None
    """Bytes of jobs in all; each counts as 256 more. 4 GiB."""
    max_queue_bytes: int | None
    """Bytes of the jobs in one queue. 4 GiB."""
    max_depth: int | None
    """Generations of a tree, its root included. 64."""
    max_children: int | None
    """Children that a job spawns at once. 10,000."""
    max_tree_jobs: int | None
    """Jobs of one tree, over all its life. 1,000,000."""
    max_tree_bytes: int | None
    """Bytes of the jobs of one tree at a time. 1 GiB."""
    max_lost: int | None
    """Workers that may be lost with a job; with the next it fails. 10."""
    max_kept: int | None
    """Outcomes that are kept; beyond, the one whose time comes first is dropped. 10,000."""
    max_kept_bytes: int | None
    """Bytes of those. 64 MiB."""
    max_dead: int | None
    """Dead letters; beyond, the oldest is dropped. 10,000."""
    max_dead_bytes: int | None
    """Bytes of those. 64 MiB."""
    max_drafts: int | None
    """Jobs that are being pushed part by part. 1,000."""
    max_draft_bytes: int | None
    """Bytes of those. 256 MiB."""
    max_peers: int | None
    """Producers and workers connected at once. 20,000."""
    max_per_peer: int | None
    """Jobs that one worker has at once. 16,384."""
