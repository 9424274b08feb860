"""Greetings through a broker: a worker is killed, the broker is killed, and no question is lost.

    reqrep.py broker [STORE]                     prints its endpoint, for the others
    reqrep.py work ENDPOINT [--dies-after N]     greets; is killed with the question after the Nth at hand
    reqrep.py ask ENDPOINT                       asks once, then 200 times at once; then the others go home
    reqrep.py leave ENDPOINT                     leaves a question in the broker's STORE
    reqrep.py fetch ENDPOINT                     fetches the answer to it; then the others go home
"""

import signal
import sys

from zpatterns.reqrep import Broker, Client, Worker

WAIT = 120  # seconds, for an answer


# region: broker
def broker(store=None):
    with (
        # 0.75 s of silence is death.
        Broker("tcp://127.0.0.1:0", heartbeat_interval=0.25, heartbeat_limit=3, store=store) as broker,
        Worker("end", connect=broker.endpoints) as end,
    ):
        print("endpoint", *broker.endpoints, flush=True)
        end.next().reply()  # somebody asks for the end
        broker.drain()
        counters = broker.counters()
    lost = sum(count for name, count in counters.items() if name.startswith("lost_"))
    print("some were" if counters["redelivered"] else "none was", "given to another worker")
    print("some were" if lost else "none was", "lost")
# endregion: broker


# region: work
def work(endpoint, dies_after=None):
    with Worker("greet", connect=endpoint, credit=10) as worker:  # so many questions may be at hand
        for greeted, job in enumerate(worker):
            if greeted == dies_after:
                print("killed, with questions at hand", flush=True)
                signal.raise_signal(signal.SIGKILL)
            [name] = job.body
            job.reply(b"Hello, " + name + b"!")
            if name == b"end":
                worker.leave()  # takes no more questions, and finishes what it has
    print("sent home")
# endregion: work


# region: ask
def ask(client):
    [greeting] = client.request("greet", b"World", deadline=WAIT)
    print(greeting.decode())
    names = [b"%d" % number for number in range(1, 201)]
    tickets = [client.submit("greet", name, deadline=WAIT) for name in names]  # all, before one is answered
    answers = [client.wait(ticket) for ticket in tickets]
    answered = sum(answer == [b"Hello, " + name + b"!"] for name, answer in zip(names, answers))
    print(f"{len(names)} asked, {answered} answered")
    send_home(client)


def send_home(client):
    client.request("greet", b"end", deadline=WAIT)
    client.request("end", deadline=WAIT)
# endregion: ask


# region: durable
def leave(client):
    client.store("greet", b"Ada", key="later", deadline=WAIT)
    print("the question is on the broker's disk")


def fetch(client):
    [greeting] = client.fetch("greet", "later", patience=WAIT)
    print(greeting.decode())
    send_home(client)
# endregion: durable


match sys.argv[1:]:
    case ["broker", *store]:
        broker(*store)
    case ["work", endpoint]:
        work(endpoint)
    case ["work", endpoint, "--dies-after", times]:
        work(endpoint, int(times))
    case [("ask" | "leave" | "fetch") as role, endpoint]:
        with Client(endpoint) as client:
            {"ask": ask, "leave": leave, "fetch": fetch}[role](client)
    case _:
        sys.exit(__doc__)
