"""Ctrl-C ends every wait. How long that took is reported, not asserted."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from conftest import WATCHDOG, start

WAITS = {
    "recv": "zpatterns.Socket('pull').recv()",
    "recv_with_deadline": "zpatterns.Socket('pull').recv(3600)",
    "recv_background": "zpatterns.Socket('pull', background=True).recv()",
    "recv_many": "zpatterns.Socket('pull').recv_many()",
    "send": "zpatterns.Socket('push').send(b'nobody')",
    "send_many": "zpatterns.Socket('push').send_many([b'1', b'2'])",
    "iterate": "list(zpatterns.Socket('pull'))",
    "asyncio": "asyncio.run(wait())",
}


@pytest.mark.parametrize("wait", WAITS)
def test_control_c(wait: str, tmp_path: Path) -> None:
    program = f"""
        import asyncio, signal, zpatterns
        from zpatterns import aio

        # Where the tests run in the background of a shell, what they start ignores Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        async def wait():
            async with aio.Socket("pull") as pull:
                await pull.recv()

        print("waits", flush=True)
        try:
            {WAITS[wait]}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = start(program, tmp_path)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        time.sleep(0.2)  # It may come before or in the wait; both are to work, and the wait is the one of interest.
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=WATCHDOG)
    finally:
        process.kill()
    print(f"{wait}: the program ended {time.monotonic() - began:.3f} s after Ctrl-C")
    assert (output, process.returncode) == ("interrupted\n", 0), errors


def test_a_handler_runs_and_the_wait_goes_on(tmp_path: Path) -> None:
    program = """
        import os, signal, threading, zpatterns

        pull, push = zpatterns.Socket("pull"), zpatterns.Socket("push")
        push.connect(pull.bind("tcp://127.0.0.1:0"))
        signal.signal(signal.SIGUSR1, lambda *_: push.send(b"from the handler"))
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        print(pull.recv().decode(), flush=True)
    """
    process = start(program, tmp_path)
    output, errors = process.communicate(timeout=WATCHDOG)
    assert (output, process.returncode) == ("from the handler\n", 0), errors
