"""What a broker counts for each service and for each peer."""

from __future__ import annotations

import asyncio

import pytest

import zpatterns
from conftest import WATCHDOG, eventually
from zpatterns import aio
from zpatterns.reqrep import Broker, Client, Worker

ANYWHERE = "tcp://127.0.0.1:0"


def test_a_broker_counts_for_each_service_and_each_peer(context: zpatterns.Context) -> None:
    broker = Broker(ANYWHERE, context=context)
    assert (broker.services(), broker.peers()) == ([], [])
    with broker, Client(broker.endpoints, context=context) as client:
        with Worker("echo", connect=broker.endpoints, context=context) as worker:
            answered, held = client.submit("echo", b"hello"), client.submit("echo")
            worker.next(WATCHDOG).reply(b"world")
            assert client.wait(answered, WATCHDOG) == [b"world"]
            job = worker.next(WATCHDOG)
            [echo] = broker.services()
            assert (echo.pop("name"), echo.pop("workers")) == ("echo", 1)
            assert echo.keys() == broker.counters().keys()
            assert (echo["accepted"], echo["delivered"], echo["held"], echo["lost_attempts"]) == (2, 1, 1, 0)
            peers = {peer.pop("service"): peer for peer in broker.peers()}
            assert peers.keys() == {None, "echo"}
            assert {peer.pop("number") for peer in peers.values()} == {1, 2}
            for peer in peers.values():
                assert peer.pop("unfetched") >= 0
                assert peer == {"requests": 2, "answered": 1, "failed": 0, "held": 1}
            job.reply()
            assert client.wait(held, WATCHDOG) == []

        def left() -> None:
            assert [(service["workers"], service["delivered"]) for service in broker.services()] == [(0, 2)]
            assert [peer["service"] for peer in broker.peers()] == [None]

        eventually(left, AssertionError)
    for look in (broker.services, broker.peers):
        with pytest.raises(zpatterns.Closed):
            look()


def test_a_service_whose_name_is_no_text(context: zpatterns.Context) -> None:
    with Broker(ANYWHERE, context=context) as broker, zpatterns.Socket("dealer", context=context, linger=0) as worker:
        worker.connect(broker.endpoints[0])
        worker.send_multipart([b"", b"MDPW01", b"\x01", b"caf\xe9"])
        eventually(lambda: broker.services()[0], IndexError)
        assert [(service["name"], service["workers"]) for service in broker.services()] == [("caf\ufffd", 1)]
        assert broker.peers() == []


def test_it_counts_them_for_asyncio(context: zpatterns.Context) -> None:
    async def main() -> None:
        async with (
            aio.Broker(ANYWHERE, context=context, plain=[(ANYWHERE, "clients", "echo")]) as broker,
            aio.Worker("echo", connect=broker.endpoints[0], context=context) as worker,
            aio.Socket("req", context=context, linger=0) as client,
        ):
            client.connect(broker.endpoints[1])
            await client.send(b"hello")
            (await worker.next()).reply(b"world")
            assert await client.recv() == b"world"
            [echo], [peer] = broker.services(), broker.peers()
            assert (echo["name"], echo["workers"], echo["delivered"]) == ("echo", 1, 1)
            assert (peer["service"], peer["requests"], peer["answered"]) == ("echo", 1, 1)

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))
