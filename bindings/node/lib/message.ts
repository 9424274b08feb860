/** What can be sent. */
import { invalid } from './errors';

/** One frame: bytes, or text that is sent as UTF-8. */
export type Data = Uint8Array | string;

/** A message: one frame, or several in an array. */
export type MessageLike = Data | readonly Data[];

/** The bytes of a frame. @internal */
export function bytesOf(frame: Data): Uint8Array {
  if (typeof frame === 'string') return Buffer.from(frame);
  if (frame instanceof Uint8Array) return frame;
  throw invalid('a frame is a Uint8Array or a string', { given: typeof frame });
}

/** The bytes of each frame. @internal */
export function framesOf(message: MessageLike): Uint8Array[] {
  return Array.isArray(message) ? message.map(bytesOf) : [bytesOf(message as Data)];
}
