// Says hello to itself, and the README shows how.

// region: hello
import { Socket } from 'zpatterns';

const pull = new Socket('pull');
const push = new Socket('push');
push.connect(pull.bind('tcp://127.0.0.1:0'));
await push.send('hello', { timeout: 5000 });
console.log(await pull.receiveText({ timeout: 5000 }));
await push.close();
await pull.close();
// endregion: hello
