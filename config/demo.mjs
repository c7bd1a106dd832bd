// Runs lvsd with config/demo.yaml before four web servers of its own, which fail and recover in turns: nothing here
// needs root or a kernel with IPVS. Ends with Ctrl-C, or after `--seconds N`.

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const socket = '/tmp/lvsd-demo.sock';
const say = (text) => process.stdout.write(`\ndemo: ${text}\n`);

function webServer(address) {
  const server = createServer((_request, response) => response.writeHead(server.status).end('demo\n'));
  server.status = 200;
  server.start = () => new Promise((resolve) => server.listen(18080, address, resolve));
  server.on('error', (error) => {
    process.stderr.write(`Cannot start the demo: ${error.message}\n`);
    process.exit(1);
  });
  return server;
}

const servers = [11, 12, 13].map((host) => webServer(`127.0.0.${host}`));
const fallback = webServer('127.0.0.14');
await Promise.all([...servers, fallback].map((server) => server.start()));

const stop = async (server) => {
  server.close();
  server.closeAllConnections();
};
const answer = async (server, status) => {
  server.status = status;
};
const showStatus = () =>
  new Promise((resolve) => {
    const arguments_ = [path('../dist/src/main.js'), 'status', '--socket', socket];
    spawn(process.execPath, arguments_, { stdio: 'inherit' }).on('close', resolve);
  });

const [one, two, three] = servers;
const scenes = [
  ['three web servers are up; this is what `lvsd status` says', showStatus],
  ['127.0.0.12 begins to answer 503', () => answer(two, 503)],
  ['127.0.0.12 answers 200 again', () => answer(two, 200)],
  ['127.0.0.11 and 127.0.0.12 stop', () => Promise.all([stop(one), stop(two)])],
  ['127.0.0.13 stops too: the fallback server stands in', () => stop(three)],
  ['`lvsd status` now', showStatus],
  ['all of them start again: the fallback server leaves', () => Promise.all(servers.map((server) => server.start()))],
];
const sceneMs = 5000;

const arguments_ = [path('../dist/src/main.js'), 'run', '--table', 'memory', '-c', path('demo.yaml')];
const agent = spawn(process.execPath, arguments_, { stdio: 'inherit' });
const ended = new Promise((resolve) => agent.on('close', resolve));
const end = () => {
  clearInterval(timer);
  agent.kill('SIGTERM');
};
// Ctrl-C reaches the agent by itself.
process.on('SIGINT', () => {});
process.on('SIGTERM', end);
const secondsAt = process.argv.indexOf('--seconds');
if (secondsAt > 0) setTimeout(end, Number(process.argv[secondsAt + 1]) * 1000);

say('metrics on http://127.0.0.1:9975/metrics, Ctrl-C ends');
const timer = setInterval(async () => {
  const scene = scenes.shift();
  scenes.push(scene);
  say(scene[0]);
  await scene[1]();
}, sceneMs);

process.exitCode = await ended;
for (const server of [...servers, fallback]) await stop(server);
process.exit();
