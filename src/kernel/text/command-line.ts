/** One command line of ipvsadm, taken apart. */
export interface CommandLine {
  readonly command: CommandName;
  /** By long name; the text is empty where the option takes none, or was given none. */
  readonly options: ReadonlyMap<OptionName, string>;
  readonly rest: readonly string[];
}

export type CommandName = keyof typeof commands;
export type OptionName = keyof typeof options;

/** What is wrong with one line: a clause that says it. */
export class Mistake extends Error {}

/**
 * Reads words as ipvsadm does (by popt): `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, and options
 * of one letter joined, `-At`. Throws `Mistake`.
 */
export function readCommandLine(words: readonly string[]): CommandLine {
  const pending = [...words];
  const given = new Map<CommandName | OptionName, string>();
  const rest: string[] = [];
  for (let word = pending.shift(); word !== undefined; word = pending.shift()) {
    if (!word.startsWith('-')) {
      rest.push(word);
      continue;
    }
    const [first, others] = splitCluster(word);
    if (others !== undefined) pending.unshift(others);
    const { name, value } = readOption(first, pending);
    if (given.has(name)) throw new Mistake(`option '${first}' is given twice`);
    given.set(name, value);
  }
  return commandLine(given, rest);
}

type Takes = 'nothing' | 'value' | 'maybe a value';

interface Spelling {
  readonly short?: string;
  readonly takes: Takes;
}

const nothing = (short?: string): Spelling => ({ takes: 'nothing', ...(short !== undefined && { short }) });
const value = (short?: string): Spelling => ({ takes: 'value', ...(short !== undefined && { short }) });

const commands = {
  'add-service': nothing('A'),
  'edit-service': nothing('E'),
  'delete-service': nothing('D'),
  'add-server': nothing('a'),
  'edit-server': nothing('e'),
  'delete-server': nothing('d'),
  clear: nothing('C'),
  zero: nothing('Z'),
  set: nothing(),
  'start-daemon': value(),
  'stop-daemon': value(),
} as const satisfies Record<string, Spelling>;

const options = {
  'tcp-service': value('t'),
  'udp-service': value('u'),
  'sctp-service': value(),
  'fwmark-service': value('f'),
  ipv6: nothing('6'),
  scheduler: value('s'),
  persistent: { short: 'p', takes: 'maybe a value' },
  netmask: value('M'),
  pe: value(),
  ops: nothing('o'),
  'sched-flags': value('b'),
  'real-server': value('r'),
  gatewaying: nothing('g'),
  ipip: nothing('i'),
  masquerading: nothing('m'),
  weight: value('w'),
  'u-threshold': value('x'),
  'l-threshold': value('y'),
  'tun-type': value(),
  'tun-port': value(),
  'tun-nocsum': nothing(),
  'tun-csum': nothing(),
  'tun-remcsum': nothing(),
  syncid: value(),
  'mcast-interface': value(),
  'mcast-group': value(),
  'mcast-port': value(),
  'mcast-ttl': value(),
  'sync-maxlen': value(),
} as const satisfies Record<string, Spelling>;

const spellings = new Map<string, Spelling>(Object.entries({ ...commands, ...options }));
const longNames = new Map(
  [...spellings].flatMap(([name, { short }]) => (short === undefined ? [] : [[short, name] as const])),
);

const ofService = ['tcp-service', 'udp-service', 'sctp-service', 'fwmark-service', 'ipv6'] as const;
const ofServiceRow = [...ofService, 'scheduler', 'persistent', 'netmask', 'pe', 'ops', 'sched-flags'] as const;
const ofTunnel = ['tun-type', 'tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum'] as const;
const ofForwarding = ['gatewaying', 'ipip', 'masquerading', ...ofTunnel] as const;
const ofServer = [...ofService, 'real-server'] as const;
const ofServerRow = [...ofServer, ...ofForwarding, 'weight', 'u-threshold', 'l-threshold'] as const;
const ofDaemon = ['mcast-interface', 'mcast-group', 'mcast-port', 'mcast-ttl', 'sync-maxlen'] as const;

const accepted: Record<CommandName, readonly OptionName[]> = {
  'add-service': ofServiceRow,
  'edit-service': ofServiceRow,
  'delete-service': ofService,
  'add-server': ofServerRow,
  'edit-server': ofServerRow,
  'delete-server': ofServer,
  clear: [],
  zero: ofService,
  set: [],
  'start-daemon': ['syncid', ...ofDaemon],
  'stop-daemon': ['syncid'],
};

/** Takes the first letter off: `-At` is `-A -t`; what follows a letter that takes a value is that value. */
function splitCluster(word: string): readonly [first: string, others?: string] {
  if (!/^-[^-]./.test(word)) return [word];
  const name = longNames.get(word.charAt(1));
  if (name === undefined || spellings.get(name)?.takes !== 'nothing') return [word];
  return [word.slice(0, 2), `-${word.slice(2)}`];
}

function readOption(
  word: string,
  pending: string[],
): { readonly name: CommandName | OptionName; readonly value: string } {
  const [, long, short = '', equals, joined] = /^(?:--([^=]*)|-(.))(=?)(.*)$/.exec(word) ?? [];
  const name = long ?? longNames.get(short) ?? '';
  const spelling = spellings.get(name);
  if (spelling === undefined) throw new Mistake(`unknown option '${word}'`);
  const isJoined = equals !== '' || joined !== '';
  if (spelling.takes === 'nothing' && isJoined) throw new Mistake(`option '${word}' takes no value`);
  return {
    name: name as CommandName | OptionName,
    value: isJoined ? (joined ?? '') : following(word, spelling, pending),
  };
}

function following(word: string, { takes }: Spelling, pending: string[]): string {
  if (takes === 'nothing') return '';
  // Even one that begins with a dash, which may be a negative number; an optional one may not.
  if (takes === 'maybe a value' && (pending[0] ?? '-').startsWith('-')) return '';
  const next = pending.shift();
  if (next === undefined) throw new Mistake(`option '${word}' needs a value`);
  return next;
}

function commandLine(given: ReadonlyMap<CommandName | OptionName, string>, rest: readonly string[]): CommandLine {
  const [command, another] = [...given.keys()].filter(isCommand);
  if (command === undefined) throw new Mistake('no command, such as -A or -a');
  if (another !== undefined) throw new Mistake(`two commands, --${command} and --${another}`);
  const taken = new Map<OptionName, string>();
  for (const [name, text] of given) {
    if (isCommand(name)) continue;
    if (!accepted[command].includes(name)) throw new Mistake(`option --${name} does not go with --${command}`);
    taken.set(name, text);
  }
  const argument = given.get(command);
  return { command, options: taken, rest: argument ? [argument, ...rest] : rest };
}

function isCommand(name: CommandName | OptionName): name is CommandName {
  return name in commands;
}
