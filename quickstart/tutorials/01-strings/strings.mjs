// Strings of every kind from one program to another, and nothing changes on the way.
//
//     node strings.mjs recv ENDPOINT [--text T]... [--file F]...
//     node strings.mjs send ENDPOINT [--text T]... [--file F]...
//
// Both sides get the same texts and files. The receiver binds, compares each string with its own, and reports.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Socket } from 'zpatterns';

const timeout = 30_000; // milliseconds, for every wait
const builtIn = [
  ['ascii', 'Hello, world!'],
  ['utf8', 'Grüße, Ελλάδα, Привет, שלום, 你好, こんにちは, 🦀'],
  ['empty', ''],
  ['nul', 'before\0after'],
  ['mebibyte', 'é'.repeat(524288)],
];

// region: send
async function send(endpoint, cases) {
  const socket = new Socket('push');
  socket.connect(endpoint);
  for (const [name, bytes] of cases) await socket.send([name, bytes], { timeout });
  await socket.send('end', { timeout });
  await socket.close();
  console.log(`${cases.length} strings sent`);
}
// endregion: send

// region: recv
async function recv(endpoint, cases) {
  const socket = new Socket('pull');
  console.log('endpoint', socket.bind(endpoint));
  let [count, different] = [0, 0];
  for (;;) {
    const [name, bytes] = await socket.receiveMultipart({ timeout });
    if (bytes === undefined) break;
    const [ownName, ownBytes] = cases[count++] ?? [];
    const equal = name.toString() === ownName && bytes.equals(ownBytes);
    different += equal ? 0 : 1;
    console.log(name.toString(), bytes.length, equal ? 'equal' : 'DIFFERENT');
  }
  different += Math.max(0, cases.length - count); // a missing one is different
  console.log(`${count} strings,`, different ? `${different} DIFFERENT` : 'all equal');
  process.exitCode = different ? 1 : 0;
  await socket.close();
}
// endregion: recv

const several = { type: 'string', multiple: true, default: [] };
const { positionals, values } = parseArgs({ allowPositionals: true, options: { text: several, file: several } });
const [role, endpoint] = positionals;
const texts = [...builtIn, ...values.text.map((text) => ['text', text])];
const cases = texts.map(([name, text]) => [name, Buffer.from(text)]);
cases.push(...values.file.map((file) => ['file', readFileSync(file)]));
await { send, recv }[role](endpoint, cases);
