"""The roles of request-reply as users of other libraries play them, each in its recommended idiom."""

import asyncio

SERVICE = "echo"


def say(line):
    print(line, flush=True)


def nats_worker(endpoint, load):
    import nats

    async def main():
        connection = await nats.connect(f"nats://{endpoint}")

        async def answer(message):
            await message.respond(message.data)

        await connection.subscribe(SERVICE, cb=answer)
        await connection.flush()
        say("ready")
        await asyncio.Event().wait()

    asyncio.run(main())


def nats_client(endpoint, load):
    import nats

    async def main():
        connection = await nats.connect(f"nats://{endpoint}")

        async def ask(body):
            return (await connection.request(SERVICE, body, timeout=30)).data

        await load.tasks(ask)
        await connection.close()

    asyncio.run(main())


def nng_server(endpoint, load):
    import pynng

    with pynng.Rep0() as socket:
        listener = socket.listen(endpoint)
        say(f"endpoint tcp://{listener.local_address}")
        while True:
            socket.send(socket.recv())


def nng_client(endpoint, load):
    import pynng

    with pynng.Req0() as socket:
        socket.dial(endpoint, block=True)
        if load.window == 1:

            def exchange(body):
                socket.send(body)
                return socket.recv()

            load.one_by_one(exchange)
            return

        async def main():
            idle = [socket.new_context() for _ in range(load.window)]

            async def ask(body):
                context = idle.pop()
                await context.asend(body)
                answer = await context.arecv()
                idle.append(context)
                return answer

            await load.tasks(ask)

        asyncio.run(main())


def majordomo_broker(endpoint, load):
    import majordomo
    import zmq

    broker = majordomo.Broker(zmq.Context.instance(), endpoint)
    say(f"endpoint {broker.endpoint}")
    broker.serve()


def majordomo_worker(endpoint, load):
    import majordomo
    import zmq

    worker = majordomo.Worker(zmq.Context.instance(), endpoint, SERVICE.encode())
    say("ready")
    while True:
        worker.reply(*worker.next())


def majordomo_client(endpoint, load):
    import majordomo
    import zmq

    client, service = majordomo.Client(zmq.Context.instance(), endpoint), SERVICE.encode()
    if load.window == 1:

        def exchange(body):
            client.send(service, body)
            return client.recv()[0]

        load.one_by_one(exchange)
        return
    for count, _ in load.phases():
        first = load.asked
        for answered in range(count):
            while load.asked < first + min(count, answered + load.window):
                client.send(service, load.request()[1])
            load.check(first + answered + 1, client.recv()[0])
