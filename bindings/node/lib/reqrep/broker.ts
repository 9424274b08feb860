/** Who stands between those who ask and those who answer. */
import { native } from '../addon';
import { defaultContext } from '../context';
import type { WaitOptions } from '../deadline';
import { call } from '../errors';
import { type Inbox, List } from '../inbox';
import { messages } from '../iterate';
import { endpointsOf } from '../party';
import { Station } from '../station';
import type { PeerCounters, RequestCounters, ServiceCounters } from './counters';
import type { News } from './news';
import type { BrokerOptions } from './options';

const take = (news: List<News>): News => news.take();

/**
 * Takes requests from clients and gives them to workers; both connect to it. It works on threads of its own until it is
 * closed or collected, and does not keep the process alive: `await broker.wait()` does. Iterating gives news, such as
 * of workers that come and go.
 */
export class Broker extends Station implements AsyncIterable<News> {
  readonly #native: InstanceType<typeof native.Broker>;
  readonly #news: Inbox<List<News>>;

  /**
   * A broker that clients and workers reach at these endpoints, once it has read its store. `AddressInUse`, ... if that
   * fails; `WrongState` if the store is open already, `Corrupt` if it is damaged.
   */
  constructor(endpoints: string | readonly string[], options: BrokerOptions = {}) {
    const { context = defaultContext(), plain, ...rest } = options;
    const broker = call(() => new native.Broker(context.native, endpointsOf(endpoints), plain, rest));
    super(broker, 'broker');
    this.#native = broker;
    this.#news = this.inbox(() => List.of(broker.takeNews() as News[]));
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
  override close(): void {
    if (!this.closed) this.#news.close();
    super.close();
  }
}
