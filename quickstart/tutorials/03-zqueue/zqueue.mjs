// Recursion without a stack: workers in any language walk a folder and take a bicycle apart.
//
//     node zqueue.mjs queue                        prints its endpoint, for the others; ends when it is asked to
//     node zqueue.mjs work ENDPOINT                works, until it is stopped
//     node zqueue.mjs measure ENDPOINT FOLDER      how many files, bytes, and a checksum; then the same by a plain program
//     node zqueue.mjs explode ENDPOINT PARTS THING what a thing consists of in the end; then the queue ends
import { readFileSync, readdirSync } from 'node:fs';
import { Producer, Queue, QueueWorker } from 'zpatterns';

// region: queue
async function queue() {
  const queue = new Queue('tcp://127.0.0.1:0');
  const end = new QueueWorker(queue.endpoints, 'end');
  console.log('endpoint', ...queue.endpoints);
  (await end.next()).complete(); // somebody asks for the end
  await queue.drain();
  const { accepted, delivered } = queue.counters();
  const lost = accepted - delivered;
  console.log('every job was done, and', lost === 0 ? 'none was lost' : `${lost} were lost`);
  end.close();
  queue.close();
}
// endregion: queue

// region: work
async function work(endpoint) {
  const handlers = { folder, file, parts };
  const worker = new QueueWorker(endpoint, Object.keys(handlers), { credit: 4 }); // so many jobs may be at hand
  console.log('works');
  for await (const job of worker) handlers[job.queue](job);
}
// endregion: work

// region: folder
function folder(job) {
  if (job.resumed) return job.complete(combined(job.memo, job.results)); // everything in it is measured
  const [path] = job.body;
  const entries = look(path);
  const children = entries.map(({ name, kind }) => ({ queue: kind, body: inside(path, name) }));
  job.spawn(children, entries.map(({ name }) => name));
}

function file(job) {
  job.complete(measureFile(job.body[0]));
}
// endregion: folder

// region: plain
function plain(path, kind = 'folder') {
  if (kind === 'file') return measureFile(path);
  const entries = look(path);
  const results = entries.map(({ name, kind }) => [plain(inside(path, name), kind)]);
  return combined(entries.map(({ name }) => name), results);
}
// endregion: plain

function inside(folder, name) {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

/** What is in a folder, in the order of its bytes; not what is hidden, was made, or is neither file nor folder. */
function look(folder) {
  const entries = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const leftOut = entry.name[0] === 0x2e || ['target', 'node_modules'].includes(String(entry.name));
    const kind = entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : undefined;
    if (!leftOut && kind !== undefined) entries.push({ name: entry.name, kind });
  }
  return entries.sort((one, other) => Buffer.compare(one.name, other.name));
}

function measureFile(path) {
  const data = readFileSync(path);
  return `1 ${data.length} ${checksum(data)}`;
}

/** Of a folder: files, bytes, and the checksum of a list of what is in it. */
function combined(names, results) {
  let [files, bytes] = [0, 0];
  const listed = [];
  for (const [index, [result]] of results.entries()) {
    const [itsFiles, itsBytes] = String(result).split(' ').map(Number);
    [files, bytes] = [files + itsFiles, bytes + itsBytes];
    listed.push(names[index], Buffer.from(` ${result}\n`));
  }
  return `${files} ${bytes} ${checksum(Buffer.concat(listed))}`;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = (byte >>> 1) ^ (byte & 1 ? 0xedb88320 : 0);
  return byte;
});

/** CRC-32. */
function checksum(bytes) {
  let sum = -1;
  for (const byte of bytes) sum = (sum >>> 8) ^ TABLE[(sum ^ byte) & 255];
  return (~sum >>> 0).toString(16).padStart(8, '0');
}

// region: parts
function parts(job) {
  const [bill, thing] = job.body;
  if (job.resumed) return job.complete(total(job.memo.map(Number), job.results));
  const needed = consistsOf(bill, thing);
  if (needed.length === 0) return job.complete(`1 ${thing}`);
  const children = needed.map(([, part]) => ({ queue: 'parts', body: [bill, part] }));
  job.spawn(children, needed.map(([number]) => number));
}
// endregion: parts

/** The line `THING: NUMBER PART, NUMBER PART` as pairs; nothing if there is none. */
function consistsOf(bill, thing) {
  const line = String(bill).split('\n').find((line) => line.startsWith(`${thing}: `));
  return (line?.split(': ')[1].split(', ') ?? []).map(pair);
}

/** `2 bottom bracket` as `['2', 'bottom bracket']`. */
function pair(text) {
  const space = text.indexOf(' ');
  return [text.slice(0, space), text.slice(space + 1)];
}

function total(numbers, results) {
  const counts = new Map();
  for (const [index, result] of results.entries()) {
    for (const [number, part] of result.map(String).map(pair)) {
      counts.set(part, (counts.get(part) ?? 0) + numbers[index] * Number(number));
    }
  }
  return [...counts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([part, number]) => `${number} ${part}`);
}

// region: measure
async function measure(producer, path) {
  const [result] = await producer.run('folder', path);
  const [files, bytes, sum] = String(result).split(' ');
  console.log(`${files} files, ${bytes} bytes, checksum ${sum}`);
  console.log('a plain program finds', plain(Buffer.from(path)) === String(result) ? 'the same' : 'something else');
}
// endregion: measure

async function explode(producer, bill, thing) {
  for (const line of await producer.run('parts', [readFileSync(bill), thing])) console.log(String(line));
  await producer.run('end');
}

const [role, endpoint, ...rest] = process.argv.slice(2);
if (role === 'queue') await queue();
else if (role === 'work') await work(endpoint);
else if (role === 'measure' || role === 'explode') {
  const producer = new Producer(endpoint);
  await (role === 'measure' ? measure : explode)(producer, ...rest);
  producer.close();
} else {
  console.error('queue | work ENDPOINT | measure ENDPOINT FOLDER | explode ENDPOINT PARTS THING');
  process.exitCode = 1;
}
