// A program in TypeScript, compiled and never run: what it uses must have the types that it says.
import {
  Context, Proxy, type ProxyStats, type SocketOptions, type SocketStats, Socket, ZpatternsError, info,
} from 'zpatterns';

const options: SocketOptions = { sendHwm: 10, linger: 500, routingId: Buffer.from('me'), ipv6: true };
const socket = new Socket('dealer', { ...options, context: new Context({ ioThreads: 2 }) });
const endpoint: string = socket.bind('tcp://127.0.0.1:0');
const sent: Promise<void> = socket.send(['frame', new Uint8Array(1)], { timeout: 5, signal: AbortSignal.timeout(1) });
for await (const message of socket) console.log(message.length, endpoint);
for await (const batch of socket.batches({ max: 5 })) console.log(batch[0]?.readUInt8(0));
for await (const frames of socket.multipart()) console.log(frames.length);
for await (const batch of socket.multipartBatches({ max: 5 })) console.log(batch[0]?.[0]?.readUInt8(0));
const messages: Buffer[][] = await socket.receiveManyMultipart({ max: 5, timeout: 1 });
const proxy = new Proxy(socket, new Socket('dealer'));
const why: ZpatternsError = await proxy.wait({ signal: AbortSignal.timeout(1) });
const passed: ProxyStats = proxy.stats();
for await (const event of socket.monitor()) if (event.kind === 'stopped') break;
const received: [Buffer, Buffer[], string, Buffer[]] = [
  await socket.receive(), await socket.receiveMultipart(), await socket.receiveText(), await socket.receiveMany(),
];
const stats: SocketStats = socket.stats();
try {
  await socket.close({ linger: 0 });
} catch (error) {
  if (error instanceof ZpatternsError && error.code === 'Timeout') console.log(error.context['endpoint']);
}
console.log(sent, received, messages, why.code, passed.forwardBytes, stats.sentMessages, info().libzmq);

// @ts-expect-error: there is no such type
new Socket('nope');
// @ts-expect-error: there is no such option
new Socket('push', { send_hwm: 1 });
// @ts-expect-error: a number is no message
socket.send(5);
