"""Monitors, authenticators and proxies."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

import zpatterns
from conftest import WATCHDOG, Pair, eventually, run
from zpatterns import aio


def until(monitor: zpatterns.Monitor, kind: str) -> zpatterns.MonitorEvent:
    while (event := monitor.next(WATCHDOG)).kind != kind:
        pass
    return event


def test_a_monitor_tells_of_connections(context: zpatterns.Context, background: bool) -> None:
    pull = zpatterns.Socket("pull", context=context, background=background)
    with pull.monitor() as monitor:
        endpoint = pull.bind("tcp://127.0.0.1:0")
        assert until(monitor, "listening").endpoint == endpoint
        with zpatterns.Socket("push", context=context) as push:
            push.connect(endpoint)
            until(monitor, "handshake_succeeded")
        until(monitor, "disconnected")
        with pytest.raises(zpatterns.Timeout):
            monitor.next(0.05)
        assert monitor.lost == 0
        pull.close()
        until(monitor, "stopped")
        threading.Timer(0.15, monitor.close).start()
        assert list(monitor) == []
    assert monitor.closed
    with pytest.raises(zpatterns.Closed):
        monitor.next()


def test_a_monitor_in_asyncio(context: zpatterns.Context) -> None:
    async def main() -> None:
        async with aio.Socket("pull", context=context) as pull, pull.monitor() as monitor:
            endpoint = pull.bind("tcp://127.0.0.1:0")
            connecting = aio.Socket("push", context=context)
            kinds = []
            async for event in monitor:
                kinds.append(event.kind)
                if event.kind == "listening":
                    connecting.connect(endpoint)
                elif event.kind == "handshake_succeeded":
                    connecting.close()
                elif event.kind == "disconnected":
                    pull.close()
                elif event.kind == "stopped":
                    break
            assert kinds[0] == "listening"
            waits = asyncio.create_task(monitor.next())
            await asyncio.sleep(0)
            assert not monitor.closed
            monitor.close()
            assert monitor.closed
            with pytest.raises(zpatterns.Closed):
                await waits

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


def test_a_socket_goes_on_without_its_monitor(tmp_path: Path) -> None:
    program = """
        import zpatterns

        pull = zpatterns.Socket("pull")
        monitor = pull.monitor()
        endpoint = pull.bind("tcp://127.0.0.1:0")
        while monitor.next(30).kind != "listening":
            pass
        monitor.close()
        for _ in range(20):
            with zpatterns.Socket("push") as push:
                push.connect(endpoint)
                push.send(b"goes on")
                assert pull.recv(5) == b"goes on"
        pull.close()
        with zpatterns.Socket("pull") as other, zpatterns.Socket("push") as push:
            push.connect(other.bind("tcp://127.0.0.1:0"))
            push.send(b"and so do others")
            print(other.recv_text(5))
    """
    status, output, errors = run(program, tmp_path)
    assert (status, output) == (0, "and so do others\n"), errors


def test_a_context_closes_with_everything_in_it() -> None:
    with zpatterns.Context() as context:
        front, back = (zpatterns.Socket("dealer", context=context) for _ in range(2))
        kept = [front.monitor(), zpatterns.Authenticator(context), zpatterns.Proxy(front, back)]
    assert len(kept) == 3


@pytest.mark.parametrize("allowed", [True, False])
def test_curve(context: zpatterns.Context, allowed: bool) -> None:
    server, client, other = (zpatterns.curve_keypair() for _ in range(3))
    with zpatterns.Authenticator(context) as authenticator:
        authenticator.allow_key((client if allowed else other).public)
        pull = zpatterns.Socket("pull", context=context, curve_server=True, curve_secret_key=server.secret)
        push = zpatterns.Socket(
            "push",
            context=context,
            linger=0,
            curve_server_key=server.public,
            curve_public_key=client.public,
            curve_secret_key=client.secret,
        )
        monitor = push.monitor()
        push.connect(pull.bind("tcp://127.0.0.1:0"))
        push.send(b"secret")
        if allowed:
            assert pull.recv(WATCHDOG) == b"secret"
            assert authenticator.stats()["allowed"] == 1
        else:
            until(monitor, "handshake_failed_auth")
            assert authenticator.stats()["denied_key"] >= 1
    assert authenticator.stats()["allowed"] == int(allowed)
    with pytest.raises(zpatterns.Closed):
        authenticator.allow_any_key()


def test_plain(context: zpatterns.Context) -> None:
    with zpatterns.Authenticator(context) as authenticator:
        authenticator.allow_user("me", "right")
        authenticator.allow_user("gone", "right")
        authenticator.remove_user("gone")
        with pytest.raises(zpatterns.AddressInUse):
            zpatterns.Authenticator(context)
        with pytest.raises(zpatterns.InvalidArgument):
            authenticator.allow_user("x" * 256, "")
        with pytest.raises(zpatterns.InvalidArgument):
            authenticator.allow_key("short")
        with pytest.raises(zpatterns.InvalidArgument):
            authenticator.deny_address("nowhere")
        authenticator.allow_address("127.0.0.1")
        pull = zpatterns.Socket("pull", context=context, plain_server=True)
        endpoint = pull.bind("tcp://127.0.0.1:0")
        clients = []
        for user, password in (("gone", "right"), ("me", "wrong"), ("me", "right")):
            push = zpatterns.Socket("push", context=context, linger=0, plain_username=user, plain_password=password)
            push.connect(endpoint)
            clients.append(push)
            push.send_text(f"{user} {password}")
        assert pull.recv_text(WATCHDOG) == "me right"

        def refused() -> None:
            assert authenticator.stats()["denied_user"] >= 2

        eventually(refused, AssertionError)


def test_a_proxy(context: zpatterns.Context) -> None:
    def socket(kind: zpatterns.Kind) -> zpatterns.Socket:
        return zpatterns.Socket(kind, context=context, linger=0)

    front, back, capture, seen = socket("router"), socket("dealer"), socket("push"), socket("pull")
    capture.connect(seen.bind("inproc://capture"))
    client, server = socket("req"), socket("rep")
    client.connect(front.bind("tcp://127.0.0.1:0"))
    server.connect(back.bind("tcp://127.0.0.1:0"))
    with zpatterns.Proxy(front, back, capture) as proxy:
        for n in range(10):
            client.send(b"%d" % n)
            server.send(server.recv(WATCHDOG) + b"!")
            assert client.recv(WATCHDOG) == b"%d!" % n
        assert seen.recv_multipart(WATCHDOG)[-1] == b"0"
        with pytest.raises(zpatterns.Timeout):
            proxy.wait(timeout=0)
        threading.Timer(0.15, front.close).start()
        assert isinstance(proxy.wait(WATCHDOG), zpatterns.Closed)
    stats = proxy.stats()
    assert (stats["forward_messages"], stats["backward_messages"]) == (10, 10)
    with pytest.raises(zpatterns.Unsupported):
        zpatterns.Proxy(socket("pull"), socket("pull"))


def test_a_proxy_that_is_closed_while_somebody_waits(pair: Pair) -> None:
    proxy = zpatterns.Proxy(*pair("router", "dealer"))
    threading.Timer(0.15, proxy.close).start()
    try:
        assert isinstance(proxy.wait(WATCHDOG), zpatterns.Cancelled)
    except zpatterns.Closed:
        pass  # It was closed between two slices of the wait.
