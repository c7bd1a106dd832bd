import { goalsOf, outcome } from './goals.mjs';
import { tableOf } from './table.mjs';

/** docs/benchmarks.md, from `{ scene, result }` of every scene; `result` is undefined of one that has none. */
export function page(known) {
  const names = known.map(({ scene }) => scene.name);
  const long = names.filter((_name, i) => known[i].scene.isLong);
  const results = known.flatMap(({ result }) => result ?? []);
  return `# Benchmarks

What lvsd costs, beside what else looks after an LVS director: keepalived, ldirectord, and the monitoring script of the
handbook, a shell loop around \`curl\` and \`ipvsadm\`. This page is written by \`bench/run\`, from the last result of each
scene.

${originsOf(results)}

| scene | figure | of | seen | goal | |
| --- | --- | --- | --- | --- | --- |
${known.flatMap(goalRows).join('\n')}

## How to repeat it

    bench/run                # all scenes but ${long.join(', ')}; about an hour and a half
    bench/run ${long.join(' ').padEnd(14)} # what that leaves out; half an hour more
    bench/run tcp death      # some: ${names.join(', ')}

An x86-64 machine with Debian 12 or later, root (or sudo without a password), Node.js 20 with npm, and nothing else to do
meanwhile; a C compiler, \`openssl\` and some tools: \`apt-get install gcc libc6-dev openssl iproute2 procps util-linux\`. What a
fresh clone lacks of npm's packages is installed first, so the machine must reach npm's registry and Debian's. Scenes of the
kernel's table run in the guest of the tests: a virtual machine with Debian's kernel, for which qemu, keepalived, ldirectord
and the other packages are installed when they are missing. The other scenes run on the machine itself, in a network
namespace of their own, with lvsd's table in memory. A scene that fails is told at the end, and the rest is run; one that has
never been run is \`not run\` below.

## How it is measured

lvsd runs with \`metrics.detail: service\`, \`admin: off\`, \`state_dir: off\`, \`fail_open: never\` and \`rise: 1\`, where a scene
says nothing else; the check's \`interval\`, \`timeout\`, \`retry_interval\` and \`fall\` are the scene's, and the rest is as by
default. \`load\` shows what all detail, the admin socket and the state directory take beside.

Peers of a scene are run in the same boot, against the same servers, with the same intervals, and never two at once: they take
turns where the scene says so, and otherwise come one after the other. A table shows the median of a figure's samples, which
is the sample itself where there is but one; where it shows maxima, the scene says so. CPU is the user and system time of
the process that checks, with its threads and with the processes that it starts; it holds what the kernel does for the probe,
and on these virtual links also much of what it does for the server. Probes are counted by the servers, but in \`soak\` by lvsd.
What else rests on lvsd's own metrics or log is said in the scene. What the kernel's table holds is read from the kernel each
10 ms. Where the guest's processor is emulated in software, figures compare with others of the guest and nothing else.

${known.map(section).join('\n')}
## Samples

Rounded to four digits; the tables are of the samples before that, and show three.

\`\`\`json
${known.flatMap(sampleLine).join('\n')}
\`\`\`
`;
}

/** Scenes are seldom all run at once. */
function originsOf(results) {
  const machines = results.map(({ machine }) => machine);
  const commits = distinct(machines.map(({ versions }) => /\((.+?)\)/.exec(versions.lvsd)?.[1] ?? versions.lvsd));
  const kernels = distinct(machines.map(({ where, kernel }) => `${kernel} (${placeOf(where)})`));
  const days = distinct(machines.map(({ at }) => at.slice(0, 10)));
  const all = `lvsd at ${listed(commits)}, on Linux ${listed(kernels)}, of ${listed(days)}`;
  if (results.length === 0) return 'No scene has been run.';
  return `It joins runs of ${all}: each scene says which its own are, and figures of two scenes may differ by that.`;
}

function distinct(values) {
  return [...new Set(values)].sort();
}

function listed(values) {
  return values.join(', ').replace(/, ([^,]*)$/, ' and $1');
}

function placeOf(where) {
  return where === 'guest' ? 'in the guest' : 'natively';
}

function goalRows({ scene, result }) {
  return goalsOf(scene, result).map((goal) => {
    const cells = [scene.title, goal.figure, goal.column, goal.seen, goal.aim, outcome(goal)];
    return `| ${cells.join(' | ')} |`;
  });
}

function section({ scene, result }) {
  const parts = result === undefined ? [scene.method, 'not run'] : measuredParts(scene, result);
  return `## ${scene.title}: \`bench/run ${scene.name}\`\n\n${parts.join('\n\n')}\n`;
}

function measuredParts(scene, result) {
  const { method = `${scene.method} ${earlierForm(scene)}` } = result;
  const note = scene.note?.(result.columns) ?? [];
  return [method, tableOf(scene, result), note, circumstances(result)].flat();
}

/** A result says by which method it came about, but for the oldest. */
function earlierForm({ name }) {
  return `The result below is of an earlier form of this scene, which may differ: see \`bench/scenes/${name}.mjs\` at its commit.`;
}

/** lvsd has a part in every scene; of the others, those whose columns begin with their name. */
function circumstances({ machine, seconds, columns }) {
  const versions = Object.entries(machine.versions).filter(
    ([name]) => name === 'lvsd' || Object.keys(columns).some((column) => column.startsWith(name)),
  );
  const run = `${machine.at} UTC, ${seconds} s, ${placeOf(machine.where)}: Linux ${machine.kernel}, ${machine.processors}`;
  const load = `load of the machine before the run ${machine.loadBefore}`;
  return `${[run, load, ...versions.map((pair) => pair.join(' '))].join('; ')}.`;
}

function sampleLine({ scene, result }) {
  if (result === undefined) return [];
  const { method: _said, ...samples } = result;
  return [JSON.stringify({ scene: scene.name, ...samples }, rounded)];
}

function rounded(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
