"""Numbers for everybody at once: a fifth is lost, everybody is deaf for a while, nothing is missing in silence.

    bus.py say ENDPOINT LISTENERS     says numbers as soon as so many listen
    bus.py listen ENDPOINT            listens
"""

import sys
import time

from zpatterns.bus import Bus, Message, Missed

BODY = bytes(1000)  # so hardly two numbers share a datagram


# region: say
def say(endpoint, listeners):
    with Bus(endpoint, subscribe=b"done") as bus:
        print("endpoint", endpoint, flush=True)
        wait_for(bus, listeners)  # everybody is here
        say_numbers(bus, 1, 100)
        bus.send([b"lose", b"0.2"])
        wait_for(bus, listeners)
        say_numbers(bus, 101, 1100)
        bus.send([b"lose", b"0"])
        wait_for(bus, listeners)
        say_numbers(bus, 1101, 1200)
        bus.send(b"end")
        wait_for(bus, listeners)
    print("everybody heard the end")


def say_numbers(bus, first, last):
    for number in range(first, last + 1):
        bus.send([b"number", b"%d" % number, BODY])


def wait_for(bus, answers):
    while answers > 0:
        answers -= isinstance(bus.recv(), Message)
# endregion: say


# region: outage
def say_on(endpoint, listeners):
    with Bus(endpoint, subscribe=b"done", window=20_000) as bus:  # it remembers 20 numbers
        bus.send([b"deaf", b"100"])
        wait_for(bus, listeners)
        number = answers = 0
        while answers < listeners:  # until everybody hears again
            number += 1
            say_numbers(bus, number, number)
            time.sleep(0.001)
            answers += sum(isinstance(event, Message) for event in bus.drain())
        bus.send(b"end")
        wait_for(bus, listeners)
    print("everybody hears again")
# endregion: outage


# region: listen
def listen(endpoint):
    with Bus(endpoint, subscribe=b"") as bus:
        bus.send(b"done")  # it is here
        count, missed, wrong = follow(bus)
        print(f"{count} numbers, {some(wrong)} out of order")
        print(f"{some(bus.counters()['received_repaired'])} lost and repeated, {some(missed)} missed")
        _, missed, wrong = follow(bus)
        print(f"deaf for a while: {some(missed)} missed, {some(wrong)} out of order")


def follow(bus):
    """Up to the end: how many numbers, how often some were missed, and how often they did not go on as they should."""
    count = missed = wrong = 0
    due, told = 1, False
    for event in bus:
        match event:
            case Message(_, [b"number", number, body]):
                wrong += (int(number) != due and not told) or body != BODY
                count, due, told = count + 1, int(number) + 1, False
            case Missed():
                missed, told = missed + 1, True
            case Message(_, [b"lose", fraction]):
                bus.inject_loss(float(fraction))
                bus.send(b"done")
            case Message(_, [b"deaf", datagrams]):
                be_deaf(bus, int(datagrams))
            case Message(_, [b"end"]):
                bus.send(b"done")
                return count, missed, wrong
# endregion: listen


# region: deaf
def be_deaf(bus, datagrams):
    end = bus.counters()["injected"] + datagrams
    bus.inject_loss(1)
    bus.send(b"done")
    while bus.counters()["injected"] < end:  # so much has passed by unheard
        time.sleep(0.01)
    bus.inject_loss(0)
    bus.send(b"done")
# endregion: deaf


def some(count):
    return "some were" if count else "none was"


match sys.argv[1:]:
    case ["say", endpoint, listeners]:
        say(endpoint, int(listeners))
        say_on(endpoint, int(listeners))
    case ["listen", endpoint]:
        listen(endpoint)
    case _:
        sys.exit(__doc__)
