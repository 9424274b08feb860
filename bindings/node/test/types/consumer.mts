// A program in TypeScript, compiled and never run: what it uses must have the types that it says.
import {
  Broker, Bus, type BusCounters, type BusEvent, type BusOptions, type BusPeer, type Child, type ChildResult, Client,
  type ClientOptions, Context, type DeadLetter, type Draft, type FreelanceServer, Job, type JobCounters, JobFailed,
  type JobOptions, type News, type Part, type PeerCounters, type PlainEndpoint, Producer, type ProducerOptions, Proxy,
  type ProxyStats, type Publication, Publisher, type PublisherCounters, type PublisherEvent, type PublisherOptions, Queue,
  type QueueCounters, QueueJob, type QueueOptions, QueueWorker, type QueueWorkerCounters, type RequestCounters,
  RequestFailed, type RequestOptions, type Rules, type ServiceCounters, type SocketOptions, type SocketStats, Socket,
  type StreamOptions, Subscriber, type SubscriberCounters, type SubscriberEvent, type SubscriberInfo,
  type SubscriberOptions, type SubscriptionOptions, type TreeJob, type ViewInfo, type Watch, type WatchEvent, Worker,
  type WorkerCounters, ZpatternsError, info,
} from 'zpatterns';

const options: SocketOptions = { sendHwm: 10, linger: 500, routingId: Buffer.from('me'), ipv6: true };
const socket = new Socket('dealer', { ...options, context: new Context({ ioThreads: 2 }) });
const endpoint: string = socket.bind('tcp://127.0.0.1:0');
const sent: Promise<void> = socket.send(['frame', new Uint8Array(1)], { timeout: 5, signal: AbortSignal.timeout(1) });
for await (const message of socket) console.log(message.length, endpoint);
for await (const batch of socket.batches({ max: 5 })) console.log(batch[0]?.readUInt8(0));
for await (const frames of socket.multipart()) console.log(frames.length);
for await (const batch of socket.multipartBatches({ max: 5 })) console.log(batch[0]?.[0]?.readUInt8(0));
const messages: Buffer[][] = await socket.receiveManyMultipart({ max: 5, timeout: 1 });
const proxy = new Proxy(socket, new Socket('dealer'));
const why: ZpatternsError = await proxy.wait({ signal: AbortSignal.timeout(1) });
const passed: ProxyStats = proxy.stats();
for await (const event of socket.monitor()) if (event.kind === 'stopped') break;
const received: [Buffer, Buffer[], string, Buffer[]] = [
  await socket.receive(), await socket.receiveMultipart(), await socket.receiveText(), await socket.receiveMany(),
];
const stats: SocketStats = socket.stats();
try {
  await socket.close({ linger: 0 });
} catch (error) {
  if (error instanceof ZpatternsError && error.code === 'Timeout') console.log(error.context['endpoint']);
}
console.log(sent, received, messages, why.code, passed.forwardBytes, stats.sentMessages, info().libzmq);

await using broker = new Broker(['tcp://127.0.0.1:0'], { balance: 'sticky', store: 'file', maxAge: 1000 });
using worker: Worker = new Worker(broker.endpoints, 'service', { credit: 10, context: new Context() });
const clientOptions: ClientOptions = { heartbeatInterval: 500, heartbeatLimit: 2, maxRequests: 10 };
using client = new Client(broker.endpoints[0] ?? '', clientOptions);
for await (const news of broker) {
  if (news.kind === 'lost') console.log(broker.counters().lost[news.reason], news.requests);
  if (news.kind === 'worker_gone') console.log(news.left && news.worker, news.service);
}
const told: News = await broker.next({ timeout: 5 });
console.log(told.kind === 'missed' ? told.missed : told.service);
const plain: PlainEndpoint = { endpoint, side: 'workers', service: 'service' };
using mixed = new Broker(endpoint, { plain: [plain, { ...plain, side: 'clients' }] });
const freelance: FreelanceServer = { endpoint, service: 'service' };
using asker = new Client([], { freelance: [freelance, { ...freelance, credit: 2 }] });
const [service, peer]: [ServiceCounters?, PeerCounters?] = [mixed.services()[0], mixed.peers()[0]];
console.log(asker.closed, service?.name, service?.workers, service?.counters.lost.age);
console.log(peer?.service?.length, peer?.number, peer?.unfetched);
const signal = AbortSignal.timeout(1);
const requestOptions: RequestOptions = { deadline: 5, attempts: 1, once: true, key: 'k', signal };
try {
  const answer: Buffer[] = await client.request('service', ['frame', new Uint8Array(1)], requestOptions);
  for await (const part of client.stream('service')) console.log(part satisfies Part, part.run + part.body.length);
  await client.store('service', 'question', { key: 'k' });
  const fetched: Buffer[] = await client.fetch('service', Buffer.from('k'), { patience: 5 });
  const discarded: void = await client.discard('service', 'k');
  console.log(answer, fetched, discarded);
} catch (error) {
  if (!(error instanceof RequestFailed)) throw error;
  if (error.code === 'JobFailed') console.log(error.workerCode === Job.DROPPED, error.body);
  if (!error.mayHaveRun) console.log(error.retryAfter);
}
for await (const job of worker) {
  using held = job;
  if (job.cancelled || job.signal.aborted || job.remaining < 5 || job.answered) job.fail(7, 'no', new Uint8Array(1));
  job.sendPartial(job.service);
  held.reply([...job.body, job.key]);
}
const next: Job = await worker.next({ timeout: 5 });
const direct: string | undefined = Worker.bind('tcp://127.0.0.1:0', 'service').endpoint;
const counted: [RequestCounters, WorkerCounters] = [client.counters(), worker.counters()];
await broker.drain({ timeout: 5 });
worker.leave();
console.log(next, direct, counted[0].lost.noService, broker.workers(), broker.wait({ signal: AbortSignal.timeout(1) }));

