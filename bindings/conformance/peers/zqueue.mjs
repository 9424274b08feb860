// The job queue in the peer.
import { JobFailed, JobLost, Producer, Queue, QueueWorker, ZpatternsError } from 'zpatterns';
import { atMost, flat, hex, list, named, split, text, unhex, within } from './words.mjs';

const open = new Map();
const jobs = new Map();
const drafts = new Map();
/** Watches, each with what reads its events, and the event that somebody has waited for. */
const watches = new Map();
let working = [];

const codeOf = (error) => (error instanceof JobFailed ? error.workerCode : 0);

/** Why a job was not done. */
function failed(error) {
  const body = error instanceof JobFailed ? error.body : [];
  return `result=failed error=${error.code} code=${codeOf(error)} body=${list(body)}`;
}

const done = (body) => `result=done body=${list(body)}`;

/** What a job comes to; what the wait or the queue says is an error. */
async function told(timeout, outcome) {
  try {
    return done(await atMost(timeout, outcome));
  } catch (error) {
    if (error instanceof JobFailed || error instanceof JobLost) return failed(error);
    throw error;
  }
}

function came(result) {
  if (result === undefined) return 'nothing';
  if (result instanceof ZpatternsError) return `failed:${result.code}:${codeOf(result)}`;
  return `done:${result.map(hex).join('+')}`;
}

function event({ kind, job, known, open, done: ended, failed: lost, body, error }) {
  if (kind === 'accepted') return `event=accepted id=${job} known=${known}`;
  if (kind === 'progress') return `event=progress open=${open} done=${ended} failed=${lost}`;
  return `event=ended ${error === undefined ? done(body) : failed(error)}`;
}

function keep(name, watch) {
  watches.set(name, { watch, events: watch[Symbol.asyncIterator](), next: undefined });
}

/** What comes next of a watch. Whoever gave up waiting has left it for the next. */
async function watched(name, timeout) {
  const one = named(name, watches);
  one.next ??= one.events.next();
  // Whether somebody waits for it or not.
  one.next.catch(() => {});
  const { value } = await atMost(timeout, one.next);
  one.next = undefined;
  return event(value);
}

/** Children of a job, in whose words the first two frames are the queue and what becomes of who spawns it. */
function child(options, word) {
  const [queue, policy, ...body] = word.split(',').map(unhex);
  const how = String(policy) === 'alone' ? { detached: true } : { onFailure: String(policy) };
  return { queue: String(queue), body, ...how, ...options };
}

/** Each job comes to how many there are in its tree. */
function recurse(job) {
  const [deep, wide] = String(job.body[0]).split(' ').map(Number);
  if (job.resumed) {
    if (String(job.memo) !== 'left') throw new Error('the memo comes back');
    return job.complete(String(1 + job.results.reduce((sum, [number]) => sum + Number(number), 0)));
  }
  if (deep === 0) return job.complete('1');
  job.spawn(Array(wide).fill({ queue: job.queue, body: `${deep - 1} ${wide}` }), 'left');
}

const sum = (list, of) => list.reduce((total, one) => total + of(one), 0);
const job = (name) => named(name, jobs);
/** Options among the words, and the frames. */
const pushed = (words) => split(words).reverse();

