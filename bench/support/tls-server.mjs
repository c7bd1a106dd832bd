// Plays real servers by HTTPS, on one port of every address: see servers.mjs.
//
//   tls-server.mjs KEY CERTIFICATE PORT
//
// For each line it reads it prints connections and requests so far, as servers.c does.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [keyPath, certificatePath, port] = process.argv.slice(2);
const [key, cert] = [keyPath, certificatePath].map((path) => readFileSync(path));
let connections = 0;
let requests = 0;

const server = createServer({ key, cert, keepAliveTimeout: 60_000 }, (_request, response) => {
  requests += 1;
  response.end('OK');
});
server.on('connection', () => {
  connections += 1;
});
server.listen(Number(port), '0.0.0.0', () => console.log('ready'));
process.stdin.on('data', () => console.log(connections, requests, 0)).on('end', () => process.exit());
