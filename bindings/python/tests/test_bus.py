"""The multicast bus, on the loopback device."""

from __future__ import annotations

import asyncio
import gc
import pickle
import signal
import socket
import threading
import typing
from collections.abc import Callable
from pathlib import Path

import pytest

import zpatterns
from conftest import WATCHDOG, run
from zpatterns import Bus, aio
from zpatterns.bus import Broken, BusOptions, Dropped, Event, Gone, Joined, Message, Missed, Peer


@pytest.fixture
def endpoint() -> str:
    """A port that nobody uses, because somebody just did."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"epgm://127.0.0.1;239.192.7.1:{probe.getsockname()[1]}"


Open = Callable[..., Bus]


@pytest.fixture
def open_bus(context: zpatterns.Context, endpoint: str) -> Open:
    """Opens places on one bus that receive everything, unless told otherwise."""

    def open_bus(**options: typing.Any) -> Bus:
        return Bus(endpoint, context=context, **{"subscribe": b"", **options})

    return open_bus


def message(bus: Bus) -> Message:
    """The next message, by one who misses nothing."""
    while not isinstance(event := bus.recv(WATCHDOG), Message):
        assert isinstance(event, Joined), event
    return event


def messages(bus: Bus, count: int) -> list[list[bytes]]:
    return [message(bus).frames for _ in range(count)]


def test_what_one_says_all_hear_and_nobody_hears_himself(open_bus: Open) -> None:
    with open_bus() as one, open_bus() as other, open_bus(subscribe=[b"and", b"never"]) as third:
        one.send([b"hello", b"", b"all"], WATCHDOG)
        other.send(b"and you", WATCHDOG)
        other.send((bytearray(b"and"), memoryview(b"that")), WATCHDOG)
        assert messages(other, 1) == [[b"hello", b"", b"all"]]
        assert messages(one, 2) == messages(third, 2) == [[b"and you"], [b"and", b"that"]]
        with pytest.raises(zpatterns.Timeout):
            one.recv(timeout=0)
        assert one.interface == "127.0.0.1"
        [peer] = one.peers()
        assert isinstance(peer["peer"], Peer)
        assert (peer["delivered"], peer["missed"]) == (2, 0)


def test_batches_arrive_in_order_and_whole(open_bus: Open) -> None:
    sizes = [0, 1, 254, 1400, 1428, 1429, 65_536, 1 << 20]
    sent = [[b"%d" % n, bytes([n]) * sizes[n % len(sizes)]] for n in range(64)]
    with open_bus() as listener, open_bus(subscribe=()) as sender:
        counts: list[int] = []
        thread = threading.Thread(target=lambda: counts.append(sender.send_many(iter(sent), WATCHDOG)))
        thread.start()
        found: list[list[bytes]] = []
        while len(found) < len(sent):
            batch = listener.recv_many(10, WATCHDOG, max_bytes=1 << 22)
            assert 0 < len(batch) <= 10
            found += [event.frames for event in batch if isinstance(event, Message)]
        thread.join()
        assert (counts, found) == ([len(sent)], sent)
        assert listener.drain() == []
        assert sender.send_many([]) == 0
        counters = sender.counters()
        assert counters["sent_messages"] == len(sent)
        assert counters["sent_datagrams"] > len(sent)
        sender.close(WATCHDOG)
        assert isinstance(listener.recv(WATCHDOG), Gone)
        assert sender.counters() == {**counters, **sender.counters()}, "the last stay"


def test_subscribing(open_bus: Open) -> None:
    with open_bus(subscribe=()) as listener, open_bus(subscribe=()) as sender:
        listener.subscribe(b"b")
        for text in (b"a", b"b", b"ab", b"bc"):
            sender.send(text, WATCHDOG)
        assert messages(listener, 2) == [[b"b"], [b"bc"]]
        listener.unsubscribe(b"b")
        with pytest.raises(zpatterns.NotFound):
            listener.unsubscribe(b"b")


def test_who_does_not_keep_up_is_told_what_it_lost(open_bus: Open) -> None:
    with open_bus(max_events=10) as slow, open_bus() as witness, open_bus() as sender:
        assert sender.send_many([b"%d" % n for n in range(100)], WATCHDOG) == 100
        messages(witness, 100)
        while slow.counters()["received_delivered"] < 100:
            pass
        seen: list[Event] = []
        while not (seen and isinstance(seen[-1], Dropped)):
            seen += slow.drain(1000, 1 << 20)
        dropped = sum(event.count for event in seen if isinstance(event, Dropped))
        assert slow.counters()["dropped"] == dropped
        assert sum(isinstance(event, Message) for event in seen) + dropped == 100


def test_what_is_thrown_away_is_repeated(open_bus: Open) -> None:
    with open_bus() as listener, open_bus() as sender:
        sender.send(b"first", WATCHDOG)
        assert messages(listener, 1) == [[b"first"]]
        listener.inject_loss(0.2)
        sent = [[b"%d" % n, bytes(4000)] for n in range(200)]
        assert sender.send_many(sent, WATCHDOG) == len(sent)
        assert messages(listener, len(sent)) == sent
        counters = listener.counters()
        assert counters["injected"] > 0 < counters["received_repaired"]
        assert counters["received_missed"] == 0
        listener.inject_loss(0)
        with pytest.raises(zpatterns.InvalidArgument):
            listener.inject_loss(1.1)


def test_events_are_values() -> None:
    peer = Peer(0x0123456789AB_1234)
    assert (str(peer), repr(peer), int(peer)) == ("0123456789ab:4660", "0123456789ab:4660", 0x0123456789AB_1234)
    assert pickle.loads(pickle.dumps(peer)) == peer
    message = Message(peer, [b"a", b"b"])
    assert (message.peer, message.frames) == (peer, [b"a", b"b"])
    assert message == Message(peer, [b"a", b"b"]) != Message(peer, [b"a"])
    assert repr(message) == "Message(peer=0123456789ab:4660, frames=[b'a', b'b'])"
    assert repr(Missed(peer, 7, 9)) == "Missed(peer=0123456789ab:4660, first=7, last=9)"
    assert Joined(peer) == Joined(peer) != Joined(Peer(7))
    assert len({Joined(peer), Joined(peer), Gone(peer), Broken(peer), Dropped(3), Dropped(4)}) == 5
    with pytest.raises(AttributeError):
        Dropped(3).count = 4  # type: ignore[misc]
    for kind in typing.get_args(Event):
        assert all(hasattr(kind, name) for name in kind.__match_args__)


def test_waits_end(open_bus: Open) -> None:
    cancel = zpatterns.Cancel()
    with open_bus() as bus:
        threading.Timer(0.1, cancel.cancel).start()
        with pytest.raises(zpatterns.Cancelled):
            bus.recv(cancel=cancel)
        threading.Timer(0.1, bus.close).start()
        assert list(bus) == []
        assert bus.closed
        bus.close()
        for call in (bus.recv, bus.drain, bus.peers, lambda: bus.send(b"late"), lambda: bus.subscribe(b"")):
            with pytest.raises(zpatterns.Closed):
                call()
        assert bus.counters()["dropped"] == 0


def test_a_context_closes_its_buses(open_bus: Open, context: zpatterns.Context) -> None:
    bus = open_bus()
    closing = threading.Timer(0.1, context.close)
    closing.start()
    with pytest.raises(zpatterns.Closed):
        bus.recv()
    closing.join()
    assert bus.closed


def test_a_signal_ends_a_wait(open_bus: Open) -> None:
    def interrupt(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with open_bus() as bus, pytest.raises(InterruptedError):
            bus.recv()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_who_sends_too_much_waits_for_room(open_bus: Open) -> None:
    with open_bus(rate=1_000_000, max_unsent=100_000) as bus:
        big = bytes(90_000)
        with pytest.raises(zpatterns.Timeout):
            for _ in range(1000):
                bus.send(big, timeout=0)
        assert not bus.try_send(big)
        assert 0 < bus.send_many([big] * 1000, timeout=0.2) < 1000
        bus.close(linger=0)


def test_type_checkers_know_every_option(open_bus: Open) -> None:
    for name, kind in typing.get_type_hints(BusOptions).items():
        open_bus(**{name: None}).close()
        some = {"hops": 7, "flow_control": "slowest", "at_least": 3, "parity_group": 8, "parity": 0, "key": bytes(16)}
        usual = 5.0 if kind == float | None else True if kind == bool | None else 100_000
        open_bus(**{name: some.get(name, usual)}).close()
        with pytest.raises(zpatterns.InvalidArgument if name != "key" else TypeError) as caught:
            open_bus(**{name: "x"})
        assert name == "key" or caught.value.context["option"] == name
    with pytest.raises(zpatterns.InvalidArgument) as caught:
        open_bus(key=b"too short")
    assert caught.value.context["option"] == "key"


def test_mistakes_are_named(context: zpatterns.Context, endpoint: str, open_bus: Open) -> None:
    with pytest.raises(zpatterns.InvalidEndpoint):
        Bus("tcp://127.0.0.1:5555", context=context)
    with pytest.raises(zpatterns.AddressNotAvailable):
        Bus("epgm://nowhere;239.192.7.1:5555", context=context)
    with pytest.raises(zpatterns.InvalidArgument):
        open_bus(rate=1)
    with pytest.raises(zpatterns.InvalidArgument, match="no such option"):
        Bus(endpoint, context=context, speed=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        open_bus(subscribe="text")
    with open_bus() as bus:
        for wrong in ("text", [b"a", "b"], 5):
            with pytest.raises(TypeError):
                bus.send(wrong)  # type: ignore[arg-type]
        with pytest.raises(zpatterns.InvalidArgument):
            bus.send([])
        with pytest.raises(zpatterns.InvalidArgument):
            bus.recv(timeout=-1)


def test_a_bus_that_nobody_closes(open_bus: Open) -> None:
    with open_bus() as listener:
        sender = open_bus()
        sender.send(b"last", WATCHDOG)
        del sender
        gc.collect()
        assert messages(listener, 1) == [[b"last"]]
        assert isinstance(listener.recv(WATCHDOG), Gone)


def test_a_program_ends_with_a_bus_open(endpoint: str, tmp_path: Path) -> None:
    program = f"""
        import threading
        from zpatterns import Bus
        one, other = Bus("{endpoint}", subscribe=b""), Bus("{endpoint}")
        threading.Thread(target=lambda: list(one), daemon=True).start()
        other.send(b"hello")
        print("done")
    """
    assert run(program, tmp_path) == (0, "done\n", "")


def test_after_a_fork(endpoint: str, tmp_path: Path) -> None:
    program = f"""
        import os
        from zpatterns import Bus, Forked
        bus = Bus("{endpoint}", subscribe=b"")
        child = os.fork()
        if child == 0:
            for call in (bus.recv, bus.drain, bus.counters, lambda: bus.send(b"x")):
                try:
                    call()
                except Forked:
                    continue
                os._exit(1)
            bus.close()
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run(program, tmp_path) == (0, "7\n", "")


