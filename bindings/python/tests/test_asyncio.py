"""Sockets in event loops: what suspends, what cancelling loses (nothing), and who is woken."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

import zpatterns
from conftest import WATCHDOG
from zpatterns import aio

Result = TypeVar("Result")
Story = Callable[[aio.Socket, aio.Socket], Awaitable[Result]]


class LoopWithoutReaders(asyncio.SelectorEventLoop):
    """An event loop that, as some do, cannot watch descriptors."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        raise NotImplementedError

    def remove_reader(self, fd: Any) -> bool:
        raise NotImplementedError


# Its own wake-up needs a reader; programs do not.
LoopWithoutReaders._add_reader = asyncio.SelectorEventLoop._add_reader  # type: ignore[attr-defined]


@pytest.fixture(params=[asyncio.SelectorEventLoop, LoopWithoutReaders], ids=["readers", "hook"])
def tell(request: pytest.FixtureRequest) -> Callable[[Story[Result]], Result]:
    """Runs a story with a connected pull and push socket, in a loop with and in one without readers."""

    def run(story: Story[Result], **options: Any) -> Result:
        async def main() -> Result:
            with zpatterns.Context() as context:
                async with (
                    aio.Socket("pull", context=context, **options) as pull,
                    aio.Socket("push", context=context, linger=0, **options) as push,
                ):
                    push.connect(pull.bind("tcp://127.0.0.1:0"))
                    return await asyncio.wait_for(story(pull, push), WATCHDOG)

        loop = request.param()
        try:
            result: Result = loop.run_until_complete(main())
            return result
        finally:
            loop.close()

    return run


def test_messages_of_every_form(tell: Any) -> None:
    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        await push.send(b"bytes")
        assert await pull.recv() == b"bytes"
        await push.send(bytearray(100_000))
        assert await pull.recv() == bytes(100_000)
        await push.send_text("Grüße")
        assert await pull.recv_text() == "Grüße"
        await push.send_multipart(iter([b"a", b"b"]))
        with pytest.raises(zpatterns.Unsupported):
            await pull.recv()
        with pytest.raises(zpatterns.Unsupported):
            await pull.recv_many()
        assert await pull.recv_multipart() == [b"a", b"b"]
        await push.send(b"alone")
        assert await pull.recv_multipart() == [b"alone"]
        await push.send(b"\xff")
        with pytest.raises(zpatterns.InvalidText):
            await pull.recv_text()
        assert await pull.recv() == b"\xff", "it stayed in line"

    tell(story)


@pytest.mark.parametrize("receive", ["recv", "recv_many", "recv_many_multipart", "iterate", "batches"])
def test_order_under_load(tell: Any, receive: str) -> None:
    count = 20_000

    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        received: list[bytes] = []

        async def take() -> None:
            if receive == "iterate":
                async for message in pull:
                    received.append(message)
                    if len(received) == count:
                        return
            if receive == "batches":
                async for batch in pull.batches(100):
                    assert 1 <= len(batch) <= 100
                    received.extend(batch)
                    if len(received) == count:
                        return
            while len(received) < count:
                if receive == "recv":
                    received.append(await pull.recv())
                elif receive == "recv_many":
                    received.extend(await pull.recv_many(700))
                else:
                    received.extend(frames[0] for frames in await pull.recv_many_multipart())

        messages = [b"%d" % n for n in range(count)]
        await asyncio.gather(push.send_many(messages), take())
        assert received == messages
        stats = pull.stats()
        assert (stats["received_messages"], stats["inbox_messages"]) == (count, 0)
        assert stats["received_bytes"] == sum(map(len, messages))

    tell(story)


def test_a_send_waits_for_room_and_others_run(tell: Any) -> None:
    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        sent = 0

        async def send() -> None:
            nonlocal sent
            while True:
                await push.send(b"x" * 10_000)
                sent += 1

        sender = asyncio.create_task(send())
        while push.stats()["send_full"] == 0:
            await asyncio.sleep(0)
        before = sent
        for _ in range(before + 10):
            await pull.recv()
        assert sent > 0
        sender.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sender

    tell(story, send_hwm=10, recv_hwm=10, inbox_messages=10)


