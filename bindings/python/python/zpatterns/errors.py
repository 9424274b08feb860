"""What can go wrong: one class per kind, under one base class.

A program decides by class (``except zpatterns.Timeout``); people read the text; ``context`` keeps the facts. The
kinds and their numbers come from the core and are the same in every language. This module refuses to load unless
each kind has its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

from . import _native

_KINDS = {name: (code, retryable) for name, code, retryable in _native.error_kinds()}


class Error(Exception):
    """Every error of zpatterns."""

    kind: ClassVar[str]
    """The kind, which is the name of the class: ``"AddressInUse"``."""
    code: ClassVar[int]
    """The stable number of the kind, the same in every language."""
    retryable: ClassVar[bool]
    """Whether the same call may succeed later without a change by the caller."""
    context: dict[str, str]
    """Named facts, such as the endpoint."""

    def __init__(self, message: str, context: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.context = dict(context or {})

    def __init_subclass__(cls) -> None:
        # A subclass that a program makes keeps the kind of its base.
        if not hasattr(cls, "kind") and cls.__name__ in _KINDS:
            cls.kind = cls.__name__
            cls.code, cls.retryable = _KINDS[cls.kind]


class InvalidArgument(Error, ValueError):
    """A value that the caller passed is malformed or out of range."""


class InvalidEndpoint(Error, ValueError):
    """An endpoint cannot be read, or names a transport that is not built in."""


class AddressInUse(Error):
    """The address is taken by another socket."""


class AddressNotAvailable(Error):
    """No interface of this machine has the address, or the name has none."""


class Unsupported(Error):
    """The call does not fit this kind of socket."""


class Timeout(Error, TimeoutError):
    """The deadline passed first."""


class Cancelled(Error):
    """Another thread cancelled the wait."""


class Interrupted(Error):
    """A signal ended the wait; nothing was lost, call again."""


class Closed(Error):
    """The socket or its context is closed."""


class Full(Error):
    """A queue is at its bound."""


class Unreachable(Error):
    """The addressed peer is not connected."""


class WrongState(Error):
    """The socket is not in the state that the call needs, such as a second send on a REQ socket."""


class TooLarge(Error):
    """A message exceeds a limit, or the memory that can be had."""


class PermissionDenied(Error, PermissionError):
    """The operating system refuses, or the other side does."""


class NotFound(Error, LookupError):
    """What the call names does not exist."""


class TooManyOpen(Error):
    """The process or the context holds as many sockets or files as it may."""


class InvalidText(Error, ValueError):
    """Text was asked for and the bytes are not UTF-8."""


class Forked(Error):
    """The socket belongs to a parent process; open one after the fork."""


class Poisoned(Error):
    """A fault of zpatterns itself; the socket no longer works, others do."""


class System(Error):
    """The operating system reported something else; the context has its number."""


class JobFailed(Error):
    """The worker says that a request, or a job of a queue, cannot be done."""

    worker_code: int = 0
    """The worker's own code; ``reqrep.Job.DROPPED`` if it gave no answer."""
    body: list[bytes] = []
    """The worker's own words and data."""


class Corrupt(Error):
    """What was stored is damaged, or is not of this program."""


class RequestFailed(Error):
    """No worker answered a request.

    What is raised is also of the class of what went wrong: ``except zpatterns.Timeout`` catches a request whose
    deadline passed.
    """

    may_have_run: bool = True
    """False if no worker was ever sent the request."""
    retry_after: float | None = None
    """Seconds after which it may be worth trying again, if that is known."""


class JobLost(Error):
    """A job of a queue was not done, and no worker said so: it was cancelled, or its workers were lost, and so on.

    What is raised is also of the class of what went wrong: ``except zpatterns.Cancelled`` catches a job that was
    cancelled.
    """


def _each_kind_of(ended: type[Error], prefix: str) -> dict[str, type[Error]]:
    """For each kind of error a class of both; by their names in this module, so that they can be pickled."""
    kinds = [kind for kind in Error.__subclasses__() if hasattr(kind, "kind")]
    facts = {"__module__": __name__}
    made = {kind.kind: type(prefix + kind.__name__, (ended, kind), {"__doc__": kind.__doc__, **facts}) for kind in kinds}
    globals().update({failed.__name__: failed for failed in made.values()})
    return made


_REQUEST_FAILED = _each_kind_of(RequestFailed, "Request")
_JOB_LOST = _each_kind_of(JobLost, "Job")


_RAN = {True: "the request may have run: ", False: "the request never ran: "}


def request_failed(kind: str, text: str, may_have_run: bool, retry_after: float | None) -> RequestFailed:
    """What the core calls for a request that ended without an answer."""
    error = cast("RequestFailed", _REQUEST_FAILED[kind](_RAN[may_have_run] + text))
    error.may_have_run, error.retry_after = may_have_run, retry_after
    return error


def job_lost(kind: str, text: str) -> JobLost:
    """What the core calls for a job that was not done."""
    return cast("JobLost", _JOB_LOST[kind](text))


_WORDS = 500  # How many bytes of a worker's words go into the text of its error.


def job_failed(worker_code: int, body: list[bytes]) -> JobFailed:
    """What the core calls for what a worker ended with an error of its own."""
    words = body[0][:_WORDS].decode(errors="replace") if body else ""
    text = f"the worker says that it cannot be done (code {worker_code})"
    error = JobFailed(f"{text}: {words}" if words else text, {"code": str(worker_code)})
    error.worker_code, error.body = worker_code, body
    return error


_missing = _KINDS.keys() - {kind.__name__ for kind in Error.__subclasses__()}
if _missing:
    raise ImportError(f"zpatterns.errors lacks a class for {', '.join(sorted(_missing))}")
