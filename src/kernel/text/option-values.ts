import { type CommandLine, Mistake, type OptionName } from './command-line.ts';

/** The number that an option has, in decimal, or `absent` where it is not given. Throws `Mistake`. */
export function readNumber(
  line: CommandLine,
  option: OptionName,
  range: readonly [number, number],
  absent: number,
): number {
  const text = line.options.get(option);
  return text === undefined ? absent : parseNumber(text, `--${option}`, range);
}

/** `what` is to be such a number. Throws `Mistake`. */
export function parseNumber(text: string, what: string, [min, max]: readonly [number, number]): number {
  const number = Number(text);
  if (/^-?\d+$/.test(text) && number >= min && number <= max) return number;
  throw new Mistake(`'${text}' is not a value of ${what}: write a number from ${min} to ${max}`);
}

/** The name that an option has, which the kernel keeps in so many bytes. Throws `Mistake`. */
export function readName(line: CommandLine, option: OptionName, bytes: number): string | undefined {
  const name = line.options.get(option);
  if (name === undefined || (name !== '' && Buffer.byteLength(name) <= bytes)) return name;
  throw new Mistake(`'${name}' is not a value of --${option}: write a name of 1 to ${bytes} bytes`);
}

/** Which one of some options is given, if any. Throws `Mistake` where several are. */
export function readChoice<Name extends OptionName>(line: CommandLine, options: readonly Name[]): Name | undefined {
  const [one, another] = options.filter((option) => line.options.has(option));
  if (another !== undefined) throw new Mistake(`--${one} and --${another} exclude each other`);
  return one;
}

export function required<T>(value: T | undefined, line: CommandLine, what: string): T {
  if (value === undefined) throw new Mistake(`--${line.command} needs ${what}`);
  return value;
}
