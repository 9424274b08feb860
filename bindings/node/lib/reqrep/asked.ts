/** Who waits for what comes of a request. */
import { Asked as Question } from '../exchange';
import { RequestFailed } from '../failed';

/** Some of an answer. */
export interface Part {
  /** Tells one worker's answer from another's: if it grows, a worker was lost, and the answer starts over. */
  run: number;
  /** Frames. */
  body: Buffer[];
}

/** Who waits. @internal */
export abstract class Asked extends Question {
  /** Some of the answer came. */
  abstract part(part: Part): void;
  /** The rest of it came. Nothing follows. */
  abstract reply(body: Buffer[]): void;
}

/** Waits for the whole answer. @internal */
export class Whole extends Asked {
  readonly #resolve: (body: Buffer[]) => void;
  readonly #reject: (error: unknown) => void;
  #run = 0;
  #parts: Buffer[] | undefined;

  constructor(resolve: (body: Buffer[]) => void, reject: (error: unknown) => void) {
    super();
    this.#resolve = resolve;
    this.#reject = reject;
  }

  part({ run, body }: Part): void {
    if (this.#parts === undefined || run !== this.#run) this.#parts = [];
    this.#run = run;
    for (const frame of body) this.#parts.push(frame);
  }

  reply(body: Buffer[]): void {
    this.#resolve(this.#parts === undefined ? body : this.#parts.concat(body));
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}

/** What may wait for a program that asked for a stream: more, and the request is taken back. */
const PARTS = 65536;
const BYTES = 64 * 1024 * 1024;

interface Reader {
  resolve(result: IteratorResult<Part, undefined>): void;
  reject(error: unknown): void;
}

/** Hands an answer on as it comes. @internal */
export class Stream extends Asked implements AsyncIterableIterator<Part> {
  readonly #takeBack: () => void;
  readonly #parts: Part[] = [];
  readonly #readers: Reader[] = [];
  #bytes = 0;
  #run = 0;
  #over = false;
  #error: unknown;

  /** `takeBack` takes the request back. */
  constructor(takeBack: (stream: Stream) => void) {
    super();
    this.#takeBack = () => takeBack(this);
  }

  part(part: Part): void {
    if (this.#over) return;
    this.#run = part.run;
    const reader = this.#readers.shift();
    if (reader !== undefined) return reader.resolve({ value: part, done: false });
    this.#parts.push(part);
    this.#bytes += size(part);
    if (this.#parts.length <= PARTS && this.#bytes <= BYTES) return;
    this.fail(new RequestFailed('Full', 'the request may have run: its answer was not read', { mayHaveRun: true }));
    this.#takeBack();
  }

  reply(body: Buffer[]): void {
    if (this.#over) return;
    if (body.length > 0) this.part({ run: this.#run, body });
    this.#end();
  }

  fail(error: unknown): void {
    if (this.#over) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#error = error;
    else reader.reject(error);
    this.#end();
  }

  next(): Promise<IteratorResult<Part, undefined>> {
    const part = this.#parts.shift();
    if (part !== undefined) {
      this.#bytes -= size(part);
      return Promise.resolve({ value: part, done: false });
    }
    if (!this.#over) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
  }

  return(): Promise<IteratorResult<Part, undefined>> {
    this.#parts.length = 0;
    if (!this.#over) {
      this.#end();
      this.#takeBack();
    }
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#over = true;
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true });
  }
}

function size({ body }: Part): number {
  return body.reduce((sum, frame) => sum + frame.length, 0);
}
