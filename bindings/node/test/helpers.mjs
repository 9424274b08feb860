/** What the tests share: pairs of sockets that end with the test, child processes with a watchdog, expectations. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Socket } from 'zpatterns';

/** No wait of a test is longer; a test that gets here has failed. In milliseconds. */
export const WATCHDOG = 30_000;
export const patiently = { timeout: WATCHDOG };

/** A socket that closes with the test. */
export function open(t, type, options = {}) {
  const socket = new Socket(type, { linger: 0, ...options });
  t.after(() => socket.close({ linger: 0 }).catch(() => {}));
  return socket;
}

/** Two connected sockets that close with the test. */
export function pair(t, [left, right] = ['push', 'pull'], endpoint = 'tcp://127.0.0.1:0', options = {}) {
  const [a, b] = [open(t, left, options), open(t, right, options)];
  a.connect(b.bind(endpoint));
  return [a, b];
}

/** A folder that goes with the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'zp-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Fails unless `promise` or the call fails with an error of this code; returns the error. */
export async function refused(code, work) {
  const error = await Promise.resolve()
    .then(typeof work === 'function' ? work : () => work)
    .then(
      () => assert.fail(`expected ${code}, and it worked`),
      (reason) => reason,
    );
  assert.equal(error.code, code, error.stack);
  return error;
}

/** Runs a script in a process of its own: {@link Child}. */
export function script(t, source, args = [], options = {}) {
  return new Child(t, ['--expose-gc', '--input-type=module', '--eval', source, ...args], options);
}

/** A Node process that is killed when the test is over. */
export class Child {
  stdout = '';
  stderr = '';
  #lines = [];
  #waiting = [];

  constructor(t, args, options) {
    this.process = spawn(process.execPath, args, { cwd: import.meta.dirname, ...options });
    this.process.stdout.setEncoding('utf8').on('data', (text) => this.#read(text));
    this.process.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
    const watchdog = setTimeout(() => this.process.kill('SIGKILL'), WATCHDOG);
    this.ended.then(() => clearTimeout(watchdog));
    t.after(() => this.process.kill('SIGKILL'));
  }

  /** The next line of its output; fails if it ends before. */
  line() {
    if (this.#lines.length > 0) return Promise.resolve(this.#lines.shift());
    const next = new Promise((resolve) => this.#waiting.push(resolve));
    return Promise.race([next, this.ended.then((end) => assert.fail(`it ended: ${JSON.stringify(end)}`))]);
  }

  #read(text) {
    const rest = this.stdout.slice(this.stdout.lastIndexOf('\n') + 1) + text;
    this.stdout += text;
    for (const line of rest.split('\n').slice(0, -1)) {
      const waiting = this.#waiting.shift();
      if (waiting) waiting(line);
      else this.#lines.push(line);
    }
  }
}