def test_it_in_asyncio(context: zpatterns.Context, endpoint: str) -> None:
    async def main() -> None:
        async with (
            aio.Bus(endpoint, context=context, subscribe=b"") as listener,
            aio.Bus(endpoint, context=context) as sender,
        ):
            first = asyncio.create_task(listener.recv())
            await sender.send([b"hello", b"world"])
            assert isinstance(await first, Joined)
            assert (await listener.recv()).frames == [b"hello", b"world"]  # type: ignore[union-attr]
            sending = asyncio.create_task(sender.send_many([b"%d" % n, bytes(1000)] for n in range(5000)))
            found: list[Event] = []
            async for batch in listener.batches(100):
                found += batch
                if len(found) == 5000:
                    break
            await sending
            numbers = [event.frames[0] for event in found if isinstance(event, Message)]
            assert numbers == [b"%d" % n for n in range(5000)]
            assert (listener.peers()[0]["delivered"], sender.counters()["sent_messages"]) == (5001, 5001)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(listener.recv(), 0.05)
            listener.inject_loss(1)
            listener.inject_loss(0)
            listener.unsubscribe(b"")
            listener.subscribe(b"b")
            assert sender.try_send(b"a") and sender.try_send(b"b")
            async for event in listener:
                assert event == Message(event.peer, [b"b"])  # type: ignore[union-attr]
                break
            waiting = asyncio.create_task(listener.recv())
            await asyncio.sleep(0.05)
            listener.close()
            with pytest.raises(zpatterns.Closed):
                await waiting
            assert [event async for event in listener] == []

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


def test_it_waits_for_room_in_asyncio(context: zpatterns.Context, endpoint: str) -> None:
    async def main() -> None:
        async with (
            aio.Bus(endpoint, context=context, subscribe=b"") as listener,
            aio.Bus(endpoint, context=context, rate=20_000_000, max_unsent=100_000) as sender,
        ):
            big = bytes(90_000)
            sending = [asyncio.create_task(sender.send(big)) for _ in range(30)]
            count = 0
            async for event in listener:
                count += isinstance(event, Message)
                if count == len(sending):
                    break
            await asyncio.gather(*sending)
            assert not listener.closed

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))
