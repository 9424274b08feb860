"""Programs as the Guide has them, with pyzmq and without us, on a broker of ours; and its servers, asked by us."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from zpatterns import reqrep
from zpatterns.reqrep import FreelanceServer, PlainEndpoint

ANYWHERE = "tcp://127.0.0.1:0"


@contextlib.contextmanager
def bound(count: int, *options: str) -> Iterator[list[str]]:
    """A broker in another process, which is killed in the end: its endpoints."""
    command = [sys.executable, "-m", "zpatterns", "broker", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines = [re.fullmatch(r"bound to (\S+)\n", process.stderr.readline()) for _ in range(count)]
            yield [line[1] for line in lines if line is not None]
        finally:
            process.kill()


@contextlib.contextmanager
def broker(*options: str, bind: str = ANYWHERE) -> Iterator[str]:
    """A broker at one endpoint."""
    with bound(1, "--bind", bind, *options) as (endpoint,):
        yield endpoint


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The endpoint of a broker that stores nothing."""
    with broker() as bound:
        yield bound


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


def titanic_reply(context: zmq.Context[Any], endpoint: str, name: bytes) -> list[bytes]:
    """What became of a stored request, once it is no longer pending."""
    end = time.monotonic() + 30
    while (reply := ask(context, endpoint, b"titanic.reply", name)) == [b"300"]:
        assert time.monotonic() < end, "it is pending for ever"
    return reply


def test_a_client_of_the_guide_leaves_requests_with_titanic(tmp_path: Path) -> None:
    store = ("--store", str(tmp_path / "store"))
    with zmq.Context() as context:
        with broker(*store) as endpoint:
            status, name = ask(context, endpoint, b"titanic.request", b"echo", b"hello", b"", b"\0more")
            assert status == b"200" and re.fullmatch(rb"[0-9a-f]{32}", name)
            assert ask(context, endpoint, b"titanic.reply", name) == [b"300"]
        with broker(*store, bind=endpoint):
            assert ask(context, endpoint, b"titanic.reply", name) == [b"300"]
            worker = Worker(context, endpoint, b"echo")
            worker.reply(*worker.next())
            assert titanic_reply(context, endpoint, name) == [b"200", b"hello", b"", b"\0more"]
            worker.socket.close()
        with broker(*store, bind=endpoint):
            for _ in range(2):
                assert ask(context, endpoint, b"titanic.reply", name) == [b"200", b"hello", b"", b"\0more"]
            assert ask(context, endpoint, b"titanic.close", name) == [b"200"]
            assert ask(context, endpoint, b"titanic.reply", name) == [b"400"]
        with broker(*store, bind=endpoint):
            assert ask(context, endpoint, b"titanic.reply", name) == [b"400"]


def test_titanic_says_what_it_does_not_know(tmp_path: Path) -> None:
    with broker("--store", str(tmp_path / "store")) as endpoint, zmq.Context() as context:
        assert ask(context, endpoint, b"titanic.reply", b"0" * 32) == [b"400"]
        assert ask(context, endpoint, b"titanic.close", b"0" * 32) == [b"200"]
        assert ask(context, endpoint, b"titanic.request") == [b"500"]
        assert ask(context, endpoint, b"titanic.request", b"") == [b"500"]
        assert ask(context, endpoint, b"titanic.reply") == [b"500"]


@pytest.fixture
def plain() -> Iterator[tuple[str, str]]:
    """The endpoints of a broker for clients and workers that say nothing of themselves."""
    options = ("--bind", ANYWHERE, "--clients", f"echo={ANYWHERE}", "--workers", f"echo={ANYWHERE}")
    with bound(3, *options) as (_, clients, workers):
        yield clients, workers


def pirate(context: zmq.Context[Any], endpoint: str, kind: int, ready: bytes) -> zmq.Socket[bytes]:
    """A worker's socket, which has said that it is ready."""
    worker: zmq.Socket[bytes] = context.socket(kind)
    worker.linger = 0
    worker.connect(endpoint)
    worker.send(ready)
    return worker


def lazily(context: zmq.Context[Any], endpoint: str, question: bytes) -> bytes:
    """The Lazy Pirate: who hears nothing in time asks again, with another socket."""
    for _ in range(30):
        with context.socket(zmq.REQ) as client:
            client.linger = 0
            client.connect(endpoint)
            client.send(question)
            if client.poll(1000):
                reply: bytes = client.recv()
                return reply
    raise AssertionError("no reply")


def paranoid_next(worker: zmq.Socket[bytes]) -> list[bytes]:
    """The next request of a Paranoid Pirate, who tells all the while that it lives."""
    while True:
        if worker.poll(500):
            frames: list[bytes] = worker.recv_multipart()
            if len(frames) == 3:
                return frames
            assert frames == [b"\x02"]
        worker.send(b"\x02")


