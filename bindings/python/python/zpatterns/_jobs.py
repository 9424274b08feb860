"""Jobs of a worker, of any pattern, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ._batches import BATCH, Batches, Cork
from ._ends import Ends
from ._notices import Handle, Notices
from .errors import Closed

if TYPE_CHECKING:
    from typing_extensions import Self

    from . import _native

_Job = TypeVar("_Job", bound="_native.Job | _native.QueueJob")


class _Worker(Handle, Protocol[_Job]):
    def drain(self, max_jobs: int, /) -> list[_Job]: ...
    def cork(self) -> None: ...
    def uncork(self) -> None: ...
    def leave(self) -> None: ...
    def counters(self) -> dict[str, int]: ...
    def close(self) -> None: ...
    @property
    def closed(self) -> bool: ...


class JobTaker(Generic[_Job]):
    """Takes jobs of a native worker. Iterating it gives them."""

    def __init__(self, worker: _Worker[_Job]) -> None:
        self._worker = worker
        self._notices = Notices(worker)
        self._batches = Batches(self._notices, lambda: worker.drain(BATCH))
        self._taken = self._batches.taken
        self._cork = Cork(worker)
        self._ends: Ends | None = None

    async def next(self) -> _Job:
        """The next job. ``Closed`` after ``leave`` when all is done. Cancelling loses none."""
        if not self._taken:
            await self._refill()
        return self._taken.popleft()

    async def _refill(self) -> None:
        await self._batches.refill()
        # What is said of jobs at once leaves together.
        self._cork.put_in(asyncio.get_running_loop())

    async def next_many(self, max_jobs: int = BATCH) -> list[_Job]:
        """The jobs that are there, at least one and at most ``max_jobs``."""
        if not self._taken:
            await self._refill()
        return self._batches.take(max_jobs)

    def __aiter__(self) -> Self:
        """Jobs, until the worker is closed, or has left and all is done."""
        return self

    async def __anext__(self) -> _Job:
        if not self._taken:
            try:
                await self._refill()
            except Closed:
                raise StopAsyncIteration from None
        return self._taken.popleft()

    async def _wait_off(self, job: _Job, is_off: Callable[[], bool]) -> bool:
        """Returns true when ``is_off``, or false once the job is done or the worker is closed."""
        off = False
        with contextlib.suppress(Closed):  # Others do the job.
            while not (off := is_off()) and not job.done:
                loop = self._notices.attach()
                if self._ends is None or self._ends.loop is not loop:
                    self._ends = Ends(loop)
                await self._ends.wait(job)
        return off

    def leave(self) -> None:
        """Takes no more jobs. Those that are here are to be done; then the iteration ends."""
        self._worker.leave()

    def counters(self) -> dict[str, int]:
        """What it did so far, by name; after ``close``, the last."""
        return self._worker.counters()

    @property
    def closed(self) -> bool:
        """Whether the worker is closed, by itself or with its context."""
        return self._worker.closed

    def close(self) -> None:
        """Closes, from any thread. Jobs that are here are given to others. Closing twice is fine."""
        self._worker.close()
        self._notices.ended(self._taken.clear)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
