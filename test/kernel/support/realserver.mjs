// A real server of a test: `node realserver.mjs ADDRESS PORT`, told over IPC how to behave. See realserver.ts.
import { createServer } from 'node:http';

const [address, port] = process.argv.slice(2);
let behaviour = 'refuse';

const server = createServer({ keepAliveTimeout: 0 }, (_request, response) => {
  if (behaviour === 'silence') return;
  const answer = () => response.writeHead(behaviour === 'error' ? 500 : 200).end(address);
  setTimeout(answer, behaviour === 'slow' ? 600 : 0);
});

async function behave(next) {
  behaviour = next;
  if (next === 'refuse' && server.listening) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  if (next !== 'refuse' && !server.listening) await new Promise((resolve) => server.listen(Number(port), resolve));
  process.send(next);
}

process.on('message', behave);
process.on('disconnect', () => process.exit());
process.send('started');
