// The conformance peer in JavaScript: does what it reads, one command per line; the line protocol is in ../README.md.
import { createInterface } from 'node:readline';
import { Authenticator, Socket, ZpatternsError, curveKeyPair, info } from 'zpatterns';

const sockets = new Map();
const monitors = new Map();
let authenticator;

const unhex = (word) => (word === '-' ? Buffer.alloc(0) : Buffer.from(word, 'hex'));
const hex = (data) => data.toString('hex') || '-';
const within = (millis) => (millis < 0 ? {} : { timeout: Number(millis) });
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `5`, `true` or `hex:00ff`, as a program would write it: bytes are a routing id, everything else is text. */
function option(word) {
  const [name, value] = word.split(/=(.*)/s);
  if (value.startsWith('hex:')) {
    const bytes = unhex(value.slice(4));
    return [camel(name), name === 'routing_id' ? bytes : bytes.toString()];
  }
  return [camel(name), JSON.parse(value)];
}

function named(name, handles = sockets) {
  const handle = handles.get(name);
  if (handle === undefined) throw new ZpatternsError('InvalidArgument', 'no handle has this name');
  return handle;
}

const commands = {
  open: (name, kind, ...options) => {
    sockets.set(name, new Socket(kind, Object.fromEntries(options.map(option))));
  },
  bind: (name, endpoint) => named(name).bind(endpoint),
  connect: (name, endpoint) => named(name).connect(endpoint),
  unbind: (name, endpoint) => named(name).unbind(endpoint),
  disconnect: (name, endpoint) => named(name).disconnect(endpoint),
  subscribe: (name, prefix) => named(name).subscribe(unhex(prefix)),
  unsubscribe: (name, prefix) => named(name).unsubscribe(unhex(prefix)),
  send: (name, timeout, ...frames) => named(name).send(frames.map(unhex), within(timeout)),
  'send-many': async (name, timeout, ...messages) => {
    await named(name).sendMany(messages.map((message) => message.split(',').map(unhex)), within(timeout));
    return messages.length;
  },
  recv: async (name, timeout) => (await named(name).receiveMultipart(within(timeout))).map(hex).join(' '),
  'recv-single': async (name, timeout) => hex(await named(name).receive(within(timeout))),
  'recv-text': async (name, timeout) => hex(Buffer.from(await named(name).receiveText(within(timeout)))),
  'recv-many': async (name, timeout, max) => {
    const batch = await named(name).receiveManyMultipart({ ...within(timeout), max: Number(max) });
    return batch.map((frames) => frames.map(hex).join(',')).join(' ');
  },
  'cancel-recv': async (name) => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    return hex(await named(name).receive({ signal: controller.signal }));
  },
  stats: (name) => Object.entries(named(name).stats()).map(([key, value]) => `${snake(key)}=${value}`).join(' '),
  close: (name, linger) => named(name).close(linger < 0 ? {} : { linger: Number(linger) }),
  monitor: (name) => {
    monitors.set(name, named(name).monitor());
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
  info: () => {
    const { version, libzmq, curve, transports } = info();
    const can = [...Object.keys(commands), 'quit', 'try-send', 'named-options', 'closed-handle', 'multipart-batches'];
    return `zpatterns=${version} libzmq=${libzmq} curve=${curve} transports=${transports} can=${can}`;
  },
  reset: async () => {
    const open = [...sockets.values()];
    sockets.clear();
    for (const monitor of monitors.values()) monitor.close();
    monitors.clear();
    authenticator?.close();
    authenticator = undefined;
    // What a scenario leaves unsent may be lost, and close says so.
    await Promise.allSettled(open.map((socket) => socket.close({ linger: 0 })));
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
