/** How a job is done. */
import { native } from '../addon';
import { invalid } from '../errors';
import { flag, refuseUnknown, whole } from '../given';
import type { Data, MessageLike } from '../message';

/** How a job is done that was pushed or spawned. */
export interface SpawnOptions {
  /** In queues with the order `'priority'`: the highest first. From 0 to 255. Default: 0. */
  priority?: number | undefined;
  /** It waits so long before it is given to a worker, in milliseconds. Default: 0. */
  delay?: number | undefined;
  /**
   * How often it may fail and be tried again, the first time included, 1 to 255. Workers that are lost are counted by
   * themselves. Default: 3.
   */
  attempts?: number | undefined;
  /** It is tried again after so many milliseconds, then after twice as long, and so on, with jitter. Default: 1000. */
  backoff?: number | undefined;
  /** A worker that has had it for so many milliseconds has failed; 0 is no limit. Default: 0. */
  timeLimit?: number | undefined;
}

/** How a job is done that is pushed. */
export interface JobOptions extends SpawnOptions {
  /**
   * Of the jobs in a queue with the same key one is taken, as long as that is there or its outcome is kept. At most 255
   * bytes; empty is none. Default: none.
   */
  key?: Data | undefined;
  /** For how long its outcome is kept for who asks, in milliseconds. Default: 0. */
  keep?: number | undefined;
  /** Gives up waiting with `Cancelled` when it aborts. The job goes on. */
  signal?: AbortSignal | undefined;
}

/** A job that is to be done before another goes on. */
export interface Child extends SpawnOptions {
  /** The queue in which it waits, a name of 1 to 255 bytes. */
  queue: string;
  /** What is to be done. Default: nothing. */
  body?: MessageLike | undefined;
  /**
   * If it fails: who spawns it fails in the same way, and its other children are cancelled (`'fail'`); it goes on, and
   * finds the failure among its results (`'pass'`); or it finds nothing of this child (`'ignore'`). Default: `'fail'`.
   */
  onFailure?: 'fail' | 'pass' | 'ignore' | undefined;
  /** Nobody waits for it, and it outlives who spawns it: a job of its own. Default: false. */
  detached?: boolean | undefined;
}

/** Options of a job as the addon takes them. @internal */
export interface Manner {
  readonly key: Data;
  readonly signal: AbortSignal | undefined;
  readonly keep: number;
  /** What a spawned job has, too: in the second and third byte, `priority` and `attempts`; then `delay`, and so on. */
  readonly numbers: Numbers;
}

type Numbers = readonly [number, number, number, number];

const SPAWN_NAMES = ['priority', 'delay', 'attempts', 'backoff', 'timeLimit'];
const NAMES = new Set([...SPAWN_NAMES, 'key', 'keep', 'signal']);
const CHILD_NAMES = new Set([...SPAWN_NAMES, 'queue', 'body', 'onFailure', 'detached']);
/** As in `src/zqueue/jobs.rs`. */
const POLICIES = ['fail', 'pass', 'ignore'] as const;
/** The longest name of a queue, in bytes. */
const LONGEST = 255;
const DEFAULTS = native.jobDefaults();
const STANDARD = convert({});

/** @internal */
export function mannerOf(options: JobOptions | undefined): Manner {
  return options === undefined ? STANDARD : convert(options);
}

function convert(options: JobOptions): Manner {
  refuseUnknown(options, NAMES);
  const { key = '', signal } = options;
  return { key, signal, keep: whole('keep', options.keep, DEFAULTS.keep), numbers: numbersOf(options) };
}

function numbersOf(options: SpawnOptions): Numbers {
  const priority = whole('priority', options.priority, DEFAULTS.priority, 255);
  const attempts = whole('attempts', options.attempts, DEFAULTS.attempts, 255, 1);
  return [
    (priority << 8) + (attempts << 16),
    whole('delay', options.delay, DEFAULTS.delay),
    whole('backoff', options.backoff, DEFAULTS.backoff),
    whole('timeLimit', options.timeLimit, DEFAULTS.timeLimit),
  ];
}

/** How many numbers a child has. */
const CHILD = 5;

/** Children, and what a job leaves behind for itself, as `src/zqueue/jobs.rs` takes them. @internal */
export function spawning(children: readonly Child[], memo: MessageLike): Data[] {
  const numbers = new Uint32Array(1 + CHILD * children.length);
  const frames: Data[] = [new Uint8Array(numbers.buffer)];
  numbers[0] = add(frames, memo);
  let at = 1;
  for (const child of children) {
    const { queue, body = [], onFailure = 'fail', detached } = check(child);
    const policy = POLICIES.indexOf(onFailure);
    if (policy < 0) throw invalid("the option takes 'fail', 'pass' or 'ignore'", { option: 'onFailure' });
    const [first, delay, backoff, timeLimit] = numbersOf(child);
    frames.push(queue);
    const fate = policy + 4 * flag('detached', detached);
    numbers.set([first + (fate << 24), delay, backoff, timeLimit, add(frames, body)], at);
    at += CHILD;
  }
  return frames;
}

/** A spawn leaves later, when nobody could be told that one of its children is none. */
function check(child: Child): Child {
  if (typeof child !== 'object' || child === null) throw invalid('a child is an object', { given: typeof child });
  refuseUnknown(child, CHILD_NAMES);
  const { queue } = child;
  if (typeof queue !== 'string' || queue === '' || Buffer.byteLength(queue) > LONGEST) {
    throw invalid('the name of a queue has 1 to 255 bytes', { option: 'queue' });
  }
  return child;
}

/** Adds the frames of a message; how many. */
function add(frames: Data[], message: MessageLike): number {
  if (!Array.isArray(message)) return frames.push(message as Data), 1;
  for (const frame of message) frames.push(frame);
  return message.length;
}