const busOptions: BusOptions = { subscribe: ['weather', new Uint8Array(1)], rate: 1e6, looped: false, linger: 5 };
await using bus = new Bus('epgm://lo;239.192.1.1:5670', busOptions);
await bus.send(['weather', new Uint8Array(1)], { timeout: 5 });
for await (const event of bus) {
  if (event.type === 'message') console.log(event.peer, event.frames[0]?.length);
  else if (event.type === 'missed') console.log(event.last - event.first);
  else if (event.type === 'dropped') console.log(event.count + 1);
  else console.log(event.type satisfies 'joined' | 'gone' | 'broken', event.peer.length);
}
for await (const batch of bus.batches({ max: 5 })) console.log(batch[0] satisfies BusEvent | undefined);
const events: BusEvent[] = await bus.receiveMany({ max: 5, timeout: 1 });
const onBus: [BusCounters, BusPeer[]] = [bus.counters(), bus.peers()];
console.log(events, onBus[0].sent.repairs, onBus[1][0]?.received.delivered, bus.interface);

const stream: StreamOptions = { name: 'news', subjects: ['news.>'], public: true, lastValues: 5 };
const publisherOptions: PublisherOptions = { streams: [stream, { name: 'rest', subjects: '>' }], ask: 5, gather: 0.5 };
await using publisher = new Publisher('tcp://127.0.0.1:0', publisherOptions);
await publisher.publish('news.a', ['frame', new Uint8Array(1)], { timeout: 5 });
await publisher.publishMany([['news.a', 'x'], [new Uint8Array(1), ['y', 'z']]], { signal: AbortSignal.timeout(1) });
await publisher.publish('news.a');
const rules: Rules = { allow: ['news.>'], deny: 'news.b' };
for await (const event of publisher) {
  if (event.kind === 'asked') {
    const { credential } = event;
    if (credential.kind === 'token') publisher.refuse(event.ask, String(credential.token));
    else publisher.admit(event.ask, credential.kind === 'password' ? credential.user : event.user, rules);
  } else console.log(event.kind satisfies 'joined' | 'left', event.identity.length);
}
const happened: PublisherEvent = await publisher.next({ timeout: 5 });
publisher.setRules('alice', rules);
publisher.setEntitlements('anonymous');
publisher.closePlain(publisher.openPlain('alice', 'tcp://127.0.0.1:0') satisfies string);
publisher.expel(happened.identity, 'enough');
const subscriberOptions: SubscriberOptions = { user: 'alice', password: new Uint8Array(1), snailMaxLag: 5 };
using subscriber = new Subscriber(publisher.endpoint, subscriberOptions);
const late: SubscriptionOptions = { last: 5, slow: 'hold', shared: false };
const wanted: number = subscriber.subscribe('news.>', late);
subscriber.unsubscribe(subscriber.subscribe({ prefix: new Uint8Array(1), ...late }));
for await (const event of subscriber) {
  if (event.kind === 'message') console.log(event satisfies Publication, event.subject, event.frames[0]?.length);
  else if (event.kind === 'missed') console.log(event.last - event.first + event.count, event.reason === 'revoked');
  else if (event.kind === 'rejected') console.log(event.subscription === wanted, event.error.code);
  else if (event.kind !== 'subscribed') console.log(event.kind satisfies 'connected' | 'restarted');
}
for await (const batch of subscriber.batches({ max: 5 })) console.log(batch[0] satisfies SubscriberEvent | undefined);
const inStage: [PublisherCounters, SubscriberInfo?, SubscriberCounters?, ViewInfo?] = [
  publisher.counters(), publisher.subscribers()[0], subscriber.counters(), subscriber.views()[0],
];
const where: [string, string | undefined, string | undefined] = [
  publisher.endpoint, publisher.sharedEndpoint, subscriber.endpoint,
];
console.log(inStage[0].lostSlow, inStage[1]?.user.length, inStage[2]?.missed, inStage[3]?.stream, where);