def test_batches_of_several_frames(tell: Any) -> None:
    sent = [[b"%d.%d" % (n, frame) for frame in range(1 + n % 3)] for n in range(5000)]

    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        sender = asyncio.create_task(push.send_many_multipart(map(iter, sent)))
        received: list[list[bytes]] = []
        while len(received) < len(sent):
            received.extend(await pull.recv_many_multipart(100))
        await sender
        assert received == sent
        with pytest.raises(TypeError):
            await push.send_many_multipart([[b"a"], ["text"]])  # type: ignore[list-item]
        await push.send_many_multipart([])

    tell(story, send_hwm=10, recv_hwm=10, inbox_messages=10)


def test_a_send_that_does_not_wait(tell: Any) -> None:
    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        await push.send(b"0")
        sent = 1
        while push.try_send(b"%d" % sent):
            sent += 1
        for n in range(sent):
            assert await pull.recv() == b"%d" % n
        while not push.try_send_multipart([b"some", b"room"]):
            await asyncio.sleep(0)
        assert await pull.recv_multipart() == [b"some", b"room"]
        with pytest.raises(zpatterns.Unsupported):
            pull.try_send(b"")

    tell(story, send_hwm=10, recv_hwm=10, inbox_messages=10)


def test_cancelling_loses_nothing(tell: Any) -> None:
    count = 2000

    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        received: list[bytes] = []
        sender = asyncio.create_task(push.send_many([b"%d" % n for n in range(count)]))
        attempts = 0
        while len(received) < count:
            attempts += 1
            receive: Any = pull.recv if attempts % 3 else pull.recv_multipart
            task = asyncio.create_task(receive())
            for _ in range(attempts % 4):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                message: Any = await task
                received.append(message[0] if isinstance(message, list) else message)
            if not attempts % 50:  # Progress even if every task is cancelled in time.
                received.append(await pull.recv())
        await sender
        assert received == [b"%d" % n for n in range(count)]

    tell(story)


def test_several_receivers_get_each_message_once(tell: Any) -> None:
    count, receivers = 5000, 10

    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        received: list[bytes] = []

        async def take(kind: int) -> None:
            while True:
                if kind % 3 == 0:
                    received.append(await pull.recv())
                elif kind % 3 == 1:
                    received.extend(await pull.recv_many(3))
                else:
                    received.extend(await pull.recv_multipart())

        tasks = [asyncio.create_task(take(kind)) for kind in range(receivers)]
        for n in range(count):
            await push.send(b"%d" % n)
            if n % 100 == 0:
                await asyncio.sleep(0)
                tasks[n % receivers].cancel()
                tasks[n % receivers] = asyncio.create_task(take(n % receivers))
        while len(received) < count:
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert sorted(received) == sorted(b"%d" % n for n in range(count))

    tell(story)


def test_a_receiver_and_a_sender_wait_at_once() -> None:
    async def main() -> None:
        async with aio.Socket("dealer", send_hwm=1, linger=0) as left, aio.Socket("dealer") as right:
            endpoint = right.bind("tcp://127.0.0.1:0")
            waits = [asyncio.create_task(left.recv()), asyncio.create_task(left.send(b"there"))]
            for _ in range(10):
                await asyncio.sleep(0)
            left.connect(endpoint)
            assert await right.recv() == b"there"
            await right.send(b"back")
            assert await waits[0] == b"back"
            await waits[1]

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


def test_closing_ends_every_wait(tell: Any) -> None:
    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        async def iterate() -> list[bytes]:
            return [message async for message in pull]

        waits = [asyncio.ensure_future(wait) for wait in (pull.recv(), pull.recv_many(), pull.recv_multipart())]
        ends = asyncio.ensure_future(iterate())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        threading.Thread(target=pull.close).start()
        for wait in waits:
            with pytest.raises(zpatterns.Closed):
                await wait
        assert await ends == []
        assert pull.closed
        with pytest.raises(zpatterns.Closed):
            await pull.recv()

    tell(story)


