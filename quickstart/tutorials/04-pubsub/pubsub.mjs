// A ticker with two kinds of customers, who may see different things, and one of them is slow.
//
//     node pubsub.mjs publish CUSTOMERS          publishes as soon as so many want to hear it
//     node pubsub.mjs gold ENDPOINT              may hear all, and is waited for
//     node pubsub.mjs basic ENDPOINT             may hear the euro, and is slow
import { setTimeout as sleep } from 'node:timers/promises';
import { Publisher, Subscriber } from 'zpatterns';

const pairs = ['eur.usd', 'eur.chf', 'usd.jpy'];

// region: rights
const rights = `
everyone
    allow = end
user
    gold
        password = "nugget"
        allow = ticks.>
    basic
        password = "pebble"
        allow = ticks.eur.*
`;
// endregion: rights

// region: publish
async function publish(customers) {
  const publisher = new Publisher('tcp://127.0.0.1:0', { entitlements: rights });
  console.log('endpoint', publisher.endpoint);
  await until(() => publisher.counters().subscriptions === 2 * customers);
  for (let number = 0; number < 1000; number++) {
    for (const pair of pairs) await publisher.publish(`ticks.${pair}`, String(number));
  }
  await publisher.flush();
  await until(() => publisher.counters().held === 0);
  publisher.setRules('gold', { allow: 'end' }); // from now on
  await publisher.publish('ticks.usd.jpy', 'nobody may hear this');
  await publisher.publish('end');
  await publisher.flush();
  await until(() => publisher.counters().held === 0);
  const { published, accepted, delivered, ...others } = publisher.counters();
  await publisher.close({ linger: 10_000 });
  const lost = others.lostSlow + others.lostHistory + others.lostRevoked + others.lostGone + others.lostClosed;
  if (accepted !== delivered + lost) throw new Error('the books do not balance');
  console.log(published - 1, 'ticks, and each was delivered or is told as missed');
}

async function until(condition) {
  while (!condition()) await sleep(10);
}
// endregion: publish

// region: gold
async function gold(endpoint) {
  const subscriber = new Subscriber(endpoint, { user: 'gold', password: 'nugget' });
  const ticks = subscriber.subscribe('ticks.>', { slow: 'hold', maxMessages: 100 });
  const end = subscriber.subscribe('end');
  const heard = new Set();
  let [count, missed, ended, revoked] = [0, 0, false, false];
  while (!(ended && revoked)) {
    const event = await subscriber.receive();
    if (event.kind === 'message' && event.subscription === end) ended = true;
    else if (event.kind === 'message') {
      heard.add(event.subject);
      count++;
    } else if (event.kind === 'missed') missed++;
    else if (event.kind === 'rejected') revoked = event.subscription === ticks;
  }
  subscriber.close();
  console.log(`${count} ticks of ${heard.size} pairs, ${some(missed)} missed`);
  console.log('then its right was taken back');
}
// endregion: gold

// region: basic
async function basic(endpoint) {
  const subscriber = new Subscriber(endpoint, { user: 'basic', password: 'pebble', maxMessages: 10 });
  subscriber.subscribe('ticks.>', { slow: 'drop', maxMessages: 10 });
  const end = subscriber.subscribe('end');
  const heard = new Set();
  let [count, missed, ended] = [0, 0, false];
  while (!ended || count + missed < 2000) {
    const event = await subscriber.receive();
    if (event.kind === 'message' && event.subscription === end) ended = true;
    else if (event.kind === 'message') {
      heard.add(event.subject);
      count++;
      await sleep(5); // much slower than the ticker
    } else if (event.kind === 'missed') missed += event.count;
  }
  subscriber.close();
  console.log(`ticks of ${heard.size} pairs, ${some(missed)} missed`);
  console.log('heard and missed are', count + missed, 'together');
}
// endregion: basic

const some = (count) => (count > 0 ? 'some were' : 'none was');

const [role, argument] = process.argv.slice(2);
if (role === 'publish') await publish(Number(argument));
else if (role === 'gold') await gold(argument);
else if (role === 'basic') await basic(argument);
else {
  console.error('usage: node pubsub.mjs publish CUSTOMERS | gold ENDPOINT | basic ENDPOINT');
  process.exitCode = 1;
}
