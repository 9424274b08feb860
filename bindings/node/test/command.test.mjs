/** The command that comes with the package. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../dist/zpat.js', import.meta.url));
const zpat = (...args) => spawnSync(process.execPath, [command, ...args], { encoding: 'utf8', timeout: 60_000 });

test('zpat info shows CURVE', () => {
  const { status, stdout, stderr } = zpat('info');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^curve {6}yes$/m);
});

test('zpat mistakes have a code', () => {
  assert.equal(zpat('recv', '--bind', 'nonsense').status, 1);
  assert.equal(zpat('no-such-command').status, 2);
});
