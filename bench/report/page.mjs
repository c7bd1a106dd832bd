import { goalsOf, outcome } from './goals.mjs';
import { tableOf } from './table.mjs';

/** docs/benchmarks.md, from `{ scene, result }` of every scene. */
export function page(known) {
  return `# Benchmarks

What lvsd costs, beside what else looks after an LVS director: keepalived, ldirectord, and the monitoring script of the
handbook, a shell loop around \`curl\` and \`ipvsadm\`. This page is written by \`bench/run\`.

| scene | figure | of | seen | goal | |
| --- | --- | --- | --- | --- | --- |
${known.flatMap(goalRows).join('\n')}

## How to repeat it

    bench/run                # all scenes but soak; about an hour
    bench/run soak           # half an hour more
    bench/run tcp death      # some: ${known.map(({ scene }) => scene.name).join(', ')}

An x86-64 machine with Debian 12 or later, root (or sudo without a password), Node.js 20, a C compiler (\`apt-get install gcc
libc6-dev\`), and nothing else to do meanwhile. Scenes of the kernel's table run in the guest of the tests: a virtual machine
with Debian's kernel, for which qemu, keepalived, ldirectord and the other packages are installed when they are missing.
The other scenes run on the machine itself, in a network namespace of their own, with lvsd's table in memory.

## How it is measured

lvsd runs with \`metrics.detail: service\`, as is advised where there are thousands of servers, and is otherwise as it comes.
Peers of a scene are run one after the other, in the same boot, against the same servers, with the same intervals. Figures
are medians; the samples are at the end. CPU is the user and system time of the process that checks, with its threads and
with the processes that it starts; it holds what the kernel does for the probe, and on these virtual links also much of
what it does for the server. Probes are counted by the servers. What the kernel's table holds is read from the kernel
each 10 ms. Where the guest's processor is emulated in software, figures compare with others of the guest and nothing else.

${known.map(section).join('\n')}
## Samples

\`\`\`json
${known.map(({ scene, result }) => `${JSON.stringify({ scene: scene.name, ...result }, rounded)}`).join('\n')}
\`\`\`
`;
}

function goalRows({ scene, result }) {
  return goalsOf(scene, result).map((goal) => {
    const cells = [scene.title, goal.figure, goal.column, goal.seen, goal.aim, outcome(goal)];
    return `| ${cells.join(' | ')} |`;
  });
}

function section({ scene, result }) {
  return `## ${scene.title}: \`bench/run ${scene.name}\`

${scene.method}

${tableOf(scene, result)}

${circumstances(result)}
`;
}

function circumstances({ machine, seconds, columns }) {
  const versions = Object.entries(machine.versions).filter(([name]) =>
    Object.keys(columns).some((column) => column.startsWith(name)),
  );
  const place = machine.where === 'guest' ? 'in the guest' : 'natively';
  return `${machine.at} UTC, ${seconds} s, ${place}: Linux ${machine.kernel}, ${machine.processors}; load of the machine before the run ${machine.loadBefore}; ${versions.map((pair) => pair.join(' ')).join('; ')}.`;
}

function rounded(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
