/** Answers to requests. */
import type { native } from '../addon';
import { Answers } from '../answers';
import { call } from '../errors';
import { type MessageLike, framesOf } from '../message';

type Worker = InstanceType<typeof native.Worker>;

/** As in `src/reqrep/worker.rs`. */
export const [REPLY, ERROR] = [0, 1] as const;

export class Replies extends Answers {
  readonly #native: Worker;

  constructor(worker: Worker) {
    super(worker);
    this.#native = worker;
  }

  sendPartial(job: number, body: MessageLike): void {
    this.check();
    const frames = framesOf(body);
    call(() => this.#native.sendPartial(job, frames));
  }
}