def test_a_thread_and_the_loop_find_out_at_once_that_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", faults.append)
    before = sys.getswitchinterval()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        for _ in range(500):
            pull = aio.Socket("pull")
            waits = [asyncio.ensure_future(pull.recv()) for _ in range(3)]
            await asyncio.sleep(0)
            closer = threading.Thread(target=pull.close)
            closer.start()
            ends = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(end) for end in ends] == [zpatterns.Closed] * 3
            closer.join()

    try:
        sys.setswitchinterval(1e-5)
        asyncio.run(asyncio.wait_for(main(), WATCHDOG))
    finally:
        sys.setswitchinterval(before)
    assert faults == []


def test_closing_the_context_ends_a_wait(tell: Any) -> None:
    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        with zpatterns.Context() as context:
            other = aio.Socket("pull", context=context)
            wait = asyncio.ensure_future(other.recv())
            await asyncio.sleep(0)
        with pytest.raises(zpatterns.Closed):
            await wait

    tell(story)


def test_what_was_taken_ahead_is_counted_when_it_is_lost(tell: Any) -> None:
    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        await push.send_many([b"four"] * 10)
        await pull.recv()
        while pull.stats()["inbox_messages"] < 9:
            await asyncio.sleep(0)
        pull.close()
        stats = pull.stats()
        assert (stats["received_messages"], stats["received_bytes"]) == (1, 4)
        assert (stats["inbox_messages"], stats["lost_closed"]) == (0, 9)

    tell(story)


def test_a_waiting_socket_costs_no_wakeups() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with aio.Socket("pull") as pull, aio.Socket("push") as push:
            push.connect(pull.bind("tcp://127.0.0.1:0"))
            await push.send(b"1")
            assert await pull.recv() == b"1"
            wait = asyncio.create_task(pull.recv())
            await asyncio.sleep(0)
            wait.cancel()
            await push.send(b"2")  # The notice comes while nobody waits.
            while pull.stats()["inbox_messages"] == 0:
                await asyncio.sleep(0.001)
            turns = 0

            notices = pull._notices

            def count() -> None:
                nonlocal turns
                turns += 1
                notices.arm()

            assert notices._fd is not None
            loop.add_reader(notices._fd, count)
            for _ in range(100):
                await asyncio.sleep(0)
            assert turns <= 2

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


def test_one_loop_per_socket() -> None:
    socket = aio.Socket("pull")

    async def wait() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.01)

    asyncio.run(wait())
    asyncio.run(wait())  # The first loop is closed.
    other = asyncio.new_event_loop()
    other.run_until_complete(wait())
    with pytest.raises(zpatterns.WrongState, match="another event loop"):
        asyncio.run(socket.recv())
    other.close()
    socket.close()


def test_errors_reach_who_awaits(tell: Any) -> None:
    async def story(pull: aio.Socket, push: aio.Socket) -> None:
        with pytest.raises(TypeError, match="send_text"):
            await push.send("text")  # type: ignore[arg-type]
        with pytest.raises(zpatterns.Unsupported):
            await pull.send(b"")
        with pytest.raises(zpatterns.Unsupported):
            await push.recv()
        with pytest.raises(zpatterns.InvalidEndpoint):
            push.connect("nonsense")

    tell(story)


def test_many_short_lives() -> None:
    async def main() -> None:
        for _ in range(300):
            async with aio.Socket("pull") as pull, aio.Socket("push") as push:
                push.connect(pull.bind("tcp://127.0.0.1:0"))
                wait = asyncio.create_task(pull.recv())
                await asyncio.sleep(0)
                await push.send(b"x")
                assert await wait == b"x"

    asyncio.run(asyncio.wait_for(main(), 2 * WATCHDOG))
