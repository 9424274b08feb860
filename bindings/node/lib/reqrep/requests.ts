/**
 * The requests of a client that have no outcome yet.
 *
 * Those made in one tick leave together when the program pauses; in the same turn, what came of others is taken over.
 * While there is something in each turn, the addon is not asked for notices.
 */
import { native } from '../addon';
import { type Waiting, awaiting, resting } from '../environment';
import { call, closed, invalid } from '../errors';
import type { MessageLike } from '../message';
import { PackedBatch } from '../packed';
import { type Contents, SIZE } from '../slab';
import type { Asked } from './asked';
import { failed, jobFailed, neverMade } from './outcome';
import { Outgoing, type Recipient } from './outgoing';
import { type RequestOptions, Task, mannerOf } from './request';

type Client = InstanceType<typeof native.Client>;

/** As in `src/reqrep/client.rs`. */
const FACTS = 5;
const [REPLY, PARTIAL, ERROR, , MAY_HAVE_RUN] = [0, 1, 2, 3, 4];

/** How many turns may follow each other before the event loop gets one. */
const TURNS = 16;

export class Requests implements Waiting, Recipient<Asked> {
  readonly #native: Client;
  readonly #id: number;
  readonly #outgoing = new Outgoing<Asked>(this);
  readonly #open = new Map<number, Asked>();
  readonly #tickets = new Float64Array(SIZE.messages);
  #closed = false;
  /** Whether the addon owes a notice. */
  #armed = false;
  #scheduled = false;
  #waiting = false;
  #turns = 0;

  constructor(client: Client) {
    this.#native = client;
    this.#id = client.id;
  }

  /** Makes a request. Throws if it is none, or if it cannot be made. */
  ask(asked: Asked, service: string, body: MessageLike, options?: RequestOptions, task: number = Task.ASK): void {
    if (this.#closed) throw closed('client');
    if (typeof service !== 'string') throw invalid('the name of a service is a string', { given: typeof service });
    const { key, signal, deadline, patience, rest } = mannerOf(options);
    if (signal?.aborted) throw neverMade(signal);
    this.#outgoing.put(asked, [service, key], body, deadline, patience, rest + task);
    if (signal !== undefined) this.#watch(asked, signal);
    this.#schedule();
    if (!this.#waiting) this.#settle();
  }

  /** Takes a request back. Its outcome comes at once. */
  cancel(asked: Asked): void {
    if (asked.ticket === 0) this.#outgoing.hand();
    if (!this.#open.has(asked.ticket)) return;
    try {
      this.#native.cancel(asked.ticket);
    } catch {
      // The client has ended, of which everyone who waits is told.
    }
  }

  noticed(): void {
    this.#armed = false;
    this.#turn();
  }

  /** Everyone who waits hears that it is over. */
  close(): void {
    this.#closed = true;
    this.#end(closed('client'));
  }

  give(contents: Contents, asked: readonly Asked[], first: number, end: number): number {
    const { bytes, frameEnds, messageEnds, facts } = contents;
    const tickets = this.#tickets;
    const posted = this.#native.post(bytes, frameEnds, messageEnds, facts, tickets, first, end);
    for (let index = first; index < first + posted; index++) {
      const one = asked[index] as Asked;
      one.ticket = tickets[index] as number;
      this.#open.set(one.ticket, one);
    }
    return posted;
  }

  refused(asked: Asked, error: unknown): void {
    asked.unwatch?.();
    asked.fail(error);
  }

  #watch(asked: Asked, signal: AbortSignal): void {
    const aborted = () => this.cancel(asked);
    signal.addEventListener('abort', aborted, { once: true });
    asked.signal = signal;
    asked.unwatch = () => signal.removeEventListener('abort', aborted);
  }

  /** What is to leave leaves, and what came is taken over. */
  readonly #turn = (): void => {
    this.#scheduled = false;
    this.#outgoing.hand();
    if (!this.#armed && !this.#closed) this.#take();
    this.#settle();
  };

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#turn);
  }

  /** The next turn comes when those who waited have gone on, and perhaps made requests. */
  #scheduleNext(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (++this.#turns < TURNS) queueMicrotask(this.#afterThis);
    else setImmediate(this.#turn);
  }

  readonly #afterThis = (): void => process.nextTick(this.#turn);

  #take(): void {
    try {
      const block = call(() => this.#native.drain());
      if (block === null) {
        this.#armed = true;
        this.#turns = 0;
      } else {
        this.#tell(new PackedBatch({ block }, FACTS));
        this.#scheduleNext();
      }
    } catch (error) {
      this.#end(error);
    }
  }

  #tell(batch: PackedBatch): void {
    while (batch.length > 0) {
      const ticket = batch.fact(0) + batch.fact(1) * 2 ** 32;
      const [what, value, retryAfter] = [batch.fact(2), batch.fact(3), batch.fact(4)];
      const body = batch.takeMultipart();
      const asked = this.#open.get(ticket);
      if (asked === undefined) continue;
      if (what === PARTIAL) {
        asked.part({ run: value, body });
        continue;
      }
      this.#open.delete(ticket);
      asked.unwatch?.();
      if (what === REPLY) asked.reply(body);
      else if (what === ERROR) asked.fail(jobFailed(value, body));
      else asked.fail(failed(value, what === MAY_HAVE_RUN, retryAfter, String(body[0]), asked.signal));
    }
  }

  #end(error: unknown): void {
    const all = [...this.#open.values(), ...this.#outgoing.takeBack()];
    this.#open.clear();
    for (const asked of all) this.refused(asked, error);
    this.#settle();
  }

  /** The process lives while a request is open. */
  #settle(): void {
    const waiting = this.#open.size + this.#outgoing.length > 0;
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    if (waiting) awaiting(this.#id, this);
    else resting(this.#id);
  }
}
