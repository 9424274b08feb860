/** The requests of a client that have no outcome yet. */
import { native } from '../addon';
import { invalid } from '../errors';
import { Exchange } from '../exchange';
import { JobFailed } from '../failed';
import type { MessageLike } from '../message';
import { PackedBatch } from '../packed';
import type { Asked } from './asked';
import { failed, neverMade } from './outcome';
import { type RequestOptions, Task, mannerOf } from './request';

type Client = InstanceType<typeof native.Client>;

/** As in `src/reqrep/client.rs`. */
const REQUEST_FACTS = 3;
const FACTS = 5;
const [REPLY, PARTIAL, ERROR, , MAY_HAVE_RUN] = [0, 1, 2, 3, 4];

export class Requests extends Exchange<Asked, ArrayBuffer> {
  readonly #native: Client;

  constructor(client: Client) {
    super(client, REQUEST_FACTS, 'client');
    this.#native = client;
  }

  /** Makes a request. Throws if it is none, or if it cannot be made. */
  ask(asked: Asked, service: string, body: MessageLike, options?: RequestOptions, task: number = Task.ASK): void {
    this.check();
    if (typeof service !== 'string') throw invalid('the name of a service is a string', { given: typeof service });
    const { key, signal, deadline, patience, rest } = mannerOf(options);
    if (signal?.aborted) throw neverMade(signal);
    this.put(asked, [service, key], body, [deadline, patience, rest + task], signal);
  }

  /** Takes a request back. Its outcome comes at once. */
  cancel(asked: Asked): void {
    if (asked.ticket === 0) this.hand();
    if (this.asked(asked.ticket) === undefined) return;
    try {
      this.#native.cancel(asked.ticket);
    } catch {
      // The client has ended, of which everyone who waits is told.
    }
  }

  protected override abort(asked: Asked): void {
    this.cancel(asked);
  }

  protected override tell(block: ArrayBuffer): void {
    const batch = new PackedBatch({ block }, FACTS);
    while (batch.length > 0) {
      const ticket = batch.fact(0) + batch.fact(1) * 2 ** 32;
      const [what, value, retryAfter] = [batch.fact(2), batch.fact(3), batch.fact(4)];
      const body = batch.takeMultipart();
      const asked = this.asked(ticket);
      if (asked === undefined) continue;
      if (what === PARTIAL) {
        asked.part({ run: value, body });
        continue;
      }
      this.over(asked);
      if (what === REPLY) asked.reply(body);
      else if (what === ERROR) asked.fail(new JobFailed(value, body));
      else asked.fail(failed(value, what === MAY_HAVE_RUN, retryAfter, String(body[0]), asked.signal));
    }
  }
}
