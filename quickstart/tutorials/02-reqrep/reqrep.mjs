// Greetings through a broker: a worker is killed, the broker is killed, and no question is lost.
//
//     node reqrep.mjs broker [STORE]                     prints its endpoint, for the others
//     node reqrep.mjs work ENDPOINT [--dies-after N]     greets; is killed with the question after the Nth at hand
//     node reqrep.mjs ask ENDPOINT                       asks once, then 200 times at once; then the others go home
//     node reqrep.mjs leave ENDPOINT                     leaves a question in the broker's STORE
//     node reqrep.mjs fetch ENDPOINT                     fetches the answer to it; then the others go home
import { Broker, Client, Worker } from 'zpatterns';

const deadline = 120_000; // milliseconds, for an answer

// region: broker
async function broker(store) {
  // 0.75 s of silence is death.
  const broker = new Broker('tcp://127.0.0.1:0', { heartbeatInterval: 250, heartbeatLimit: 3, store });
  const end = new Worker(broker.endpoints, 'end');
  console.log('endpoint', ...broker.endpoints);
  (await end.next()).reply(); // somebody asks for the end
  await broker.drain();
  const { redelivered, lost } = broker.counters();
  console.log(redelivered ? 'some were' : 'none was', 'given to another worker');
  console.log(Object.values(lost).some(Boolean) ? 'some were' : 'none was', 'lost');
  end.close();
  broker.close();
}
// endregion: broker

// region: work
async function work(endpoint, _, diesAfter) {
  const worker = new Worker(endpoint, 'greet', { credit: 10 }); // so many questions may be at hand
  let greeted = 0;
  for await (const job of worker) {
    if (greeted++ === Number(diesAfter)) {
      console.log('killed, with questions at hand');
      process.kill(process.pid, 'SIGKILL');
    }
    const name = String(job.body[0]);
    job.reply(`Hello, ${name}!`);
    if (name === 'end') worker.leave(); // takes no more questions, and finishes what it has
  }
  worker.close();
  console.log('sent home');
}
// endregion: work

// region: ask
async function ask(client) {
  const greet = async (name) => String(await client.request('greet', name, { deadline }));
  console.log(await greet('World'));
  const names = Array.from({ length: 200 }, (_, index) => String(index + 1));
  const answers = await Promise.all(names.map(greet)); // all, before one is answered
  const answered = answers.filter((answer, index) => answer === `Hello, ${names[index]}!`);
  console.log(`${names.length} asked, ${answered.length} answered`);
  await sendHome(client);
}

async function sendHome(client) {
  await client.request('greet', 'end', { deadline });
  await client.request('end', [], { deadline });
}
// endregion: ask

// region: durable
async function leave(client) {
  await client.store('greet', 'Ada', { key: 'later', deadline });
  console.log("the question is on the broker's disk");
}

async function fetch(client) {
  console.log(String(await client.fetch('greet', 'later', { patience: deadline })));
  await sendHome(client);
}
// endregion: durable

const asker = (role) => async (endpoint) => {
  const client = new Client(endpoint);
  await role(client);
  client.close();
};
const roles = { broker, work, ask: asker(ask), leave: asker(leave), fetch: asker(fetch) };
const [role, ...rest] = process.argv.slice(2);
await roles[role](...rest);
