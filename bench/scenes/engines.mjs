import { costOnce } from '../support/cpu.mjs';
import { interleave } from '../support/interleave.mjs';
import { nativeSetting, startUp } from '../support/native.mjs';
import { startServers } from '../support/servers.mjs';
import { sleep } from '../support/shell.mjs';

const timing = { intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 };
const probes = {
  TCP: { type: 'tcp' },
  HTTP: { type: 'http', connection: 'fresh' },
  'HTTP, kept connection': { type: 'http', connection: 'reuse' },
};
const counted = { tcp: 'connections', http: 'requests' };
const withoutKoffi = 'lvsd without koffi';
const nodeFlags = ['--import', new URL('../support/preload-node.mjs', import.meta.url).pathname];
const settleMs = 8000;
const cost = (kind) => `${kind}: CPU a probe, µs`;

export const engines = {
  name: 'engines',
  where: 'native',
  title: "A probe on sockets of libc, and on Node's",
  method: `A thousand servers are checked once a second by the same lvsd with the same configuration. Without koffi, HTTP checks ask by undici and TCP checks connect by Node's \`net\`; a connection is kept with \`connection: reuse\`. Each sample is of a process of its own that has probed for ${settleMs / 1000} s; the two take turns, three times. What lvsd does beside probing is in all figures.`,
  goals: Object.keys(probes)
    .filter((kind) => probes[kind].type === 'http')
    .map((kind) => ({ figure: cost(kind), column: 'lvsd', atMost: 0.5, of: withoutKoffi })),

  async measure(columns) {
    const servers = await startServers();
    for (const kind of Object.keys(probes))
      await interleave(columns, {
        lvsd: () => measureProbe(kind, servers, []),
        [withoutKoffi]: () => measureProbe(kind, servers, nodeFlags),
      });
    await servers.kill();
  },
};

async function measureProbe(kind, servers, flags) {
  const { type } = probes[kind];
  const running = await startUp(settingOf(kind, flags));
  await sleep(settleMs);
  const { cpuMicros, rate } = await costOnce(running.checker(), async () => (await servers.counts())[counted[type]]);
  await running.stop();
  return { [cost(kind)]: cpuMicros, [`${kind}: probes a second`]: rate };
}

function settingOf(kind, flags) {
  const { type, ...check } = probes[kind];
  const setting = nativeSetting(1000, { type, ...timing });
  return { ...setting, lvsd: { ...setting.lvsd, check, flags } };
}
