"""Every wait ends: at its deadline, when it is cancelled, and when its socket closes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import zpatterns
from conftest import WATCHDOG, Pair


def test_deadlines(pair: Pair, background: bool) -> None:
    pull, _ = pair(background=background)
    for timeout in (0, 0.02, 0.25):
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            pull.recv(timeout)
        assert time.monotonic() - began >= timeout * 0.99


@pytest.mark.parametrize("timeout", [None, 1e300, float("inf")])
def test_cancelling_from_another_thread(pair: Pair, background: bool, timeout: float | None) -> None:
    pull, push = pair(background=background)
    cancel = zpatterns.Cancel()
    threading.Timer(0.15, cancel.cancel).start()
    with pytest.raises(zpatterns.Cancelled):
        pull.recv(timeout, cancel)
    assert cancel.cancelled
    with pytest.raises(zpatterns.Cancelled):
        pull.recv_many(timeout=timeout, cancel=cancel)
    push.send(b"later")
    assert pull.recv(WATCHDOG) == b"later"


def test_cancelling_a_send(context: zpatterns.Context) -> None:
    push = zpatterns.Socket("push", context=context)
    cancel = zpatterns.Cancel()
    threading.Timer(0.15, cancel.cancel).start()
    with pytest.raises(zpatterns.Cancelled):
        push.send_many([b"1", b"2"], cancel=cancel)


@pytest.mark.parametrize("end", ["socket", "context"])
def test_closing_ends_the_waits_of_other_threads(background: bool, end: str) -> None:
    context = zpatterns.Context()
    pull = zpatterns.Socket("pull", context=context, background=background)
    push = zpatterns.Socket("push", context=context, background=background)
    waits: list[Callable[[], object]] = [pull.recv, pull.recv_many, pull.recv_multipart, lambda: push.send(b""), lambda: list(pull)]
    with ThreadPoolExecutor(len(waits)) as pool:
        started = [pool.submit(wait) for wait in waits]
        threading.Event().wait(0.15)
        if end == "context":
            context.close()
        else:
            pull.close()
            push.close()
        for wait in started[:4]:
            assert isinstance(wait.exception(WATCHDOG), zpatterns.Closed)
        assert started[4].result(WATCHDOG) == []
    context.close()


def test_threads_share_a_socket(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    count, threads = 2000, 4

    def receive() -> list[bytes]:
        return [pull.recv(WATCHDOG) for _ in range(count)]

    def send(thread: int) -> None:
        for n in range(count):
            push.send(b"%d/%d" % (thread, n), WATCHDOG)

    with ThreadPoolExecutor(2 * threads) as pool:
        receivers = [pool.submit(receive) for _ in range(threads)]
        senders = [pool.submit(send, thread) for thread in range(threads)]
        for sender in senders:
            sender.result(WATCHDOG)
        received = [message for receiver in receivers for message in receiver.result(WATCHDOG)]
    assert sorted(received) == sorted(b"%d/%d" % (thread, n) for thread in range(threads) for n in range(count))


def test_opening_and_closing_from_many_threads() -> None:
    def churn() -> None:
        for _ in range(100):
            with zpatterns.Socket("pair") as left, zpatterns.Socket("pair", background=True) as right:
                left.connect(right.bind("tcp://127.0.0.1:0"))
                left.send(b"x")
                assert right.recv(WATCHDOG) == b"x"

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(churn) for _ in range(4)]:
            done.result(2 * WATCHDOG)
