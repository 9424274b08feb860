/** How a process lives and ends: it stays for who waits, leaves when nobody does, and takes no message with it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, patiently, script } from './helpers.mjs';

const prelude = `
  import { Socket } from 'zpatterns';
  const [endpoint] = process.argv.slice(1);
`;

test('a process with idle sockets ends', async (t) => {
  const child = script(t, `${prelude}
    const pull = new Socket('pull');
    const push = new Socket('push');
    push.connect(pull.bind('tcp://127.0.0.1:0'));
    await push.send('x');
    await pull.receive();
    pull.monitor();
  `);
  assert.deepEqual(await child.ended, { code: 0, signal: null, stdout: '', stderr: '' });
});

const waits = {
  receive: 'await pull.receive()',
  'for await': 'for await (const message of pull) { console.log(String(message)); break; }',
  batches: 'for await (const batch of pull.batches()) { console.log(String(batch)); break; }',
};
for (const [name, wait] of Object.entries(waits)) {
  test(`a process stays while it waits: ${name}`, async (t) => {
    const child = script(t, `${prelude}
      const pull = new Socket('pull');
      console.log(pull.bind('tcp://127.0.0.1:0'));
      const message = ${wait.startsWith('for') ? `null; ${wait}` : `${wait}; console.log(String(message))`};
    `);
    const push = open(t, 'push');
    push.connect(await child.line());
    await push.send('came');
    assert.equal(await child.line(), 'came');
    assert.equal((await child.ended).code, 0);
  });

  test(`Ctrl-C ends a wait at once: ${name}`, async (t) => {
    const child = script(t, `${prelude}
      const pull = new Socket('pull');
      console.log(pull.bind('tcp://127.0.0.1:0'));
      ${wait}
    `);
    await child.line();
    child.process.kill('SIGINT');
    assert.equal((await child.ended).signal, 'SIGINT');
  });
}

test('a process stays while a send waits for room', async (t) => {
  const child = script(t, `${prelude}
    const push = new Socket('push');
    console.log(push.bind('tcp://127.0.0.1:0'));
    push.send('kept');
  `);
  const pull = open(t, 'pull');
  pull.connect(await child.line());
  assert.equal(await pull.receiveText(patiently), 'kept');
  assert.equal((await child.ended).code, 0);
});

const endings = {
  'by itself': '',
  'by process.exit': 'process.exit(3);',
  'by an uncaught exception': 'throw new Error("on purpose");',
  'with a send in its exit handler': 'process.on("exit", () => push.send("last"));',
};
for (const [name, ending] of Object.entries(endings)) {
  test(`what was sent leaves when a process ends ${name}`, async (t) => {
    const pull = open(t, 'pull');
    const child = script(
      t,
      `${prelude}
        const push = new Socket('push', { linger: 30_000 });
        push.connect(endpoint);
        for (let index = 0; index < 700; index++) push.send(String(index));
        ${ending}
      `,
      [pull.bind('tcp://127.0.0.1:0')],
    );
    for (let index = 0; index < 700; index++) assert.equal(await pull.receiveText(patiently), String(index));
    if (ending.includes('last')) assert.equal(await pull.receiveText(patiently), 'last');
    await child.ended;
  });
}

test('a process that linger holds up ends with Ctrl-C', async (t) => {
  const child = script(t, `${prelude}
    const push = new Socket('push', { linger: 600_000 });
    push.connect('tcp://127.0.0.1:9');
    await push.send('nobody will take it');
    console.log('ready');
  `);
  await child.line();
  child.process.kill('SIGINT');
  assert.equal((await child.ended).signal, 'SIGINT');
});
