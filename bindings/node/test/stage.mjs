/** What the tests of publish-subscribe share: publishers and subscribers that end with the test. */
import assert from 'node:assert/strict';
import { Publisher, Subscriber } from 'zpatterns';
import { patiently } from './helpers.mjs';

export const somewhere = 'tcp://127.0.0.1:0';
/** A public stream of news, and everything else. */
export const streams = [{ name: 'news', subjects: 'news.>', public: true }, { name: 'rest' }];

/** A publisher with a shared path. */
export function publisher(t, options = {}) {
  const made = new Publisher(somewhere, { streams, shared: somewhere, ...options });
  t.after(() => made.close({ linger: 0 }).catch(() => {}));
  return made;
}

/** A subscriber of it. */
export function subscriber(t, { endpoint }, options = {}) {
  const made = new Subscriber(endpoint, options);
  t.after(() => made.close());
  return made;
}

/** Subscribes, and waits until it is so. */
export async function subscribed(who, ...wanted) {
  const number = who.subscribe(...wanted);
  for (;;) {
    const event = await who.receive(patiently);
    if (event.kind === 'subscribed' && event.subscription === number) return number;
    assert.equal(event.kind, 'connected');
  }
}

/** The next message, by one who misses nothing. */
export async function message(who) {
  const event = await who.receive(patiently);
  assert.equal(event.kind, 'message');
  return event;
}

/** The first frame of the next message. */
export const text = async (who) => String((await message(who)).frames[0]);

/** Publishes so many numbers about a subject. */
export const count = (from, subject, most) =>
  from.publishMany(Array.from({ length: most }, (_, index) => [subject, String(index)]), patiently);

/** Hears so many numbers, in order, in batches. */
export async function counted(who, most) {
  let next = 0;
  for await (const batch of who.batches({ max: 500 })) {
    assert.ok(batch.length <= 500);
    for (const { kind, frames, number } of batch) {
      assert.equal(kind, 'message');
      assert.equal(String(frames[0]), String(next));
      next += 1;
      if (next === most) return number;
    }
  }
  return assert.fail('it has ended');
}

/** Whether what was accepted is accounted for. */
export function balanced({ accepted, delivered, held, ...rest }) {
  const lost = ['Slow', 'History', 'Revoked', 'Gone', 'Closed'].reduce((sum, why) => sum + rest[`lost${why}`], 0);
  assert.equal(accepted, delivered + lost + held);
}
