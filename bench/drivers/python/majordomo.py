"""Majordomo on pyzmq, as the Guide teaches it: specification 7/MDP 0.1, a broker, a worker and a client.

It is what a user of the Guide has: blocking calls, one request at a time in each worker, heartbeats both ways, workers that
go when they are silent for too long. Nothing is persistent and nothing is given to a second worker.
"""

import time
from collections import OrderedDict, deque

import zmq

CLIENT, WORKER = b"MDPC01", b"MDPW01"
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = (bytes([command]) for command in range(1, 6))
INTERVAL = 2.5  # Seconds between heartbeats.
LIVENESS = 3  # Silent intervals after which the other side is gone.


class Service:
    """What waits for each other under one name."""

    def __init__(self):
        self.requests = deque()
        self.idle = OrderedDict()  # Addresses of workers, who waits longest first.


class Broker:
    """Takes requests and gives each to the worker that waits longest; both connect to one ROUTER."""

    def __init__(self, context, endpoint):
        self.socket = context.socket(zmq.ROUTER)
        self.socket.bind(endpoint)
        self.endpoint = self.socket.last_endpoint.decode()
        self.services = {}
        self.workers = {}  # By address: the service, and when it counts as gone.
        self.next_beat = time.monotonic() + INTERVAL

    def serve(self):
        while True:
            if self.socket.poll(max(0, self.next_beat - time.monotonic()) * 1000):
                sender, _, header, *rest = self.socket.recv_multipart()
                if header == CLIENT:
                    self.from_client(sender, *rest)
                elif header == WORKER:
                    self.from_worker(sender, *rest)
            if time.monotonic() >= self.next_beat:
                self.beat()

    def from_client(self, client, name, *body):
        self.service(name).requests.append((client, body))
        self.dispatch(name)

    def from_worker(self, address, command, *rest):
        known = self.workers.get(address)
        if command == READY and known is None:
            self.wait(address, rest[0])
        elif known is None or command == READY:
            self.to_worker(address, DISCONNECT)
            self.remove(address)
        elif command == REPLY:
            client, _, *body = rest
            self.socket.send_multipart([client, b"", CLIENT, known[0], *body])
            self.wait(address, known[0])
        elif command == HEARTBEAT:
            self.workers[address] = known[0], time.monotonic() + INTERVAL * LIVENESS
        elif command == DISCONNECT:
            self.remove(address)

    def service(self, name):
        if name not in self.services:
            self.services[name] = Service()
        return self.services[name]

    def wait(self, address, name):
        self.workers[address] = name, time.monotonic() + INTERVAL * LIVENESS
        self.service(name).idle[address] = None
        self.dispatch(name)

    def dispatch(self, name):
        service = self.services[name]
        while service.requests and service.idle:
            address, _ = service.idle.popitem(last=False)
            client, body = service.requests.popleft()
            self.to_worker(address, REQUEST, client, b"", *body)

    def to_worker(self, address, *frames):
        self.socket.send_multipart([address, b"", WORKER, *frames])

    def remove(self, address):
        name, _ = self.workers.pop(address, (None, None))
        if name is not None:
            self.services[name].idle.pop(address, None)

    def beat(self):
        now = time.monotonic()
        self.next_beat = now + INTERVAL
        for address in [address for address, (_, expiry) in self.workers.items() if expiry <= now]:
            self.remove(address)
        for service in self.services.values():
            for address in service.idle:
                self.to_worker(address, HEARTBEAT)


class Worker:
    """Gives requests one by one; the reply to one asks for the next."""

    def __init__(self, context, endpoint, service):
        self.context, self.endpoint, self.service = context, endpoint, service
        self.socket = None
        self.connect()

    def connect(self):
        if self.socket is not None:
            self.socket.close(linger=0)
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.connect(self.endpoint)
        self.liveness, self.next_beat = LIVENESS, time.monotonic() + INTERVAL
        self.send(READY, self.service)

    def send(self, *frames):
        self.socket.send_multipart([b"", WORKER, *frames])

    def next(self):
        """The next request: who asks, and the body."""
        while True:
            if self.socket.poll(INTERVAL * 1000):
                _, _, command, *rest = self.socket.recv_multipart()
                self.liveness = LIVENESS
                if command == REQUEST:
                    return rest[0], rest[2:]
                if command == DISCONNECT:
                    self.connect()
            else:
                self.liveness -= 1
                if self.liveness == 0:
                    self.connect()
            if time.monotonic() >= self.next_beat:
                self.send(HEARTBEAT)
                self.next_beat = time.monotonic() + INTERVAL

    def reply(self, client, body):
        self.send(REPLY, client, b"", *body)


class Client:
    """Asks; any number of requests may be open, and answers come as they are done."""

    def __init__(self, context, endpoint):
        self.socket = context.socket(zmq.DEALER)
        self.socket.connect(endpoint)

    def send(self, service, *body):
        self.socket.send_multipart([b"", CLIENT, service, *body])

    def recv(self):
        """The body of the next answer."""
        _, _, _, *body = self.socket.recv_multipart()
        return body
