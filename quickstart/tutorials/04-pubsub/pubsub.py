"""A ticker with two kinds of customers, who may see different things, and one of them is slow.

    pubsub.py publish CUSTOMERS          publishes as soon as so many want to hear it
    pubsub.py gold ENDPOINT              may hear all, and is waited for
    pubsub.py basic ENDPOINT             may hear the euro, and is slow
"""

import sys
import time

from zpatterns.pubsub import Message, Missed, Publisher, Rejected, Subscriber

PAIRS = ["eur.usd", "eur.chf", "usd.jpy"]

# region: rights
RIGHTS = """
everyone
    allow = end
user
    gold
        password = "nugget"
        allow = ticks.>
    basic
        password = "pebble"
        allow = ticks.eur.*
"""
# endregion: rights


# region: publish
def publish(customers):
    with Publisher("tcp://127.0.0.1:0", entitlements=RIGHTS, linger=10) as publisher:
        print("endpoint", publisher.endpoint, flush=True)
        wait_until(lambda: publisher.counters()["subscriptions"] == 2 * customers)
        for number in range(1000):
            for pair in PAIRS:
                publisher.publish("ticks." + pair, b"%d" % number)
        wait_until(lambda: publisher.counters()["held"] == 0)
        publisher.set_rules("gold", allow=["end"])  # from now on
        publisher.publish("ticks.usd.jpy", b"nobody may hear this")
        publisher.publish("end", [])
        wait_until(lambda: publisher.counters()["held"] == 0)
        counters = publisher.counters()
    lost = sum(count for name, count in counters.items() if name.startswith("lost_"))
    balance = counters["accepted"] == counters["delivered"] + lost
    print(counters["published"] - 1, "ticks, and", "each was delivered or is told as missed" if balance else counters)


def wait_until(condition):
    while not condition():
        time.sleep(0.01)
# endregion: publish


# region: gold
def gold(endpoint):
    with Subscriber(endpoint, user="gold", password="nugget") as subscriber:
        ticks = subscriber.subscribe("ticks.>", slow="hold", max_messages=100)
        end = subscriber.subscribe("end")
        pairs, count, missed, ended, revoked = set(), 0, 0, False, False
        while not (ended and revoked):
            match subscriber.recv():
                case Message(subscription, subject=subject):
                    if subscription == end:
                        ended = True
                    else:
                        pairs.add(subject)
                        count += 1
                case Missed():
                    missed += 1
                case Rejected(subscription):
                    revoked = subscription == ticks
    print(count, "ticks of", len(pairs), "pairs,", some(missed), "missed")
    print("then its right was taken back")
# endregion: gold


# region: basic
def basic(endpoint):
    with Subscriber(endpoint, user="basic", password="pebble", max_messages=10) as subscriber:
        subscriber.subscribe("ticks.>", slow="drop", max_messages=10)
        end = subscriber.subscribe("end")
        pairs, count, missed, ended = set(), 0, 0, False
        while not ended or count + missed < 2000:
            match subscriber.recv():
                case Message(subscription, subject=subject):
                    if subscription == end:
                        ended = True
                    else:
                        pairs.add(subject)
                        count += 1
                        time.sleep(0.005)  # much slower than the ticker
                case Missed(count=lost):
                    missed += lost
    print("ticks of", len(pairs), "pairs,", some(missed), "missed")
    print("heard and missed are", count + missed, "together")
# endregion: basic


def some(count):
    return "some were" if count else "none was"


match sys.argv[1:]:
    case ["publish", customers]:
        publish(int(customers))
    case ["gold", endpoint]:
        gold(endpoint)
    case ["basic", endpoint]:
        basic(endpoint)
    case _:
        sys.exit(__doc__)
