"""Messages over every transport, alone and in batches, from every kind of buffer."""

from __future__ import annotations

import array
import gc
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import zpatterns
from conftest import WATCHDOG, Pair, eventually


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc", "ws"])
def test_every_transport(pair: Pair, background: bool, transport: str, tmp_path: Path) -> None:
    endpoint = {
        "tcp": "tcp://127.0.0.1:0",
        "ipc": f"ipc://{tmp_path}/socket",
        "inproc": "inproc://name",
        "ws": "ws://127.0.0.1:0",
    }[transport]
    pull, push = pair(endpoint=endpoint, background=background)
    for message in [b"", b"hello", b"\0" * 100_000]:
        push.send(message)
        assert pull.recv(WATCHDOG) == message


def test_frames(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    for frames in [[b"a"], [b"", b""], [b"a", b"x" * 50_000, b"b"], [b"%d" % n for n in range(100)]]:
        push.send_multipart(frames)
        assert pull.recv_multipart(WATCHDOG) == frames
    push.send_multipart(bytes([n]) for n in range(3))
    assert pull.recv_multipart(WATCHDOG) == [b"\0", b"\1", b"\2"]


def test_a_message_of_several_frames_stays_in_line(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    push.send(b"before")
    push.send_multipart([b"a", b"b"])
    push.send(b"after")
    assert pull.recv_many(2, WATCHDOG)[0] == b"before"
    for _ in range(2):
        with pytest.raises(zpatterns.Unsupported):
            pull.recv(WATCHDOG)
        with pytest.raises(zpatterns.Unsupported):
            pull.recv_many(timeout=WATCHDOG)
    assert pull.recv_multipart(WATCHDOG) == [b"a", b"b"]
    assert pull.recv(WATCHDOG) == b"after"


def test_batches(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    messages = [b"%d" % n * (n % 40) for n in range(10_000)] + [b"x" * 40_000] * 10
    sender = threading.Thread(target=lambda: push.send_many(messages, WATCHDOG))
    sender.start()
    received: list[bytes] = []
    while len(received) < len(messages):
        batch = pull.recv_many(700, WATCHDOG, max_bytes=100_000)
        assert 1 <= len(batch) <= 700
        assert len(batch) == 1 or sum(map(len, batch)) <= 100_000 + 40_000
        received += batch
    sender.join(WATCHDOG)
    assert received == messages


def test_a_send_that_does_not_wait(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background, send_hwm=10, recv_hwm=10)
    push.send(b"0", WATCHDOG)
    sent = 1
    # Some may leave after the first was refused: until both are, one after the other.
    while push.try_send(b"%d" % sent) or push.try_send_multipart([b"%d" % sent]):
        sent += 1
    assert [pull.recv(WATCHDOG) for _ in range(sent)] == [b"%d" % n for n in range(sent)]

    def send() -> None:
        assert push.try_send_multipart([b"some", b"room"])

    eventually(send, AssertionError)
    assert pull.recv_multipart(WATCHDOG) == [b"some", b"room"]
    with pytest.raises(zpatterns.Unsupported):
        pull.try_send(b"")


def test_batches_of_frames(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    messages = [[b"%d" % n, b"", b"x" * (n * 100)] for n in range(200)]
    assert push.send_many_multipart(iter(messages), WATCHDOG) == 200
    received: list[list[bytes]] = []
    while len(received) < 200:
        received += pull.recv_many_multipart(timeout=WATCHDOG)
    assert received == messages


def test_a_batch_says_how_far_it_came(context: zpatterns.Context) -> None:
    push = zpatterns.Socket("push", context=context, send_hwm=10, linger=0)
    push.connect("tcp://127.0.0.1:1")
    sent = push.send_many([b"m"] * 100, timeout=0.05)
    assert 1 <= sent < 100
    with pytest.raises(zpatterns.Timeout):
        push.send_many([b"m"], timeout=0.05)
    with pytest.raises(zpatterns.Full):
        push.send_many([b"m"], timeout=0)
    assert push.send_many([]) == 0
    assert push.stats()["sent_messages"] == sent


def test_every_buffer(pair: Pair) -> None:
    pull, push = pair()
    numbers = array.array("i", range(20_000))
    buffers: list[Any] = [b"bytes", bytearray(b"array"), memoryview(b"view"), numbers, bytearray(100_000)]
    for data in buffers:
        push.send(data)
        assert pull.recv(WATCHDOG) == bytes(data)
    push.send(memoryview(b"0123456789")[::2])
    assert pull.recv(WATCHDOG) == b"02468"
    push.send_multipart([bytearray(b"a"), memoryview(b"b")])
    assert pull.recv_multipart(WATCHDOG) == [b"a", b"b"]


def test_numpy(pair: Pair) -> None:
    numpy = pytest.importorskip("numpy")
    pull, push = pair()
    matrix = numpy.arange(60_000, dtype="int32").reshape(200, 300)
    for data in (matrix, matrix.T, matrix[::3, ::2]):
        push.send(data)
        assert pull.recv(WATCHDOG) == data.tobytes()


def test_changing_a_buffer_after_sending_changes_nothing(pair: Pair) -> None:
    pull, push = pair()
    data = bytearray(b"x" * 100_000)
    push.send(data)
    data[:] = b"y" * 100_000
    assert pull.recv(WATCHDOG) == b"x" * 100_000


def test_large_bytes_live_until_they_are_sent(pair: Pair) -> None:
    pull, push = pair()
    data = bytes(bytearray(b"z" * 200_000))
    before = sys.getrefcount(data)
    push.send(data)
    push.send_multipart([b"head", data])
    copy = bytearray(data)
    del data
    gc.collect()
    assert pull.recv(WATCHDOG) == copy
    assert pull.recv_multipart(WATCHDOG) == [b"head", copy]
    data = bytes(copy)
    push.send(data)
    assert pull.recv(WATCHDOG) == data
    push.close()

    def let_go() -> None:
        pull.stats()
        assert sys.getrefcount(data) == before

    eventually(let_go, AssertionError)  # libzmq lets go on its own thread.


@pytest.mark.parametrize("wrong", ["text", 1, None, object(), ["list"]])
def test_what_is_no_buffer(pair: Pair, wrong: object) -> None:
    _, push = pair()
    with pytest.raises(TypeError):
        push.send(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        push.send_multipart([b"fine", wrong])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        push.send_many([wrong])  # type: ignore[list-item]


def test_text(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    with pytest.raises(TypeError, match="send_text"):
        push.send("text")  # type: ignore[arg-type]
    for text in ["", "Grüße, 你好 🦀", "nul\0inside"]:
        push.send_text(text)
        assert pull.recv_text(WATCHDOG) == text
    push.send(b"ab\xff")
    with pytest.raises(zpatterns.InvalidText) as caught:
        pull.recv_text(WATCHDOG)
    assert caught.value.context == {"position": "2", "bytes": "3"}
    assert pull.recv(WATCHDOG) == b"ab\xff", "it stayed in line"


def test_publishing(pair: Pair, background: bool) -> None:
    publisher, subscriber = pair("xpub", "sub", background=background)
    subscriber.subscribe(b"news.")
    assert publisher.recv(WATCHDOG) == b"\1news."
    publisher.send_many([b"other", b"news.1"])
    assert subscriber.recv(WATCHDOG) == b"news.1"
    subscriber.unsubscribe(bytearray(b"news."))
    assert publisher.recv(WATCHDOG) == b"\0news."


def test_unbind_and_disconnect(pair: Pair) -> None:
    pull, push = pair()
    endpoint = pull.bind("tcp://127.0.0.1:0")
    push.connect(endpoint)
    push.disconnect(endpoint)
    pull.unbind(endpoint)
    with zpatterns.Socket("pull") as other:
        assert eventually(lambda: other.bind(endpoint), zpatterns.AddressInUse) == endpoint


def test_counters(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    push.send_many([b"four"] * 100)
    received = 0
    while received < 60:
        received += len(pull.recv_many(60 - received, WATCHDOG))
    sent, taken = push.stats(), pull.stats()
    assert (sent["sent_messages"], sent["sent_bytes"]) == (100, 400)
    assert (taken["received_messages"], taken["received_bytes"]) == (60, 240)
    pull.close()
    assert pull.stats()["received_messages"] == 60


def test_iterating_ends_when_the_socket_closes(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    push.send_many([b"1", b"2", b"3"])
    received = []
    for message in pull:
        received.append(message)
        if message == b"3":
            pull.close()
    assert received == [b"1", b"2", b"3"]


def test_closing(pair: Pair, background: bool) -> None:
    pull, push = pair(background=background)
    assert not pull.closed
    pull.close()
    pull.close(linger=1)
    assert pull.closed
    assert "closed" in repr(pull)
    for call in (pull.recv, pull.recv_multipart, pull.recv_many, lambda: pull.bind("tcp://127.0.0.1:0")):
        with pytest.raises(zpatterns.Closed):
            call()
    with push:
        pass
    with pytest.raises(zpatterns.Closed):
        push.send(b"")


def test_closing_a_context_closes_its_sockets() -> None:
    with zpatterns.Context() as context:
        socket = zpatterns.Socket("pull", context=context)
        socket.bind("inproc://here")
        assert not context.closed
    assert context.closed
    assert socket.closed
    context.close()
    with pytest.raises(zpatterns.Closed):
        zpatterns.Socket("pull", context=context)


def test_a_closed_context_has_sent_everything() -> None:
    pull = zpatterns.Socket("pull")
    with zpatterns.Context() as context:
        push = zpatterns.Socket("push", context=context)
        push.connect(pull.bind("tcp://127.0.0.1:0"))
        push.send_many([b"x" * 10_000] * 500, WATCHDOG)
    received = 0
    while received < 500:
        received += len(pull.recv_many(timeout=WATCHDOG))


def test_the_default_context_is_one() -> None:
    assert zpatterns.Context.default() is zpatterns.Context.default()
    with zpatterns.Socket("pull") as pull, zpatterns.Socket("push") as push:
        push.connect(pull.bind("inproc://default"))
        push.send(b"same context")
        assert pull.recv(WATCHDOG) == b"same context"
