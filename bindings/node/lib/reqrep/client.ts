/** The side that asks. */
import { native } from '../addon';
import { defaultContext } from '../context';
import { call } from '../errors';
import type { Data, MessageLike } from '../message';
import { endpointsOf } from '../party';
import { type Part, Stream, Whole } from './asked';
import type { RequestCounters } from './counters';
import type { ClientOptions } from './options';
import { type FetchOptions, type RequestOptions, Task } from './request';
import { Requests } from './requests';

/**
 * Asks brokers, or workers that bind. Every request ends once, by its deadline: with the answer, or with a
 * `RequestFailed`, which says whether a worker may have begun. Any number may be open at a time.
 */
export class Client implements AsyncDisposable, Disposable {
  readonly #native: InstanceType<typeof native.Client>;
  readonly #requests: Requests;
  #closed = false;

  /**
   * A client of these brokers, or of workers that bind; there may be none if it asks the servers of `freelance`. It
   * connects in the background; a request waits for that.
   * `InvalidEndpoint` if an endpoint cannot be read, `InvalidArgument` for an option that is none.
   */
  constructor(endpoints: string | readonly string[], options: ClientOptions = {}) {
    const { context = defaultContext(), freelance, ...rest } = options;
    this.#native = call(() => new native.Client(context.native, endpointsOf(endpoints), freelance, rest));
    this.#requests = new Requests(this.#native);
  }

  /** Whether the client was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Asks for `service`, a name of 1 to 255 bytes, and resolves with the frames of the answer. The question is one
   * frame, or several in an array; text goes as UTF-8. It is copied: a buffer may be used again at once.
   *
   * `RequestFailed` if there is no answer: `JobFailed` is the worker's own error, `Timeout` the deadline, `NotFound`
   * that nobody offers the service, `Full` a full queue, `Unreachable` that workers were lost as often as it may be
   * given to one, `Cancelled` that `signal` aborted.
   */
  request(service: string, body: MessageLike = [], options?: RequestOptions): Promise<Buffer[]> {
    return this.#whole(service, body, options);
  }

  /**
   * Asks, as {@link request}, and brings the answer in the parts in which the worker sends it; throws what cannot be
   * asked. If `run` grows from one part to the next, a worker was lost, and the answer starts over. Who stops reading
   * takes the request back. Parts that are not read wait, up to 64 MiB; more end the request with `Full`.
   */
  stream(service: string, body: MessageLike = [], options?: RequestOptions): AsyncIterableIterator<Part> {
    const stream = new Stream((asked) => this.#requests.cancel(asked));
    this.#requests.ask(stream, service, body, options);
    return stream;
  }

  /**
   * Leaves a durable request with a broker that has a store; resolves when it is on its disk. It needs a `key`. From
   * then on it is done, also if the client and the broker are lost, until its `deadline` has passed. Who knows service
   * and key can {@link fetch} the outcome, or ask again: a key is stored once. `RequestFailed` as {@link request}.
   */
  async store(service: string, body: MessageLike, options: RequestOptions): Promise<void> {
    await this.#whole(service, body, options, Task.STORE);
  }

  /**
   * The answer to the durable request with this key, as soon as it is there. It is kept for some time. `RequestFailed`
   * as {@link request}; `NotFound` if there is no such request, `Timeout` if it has no outcome after `patience`.
   */
  async fetch(service: string, key: Data, options: FetchOptions = {}): Promise<Buffer[]> {
    return this.#about(Task.FETCH, service, key, options);
  }

  /**
   * Forgets the durable request with this key, and its outcome; resolves when the disk has, also if there is none. A
   * worker that has it is told that nobody waits.
   */
  async discard(service: string, key: Data, options: FetchOptions = {}): Promise<void> {
    await this.#about(Task.DISCARD, service, key, options);
  }

  /** What became of the requests so far. */
  counters(): RequestCounters {
    return call(() => this.#native.counters()) as RequestCounters;
  }

  /** Closes. Requests that are open have no outcome: their promises are rejected with `Closed`. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#native.close();
    this.#requests.close();
  }

  /** As {@link close}: `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As {@link close}: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #about(task: number, service: string, key: Data, options: FetchOptions): Promise<Buffer[]> {
    return this.#whole(service, [], { ...options, key, deadline: options.patience }, task);
  }

  #whole(service: string, body: MessageLike, options?: RequestOptions, task?: number): Promise<Buffer[]> {
    return new Promise((resolve, reject) => {
      this.#requests.ask(new Whole(resolve, reject), service, body, options, task);
    });
  }
}
