// The same for `require`.
import zpatterns = require('zpatterns');

const socket: zpatterns.Socket = new zpatterns.Socket('push');
const closed: Promise<void> = socket.close();
export { closed };
