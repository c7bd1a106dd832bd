import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Another program that writes to the kernel's table, or moves addresses from machine to machine. */
export interface Rival {
  readonly name: 'keepalived' | 'ldirectord' | 'kube-proxy' | 'pacemakerd' | 'ucarp' | 'vrrpd';
  /** A machine without the address of a service may be one that it holds in reserve. */
  readonly movesAddresses: boolean;
  readonly pid: number;
  /** Its configuration file; undefined where it has none that is known. */
  readonly file: string | undefined;
  /** Its services as its file tells them: `192.0.2.1:80`, `fwmark 8`. */
  readonly services: readonly string[];
  /** Whether that is all of them, as far as can be told. */
  readonly isComplete: boolean;
}

interface Reader extends Pick<Rival, 'name' | 'movesAddresses'> {
  readonly file: (args: readonly string[]) => string | undefined;
  readonly read: (text: string, args: readonly string[]) => Pick<Rival, 'services' | 'isComplete'>;
}

const readers: readonly Reader[] = [
  {
    name: 'keepalived',
    movesAddresses: true,
    file: (args) => option(args, 'f', '--use-file') ?? '/etc/keepalived/keepalived.conf',
    read: (text, args) => (isVrrpOnly(args) ? { services: [], isComplete: true } : readKeepalived(text)),
  },
  {
    name: 'ldirectord',
    movesAddresses: false,
    file: (args) => args.find((arg) => arg.endsWith('.cf')) ?? '/etc/ha.d/ldirectord.cf',
    read: readLdirectord,
  },
  {
    name: 'kube-proxy',
    movesAddresses: false,
    file: () => undefined,
    read: () => ({ services: [], isComplete: false }),
  },
  ...(['pacemakerd', 'ucarp', 'vrrpd'] as const).map((name) => ({
    name,
    movesAddresses: true,
    file: () => undefined,
    read: () => ({ services: [], isComplete: true }),
  })),
];

/** Those that run in this network namespace; where that cannot be told, those that run. */
export function readRivals(): readonly Rival[] {
  const running = readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? readProcess(Number(entry)) : []));
  const pids = new Set(running.map(({ pid }) => pid));
  // A daemon and its children are one.
  return running.filter(({ parent }) => !pids.has(parent)).map(readRival);
}

/** `virtual_server 192.0.2.1 80 {` and `virtual_server fwmark 8 {`, of keepalived.conf(5). */
export function readKeepalived(text: string): Pick<Rival, 'services' | 'isComplete'> {
  const lines = text.split('\n').map((line) => line.replace(/[!#].*/, '').trim());
  const services = lines.flatMap((line) => {
    const [, host = '', port = ''] = /^virtual_server\s+(\S+)(?:\s+(\d+))?/.exec(line) ?? [];
    if (host === '' || host === 'group') return [];
    return host === 'fwmark' ? [`fwmark ${port}`] : [endpoint(host, port || '0')];
  });
  const isComplete = !lines.some((line) => /^(?:include\w*|virtual_server_group|[$~])/.test(line));
  return { services, isComplete };
}

/** `virtual=192.0.2.1:80`, `virtual6=[2001:db8::1]:80` and `virtual=8`, of ldirectord(8). */
export function readLdirectord(text: string): Pick<Rival, 'services' | 'isComplete'> {
  const values = [...text.matchAll(/^\s*virtual6?\s*=\s*(\S+)/gm)].map(([, value = '']) => value);
  return {
    services: values.map((value) => (/^\d+$/.test(value) ? `fwmark ${value}` : value)),
    // Names of hosts and of ports stand for something that only it knows.
    isComplete: values.every((value) => /^(?:\d+|[\d.]+:\d+|\[[\da-f:.]+\]:\d+)$/i.test(value)),
  };
}

interface Running {
  readonly pid: number;
  readonly parent: number;
  readonly reader: Reader;
  readonly args: readonly string[];
}

function readProcess(pid: number): readonly Running[] {
  try {
    const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
    const name = read('comm').trim();
    const reader = readers.find((one) => one.name === name);
    if (reader === undefined || isElsewhere(pid)) return [];
    const parent = Number(/^PPid:\s*(\d+)/m.exec(read('status'))?.[1]);
    return [{ pid, parent, reader, args: read('cmdline').split('\0') }];
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function isElsewhere(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net');
  } catch {
    return false;
  }
}

function readRival({ pid, reader, args }: Running): Rival {
  const file = reader.file(args);
  const { name, movesAddresses } = reader;
  try {
    const text = file === undefined ? '' : readFileSync(file, 'utf8');
    return { name, movesAddresses, pid, file, ...reader.read(text, args) };
  } catch {
    return { name, movesAddresses, pid, file, services: [], isComplete: false };
  }
}

/** `-P` runs no checkers, `-C` no VRRP; both, as neither, is both. */
function isVrrpOnly(args: readonly string[]): boolean {
  const has = (letter: string, word: string) =>
    args.some((arg) => arg === word || (/^-[a-zA-Z]+$/.test(arg) && arg.includes(letter)));
  return has('P', '--vrrp') && !has('C', '--check');
}

/** The value of an option in each way that getopt takes it: `-f FILE`, `-nf FILE`, `-fFILE`, `--word FILE`, `--word=FILE`. */
function option(args: readonly string[], letter: string, word: string): string | undefined {
  const at = args.findIndex((arg) => arg === word || (/^-[a-zA-Z]+$/.test(arg) && arg.endsWith(letter)));
  if (at >= 0) return args[at + 1];
  const prefix = [`-${letter}`, `${word}=`].find((start) => args.some((arg) => arg.startsWith(start)));
  return prefix && args.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
}

function endpoint(host: string, port: string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
