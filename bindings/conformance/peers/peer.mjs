// The conformance peer in JavaScript: does what it reads, one command per line; the line protocol is in ../README.md.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  Authenticator, Broker, Client, RequestFailed, Socket, Worker, ZpatternsError, curveKeyPair, info,
} from 'zpatterns';
import * as buses from './bus.mjs';
import * as stage from './pubsub.mjs';
import { atMost, flat, hex, list, named, option, snake, split, text, unhex, within } from './words.mjs';
import * as yard from './zqueue.mjs';

const sockets = new Map();
const monitors = new Map();
let authenticator;

/** Clients, workers and brokers; jobs; what was asked; and the answers to `ask-many`. */
const parties = new Map();
const jobs = new Map();
const asked = new Map();
const many = { equal: 0, others: 0, changed: () => {} };
let run = 0;

/** The same for a party: a balance is spelt as Node spells it. */
function settings(words) {
  const [options] = split(words);
  if (options.balance !== undefined) options.balance = options.balance.replaceAll('_', '-');
  return options;
}

/** How a request ended. */
async function outcome(answer, shown = (body) => `outcome=reply body=${list(body)}`) {
  try {
    return shown(await answer);
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    if (error.code === 'JobFailed') return `outcome=error code=${error.workerCode} body=${list(error.body)}`;
    return `outcome=failed kind=${error.code} may_have_run=${error.mayHaveRun}`;
  }
}

const stored = () => 'outcome=accepted';

async function askOne(client, service, body, options) {
  const answer = await outcome(client.request(service, body, options)).catch((error) => error.code);
  many[answer === `outcome=reply body=${list(body)}` ? 'equal' : 'others']++;
  many.changed();
}

/** Answers so many jobs with their questions; below 0, all. */
async function serve(worker, count) {
  try {
    for (let left = count; left !== 0; left--) {
      const job = await worker.next();
      job.reply(job.body);
    }
  } catch (error) {
    if (error.code !== 'Closed') throw error;
  }
}

/** How `zpat` of the package is started. */
function zpat() {
  const folder = dirname(dirname(createRequire(import.meta.url).resolve('zpatterns')));
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [process.execPath, join(folder, bin.zpat)];
}

const socket = (name) => named(name, sockets);

