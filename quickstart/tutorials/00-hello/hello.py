"""Says hello to itself, and the README shows how."""

# region: hello
import asyncio

from zpatterns import aio


async def main():
    async with aio.Socket("pull") as pull, aio.Socket("push") as push:
        push.connect(pull.bind("tcp://127.0.0.1:0"))
        await push.send_text("hello")
        async for message in pull:
            print(message.decode())
            break


asyncio.run(asyncio.wait_for(main(), timeout=5))
# endregion: hello
