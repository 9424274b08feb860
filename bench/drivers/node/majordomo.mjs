// Majordomo on zeromq.js, as the Guide teaches it: specification 7/MDP 0.1, a broker, a worker and a client.
//
// It is what a user of the Guide has: one request at a time in each worker, heartbeats both ways, workers that go when they
// are silent for too long. Nothing is persistent and nothing is given to a second worker.
import { Dealer, Router } from 'zeromq';

const CLIENT = 'MDPC01';
const WORKER = 'MDPW01';
const READY = 1;
const REQUEST = 2;
const REPLY = 3;
const HEARTBEAT = 4;
const DISCONNECT = 5;
const INTERVAL = 2500; // ms between heartbeats
const LIVENESS = 3; // silent intervals after which the other side is gone

/** zeromq.js refuses to begin a send while another is under way, so what is sent goes through here. */
class Outgoing {
  #messages = [];
  #busy = false;

  constructor(socket) {
    this.socket = socket;
  }

  async send(...frames) {
    this.#messages.push(frames);
    if (this.#busy) return;
    this.#busy = true;
    for (let at = 0; at < this.#messages.length; at++) await this.socket.send(this.#messages[at]);
    this.#messages = [];
    this.#busy = false;
  }
}

/** Takes requests and gives each to the worker that waits longest; both connect to one ROUTER. */
export class Broker {
  #socket = new Router({ linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  #out = new Outgoing(this.#socket);
  /** By name: requests, and the workers that wait, who waits longest first. */
  #services = new Map();
  /** By address: the name of the service, and when it counts as gone. */
  #workers = new Map();

  async bind(endpoint) {
    await this.#socket.bind(endpoint);
    return this.#socket.lastEndpoint;
  }

  async serve() {
    setInterval(() => this.#beat(), INTERVAL);
    for await (const [sender, , header, ...rest] of this.#socket) {
      if (String(header) === CLIENT) this.#fromClient(sender, ...rest);
      else if (String(header) === WORKER) this.#fromWorker(sender, ...rest);
    }
  }

  #fromClient(client, name, ...body) {
    this.#service(String(name)).requests.push({ client, body });
    this.#dispatch(String(name));
  }

  #fromWorker(sender, [command], ...rest) {
    const address = sender.toString('hex');
    const worker = this.#workers.get(address);
    if (command === READY && !worker) {
      this.#wait(address, { sender, name: String(rest[0]) });
    } else if (!worker || command === READY) {
      this.#toWorker(sender, DISCONNECT);
      this.#remove(address);
    } else if (command === REPLY) {
      const [client, , ...body] = rest;
      this.#out.send(client, '', CLIENT, worker.name, ...body);
      this.#wait(address, worker);
    } else if (command === HEARTBEAT) {
      worker.expiry = performance.now() + INTERVAL * LIVENESS;
    } else if (command === DISCONNECT) {
      this.#remove(address);
    }
  }

  #service(name) {
    let service = this.#services.get(name);
    if (!service) this.#services.set(name, (service = { requests: [], first: 0, idle: new Map() }));
    return service;
  }

  #wait(address, worker) {
    worker.expiry = performance.now() + INTERVAL * LIVENESS;
    this.#workers.set(address, worker);
    this.#service(worker.name).idle.set(address, worker);
    this.#dispatch(worker.name);
  }

  #dispatch(name) {
    const service = this.#services.get(name);
    while (service.first < service.requests.length && service.idle.size > 0) {
      const [address, worker] = service.idle.entries().next().value;
      service.idle.delete(address);
      const { client, body } = service.requests[service.first++];
      this.#toWorker(worker.sender, REQUEST, client, '', ...body);
    }
    // Taking from the front of a long array costs its length, so that is done once for many.
    if (service.first > 1000 || service.first === service.requests.length) {
      service.requests.splice(0, service.first);
      service.first = 0;
    }
  }

  #toWorker(sender, command, ...frames) {
    this.#out.send(sender, '', WORKER, Buffer.of(command), ...frames);
  }

  #remove(address) {
    const worker = this.#workers.get(address);
    if (worker) this.#service(worker.name).idle.delete(address);
    this.#workers.delete(address);
  }

  #beat() {
    const now = performance.now();
    for (const [address, worker] of this.#workers) if (worker.expiry <= now) this.#remove(address);
    for (const { idle } of this.#services.values()) for (const { sender } of idle.values()) this.#toWorker(sender, HEARTBEAT);
  }
}

/** Gives requests one by one; the reply to one asks for the next. */
export class Worker {
  #endpoint;
  #service;
  #socket;
  #out;
  #liveness = LIVENESS;

  constructor(endpoint, service) {
    this.#endpoint = endpoint;
    this.#service = service;
    this.#connect();
    setInterval(() => this.#beat(), INTERVAL);
  }

  /** Answers each request with what `answer(body)` gives. */
  async serve(answer) {
    for (;;) {
      for await (const [, , command, client, , ...body] of this.#socket) {
        this.#liveness = LIVENESS;
        if (command[0] === REQUEST) await this.#send(REPLY, client, '', ...answer(body));
        else if (command[0] === DISCONNECT) this.#connect();
      }
    }
  }

  #connect() {
    this.#socket?.close();
    this.#socket = new Dealer({ linger: 0 });
    this.#socket.connect(this.#endpoint);
    this.#out = new Outgoing(this.#socket);
    this.#liveness = LIVENESS;
    this.#send(READY, this.#service);
  }

  #send(command, ...frames) {
    return this.#out.send('', WORKER, Buffer.of(command), ...frames);
  }

  #beat() {
    if (--this.#liveness === 0) this.#connect();
    else this.#send(HEARTBEAT);
  }
}

/** Asks; any number of requests may be open, and answers come as they are done. */
export class Client {
  #socket = new Dealer({ linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  #out = new Outgoing(this.#socket);

  constructor(endpoint) {
    this.#socket.connect(endpoint);
  }

  send(service, ...body) {
    return this.#out.send('', CLIENT, service, ...body);
  }

  /** The body of the next answer. */
  async receive() {
    const [, , , ...body] = await this.#socket.receive();
    return body;
  }

  close() {
    this.#socket.close();
  }
}
