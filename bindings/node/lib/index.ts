/**
 * Reliable messaging patterns over ZeroMQ.
 *
 * ```js
 * import { Socket } from 'zpatterns';
 *
 * const pull = new Socket('pull');
 * const push = new Socket('push');
 * push.connect(pull.bind('tcp://127.0.0.1:0'));
 * await push.send('hello');
 * console.log(await pull.receiveText({ timeout: 5000 }));
 * ```
 */
export { type AuthStats, Authenticator } from './authenticator';
export { Bus } from './bus/bus';
export type { BusCounters, BusPeer, BusReceivedCounters, BusSentCounters } from './bus/counters';
export type { BusEvent, Peer } from './bus/event';
export type { BusOptions } from './bus/options';
export { Context, type ContextOptions } from './context';
export type { WaitOptions } from './deadline';
export { type ErrorCode, ZpatternsError } from './errors';
export { JobFailed, JobLost, RequestFailed } from './failed';
export { type CurveKeyPair, type Info, curveKeyPair, info } from './info';
export type { Data, MessageLike } from './message';
export { type ConnectionEvent, type ConnectionEventKind, Monitor } from './monitor';
export type { SocketOptions } from './options';
export type { PartyOptions } from './party';
export { Proxy, type ProxyStats } from './proxy';
export type {
  Books, PublisherCounters, SubscriberCounters, SubscriberInfo, ViewInfo,
} from './pubsub/counters';
export type {
  LostReason, Publication, PublicationsMissed, SubscriberEvent, Subscription,
} from './pubsub/event';
export type { Credential, PublisherEvent, SubscriberAsked, SubscriberCame } from './pubsub/news';
export type {
  PrefixSubscription, PublisherOptions, Rules, StreamOptions, SubscriberOptions, SubscriptionOptions,
} from './pubsub/options';
export { Publisher } from './pubsub/publisher';
export { Subscriber } from './pubsub/subscriber';
export type { Part } from './reqrep/asked';
export { Broker } from './reqrep/broker';
export { Client } from './reqrep/client';
export type {
  LossReason, PeerCounters, RequestCounters, ServiceCounters, WorkerCounters,
} from './reqrep/counters';
export { Job } from './reqrep/job';
export type { News, NewsMissed, RequestsLost, WorkerGone, WorkerJoined } from './reqrep/news';
export type {
  Balance, BrokerOptions, ClientOptions, FreelanceServer, PlainEndpoint, WorkerOptions,
} from './reqrep/options';
export type { FetchOptions, RequestOptions } from './reqrep/request';
export { Worker } from './reqrep/worker';
export { type BatchOptions, Socket, type SocketType } from './socket';
export type { SocketStats } from './stats';
export type { JobCounters, JobLossReason, QueueCounters, QueueWorkerCounters } from './zqueue/counters';
export { Draft } from './zqueue/draft';
export type { JobAccepted, JobEnded, JobProgress, WatchEvent } from './zqueue/event';
export { QueueJob } from './zqueue/job';
export type { DeadLetter, DeadLetters, Tree, TreeJob } from './zqueue/look';
export type { Child, JobOptions, SpawnOptions } from './zqueue/manner';
export type { Order, ProducerOptions, QueueOptions, QueueWorkerOptions } from './zqueue/options';
export { Producer, type WatchOptions } from './zqueue/producer';
export { Queue } from './zqueue/queue';
export type { ChildResult } from './zqueue/results';
export { Watch } from './zqueue/watch';
export { QueueWorker } from './zqueue/worker';
