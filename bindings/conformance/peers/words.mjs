// How values look on the line.
import { ZpatternsError } from 'zpatterns';

export const unhex = (word) => (word === '-' ? Buffer.alloc(0) : Buffer.from(word, 'hex'));
export const hex = (data) => data.toString('hex') || '-';
export const within = (millis) => (millis < 0 ? {} : { timeout: Number(millis) });
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
export const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `5`, `true` or `hex:00ff`, as a program would write it: a routing id and a key are bytes, everything else is text. */
export function option(word) {
  const [name, value] = word.split(/=(.*)/s);
  if (value.startsWith('hex:')) {
    const bytes = unhex(value.slice(4));
    return [camel(name), ['routing_id', 'key'].includes(name) ? bytes : bytes.toString()];
  }
  return [camel(name), JSON.parse(value)];
}

/** The options among the words, and the frames. */
export function split(words) {
  const pairs = words.filter((word) => word.includes('=')).map(option);
  return [Object.fromEntries(pairs), words.filter((word) => !word.includes('=')).map(unhex)];
}

export const list = (frames) => frames.map(hex).join(',');
export const text = (word) => unhex(word).toString();

/** Counters by their names in core. */
export function flat(counters, before = '') {
  const one = ([name, value]) =>
    typeof value === 'object' ? flat(value, `${name}_`) : `${before}${snake(name)}=${value}`;
  return Object.entries(counters).map(one).join(' ');
}

/** Rejects with `Timeout` if it takes longer. */
export function atMost(millis, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new ZpatternsError('Timeout', 'it takes longer')), Number(millis));
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The handle of this name. */
export function named(name, handles) {
  const handle = handles.get(name);
  if (handle === undefined) throw new ZpatternsError('InvalidArgument', 'no handle has this name');
  return handle;
}