const queueOptions: QueueOptions = { order: 'fifo', orders: { urgent: 'priority' }, store: 'file', maxDepth: 5 };
await using queue = new Queue(['tcp://127.0.0.1:0'], queueOptions);
using doer: QueueWorker = new QueueWorker(queue.endpoints, ['a', 'b'], { credit: 10, context: new Context() });
const producerOptions: ProducerOptions = { patience: 5, maxCalls: 10, heartbeatLimit: 2 };
await using producer = new Producer(queue.endpoints[0] ?? '', producerOptions);
const times: JobOptions = { delay: 1, backoff: 1, timeLimit: 5, keep: 5 };
const jobOptions: JobOptions = { ...times, priority: 1, attempts: 2, key: 'k', signal };
const number: number = await producer.push('a', ['frame', new Uint8Array(1)], jobOptions);
const numbers: number[] = await producer.pushMany('a', new Set(['x', 'y']), { priority: 1 });
try {
  const outcome: Buffer[] = await producer.run('a');
  const kept: Buffer[] = await producer.result(number, { signal });
  console.log(outcome, kept, numbers);
} catch (error) {
  if (error instanceof JobFailed) console.log(error.workerCode satisfies number, error.body.length);
}
using watch: Watch = producer.submit('a', 'body', jobOptions);
for await (const event of producer.watch(await watch.accepted(), { progress: true, signal })) {
  if (event.kind === 'accepted') console.log(event.job, event.known);
  else if (event.kind === 'progress') console.log(event.open + event.done + event.failed);
  else if (event.error === undefined) console.log(event.body.length satisfies number);
  else console.log(event.error.code, event satisfies WatchEvent);
}
{
  using draft: Draft = producer.draft('a');
  draft.sendPart(['x', 'y']);
  console.log(await draft.execute().outcome());
}
for await (const job of doer) {
  using held: QueueJob = job;
  const results: ChildResult[] = job.results;
  const child: Child = { queue: 'b', body: ['x'], onFailure: 'pass', detached: true, attempts: 1 };
  if (job.withdrawn || job.signal.aborted || job.answered) job.fail(QueueJob.DROPPED, 'no');
  else if (!job.resumed) job.spawn([child], job.body, { ordered: true });
  else if (job.tries < 3) job.retry(1, job.queue, new Uint8Array(1));
  else held.complete([...job.memo, ...results.flatMap((result) => (Array.isArray(result) ? result : []))]);
}
const looked: [QueueCounters?, TreeJob?, DeadLetter?] = [
  (await producer.queues())[0], (await producer.tree(number, 5)).jobs[0], (await producer.dead(0, 5)).letters[0],
];
console.log(looked[1]?.state === 'suspended', looked[2]?.failure.code, looked[2]?.options.attempts);
const again: number = await producer.requeue(number);
const jobCounters: [JobCounters, QueueWorkerCounters] = [queue.counters(), doer.counters()];
await producer.cancel(again);
await queue.drain({ timeout: 5 });
doer.leave();
console.log(jobCounters[0].lost.workersLost, queue.queues(), queue.workers(), await queue.wait(), await doer.next());

// @ts-expect-error: there is no such order
new Queue('tcp://127.0.0.1:0', { order: 'nope' });
// @ts-expect-error: a job has no deadline; it has a time limit
producer.push('a', 'x', { deadline: 5 });
// @ts-expect-error: a child has no key
(await doer.next()).spawn([{ queue: 'a', key: 'k' }]);
// @ts-expect-error: there is no such policy
subscriber.subscribe('news.>', { slow: 'nope' });
// @ts-expect-error: a prefix says so
subscriber.subscribe(new Uint8Array(1));
// @ts-expect-error: a stream has a name
new Publisher('tcp://127.0.0.1:0', { streams: [{ subjects: 'a' }] });
// @ts-expect-error: a publication has a subject
publisher.publishMany(['x']);
// @ts-expect-error: there is no such option
new Bus('epgm://lo;239.192.1.1:5670', { speed: 5 });
// @ts-expect-error: a request has no timeout; it has a deadline
client.request('service', 'x', { timeout: 5 });
// @ts-expect-error: what is stored has a key
client.store('service', 'x');
// @ts-expect-error: there is no such balance
new Client('tcp://127.0.0.1:1', { balance: 'nope' });
// @ts-expect-error: there is no such side
new Broker('tcp://127.0.0.1:0', { plain: [{ endpoint, side: 'both', service: 'service' }] });
// @ts-expect-error: a server of the Freelance pattern offers something
new Client([], { freelance: [{ endpoint }] });
// @ts-expect-error: there is no such type
new Socket('nope');
// @ts-expect-error: there is no such option
new Socket('push', { send_hwm: 1 });
// @ts-expect-error: a number is no message
socket.send(5);
