// Numbers for everybody at once: a fifth is lost, everybody is deaf for a while, nothing is missing in silence.
//
//     node bus.mjs say ENDPOINT LISTENERS     says numbers as soon as so many listen
//     node bus.mjs listen ENDPOINT            listens
import { setTimeout as sleep } from 'node:timers/promises';
import { Bus } from 'zpatterns';

const body = Buffer.alloc(1000); // so hardly two numbers share a datagram

// region: say
async function say(endpoint, listeners) {
  const bus = new Bus(endpoint, { subscribe: 'done' });
  console.log('endpoint', endpoint);
  await waitFor(bus, listeners); // everybody is here
  await sayNumbers(bus, 1, 100);
  await bus.send(['lose', '0.2']);
  await waitFor(bus, listeners);
  await sayNumbers(bus, 101, 1100);
  await bus.send(['lose', '0']);
  await waitFor(bus, listeners);
  await sayNumbers(bus, 1101, 1200);
  await bus.send('end');
  await waitFor(bus, listeners);
  await bus.close();
  console.log('everybody heard the end');
}

async function sayNumbers(bus, first, last) {
  for (let number = first; number <= last; number++) await bus.send(['number', String(number), body]);
}

async function waitFor(bus, answers) {
  while (answers > 0) if ((await bus.receive()).type === 'message') answers--;
}
// endregion: say

// region: outage
async function sayOn(endpoint, listeners) {
  const bus = new Bus(endpoint, { subscribe: 'done', window: 20_000 }); // it remembers 20 numbers
  await bus.send(['deaf', '100']);
  await waitFor(bus, listeners);
  let hearing = false;
  const answered = waitFor(bus, listeners).then(() => (hearing = true));
  for (let number = 1; !hearing; number++) { // until everybody hears again
    await sayNumbers(bus, number, number);
    await sleep(1);
  }
  await answered;
  await bus.send('end');
  await waitFor(bus, listeners);
  await bus.close();
  console.log('everybody hears again');
}
// endregion: outage

// region: listen
async function listen(endpoint) {
  const bus = new Bus(endpoint, { subscribe: '' });
  await bus.send('done'); // it is here
  const first = await follow(bus);
  console.log(`${first.numbers} numbers, ${some(first.wrong)} out of order`);
  console.log(`${some(bus.counters().received.repaired)} lost and repeated, ${some(first.missed)} missed`);
  const second = await follow(bus);
  console.log(`deaf for a while: ${some(second.missed)} missed, ${some(second.wrong)} out of order`);
  await bus.close();
}

/** Up to the end: how many numbers, how often some were missed, and how often they did not go on as they should. */
async function follow(bus) {
  let [numbers, missed, wrong, due, told] = [0, 0, 0, 1, false];
  for (;;) {
    const { type, frames = [] } = await bus.receive();
    if (type === 'missed') [missed, told] = [missed + 1, true];
    const word = String(frames[0]);
    if (word === 'number') {
      const number = Number(frames[1]);
      if ((number !== due && !told) || !frames[2].equals(body)) wrong++;
      [numbers, due, told] = [numbers + 1, number + 1, false];
    } else if (word === 'lose') {
      bus.injectLoss(Number(frames[1]));
      await bus.send('done');
    } else if (word === 'deaf') {
      await beDeaf(bus, Number(frames[1]));
    } else if (word === 'end') {
      await bus.send('done');
      return { numbers, missed, wrong };
    }
  }
}
// endregion: listen

// region: deaf
async function beDeaf(bus, datagrams) {
  const end = bus.counters().injected + datagrams;
  bus.injectLoss(1);
  await bus.send('done');
  while (bus.counters().injected < end) await sleep(10); // so much has passed by unheard
  bus.injectLoss(0);
  await bus.send('done');
}
// endregion: deaf

const some = (count) => (count > 0 ? 'some were' : 'none was');

const [role, endpoint, listeners] = process.argv.slice(2);
if (role === 'say') {
  await say(endpoint, Number(listeners));
  await sayOn(endpoint, Number(listeners));
} else if (role === 'listen') {
  await listen(endpoint);
} else {
  console.error('usage: node bus.mjs say ENDPOINT LISTENERS | listen ENDPOINT');
  process.exitCode = 1;
}
