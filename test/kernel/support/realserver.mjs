// A real server of a test: `node realserver.mjs ADDRESS PORT...`, told over IPC how to behave. See realserver.ts.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';

const [address, ...ports] = process.argv.slice(2);
let behaviour = 'refuse';

function respond(request, response) {
  if (behaviour === 'silence') return;
  const size = Number(request.url.slice(1));
  const body = size > 0 ? 'x'.repeat(size) : `${address}\n`;
  const answer = () => response.writeHead(behaviour === 'error' ? 500 : 200).end(body);
  request.resume().on('end', () => setTimeout(answer, behaviour === 'slow' ? 600 : 0));
}

const servers = ports.map((port) => ({ port, server: createServer({ keepAliveTimeout: 0 }, respond) }));

async function behaveOn({ port, server }, next) {
  if (next === 'refuse' && server.listening) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  if (next !== 'refuse' && !server.listening) await new Promise((resolve) => server.listen(Number(port), resolve));
}

async function behave(next) {
  behaviour = next;
  await Promise.all(servers.map((one) => behaveOn(one, next)));
  process.send(next);
}

function answerDatagrams(port) {
  const socket = createSocket('udp4');
  socket.on('message', (_, { address: client, port: from }) => socket.send(`${address}\n`, from, client));
  return new Promise((resolve) => socket.bind(Number(port), resolve));
}

process.on('message', behave);
process.on('disconnect', () => process.exit());
Promise.all(ports.map(answerDatagrams)).then(() => process.send('started'));
