import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  stringify,
  type YAMLMap,
} from 'yaml';
import { formatPath, type Path, quote } from './issue.ts';

/** Lines and columns count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Problem extends Position {
  readonly path: string;
  readonly message: string;
}

/** What a YAML text says, as plain data, with the way back from a path to its place in the text. */
export interface YamlText {
  /** Mappings have no prototype. Undefined when there are problems that leave no data. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** The place of a value, or of its key; where there is none, that of what would hold it. */
  locate(path: Path, at?: 'value' | 'key'): Position;
}

/** The deepest configuration that makes sense has nine levels. */
const deepest = 32;
/** Aliases are written once and count each time: the guard against a billion laughs. */
const mostNodes = 1_000_000;

/** Reads YAML 1.2, core schema, no merge keys, one document. Never throws. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  // `uniqueKeys` compares every key with every other: we look for duplicates ourselves, in linear time.
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    stringKeys: true,
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.map(({ pos, message }) => ({
      ...position(pos[0]),
      path: 'document',
      message: tidy(message),
    }));
    return { value: undefined, problems, locate: () => position(0) };
  }
  const reader = new Reader(position);
  const value = reader.read(document.contents, []);
  return {
    value: reader.isLost ? undefined : value,
    problems: reader.problems,
    locate: (path, at = 'value') => position(reader.find(document.contents, path, at)),
  };
}

/** Writes plain data as YAML, without anchors. */
export function writeYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** Turns nodes into plain data, and remembers what it needs to find them again. */
class Reader {
  problems: Problem[] = [];
  /** The text is a trap, or garbage: there is no data to go on with. */
  isLost = false;
  readonly #position: (offset: number) => Position;
  readonly #anchors = new Map<string, Node>();
  readonly #targets = new Map<Node, Node>();
  readonly #pairs = new Map<Node, Map<string, Pair>>();
  #nodes = 0;

  constructor(position: (offset: number) => Position) {
    this.#position = position;
  }

  read(node: unknown, path: Path): unknown {
    if (!isNode(node)) return null;
    if (this.isLost) return undefined;
    this.#nodes += 1;
    if (this.#nodes > mostNodes) return this.#giveUp(node, `holds more than ${mostNodes} values, aliases included`);
    if (path.length > deepest) return this.#giveUp(node, `is nested more than ${deepest} levels deep`);
    if (isAlias(node)) return this.#readAlias(node, path);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#readMap(node, path);
    if (isSeq(node)) return node.items.map((item, index) => this.read(item, [...path, index]));
    return this.#readScalar(node, path);
  }

  find(contents: unknown, path: Path, at: 'value' | 'key'): number {
    let node = contents;
    let offset = start(node);
    for (const [index, step] of path.entries()) {
      const holder = this.#targets.get(node as Node) ?? node;
      const pair = this.#pairs.get(holder as Node)?.get(String(step));
      if (at === 'key' && index === path.length - 1 && pair !== undefined) return start(pair.key);
      node = isSeq(holder) ? holder.items[Number(step)] : pair?.value;
      if (!isNode(node)) return pair === undefined ? offset : start(pair.key);
      offset = start(node);
    }
    return offset;
  }

  #readAlias(node: Node & { readonly source: string }, path: Path): unknown {
    const target = this.#anchors.get(node.source);
    if (target === undefined) return this.#giveUp(node, `alias *${node.source} has no anchor before it`);
    this.#targets.set(node, target);
    return this.read(target, path);
  }

  #readMap(node: YAMLMap, path: Path): unknown {
    const pairs = new Map<string, Pair>();
    const value: Record<string, unknown> = Object.create(null);
    for (const pair of node.items) {
      const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
      const first = pairs.get(key);
      if (first !== undefined) {
        const { line, column } = this.#position(start(first.key));
        this.#report(pair.key, [...path, key], `is given twice: first at ${line}:${column}`);
        continue;
      }
      pairs.set(key, pair);
      // The one key that libraries may treat as more than a key.
      if (key === '__proto__') this.#report(pair.key, [...path, key], `unknown key '__proto__'`);
      else value[key] = this.read(pair.value, [...path, key]);
    }
    this.#pairs.set(node, pairs);
    return value;
  }

  /** `010` is eight to some and ten to others, `1e3` is a text to most: a number has one form. */
  #readScalar(node: Node, path: Path): unknown {
    if (!(node instanceof Scalar)) return null;
    const { value, source } = node;
    if (typeof value !== 'number' || /^-?(0|[1-9]\d*)(\.\d+)?$/.test(source ?? '')) return value;
    return this.#report(
      node,
      path,
      `must be written as a plain decimal number, or in quotes if it is a text; found ${quote(source)}`,
    );
  }

  #giveUp(node: unknown, message: string): undefined {
    this.isLost = true;
    this.problems = [];
    return this.#report(node, [], message);
  }

  #report(node: unknown, path: Path, message: string): undefined {
    this.problems.push({ ...this.#position(start(node)), path: formatPath(path), message });
  }
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

function start(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/** The library's sentence as one line, in our words where its own are about its inside. */
function tidy(message: string): string {
  if (message.startsWith('Maximum call stack')) return `is nested more than ${deepest} levels deep`;
  if (message.includes('multiple documents')) return 'holds several documents: a configuration is one';
  if (message.startsWith('With stringKeys')) return 'a key must be a text';
  return message.replace(/\s+/g, ' ');
}
