"""The conformance peer in Python: does what it reads, one command per line; the line protocol is in ../README.md.

With --async it uses zpatterns.aio in one event loop, else what blocks. Commands of a pattern are in a module of its name.
"""

import asyncio
import inspect
import sys
import threading
import traceback

import zpatterns
from bus import AsyncBuses, Buses
from pubsub import AsyncMarket, Market
from reqrep import AsyncReqrep, Reqrep
from words import line, seconds, tohex, unhex
from zpatterns import aio
from zqueue import AsyncZqueue, Zqueue

OPTION_TYPES = {row[0]: row[1] for row in zpatterns.option_table()}


def option(name, word):
    """`5`, `true` or `hex:00ff` as a Python program would write it."""
    kind = OPTION_TYPES.get(name)
    if word.startswith("hex:"):
        data = unhex(word[4:])
        return data.decode() if kind == "Text" else data
    if word in ("true", "false"):
        return word == "true"
    return int(word) / 1000 if kind == "Duration" else int(word)


class Peer(Reqrep, Buses, Market, Zqueue):
    """Commands are the methods that are named after them; what they return follows `ok`."""

    abilities = (
        *("quit", "named-options", "closed-handle", "multipart-batches", "try-send", "direct", "zpat"),
        "withdrawn-verdict",
        *Reqrep.abilities,
    )
    Socket = zpatterns.Socket

    def __init__(self):
        super().__init__()
        self.open_market()
        self.open_yard()
        self.sockets, self.buses, self.monitors, self.authenticator = {}, {}, {}, None

    def can(self):
        return [name[3:].replace("_", "-") for name in dir(self) if name.startswith("do_")] + list(self.abilities)

    def run(self, words):
        method = getattr(self, "do_" + words[0].replace("-", "_"), None)
        if method is None:
            raise zpatterns.Unsupported("there is no such command")
        return method(*words[1:])

    def do_open(self, name, kind, *options):
        pairs = (word.split("=", 1) for word in options)
        self.sockets[name] = self.Socket(kind, **{key: option(key, value) for key, value in pairs})

    def do_bind(self, name, endpoint):
        return self.sockets[name].bind(endpoint)

    def do_connect(self, name, endpoint):
        self.sockets[name].connect(endpoint)

    def do_unbind(self, name, endpoint):
        self.sockets[name].unbind(endpoint)

    def do_disconnect(self, name, endpoint):
        self.sockets[name].disconnect(endpoint)

    def do_subscribe(self, name, prefix):
        self.sockets[name].subscribe(unhex(prefix))

    def do_unsubscribe(self, name, prefix):
        self.sockets[name].unsubscribe(unhex(prefix))

    def do_send(self, name, timeout, *frames):
        self.sockets[name].send_multipart([unhex(frame) for frame in frames], seconds(timeout))

    def do_send_many(self, name, timeout, *messages):
        split = [[unhex(frame) for frame in message.split(",")] for message in messages]
        return str(self.sockets[name].send_many_multipart(split, seconds(timeout)))

    def do_recv(self, name, timeout):
        return line(self.sockets[name].recv_multipart(seconds(timeout)))

    def do_recv_single(self, name, timeout):
        return tohex(self.sockets[name].recv(seconds(timeout)))

    def do_recv_text(self, name, timeout):
        return tohex(self.sockets[name].recv_text(seconds(timeout)).encode())

    def do_recv_many(self, name, timeout, maximum):
        batch = self.sockets[name].recv_many_multipart(int(maximum), seconds(timeout))
        return " ".join(line(frames, ",") for frames in batch)

    def do_cancel_recv(self, name):
        cancel = zpatterns.Cancel()
        thread = threading.Thread(target=cancel.cancel)
        thread.start()
        try:
            return tohex(self.sockets[name].recv(cancel=cancel))
        finally:
            thread.join()

    def do_stats(self, name):
        return " ".join(f"{key}={value}" for key, value in self.sockets[name].stats().items())

    def do_close(self, name, linger):
        self.sockets[name].close(seconds(linger))

    def do_monitor(self, name):
        self.monitors[name] = self.sockets[name].monitor()

    def event(self, found):
        return f"kind={found.kind} endpoint={found.endpoint} value={found.value}"

    def do_event(self, name, timeout):
        return self.event(self.monitors[name].next(seconds(timeout)))

    def do_authenticator(self):
        self.authenticator = zpatterns.Authenticator()

    def do_allow_key(self, key):
        self.authenticator.allow_key(key)

    def do_keys(self):
        keys = zpatterns.curve_keypair()
        return f"public={keys.public} secret={keys.secret}"

    def do_info(self):
        info = zpatterns.info()
        return (
            f"zpatterns={info.version} libzmq={info.libzmq} curve={str(info.curve).lower()} "
            f"transports={','.join(info.transports)} can={','.join(self.can())} "
            f"zpat={line([sys.executable.encode(), b'-m', b'zpatterns'], ',')}"
        )

    def close_all(self):
        for handle in (*self.sockets.values(), *self.buses.values()):
            handle.close(0)
        self.close_market()
        for monitor in self.monitors.values():
            monitor.close()
        if self.authenticator:
            self.authenticator.close()
        self.sockets, self.buses, self.monitors, self.authenticator = {}, {}, {}, None

    def do_reset(self):
        self.close_all()
        self.reset_reqrep()
        self.reset_yard()


