"""Programs written for Majordomo, with pyzmq and without us, on a broker of ours."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import zmq


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The endpoint of a broker in another process."""
    command = [sys.executable, "-m", "zpatterns", "broker", "--bind", "tcp://127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as broker:
        try:
            assert broker.stderr is not None
            bound = re.fullmatch(r"bound to (\S+)\n", broker.stderr.readline())
            assert bound is not None
            yield bound[1]
        finally:
            broker.kill()


class Worker:
    """A worker as the Guide has it: one request at a time, heartbeats, registers again when told to."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, service: bytes) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)
        self.service = service
        self.send(b"\x01", service)

    def send(self, command: bytes, *frames: bytes) -> None:
        self.socket.send_multipart([b"", b"MDPW01", command, *frames])

    def next(self) -> tuple[bytes, list[bytes]]:
        """The next request: the address to answer to, and the body."""
        while self.socket.poll(500) == 0:
            self.send(b"\x04")
        empty, header, command, *rest = self.socket.recv_multipart()
        assert (empty, header) == (b"", b"MDPW01")
        if command == b"\x02":
            address, empty, *body = rest
            assert empty == b""
            return address, body
        if command == b"\x05":
            self.send(b"\x01", self.service)
        return self.next()

    def reply(self, address: bytes, body: list[bytes]) -> None:
        self.send(b"\x03", address, b"", *body)


def ask(
    context: zmq.Context[Any], endpoint: str, service: bytes, *body: bytes, correlate: bool = False
) -> list[bytes]:
    with context.socket(zmq.REQ) as client:
        client.linger = 0
        client.setsockopt(zmq.REQ_CORRELATE, correlate)
        client.connect(endpoint)
        client.send_multipart([b"MDPC01", service, *body])
        assert client.poll(30_000), "no reply"
        reply: list[bytes]
        header, replied, *reply = client.recv_multipart()
        assert (header, replied) == (b"MDPC01", service)
        return reply


def test_a_client_and_a_worker_of_the_guide_meet(endpoint: str) -> None:
    with zmq.Context() as context:
        worker = Worker(context, endpoint, b"echo")

        def work() -> None:
            for _ in range(100):
                worker.reply(*worker.next())

        thread = threading.Thread(target=work)
        thread.start()
        for number in range(100):
            body = [b"%d" % number, b"", b"\0more"]
            assert ask(context, endpoint, b"echo", *body, correlate=number % 2 == 1) == body
        thread.join(30)
        assert ask(context, endpoint, b"mmi.service", b"echo") == [b"200"]
        assert ask(context, endpoint, b"mmi.service", b"none") == [b"404"]
        worker.socket.close()


def test_what_a_worker_of_the_guide_held_goes_to_another(endpoint: str) -> None:
    with zmq.Context() as context:
        lost = Worker(context, endpoint, b"echo")
        replies: list[list[bytes]] = []
        thread = threading.Thread(target=lambda: replies.append(ask(context, endpoint, b"echo", b"hello")))
        thread.start()
        lost.next()
        lost.socket.close()
        other = Worker(context, endpoint, b"echo")
        other.reply(*other.next())
        thread.join(30)
        assert replies == [[b"hello"]]
        other.socket.close()


def test_zpat_asks_a_worker_of_the_guide(endpoint: str) -> None:
    with zmq.Context() as context:
        worker = Worker(context, endpoint, b"shout")
        command = [sys.executable, "-m", "zpatterns", "request", "--connect", endpoint, "shout", "hello"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            address, body = worker.next()
            worker.reply(address, [body[0].upper()])
            assert client.communicate(timeout=30)[0] == "HELLO"
        worker.socket.close()


def test_a_client_of_the_guide_asks_a_shell_command(endpoint: str) -> None:
    command = [sys.executable, "-m", "zpatterns", "work", "shout", "--connect", endpoint, "--exec", "tr a-z A-Z"]
    with subprocess.Popen(command) as worker, zmq.Context() as context:
        try:
            assert ask(context, endpoint, b"shout", b"hello") == [b"HELLO"]
        finally:
            worker.kill()
