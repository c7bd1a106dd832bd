import { expect, test } from '@jest/globals';
import { certificates } from '../../checks/lib/certificate.ts';
import { httpOptions } from '../../checks/lib/http-options.ts';
import { z } from '../../src/config/fields.ts';
import { createAuthority } from '../support/tls.ts';

/** The messages of what is wrong, with the keys they stand at. */
function problemsOf(options: object): readonly string[] {
  const { error } = httpOptions.safeParse(options);
  return (error?.issues ?? []).map((issue) => {
    const message = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message;
    return `${issue.path.join('.')}: ${message}`;
  });
}

test('the defaults are filled in', () => {
  expect(httpOptions.parse({})).toEqual({
    method: 'GET',
    path: '/',
    headers: {},
    tls: false,
    connection: 'fresh',
    watch: false,
    expect: { status: '200-299' },
    max_bytes: 65536,
  });
});

test('what was made of the options is read back as the same', () => {
  const authority = createAuthority();
  const options = httpOptions.parse({
    method: 'head',
    path: '/healthz',
    host: 'www.example.org',
    headers: { Accept: 'text/plain' },
    body: 'x',
    port: 8080,
    tls: { server_name: 'www.example.org', ca: authority.path },
    expect: { status: [200, '301 - 303'], body: { regex: 'O.K' } },
    max_bytes: 1,
  });
  authority.remove();
  expect(options).toMatchObject({
    method: 'HEAD',
    headers: { accept: 'text/plain' },
    tls: { verify: true, ca: expect.stringContaining('BEGIN CERTIFICATE') },
    expect: { status: '200,301-303', body: { regex: 'O.K' } },
  });
  expect(httpOptions.parse(JSON.parse(JSON.stringify(options)))).toEqual(options);
});

test.each([
  [true, { verify: true, session: 'fresh' }],
  [false, false],
])('tls: %s is understood', (tls, parsed) => {
  expect(httpOptions.parse({ tls }).tls).toEqual(parsed);
});

test('the options have a JSON Schema', () => {
  expect(z.toJSONSchema(httpOptions, { io: 'input' })).toMatchObject({ type: 'object', additionalProperties: false });
});

test.each([
  [{ method: 'GE T' }, 'method: write an HTTP method, such as GET or HEAD'],
  [{ method: 'connect' }, 'method: CONNECT opens a tunnel: write GET, HEAD or another method'],
  [{ path: 'healthz' }, 'path: must begin with /'],
  [{ path: '/a b' }, 'path: must be printable ASCII without spaces: percent-encode the rest'],
  [{ path: '/a\r\nx: y' }, 'path: must be printable ASCII without spaces: percent-encode the rest'],
  [{ host: 'a\r\nx: y' }, 'host: write a host name or an address, with a port where one is wanted'],
  [{ host: 'http://a' }, 'host: write a host name or an address, with a port where one is wanted'],
  [{ headers: { 'x y': 'z' } }, 'headers.x y: is not a header name'],
  [{ headers: { Host: 'z' } }, 'headers.Host: is set by the probe itself: write the key host beside headers'],
  [{ headers: { 'Content-Length': '1' } }, 'headers.Content-Length: is set by the probe itself'],
  [{ headers: { x: 'a\nb' } }, 'headers.x: must be one line of printable text'],
  [
    { expect: { body: { regex: '(a' } } },
    'expect.body.regex: RE2 does not take this regular expression: error parsing regexp: missing closing ): `(a`',
  ],
  [{ expect: { body: 7 } }, 'expect.body: write a text, { contains: text } or { regex: expression }'],
  [
    { method: 'post', connection: 'reuse' },
    'connection: reuse is for the methods GET, HEAD and OPTIONS: any other request must not be sent twice',
  ],
  [{ tls: 'yes' }, 'tls: write true, or { verify, server_name, ca, session }'],
])('%j is refused', (options, problem) => {
  expect(problemsOf(options)).toEqual([problem]);
});

test.each([[99], [600], ['300-200'], ['200-'], ['2xx'], [''], [[]], [[200, 'ok']], [200.5], [true]])(
  'the status %j is refused',
  (status) => {
    expect(problemsOf({ expect: { status } })).toEqual([
      'expect.status: write status codes from 100 to 599 and ranges of them, such as 200-299 or [200, 301-303]',
    ]);
  },
);

test.each([
  ['/nonexistent/ca.pem', /'\/nonexistent\/ca\.pem': no such file or directory$/],
  ['/dev/zero', /'\/dev\/zero': not a regular file$/],
  ['package.json', /: no PEM certificate in it$/],
  [
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    /from PEM text: a certificate in it is malformed$/,
  ],
])('the authorities %j are refused', (ca, problem) => {
  expect(certificates.safeParse(ca).error?.issues[0]?.message).toMatch(problem);
});
