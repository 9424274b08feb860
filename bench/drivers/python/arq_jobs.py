"""The roles of a job queue as users of arq play them. The queue is a Redis, which whoever runs this starts.

arq has no call for many jobs, so many tasks enqueue one by one. rq is the other queue of many users: it forks for every job.
"""

import asyncio

from peers import say

TASKS = 50  # That enqueue at once.
POLL_S = 0.005


def settings(endpoint):
    from arq.connections import RedisSettings

    host, port = endpoint.split(":")
    return RedisSettings(host=host, port=int(port))


async def do(context, body):
    """The job: nothing is to be done."""


def worker(endpoint, load):
    from arq.worker import Worker

    async def ready(context):
        say("ready")

    asyncio.set_event_loop(asyncio.new_event_loop())
    # Nobody asks for what a job came to. By default it takes a hundred jobs twice a second, and no more.
    options = {"keep_result": 0, "poll_delay": 0.01}
    Worker([do], redis_settings=settings(endpoint), on_startup=ready, **options).run()


def flat(endpoint, load):
    from arq.connections import create_pool
    from arq.constants import default_queue_name

    async def main():
        pool = await create_pool(settings(endpoint))
        body = load.body(0)

        async def push(left):
            for _ in left:
                await pool.enqueue_job("do", body)

        for count, _ in load.phases(load.count):
            left = iter(range(count))
            await asyncio.gather(*(push(left) for _ in range(TASKS)))
            # A job stays in the queue until it is done.
            while await pool.zcard(default_queue_name):
                await asyncio.sleep(POLL_S)
        await pool.aclose()

    asyncio.run(main())
