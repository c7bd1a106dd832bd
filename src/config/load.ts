import type { Config } from '../core/config.ts';
import { explain, type Mistake, wording } from './explain.ts';
import { freeze } from './freeze.ts';
import { ConfigError, formatPath, type Issue, onOneLine, type Path } from './issue.ts';
import { prune } from './prune.ts';
import { readConfigText } from './read.ts';
import { resolveConfig } from './resolve.ts';
import { fileSchema } from './schema.ts';
import { readYaml, type YamlText } from './yaml.ts';

/** Reads a configuration file. Rejects with `ConfigError`, and nothing else, when it cannot be used. */
export async function loadConfig(path: string): Promise<Config> {
  return parseConfig(await readConfigText(path), path);
}

/** The effective configuration of a YAML text, frozen. Throws `ConfigError` with every mistake in it. */
export function parseConfig(text: string, fileName: string): Config {
  return freeze(parseUnfrozen(text, fileName));
}

/** As `parseConfig`, not frozen: for one who hands it on as a copy. */
export function parseUnfrozen(text: string, fileName: string): Config {
  const yaml = readYaml(text);
  const issues = new Issues(fileName, yaml);
  const config = issues.isHopeless ? undefined : interpret(yaml.value, issues);
  if (config === undefined || issues.all.length > 0) throw new ConfigError(issues.sorted());
  return config;
}

/** A mistake in one entry hides none in the others: what is wrong is taken out, and the rest goes on to the rules. */
function interpret(data: unknown, issues: Issues): Config | undefined {
  const first = fileSchema.safeParse(data, { error: wording });
  if (first.success) return resolveConfig(first.data, issues);
  const mistakes = explain(first.error.issues, data);
  for (const mistake of mistakes) issues.addMistake(mistake);
  const second = fileSchema.safeParse(prune(data, mistakes));
  return second.success ? resolveConfig(second.data, issues) : undefined;
}

/** Collects mistakes and knows their places. */
class Issues {
  readonly all: Issue[] = [];
  /** There is nothing to interpret. */
  readonly isHopeless: boolean;
  readonly #file: string;
  readonly #yaml: YamlText;
  readonly #seen = new Set<string>();

  constructor(file: string, yaml: YamlText) {
    this.#file = file;
    this.#yaml = yaml;
    for (const problem of yaml.problems) {
      this.all.push({ file, ...problem });
      this.#seen.add(problem.path);
    }
    this.isHopeless = yaml.value === undefined || yaml.value === null;
    if (yaml.value === null) this.add([], 'is empty: a configuration has at least version and services');
  }

  add(path: Path, message: string): void {
    this.#push({ path, message, isAboutKey: false }, `${formatPath(path)}: ${message}`);
  }

  /** What the YAML itself had wrong at the same place says it better. */
  addMistake(mistake: Mistake): void {
    this.#push(mistake, formatPath(mistake.path));
  }

  place(path: Path): string {
    const { line, column } = this.#yaml.locate(path);
    return `${formatPath(path)} at ${line}:${column}`;
  }

  sorted(): readonly Issue[] {
    return this.all.sort((a, b) => a.line - b.line || a.column - b.column);
  }

  #push({ path, message, isAboutKey }: Mistake, key: string): void {
    if (this.#seen.size === this.#seen.add(key).size) return;
    const position = this.#yaml.locate(path, isAboutKey ? 'key' : 'value');
    this.all.push({ file: this.#file, ...position, path: formatPath(path), message: onOneLine(message) });
  }
}
