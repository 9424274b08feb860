/**
 * Writes `lib/options.ts` from the option table of core, which the addon knows. With `--check` it writes nothing and
 * fails if the file is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const addon = readdirSync(root).find((name) => name.endsWith('.node'));
const native = createRequire(import.meta.url)(root + addon);

const types = { Bool: 'boolean', Int: 'number', Duration: 'number', Text: 'string', Bytes: 'Uint8Array | string' };

/** The lines of a comment, no longer than 120 columns. */
function wrap(text, indent) {
  const lines = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || `${indent}${last} ${word}`.length > 120) lines.push(` * ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return ['/**', ...lines, ' */'].map((line) => indent + line).join('\n');
}

/** Numbers beyond 2^53 are no bound that JavaScript can write. */
function range({ kind, min, max }) {
  if (kind !== 'Int' && kind !== 'Duration') return '';
  return max > Number.MAX_SAFE_INTEGER ? ` At least ${min}.` : ` From ${min} to ${max}.`;
}

function property(row) {
  const standard = row.default === '' ? '' : ` Default: ${row.default}.`;
  return `${wrap(row.doc + range(row) + standard, '  ')}\n  ${row.name}?: ${types[row.kind]} | undefined;`;
}

const text = `/** Written by scripts/options.mjs from the option table of core; \`npm run generate\` writes it again. */

/** How a socket is set up; fixed once it is open. */
export interface SocketOptions {
${native.optionRows().map(property).join('\n')}
}
`;

const file = `${root}lib/options.ts`;
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('lib/options.ts differs from the option table of core: npm run generate');
  process.exitCode = 1;
}
