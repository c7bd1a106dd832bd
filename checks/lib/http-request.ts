export interface Request {
  readonly method: string;
  readonly path: string;
  /** Names in lower case, `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Whether the connection is to end with the answer. */
  readonly reset: boolean;
}

/** Methods that announce a body even where there is none: RFC 9110, section 8.6. */
const withBody = new Set(['PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PUT', 'QUERY']);

/** The request as it goes out: RFC 9112, section 3. Byte by byte what undici makes of it. */
export function writeRequest({ method, path, headers, body, reset }: Request): Buffer {
  const { host = '', ...others } = headers;
  const content = Buffer.from(body ?? '');
  const fields: readonly (readonly [string, string])[] = [
    ['host', host],
    ['connection', reset ? 'close' : 'keep-alive'],
    ...Object.entries(others),
    ...(content.length > 0 || withBody.has(method) ? [['content-length', String(content.length)] as const] : []),
  ];
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), content]);
}