class AsyncPeer(AsyncReqrep, AsyncBuses, AsyncMarket, AsyncZqueue, Peer):
    abilities = (
        *("quit", "named-options", "closed-handle", "multipart-batches", "try-send", "zpat", "withdrawn-verdict"),
        *AsyncReqrep.abilities,
    )
    Socket = aio.Socket

    async def do_send(self, name, timeout, *frames):
        socket, frames = self.sockets[name], [unhex(frame) for frame in frames]
        if timeout != "0":
            await asyncio.wait_for(socket.send_multipart(frames), seconds(timeout))
        elif not socket.try_send_multipart(frames):
            raise zpatterns.Full("there is no room")

    async def do_send_many(self, name, timeout, *messages):
        split = [[unhex(frame) for frame in message.split(",")] for message in messages]
        await asyncio.wait_for(self.sockets[name].send_many_multipart(split), seconds(timeout))
        return str(len(messages))

    async def do_recv(self, name, timeout):
        return line(await asyncio.wait_for(self.sockets[name].recv_multipart(), seconds(timeout)))

    async def do_recv_single(self, name, timeout):
        return tohex(await asyncio.wait_for(self.sockets[name].recv(), seconds(timeout)))

    async def do_recv_text(self, name, timeout):
        return tohex((await asyncio.wait_for(self.sockets[name].recv_text(), seconds(timeout))).encode())

    async def do_recv_many(self, name, timeout, maximum):
        batch = await asyncio.wait_for(self.sockets[name].recv_many_multipart(int(maximum)), seconds(timeout))
        return " ".join(line(frames, ",") for frames in batch)

    async def do_event(self, name, timeout):
        return self.event(await asyncio.wait_for(self.monitors[name].next(), seconds(timeout)))

    async def do_reset(self):
        self.close_all()
        await self.reset_reqrep()
        await self.reset_yard()

    async def do_cancel_recv(self, name):
        task = asyncio.ensure_future(self.sockets[name].recv())
        asyncio.get_running_loop().call_soon(task.cancel)
        return tohex(await task)


def failure(error):
    """The kind of an error; one that is not of zpatterns is named as Python names it, and shown."""
    if isinstance(error, zpatterns.Error):
        return error.kind
    known = {asyncio.TimeoutError: "Timeout", asyncio.CancelledError: "Cancelled"}
    if type(error) not in known:
        traceback.print_exception(error)
    return known.get(type(error), type(error).__name__)


async def main(peer):
    loop = asyncio.get_running_loop()
    while words := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        if words == ["quit"]:
            break
        try:
            outcome = peer.run(words)
            text = f"ok {(await outcome if inspect.isawaitable(outcome) else outcome) or ''}"
        except (Exception, asyncio.CancelledError) as error:
            text = f"error {failure(error)}"
        print(text, flush=True)
    print("ok", flush=True)


asyncio.run(main(AsyncPeer() if "--async" in sys.argv else Peer()))
