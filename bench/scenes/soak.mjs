import { makeCertificate } from '../support/certificate.mjs';
import { descriptorsOf, residentMb } from '../support/cpu.mjs';
import { nativeSetting, startUp } from '../support/native.mjs';
import { scrape, sum } from '../support/scrape.mjs';
import { startServers, startTlsServers } from '../support/servers.mjs';
import { folder, nowMs, sleep } from '../support/shell.mjs';

const minutes = Number(process.env.BENCH_SOAK_MINUTES ?? 30);
const stepMs = 5000;
const aMinute = 60_000 / stepMs;
/** In steps, each first after half of it: neither falls into the third minute, nor into the last of thirty. */
const outageEvery = 2.5 * aMinute;
const reloadEvery = 3 * aMinute;
const outageLength = 2;

const all = nativeSetting(11_300, { type: 'tcp', intervalMs: 1000, timeoutMs: 1000, retryMs: 500, fall: 2 });
const name = 'www.example.org';
const https = (session) => ({
  type: 'http',
  port: 443,
  interval: '2s',
  tls: { server_name: name, ca: `${folder}/tls.pem`, session },
});
/** A hundred servers each. */
const kinds = [
  { services: 70, lvsdCheck: undefined },
  { services: 15, lvsdCheck: { type: 'icmp' } },
  { services: 15, lvsdCheck: { type: 'http', interval: '2s' } },
  { services: 1, lvsdCheck: https('fresh') },
  { services: 1, lvsdCheck: https('reuse') },
  { services: 11, lvsdCheck: { type: 'http', interval: '2s', connection: 'reuse', watch: true } },
];
const checks = kinds.flatMap(({ services, lvsdCheck }) => Array(services).fill(lvsdCheck));
const services = all.services.map((service, i) => ({ ...service, lvsdCheck: checks[i] }));
/** Of the last two services, each lacks one: they ask for as many descriptors. */
const [atFirst, next] = [-1, -2].map((missing) => ({ ...all, services: services.toSpliced(missing, 1) }));

const early = 'lvsd in its third minute';
const late = 'lvsd at the end';

export const soak = {
  name: 'soak',
  where: 'native',
  isLong: true,
  title: 'Half an hour at full load',
  method: `7,000 servers are checked by TCP and 1,500 by ICMP once a second, 1,500 by HTTP, 1,000 by HTTP with \`connection: reuse\` and \`watch: true\`, 100 by HTTPS with whole handshakes and 100 with \`tls: { session: reuse }\` every 2 s. Each 2.5 minutes all but those checked by ICMP die, and are back after ${(outageLength * stepMs) / 1000} s; each 3 minutes, at a SIGHUP, a hundred servers with kept connections give way to a hundred others. Descriptors and memory are looked at each ${stepMs / 1000} s of the third minute and of the last one; probes are counted by lvsd itself, in \`lvsd_check_scheduler_lag_seconds\`: no server sees them all. Run it with \`BENCH_SOAK_MINUTES\` for another time of at least 3.`,
  goals: [
    { figure: 'exit status', column: late, atMost: 0 },
    { figure: 'descriptors', column: late, atMost: 5, above: early },
    { figure: 'resident memory, MB', column: late, atMost: 1.1, of: early },
  ],

  async measure(columns) {
    const files = makeCertificate(name);
    const startAll = () => Promise.all([startServers(), startTlsServers(files, 443)]);
    const killAll = (servers) => Promise.all(servers.map(({ kill }) => kill()));
    let servers = await startAll();
    const running = await startUp(atFirst);
    const probesBefore = await probesMade();
    const startMs = nowMs();
    const looks = [];
    for (let step = 1; step <= minutes * aMinute; step++) {
      await sleep(startMs + step * stepMs - nowMs());
      looks.push(look(running.checker()));
      if (step % outageEvery === outageEvery / 2) await killAll(servers);
      if (step % outageEvery === outageEvery / 2 + outageLength) servers = await startAll();
      if (step % reloadEvery === reloadEvery / 2)
        running.reload(Math.floor(step / reloadEvery) % 2 === 0 ? next : atFirst);
    }
    const elapsedMs = nowMs() - startMs;
    const probes = (await probesMade()) - probesBefore;
    const whole = {
      minutes: [elapsedMs / 60_000],
      'probes made': [probes],
      'probes a second': [(probes / elapsedMs) * 1000],
      'exit status': [await running.stop()],
    };
    await killAll(servers);
    columns[early] = { figures: figuresOf(looks.slice(2 * aMinute, 3 * aMinute)) };
    columns[late] = { figures: { ...figuresOf(looks.slice(-aMinute)), ...whole } };
  },
};

/** By its own count. */
async function probesMade() {
  return sum(await scrape(), 'lvsd_check_scheduler_lag_seconds_count');
}

function look(pid) {
  return { descriptors: descriptorsOf(pid), residentMb: residentMb(pid) };
}

function figuresOf(looks) {
  return {
    descriptors: looks.map(({ descriptors }) => descriptors),
    'resident memory, MB': looks.map(({ residentMb }) => residentMb),
  };
}
