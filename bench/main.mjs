// Runs scenes and reports them: see `run`.
//
//   main.mjs list native|guest [SCENE...]    the names of those (default: of all but the long) that run there
//   main.mjs native|guest SCENE...           runs them, prints their tables and keeps their results
//   main.mjs page [SCENE...]                 writes docs/benchmarks.md from what results there are, and tells which of these
//                                            scenes have none since BENCH_STARTED, ms since 1970, or not a whole one
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { machine } from './report/machine.mjs';
import { page } from './report/page.mjs';
import { tableOf } from './report/table.mjs';
import { scenes } from './scenes/index.mjs';
import { endAll } from './support/child.mjs';
import { openLoopback, openNetwork } from './support/network.mjs';

const root = new URL('..', import.meta.url).pathname;
const results = `${process.env.OUT ?? `${root}dist/bench`}/results`;

const [command, ...names] = process.argv.slice(2);
if (command === 'list') list(...names);
else if (command === 'page') writePage(names);
else await runAll(command, names);

function list(where, ...wanted) {
  const strangers = wanted.filter((name) => !scenes.some((scene) => scene.name === name));
  if (strangers.length > 0) {
    console.error(`Cannot run ${strangers.join(', ')}: the scenes are ${scenes.map(({ name }) => name).join(', ')}`);
    process.exit(2);
  }
  const isWanted = ({ name, isLong = false }) => (wanted.length === 0 ? !isLong : wanted.includes(name));
  const there = scenes.filter((scene) => scene.where === where && isWanted(scene));
  console.log(there.map(({ name }) => name).join(' '));
}

async function runAll(where, wanted) {
  if (where === 'native') openLoopback();
  else openNetwork();
  mkdirSync(results, { recursive: true });
  for (const scene of scenes.filter(({ name }) => wanted.includes(name))) await runOne(scene);
}

/** What fails is told, and no reason to lose the rest. */
async function runOne(scene) {
  const startedMs = performance.now();
  const there = machine(scene.where);
  const columns = {};
  let failure;
  try {
    await scene.measure(columns);
  } catch (error) {
    console.error(`\nCannot measure all of ${scene.name}: ${error.stack}`);
    failure = error.message.split('\n')[0];
    columns['the rest'] = { skipped: failure };
    process.exitCode = 1;
    await endAll();
  }
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const result = { machine: there, seconds, method: scene.method, failure, columns };
  writeFileSync(pathOf(scene), JSON.stringify(result));
  console.log(`\n${scene.title} (${scene.name})\n\n${tableOf(scene, result)}`);
}

function writePage(wanted) {
  const known = scenes.map((scene) => ({ scene, result: resultOf(scene) }));
  writeFileSync(`${root}docs/benchmarks.md`, page(known));
  for (const { scene, result } of known.filter(({ scene }) => wanted.includes(scene.name))) {
    const problem = isOfThisRun(scene, result) ? result.failure : 'it has no result of this run';
    if (problem === undefined) continue;
    console.error(`Failed: ${scene.name}: ${problem}`);
    process.exitCode = 1;
  }
}

function isOfThisRun(scene, result) {
  return result !== undefined && statSync(pathOf(scene)).mtimeMs >= Number(process.env.BENCH_STARTED ?? 0);
}

function resultOf(scene) {
  try {
    return JSON.parse(readFileSync(pathOf(scene), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function pathOf({ name }) {
  return `${results}/${name}.json`;
}
