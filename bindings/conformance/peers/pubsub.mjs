// Custom publish-subscribe in the peer.
import { Publisher, Subscriber, ZpatternsError } from 'zpatterns';
import { flat, hex, list, named, split, text, unhex, within } from './words.mjs';

const publishers = new Map();
const subscribers = new Map();

const publisher = (name) => named(name, publishers);
const subscriber = (name) => named(name, subscribers);

/** The frames of a message: its number, and bytes of a size that follows from it. */
const numbered = (number) => [Buffer.from(`${number}`), Buffer.alloc((number * 7919) % 4000, number % 256)];

/** The number of a message, if it is as it should be. */
function numberOf(frames) {
  const number = Number(frames[0]);
  const right = Number.isSafeInteger(number) && number >= 0 ? numbered(number) : [];
  return list(frames) === list(right) ? number : undefined;
}

/** What is left of the time until `end`. */
const until = (end) => ({ timeout: Math.max(end - performance.now(), 0) });

/** The options of a publisher, with its streams. */
function publishing(words) {
  const { public: open, shared, plain, history, historyAge, diskBytes, lastValues, ...options } = split(words)[0];
  const kept = { history, historyAge, diskBytes, lastValues };
  const news = { name: 'news', subjects: open, public: true, ...kept };
  options.streams = [...(open === undefined ? [] : [news]), { name: 'main', ...kept }];
  if (shared) options.shared = 'tcp://127.0.0.1:0';
  if (plain) options.plain = 'tcp://127.0.0.1:0';
  return options;
}

/** The options of a subscription: a start is spelt as Node spells it. */
function wanting(words) {
  const { prefix, ...options } = split(words)[0];
  if (options.start !== undefined) options.start = options.start.replaceAll('_', '-');
  return [prefix, options];
}

function news({ kind, ask, identity, user, credential }) {
  const who = { identity: hex(identity), user: hex(user) };
  if (kind !== 'asked') return flat({ kind, ...who });
  const { kind: how, user: name = Buffer.alloc(0), password, token } = credential;
  const secret = password ?? token ?? Buffer.alloc(0);
  return flat({ kind, ask, ...who, credential: how, credentialUser: hex(name), secret: hex(secret) });
}

function shown({ frames, error, ...facts }) {
  const told = error && { error: error.code, text: hex(Buffer.from(error.message)) };
  return flat({ ...facts, ...(frames && { frames: list(frames) }), ...told });
}

const lostOf = (row) => ['Slow', 'History', 'Revoked', 'Gone', 'Closed'].reduce((sum, why) => sum + row[`lost${why}`], 0);

export const commands = {
  publisher: (name, endpoint, ...words) => {
    const made = new Publisher(endpoint, publishing(words));
    publishers.set(name, made);
    return made.endpoint;
  },
  publish: (name, subject, timeout, ...frames) =>
    publisher(name).publish(subject, frames.map(unhex), within(timeout)),
  'publish-many': (name, subject, first, last, timeout) => {
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => Number(first) + index);
    return publisher(name).publishMany(numbers.map((number) => [subject, numbered(number)]), within(timeout));
  },
  'publisher-event': async (name, timeout) => news(await publisher(name).next(within(timeout))),
  admit: (name, ask, user, ...words) => publisher(name).admit(Number(ask), unhex(user), split(words)[0]),
  refuse: (name, ask, why) => publisher(name).refuse(Number(ask), text(why)),
  entitle: (name, written) => publisher(name).setEntitlements(unhex(written)),
  'set-rules': (name, user, ...words) => publisher(name).setRules(unhex(user), split(words)[0]),
  expel: (name, identity, why) => publisher(name).expel(unhex(identity), text(why)),
  'publisher-counters': (name) => flat(publisher(name).counters()),
  subscribers: (name) => {
    const rows = publisher(name).subscribers();
    const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
    return flat({
      number: rows.length,
      connected: sum(({ connected }) => Number(connected)),
      accepted: sum(({ accepted }) => accepted),
      delivered: sum(({ delivered }) => delivered),
      lost: sum(lostOf),
      held: sum(({ held }) => held),
    });
  },
  'plain-endpoint': (name) => publisher(name).plainEndpoint,
  'open-plain': (name, user, endpoint) => publisher(name).openPlain(unhex(user), endpoint),
  'close-plain': (name, endpoint) => publisher(name).closePlain(endpoint),
  'publisher-close': (name, linger) => publisher(name).close(linger < 0 ? {} : { linger: Number(linger) }),
  subscriber: (name, endpoint, ...words) => {
    const made = new Subscriber(endpoint, split(words)[0]);
    subscribers.set(name, made);
    return made.endpoint ?? '-';
  },
  want: (name, criterion, ...words) => {
    const [isPrefix, options] = wanting(words);
    const who = subscriber(name);
    return isPrefix ? who.subscribe({ prefix: unhex(criterion), ...options }) : who.subscribe(text(criterion), options);
  },
  'want-many': async (name, number, timeout) => {
    const [who, end] = [subscriber(name), performance.now() + Number(timeout)];
    for (let index = 0; index < number; index++) who.subscribe(`many.${index}`);
    for (let left = Number(number); left > 0; ) {
      const { kind } = await who.receive(until(end));
      if (kind === 'subscribed') left -= 1;
      else if (kind !== 'connected') throw new ZpatternsError('InvalidArgument', `a ${kind} instead of a subscription`);
    }
  },
  'want-no-more': (name, subscription) => subscriber(name).unsubscribe(Number(subscription)),
  listen: async (name, timeout) => shown(await subscriber(name).receive(within(timeout))),
  /** Whether the stream goes on as it should, up to the last message. */
  'listen-many': async (name, first, last, timeout) => {
    const [who, end] = [subscriber(name), performance.now() + Number(timeout)];
    const told = { messages: 0, wrong: 0, missed: 0, unexplained: 0, restarted: 0, subscribed: 0, rejected: 0 };
    /** By view, the number in the stream that is the next. */
    const views = new Map();
    const follow = ({ subscription, stream }, from, to) => {
      const view = `${subscription} ${stream}`;
      told.unexplained += Math.abs(from - (views.get(view) ?? from));
      views.set(view, to + 1);
    };
    for (let next = Number(first); next <= last; ) {
      const event = await who.receive(until(end));
      if (event.kind === 'message') {
        follow(event, event.number, event.number);
        const number = numberOf(event.frames);
        told[number === undefined ? 'wrong' : 'messages'] += 1;
        if (number !== undefined) next = number + 1;
      } else if (event.kind === 'missed') {
        follow(event, event.first, event.last);
        told.missed += event.count;
        // How many were in a range of which nobody knows, is all that there are.
        next += event.count || event.last - event.first + 1;
      } else if (event.kind !== 'connected') {
        told[event.kind] += 1;
        if (event.kind === 'restarted') views.clear();
      }
    }
    return flat(told);
  },
  'cancel-listen': async (name) => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    return shown(await subscriber(name).receive({ signal: controller.signal }));
  },
  'subscriber-counters': (name) => flat(subscriber(name).counters()),
  'subscriber-close': (name) => subscriber(name).close(),
};

export async function reset() {
  const open = [...publishers.values()];
  for (const one of subscribers.values()) one.close();
  publishers.clear();
  subscribers.clear();
  // What a scenario leaves unsent may be lost, and close says so.
  await Promise.allSettled(open.map((one) => one.close({ linger: 0 })));
}
