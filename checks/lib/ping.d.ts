/** The parts of `ping` 0.4.4 that are used; the package brings no types. */

declare module 'ping/lib/builder/linux.js' {
  interface Options {
    readonly numeric?: boolean;
    /** `-W`, in seconds. */
    readonly timeout?: number;
    /** `-c` */
    readonly min_reply?: number;
    /** Further arguments, before the target. */
    readonly extra?: readonly string[];
  }
  const builder: { getCommandArguments(target: string, options: Options): string[] };
  export = builder;
}

declare module 'ping/lib/parser/linux.js' {
  interface Reply {
    readonly alive: boolean;
    /** Round trip of the first reply, in ms; text when there was none. */
    readonly time: number | 'unknown';
  }
  class Parser {
    constructor(target: string, options: object);
    /** Takes the next line. Throws on a line that it does not understand. */
    eat(line: string): this;
    getResult(): Reply;
  }
  export = Parser;
}