def test_clients_and_workers_of_the_lru_queue_meet(plain: tuple[str, str]) -> None:
    clients, workers = plain
    with zmq.Context() as context:

        def work() -> None:
            with pirate(context, workers, zmq.REQ, b"READY") as worker:
                while True:
                    address, empty, question = worker.recv_multipart()
                    worker.send_multipart([address, empty, question.lower()])
                    if question == b"END":
                        return

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(50):
            assert lazily(context, clients, b"HELLO %d" % number) == b"hello %d" % number
        for _ in threads:
            assert lazily(context, clients, b"END") == b"end"
        for thread in threads:
            thread.join(30)


def test_a_lazy_pirate_outlives_a_simple_pirate(plain: tuple[str, str]) -> None:
    clients, workers = plain
    with zmq.Context() as context:
        crashes = pirate(context, workers, zmq.REQ, b"\x01")
        replies: list[bytes] = []
        thread = threading.Thread(target=lambda: replies.append(lazily(context, clients, b"1")))
        thread.start()
        assert crashes.recv_multipart()[2:] == [b"1"]
        crashes.close()
        with pirate(context, workers, zmq.REQ, b"\x01") as worker:
            while thread.is_alive():
                if worker.poll(100):
                    worker.send_multipart(worker.recv_multipart())
        assert replies == [b"1"]


def test_what_a_paranoid_pirate_held_goes_to_another_when_it_is_silent(plain: tuple[str, str]) -> None:
    clients, workers = plain
    with zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.linger = 0
        client.connect(clients)
        client.send(b"hello")
        with pirate(context, workers, zmq.DEALER, b"\x01") as silent:
            late = paranoid_next(silent)
            with pirate(context, workers, zmq.DEALER, b"\x01") as worker:
                frames = paranoid_next(worker)
                assert frames[1:] == late[1:] == [b"", b"hello"]
                worker.send_multipart([*frames[:2], b"world"])
                assert client.recv() == b"world"
            # It comes back with what nobody wants any more, and works again.
            silent.send_multipart([*late[:2], b"too late"])
            client.send(b"again")
            frames = paranoid_next(silent)
            assert frames[2] == b"again"
            silent.send_multipart(frames)
            assert client.recv() == b"again"


def test_a_bare_client_asks_a_worker_of_ours() -> None:
    sides = [PlainEndpoint(ANYWHERE, "clients", "echo")]
    with reqrep.Broker(ANYWHERE, plain=sides) as broker, zmq.Context() as context, context.socket(zmq.REQ) as client:
        endpoint, clients = broker.endpoints
        client.linger = 0
        client.connect(clients)
        client.send(b"hello")
        with reqrep.Worker("echo", connect=endpoint) as worker:
            job = worker.next(30)
            job.reply(job.body)
            assert client.recv() == b"hello"


def test_a_client_of_ours_asks_a_simple_pirate() -> None:
    with reqrep.Broker(ANYWHERE, plain=[(ANYWHERE, "workers", "echo")]) as broker, zmq.Context() as context:
        endpoint, workers = broker.endpoints
        with pirate(context, workers, zmq.REQ, b"READY") as worker, reqrep.Client(endpoint) as client:
            ticket = client.submit("echo", b"hello")
            worker.send_multipart(worker.recv_multipart())
            assert client.wait(ticket, 30) == [b"hello"]


FREELANCE = """
import sys, zmq

server = zmq.Context().socket(zmq.ROUTER)
server.identity = endpoint = sys.argv[1].encode()
server.bind(sys.argv[1])
while True:
    address, control, *body = server.recv_multipart()
    server.send_multipart([address, b"PONG"] if control == b"PING" else [address, control, *body, endpoint])
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_what_a_freelance_server_held_goes_to_another(tmp_path: Path, end: signal.Signals) -> None:
    """Our client is a DEALER, which such a server cannot tell from the ROUTER of the Guide's clients."""
    endpoints = [f"ipc://{tmp_path}/{name}" for name in ("one", "two")]
    servers = [FreelanceServer(endpoint, "echo", credit=10) for endpoint in endpoints]
    with reqrep.Client(freelance=servers) as client, contextlib.ExitStack() as stack:
        processes = []
        for endpoint in endpoints:
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", FREELANCE, endpoint]))
            stack.callback(process.kill)
            processes.append(process)
        seen: set[bytes] = set()
        while len(seen) < 2:
            seen.add(client.request("echo")[-1])
        # Stopped, it is given as much as it takes, and holds that.
        processes[0].send_signal(signal.SIGSTOP)
        os.waitpid(processes[0].pid, os.WUNTRACED)
        bodies = [[b"%d" % number, b"", b"more"] for number in range(1000)]
        left = dict(zip(client.post_many("echo", bodies, attempts=10), bodies))
        while left:
            for ticket, answer in client.next_many(50, 30):
                assert answer == [*left.pop(ticket), endpoints[1].encode()]
            if len(left) <= 10:
                processes[0].send_signal(end)
        counters = client.counters()
        assert (counters["delivered"], counters["held"]) == (counters["accepted"], 0)
        assert counters["redelivered"] >= 10
