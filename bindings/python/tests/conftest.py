"""What the tests share. Waits have a deadline that only a fault reaches; no test asserts how long something took."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

import zpatterns

WATCHDOG = 30.0


@pytest.fixture(params=[False, True], ids=["direct", "background"])
def background(request: pytest.FixtureRequest) -> bool:
    """Whether the socket under test receives ahead."""
    return bool(request.param)


@pytest.fixture
def context() -> Iterator[zpatterns.Context]:
    """A context of the test's own, closed after it with all its sockets."""
    with zpatterns.Context() as context:
        yield context


Pair = Callable[..., tuple[zpatterns.Socket, zpatterns.Socket]]


@pytest.fixture
def pair(context: zpatterns.Context) -> Pair:
    """Two connected sockets; the options are those of both."""

    def make(
        bound: zpatterns.Kind = "pull",
        connected: zpatterns.Kind = "push",
        endpoint: str = "tcp://127.0.0.1:0",
        **options: object,
    ) -> tuple[zpatterns.Socket, zpatterns.Socket]:
        first = zpatterns.Socket(bound, context=context, linger=0, **options)  # type: ignore[arg-type]
        second = zpatterns.Socket(connected, context=context, linger=0, **options)  # type: ignore[arg-type]
        second.connect(first.bind(endpoint))
        return first, second

    return make


Value = TypeVar("Value")


def eventually(attempt: Callable[[], Value], not_yet: type[Exception]) -> Value:
    """Tries until it works: for what libzmq does on its own thread."""
    end = time.monotonic() + WATCHDOG
    while True:
        try:
            return attempt()
        except not_yet:
            if time.monotonic() > end:
                raise
            time.sleep(0.005)


def start(program: str, folder: Path) -> subprocess.Popen[str]:
    """Starts a Python program of its own, for what only a process can show."""
    script = folder / "program.py"
    script.write_text(textwrap.dedent(program))
    return subprocess.Popen(
        [sys.executable, "-X", "faulthandler", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(program: str, folder: Path) -> tuple[int, str, str]:
    """Runs a program to its end: status, output, errors."""
    process = start(program, folder)
    try:
        output, errors = process.communicate(timeout=WATCHDOG)
    finally:
        process.kill()
    return process.returncode, output, errors
