"""Durable requests: what a broker with a store has on its disk is done and kept, whoever is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import zpatterns
from conftest import WATCHDOG
from zpatterns import aio, reqrep
from zpatterns.reqrep import Broker, Client, Worker


def test_a_request_that_outlives_its_client_and_its_broker(context: zpatterns.Context, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Broker("tcp://127.0.0.1:0", context=context, store=store) as broker:
        with Client(broker.endpoints, context=context) as client:
            client.store("bill", b"for May", key="May")
        assert broker.counters()["stored"] == 1
    with Broker("tcp://127.0.0.1:0", context=context, store=str(store)) as broker:
        with Worker("bill", connect=broker.endpoints, context=context) as worker:
            job = worker.next(WATCHDOG)
            assert (job.key, job.body) == (b"May", [b"for May"])
            job.reply(b"paid")
            with Client(broker.endpoints, context=context) as client:
                assert client.fetch("bill", "May") == [b"paid"]
                assert client.request("bill", b"again", key=b"May", durable=True) == [b"paid"]
                client.discard("bill", "May")
                client.discard("bill", "May")
                with pytest.raises(zpatterns.NotFound) as caught:
                    client.fetch("bill", "May")
                assert isinstance(caught.value, reqrep.RequestFailed)


def test_in_an_event_loop(tmp_path: Path) -> None:
    async def main() -> None:
        async with aio.Broker("tcp://127.0.0.1:0", store=tmp_path / "store") as broker:
            async with (
                aio.Client(broker.endpoints) as client,
                aio.Worker("bill", connect=broker.endpoints) as worker,
            ):
                await client.store("bill", b"for May", key="May")
                fetched = asyncio.create_task(client.fetch("bill", "May"))
                (await worker.next()).reply(b"paid")
                assert await fetched == [b"paid"]
                await client.discard("bill", "May")
                with pytest.raises(zpatterns.NotFound):
                    await client.fetch("bill", b"May")

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


def test_a_fetch_that_has_to_wait_and_one_that_is_cancelled(context: zpatterns.Context, tmp_path: Path) -> None:
    with Broker("tcp://127.0.0.1:0", context=context, store=tmp_path / "store") as broker:
        with Client(broker.endpoints, context=context) as client:
            client.store("bill", key="May")
            with pytest.raises(zpatterns.Timeout):
                client.fetch("bill", "May", patience=0.1)
            cancel = zpatterns.Cancel()
            cancel.cancel()
            with pytest.raises(zpatterns.Cancelled):
                client.fetch("bill", "May", cancel=cancel)
            with pytest.raises(zpatterns.InvalidArgument):
                client.store("bill")
            with pytest.raises(zpatterns.InvalidArgument):
                client.submit_task("wash", "bill", key="May")


def test_a_store_that_is_none(context: zpatterns.Context, tmp_path: Path) -> None:
    damaged = tmp_path / "store"
    damaged.write_bytes(b"no store at all" * 1000)
    with pytest.raises(zpatterns.Corrupt):
        Broker("tcp://127.0.0.1:0", context=context, store=damaged)
    with Broker("tcp://127.0.0.1:0", context=context, store=tmp_path / "other"):
        with pytest.raises(zpatterns.WrongState):
            Broker("tcp://127.0.0.1:0", context=context, store=tmp_path / "other")