export const commands = {
  queue: (name, endpoints, ...words) => {
    const queue = new Queue(endpoints.split(','), split(words)[0]);
    open.set(name, queue);
    return queue.endpoints.join(',');
  },
  'queue-workers': (name) => named(name, open).workers(),
  'queue-counters': (name) => flat(named(name, open).counters()),
  'queue-drain': (name, timeout) => named(name, open).drain(within(timeout)),
  producer: (name, endpoint, ...words) => {
    open.set(name, new Producer(endpoint, split(words)[0]));
  },
  push: (name, queue, timeout, ...words) => atMost(timeout, named(name, open).push(text(queue), ...pushed(words))),
  'push-many': async (name, queue, count, timeout, ...words) => {
    const bodies = Array.from({ length: Number(count) }, (_, number) => String(number));
    const accepted = named(name, open).pushMany(text(queue), bodies, split(words)[0]);
    return (await atMost(timeout, accepted)).length;
  },
  run: (name, queue, timeout, ...words) => told(timeout, named(name, open).run(text(queue), ...pushed(words))),
  submit: (name, watch, queue, ...words) => keep(watch, named(name, open).submit(text(queue), ...pushed(words))),
  watch: (name, watch, id, progress) => {
    keep(watch, named(name, open).watch(Number(id), { progress: progress === 'true' }));
  },
  watched,
  outcome: (name, timeout) => told(timeout, named(name, watches).watch.outcome()),
  draft: (name, draft, queue, ...words) => {
    drafts.set(draft, named(name, open).draft(text(queue), ...pushed(words)));
  },
  'draft-part': (draft, ...frames) => named(draft, drafts).sendPart(frames.map(unhex)),
  'draft-execute': (draft, watch) => keep(watch, named(draft, drafts).execute()),
  'draft-drop': (draft) => named(draft, drafts)[Symbol.dispose](),
  result: (name, id, timeout) => told(timeout, named(name, open).result(Number(id))),
  'cancel-job': (name, id, timeout) => atMost(timeout, named(name, open).cancel(Number(id))),
  requeue: (name, id, timeout) => atMost(timeout, named(name, open).requeue(Number(id))),
  queues: async (name, timeout) => {
    const queues = await atMost(timeout, named(name, open).queues());
    const sums = ['waiting', 'running', 'delivered', 'lost'].map((key) => `${key}=${sum(queues, (one) => one[key])}`);
    return `names=${list(queues.map((queue) => Buffer.from(queue.name)))} ${sums.join(' ')}`;
  },
  tree: async (name, id, most, timeout) => {
    const { jobs, more } = await atMost(timeout, named(name, open).tree(Number(id), Number(most)));
    const states = ['waiting', 'delayed', 'running', 'suspended'];
    const counts = states.map((state) => `${state}=${jobs.filter((job) => job.state === state).length}`);
    return `jobs=${jobs.length} more=${more} depth=${Math.max(...jobs.map(({ depth }) => depth))} ${counts.join(' ')}`;
  },
  dead: async (name, most, timeout) => {
    const { letters, more } = await atMost(timeout, named(name, open).dead(0, Number(most)));
    const count = `letters=${letters.length} more=${more}`;
    if (letters.length === 0) return count;
    const [{ job, queue, body, options, failure }] = letters;
    const facts = `id=${job} queue=${hex(Buffer.from(queue))} body=${list(body)} key=${hex(Buffer.from(options.key))}`;
    return `${count} ${facts} error=${failure.code} code=${codeOf(failure)}`;
  },
  'queue-worker': (name, queues, endpoints, ...words) => {
    open.set(name, new QueueWorker(endpoints.split(','), queues.split(',').map(text), split(words)[0]));
  },
  take: async (name, job, timeout) => {
    const taken = await named(name, open).next(within(timeout));
    jobs.set(job, taken);
    const { id, queue, body, tries, resumed, memo, results } = taken;
    const facts = `id=${id} queue=${hex(Buffer.from(queue))} body=${list(body)} tries=${tries} resumed=${resumed}`;
    return `${facts} memo=${list(memo)} results=${results.map(came)}`;
  },
  complete: (name, ...frames) => job(name).complete(frames.map(unhex)),
  retry: (name, code, ...frames) => job(name).retry(Number(code), ...frames.map(unhex)),
  fail: (name, code, ...frames) => job(name).fail(Number(code), ...frames.map(unhex)),
  spawn: (name, ordered, memo, ...words) => {
    const [options] = split(words.filter((word) => word.includes('=')));
    const children = words.filter((word) => !word.includes('=')).map((word) => child(options, word));
    job(name).spawn(children, memo === '-' ? [] : unhex(memo), { ordered: ordered === 'true' });
  },
  drop: (name) => job(name)[Symbol.dispose](),
  withdrawn: async (name, timeout) => {
    const { signal, withdrawn } = job(name);
    if (withdrawn) return;
    await atMost(timeout, new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })));
  },
  work: (name) => {
    const work = async () => {
      for await (const job of named(name, open)) recurse(job);
    };
    working.push(work());
  },
  'queue-leave': (name) => named(name, open).leave(),
  'worker-counters': (name) => flat(named(name, open).counters()),
  'queue-end': (name) => named(name, open).close(),
};

export async function reset() {
  for (const handle of open.values()) handle.close();
  await Promise.allSettled(working);
  for (const kept of [open, jobs, drafts, watches]) kept.clear();
  working = [];
}
