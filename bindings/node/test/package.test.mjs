/** The package as others see it: both module systems, its types, and what is generated in it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import * as imported from 'zpatterns';

const root = join(import.meta.dirname, '..');
const node = (...args) => execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });

test('import and require give the same things', () => {
  const required = createRequire(import.meta.url)('zpatterns');
  const names = Object.keys(required).sort();
  assert.deepEqual(names, Object.keys(imported).filter((name) => /^[A-Za-z]/.test(name) && name !== 'default').sort());
  for (const name of names) assert.equal(imported[name], required[name]);
  assert.ok(names.includes('Socket') && names.includes('ZpatternsError'));
});

test('the types hold for a program that uses them', () => {
  try {
    node('node_modules/typescript/bin/tsc', '--project', 'test/types');
  } catch (error) {
    assert.fail(error.stdout);
  }
});

test('the counters are those of the types', () => {
  const types = readFileSync(join(root, 'dist/stats.d.ts'), 'utf8');
  const named = [...types.matchAll(/^ {4}(\w+): number;/gm)].map(([, name]) => name);
  const socket = new imported.Socket('pull');
  assert.deepEqual(Object.keys(socket.stats()).sort(), named.sort());
  socket.close();
});

test('the options are those of core', () => node('scripts/options.mjs', '--check'));