const commands = {
  open: (name, kind, ...options) => {
    sockets.set(name, new Socket(kind, Object.fromEntries(options.map(option))));
  },
  bind: (name, endpoint) => socket(name).bind(endpoint),
  connect: (name, endpoint) => socket(name).connect(endpoint),
  unbind: (name, endpoint) => socket(name).unbind(endpoint),
  disconnect: (name, endpoint) => socket(name).disconnect(endpoint),
  subscribe: (name, prefix) => socket(name).subscribe(unhex(prefix)),
  unsubscribe: (name, prefix) => socket(name).unsubscribe(unhex(prefix)),
  send: (name, timeout, ...frames) => socket(name).send(frames.map(unhex), within(timeout)),
  'send-many': async (name, timeout, ...messages) => {
    await socket(name).sendMany(messages.map((message) => message.split(',').map(unhex)), within(timeout));
    return messages.length;
  },
  recv: async (name, timeout) => (await socket(name).receiveMultipart(within(timeout))).map(hex).join(' '),
  'recv-single': async (name, timeout) => hex(await socket(name).receive(within(timeout))),
  'recv-text': async (name, timeout) => hex(Buffer.from(await socket(name).receiveText(within(timeout)))),
  'recv-many': async (name, timeout, max) => {
    const batch = await socket(name).receiveManyMultipart({ ...within(timeout), max: Number(max) });
    return batch.map((frames) => frames.map(hex).join(',')).join(' ');
  },
  'cancel-recv': async (name) => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    return hex(await socket(name).receive({ signal: controller.signal }));
  },
  stats: (name) => Object.entries(socket(name).stats()).map(([key, value]) => `${snake(key)}=${value}`).join(' '),
  close: (name, linger) => socket(name).close(linger < 0 ? {} : { linger: Number(linger) }),
  monitor: (name) => {
    monitors.set(name, socket(name).monitor());
  },
  event: async (name, timeout) => {
    const { kind, endpoint, value } = await named(name, monitors).next(within(timeout));
    return `kind=${kind} endpoint=${endpoint} value=${value}`;
  },
  authenticator: () => {
    authenticator = new Authenticator();
  },
  'allow-key': (key) => authenticator.allowKey(key),
  keys: () => {
    const { publicKey, secretKey } = curveKeyPair();
    return `public=${publicKey} secret=${secretKey}`;
  },
  broker: (name, endpoints, ...words) => {
    const broker = new Broker(endpoints.split(','), settings(words));
    parties.set(name, broker);
    return broker.endpoints.join(',');
  },
  worker: (name, service, endpoints, ...words) => {
    parties.set(name, new Worker(endpoints.split(','), text(service), settings(words)));
  },
  server: (name, service, endpoint, ...words) => {
    const worker = Worker.bind(endpoint, text(service), settings(words));
    parties.set(name, worker);
    return worker.endpoint;
  },
  client: (name, endpoints, ...words) => {
    parties.set(name, new Client(endpoints.split(','), settings(words)));
  },
  request: (name, service, ...words) => {
    const [options, body] = split(words);
    return outcome(named(name, parties).request(text(service), body, options));
  },
  ask: (name, request, service, ...words) => {
    const [options, body] = split(words);
    const back = new AbortController();
    const answer = outcome(named(name, parties).request(text(service), body, { ...options, signal: back.signal }));
    answer.catch(() => {}); // Whoever asks for the answer is told.
    asked.set(request, { answer, back });
  },
  answer: (_, request, timeout) => atMost(timeout, named(request, asked).answer),
  'take-back': (_, request) => named(request, asked).back.abort(),
  stream: (name, request, service, ...words) => {
    const [options, body] = split(words);
    asked.set(request, named(name, parties).stream(text(service), body, options));
  },
  part: (_, request, timeout) =>
    outcome(atMost(timeout, named(request, asked).next()), ({ done, value }) => {
      if (done) throw new ZpatternsError('NotFound', 'the answer is complete');
      run = value.run;
      return `run=${run} body=${list(value.body)}`;
    }),
  store: (name, service, ...words) => {
    const [options, body] = split(words);
    return outcome(named(name, parties).store(text(service), body, options), stored);
  },
  fetch: (name, service, key, patience) =>
    outcome(named(name, parties).fetch(text(service), unhex(key), { patience: Number(patience) })),
  discard: (name, service, key, patience) =>
    outcome(named(name, parties).discard(text(service), unhex(key), { patience: Number(patience) }), stored),
  'ask-many': (name, service, count, ...words) => {
    const [client, options] = [named(name, parties), split(words)[0]];
    for (let number = 0; number < count; number++) {
      askOne(client, text(service), [Buffer.from(`${number}`)], { ...options, key: `${number}` });
    }
  },
  answers: async (_, count, timeout) => {
    const enough = async () => {
      while (many.equal + many.others < count) await new Promise((changed) => Object.assign(many, { changed }));
    };
    await atMost(timeout, enough());
    const equal = Math.min(many.equal, count);
    const others = count - equal;
    many.equal -= equal;
    many.others -= others;
    return `equal=${equal} others=${others}`;
  },
  job: async (name, job, timeout) => {
    const taken = await named(name, parties).next(within(timeout));
    jobs.set(job, taken);
    return `service=${hex(Buffer.from(taken.service))} key=${hex(taken.key)} body=${list(taken.body)}`;
  },
  'job-partial': (job, ...frames) => named(job, jobs).sendPartial(frames.map(unhex)),
  'job-reply': (job, ...frames) => named(job, jobs).reply(frames.map(unhex)),
  'job-fail': (job, code, ...frames) => named(job, jobs).fail(Number(code), ...frames.map(unhex)),
  'job-drop': (job) => named(job, jobs)[Symbol.dispose](),
  'job-cancelled': async (job, timeout) => {
    const { signal } = named(job, jobs);
    if (!signal.aborted) await atMost(timeout, once(signal, 'abort'));
  },
  serve: (name, count) => {
    serve(named(name, parties), Number(count));
  },
  leave: (name) => named(name, parties).leave(),
  drain: (name, timeout) => named(name, parties).drain(within(timeout)),
  workers: (name) => named(name, parties).workers(),
  news: async (name, timeout) => {
    const none = { service: '', worker: 0, requests: 0, left: false, reason: '-', missed: 0 };
    const { service, reason, ...told } = { ...none, ...(await named(name, parties).next(within(timeout))) };
    return flat({ ...told, service: hex(Buffer.from(service)), reason: snake(reason) });
  },
  counters: (name) => flat(named(name, parties).counters()),
  end: (name) => named(name, parties).close(),
  ...buses.commands,
  ...stage.commands,
  ...yard.commands,
  info: () => {
    const { version, libzmq, curve, transports } = info();
    const can = [
      ...Object.keys(commands), 'quit', 'try-send', 'named-options', 'closed-handle', 'multipart-batches',
      'cancel-verdict', 'answered-job', 'zpat',
    ];
    const starts = list(zpat().map((word) => Buffer.from(word)));
    return `zpatterns=${version} libzmq=${libzmq} curve=${curve} transports=${transports} can=${can} zpat=${starts}`;
  },
  reset: async () => {
    const open = [...sockets.values()];
    sockets.clear();
    for (const monitor of monitors.values()) monitor.close();
    monitors.clear();
    authenticator?.close();
    authenticator = undefined;
    for (const party of parties.values()) party.close();
    for (const map of [parties, jobs, asked]) map.clear();
    await buses.reset();
    await stage.reset();
    await yard.reset();
    // What a scenario leaves unsent may be lost, and close says so.
    await Promise.allSettled(open.map((socket) => socket.close({ linger: 0 })));
    Object.assign(many, { equal: 0, others: 0 });
  },
};

async function answer(name, words) {
  try {
    if (!Object.hasOwn(commands, name)) return 'error Unsupported';
    return `ok ${(await commands[name](...words)) ?? ''}`;
  } catch (error) {
    if (!(error instanceof ZpatternsError)) console.error(error);
    return `error ${error.code ?? error.name}`;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...words] = line.split(' ');
  if (name === 'quit') break;
  console.log(await answer(name, words));
}
console.log('ok');
process.stdin.destroy();
