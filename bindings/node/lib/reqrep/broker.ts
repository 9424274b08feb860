/** Who stands between those who ask and those who answer. */
import { native } from '../addon';
import { defaultContext } from '../context';
import type { WaitOptions } from '../deadline';
import { awaiting, resting } from '../environment';
import { call } from '../errors';
import { Inbox, List } from '../inbox';
import { messages } from '../iterate';
import type { PeerCounters, RequestCounters, ServiceCounters } from './counters';
import type { News } from './news';
import { type BrokerOptions, endpointsOf } from './options';

/** Something that is so from then on: whoever waits for it gets it, whenever they ask. */
const FACT = { length: 1, bytes: 0 };

const take = (news: List<News>): News => news.take();

/**
 * Takes requests from clients and gives them to workers; both connect to it. It works on threads of its own until it is
 * closed or collected, and does not keep the process alive: `await broker.wait()` does. Iterating gives news, such as
 * of workers that come and go.
 */
export class Broker implements AsyncIterable<News>, AsyncDisposable, Disposable {
  /** Where it is reached, with the ports that the system chose, in the order given; then the plain ones. */
  readonly endpoints: readonly string[];
  readonly #native: InstanceType<typeof native.Broker>;
  readonly #drained: Inbox<typeof FACT>;
  readonly #ended: Inbox<typeof FACT>;
  readonly #news: Inbox<List<News>>;
  #closed = false;

  /**
   * A broker that clients and workers reach at these endpoints, once it has read its store. `AddressInUse`, ... if that
   * fails; `WrongState` if the store is open already, `Corrupt` if it is damaged.
   */
  constructor(endpoints: string | readonly string[], options: BrokerOptions = {}) {
    const { context = defaultContext(), plain, ...rest } = options;
    const broker = call(() => new native.Broker(context.native, endpointsOf(endpoints), plain, rest));
    const settle = () => this.#settle();
    this.endpoints = broker.endpoints;
    this.#native = broker;
    this.#drained = new Inbox(() => (broker.drain() ? FACT : undefined), settle, 'broker');
    this.#ended = new Inbox(() => (broker.isEnded() ? FACT : undefined), settle, 'broker');
    this.#news = new Inbox(() => List.of(broker.takeNews() as News[]), settle, 'broker');
  }

  /** Whether the broker was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes no more requests, and waits until those that are here are answered. `Timeout` or `Cancelled` if they are not
   * by then; it goes on draining. `Closed` if the broker ends first.
   */
  async drain(options?: WaitOptions): Promise<void> {
    if (!this.#closed) call(() => this.#native.drain());
    await this.#drained.receive((fact) => fact, options);
  }

  /**
   * What happened next: a worker came or went, requests are lost. News are kept from the first call on, some 1,000 at
   * most; where others were missed, that is said. `Closed` when the broker has ended.
   */
  next(options?: WaitOptions): Promise<News> {
    return this.#news.receive(take, options);
  }

  /** News, until the broker is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<News> {
    return messages(this.#news, take);
  }

  /** Waits for the end: of the context, or by {@link close}. The process stays alive meanwhile. */
  async wait(options?: WaitOptions): Promise<void> {
    await this.#ended.receive((fact) => fact, options);
  }

  /** What became of the requests so far. */
  counters(): RequestCounters {
    return call(() => this.#native.counters()) as RequestCounters;
  }

  /**
   * The same for each service that a worker has offered, in the order of their names. Of those that nobody offers now,
   * not more than some thousands are remembered.
   */
  services(): ServiceCounters[] {
    return call(() => this.#native.services()) as ServiceCounters[];
  }

  /** The clients and workers connected now, in the order in which they came; not those with an older protocol. */
  peers(): PeerCounters[] {
    return call(() => this.#native.peers());
  }

  /** Workers connected now. */
  workers(): number {
    return call(() => this.#native.workers());
  }

  /** Closes where it is. Clients are told, and may ask another. Twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#news.close();
    this.#native.close();
    this.#noticed();
    resting(this.#native.id);
  }

  /** As {@link close}: `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As {@link close}: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #noticed(): void {
    this.#drained.noticed();
    this.#ended.noticed();
    this.#news.noticed();
  }

  #settle(): void {
    const { id } = this.#native;
    const waits = this.#drained.waiting || this.#ended.waiting || this.#news.waiting;
    if (waits) awaiting(id, { noticed: () => this.#noticed() });
    else resting(id);
  }
}
