import { constants } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { http } from '../../checks/http.ts';
import type { Target } from '../../src/core/config.ts';
import { engineName, preferNode } from '../../src/net/engine.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';
import { heldResources, leftSince, runOf } from '../support/probing.ts';
import { answer, answerBody, silence } from '../support/servers/behaviours.ts';
import { type Behaviour, type Listening, listen } from '../support/servers/listen.ts';
import { createAuthority } from '../support/tls.ts';

const open: Listening[] = [];

async function serve(behaviour: Behaviour, host = '127.0.0.1', tls?: TlsOptions): Promise<Target> {
  const listening = await listen(behaviour, host, tls);
  open.push(listening);
  return listening.target;
}

afterEach(async () => {
  for (const listening of open.splice(0)) await listening.close();
});

/** Calls back from the second time on. */
function later(callBack: () => void): () => void {
  let times = 0;
  return () => {
    times += 1;
    if (times > 1) callBack();
  };
}

/** Answers with status 204 and keeps the request. */
function record(): { behaviour: Behaviour; request: Promise<string> } {
  let keep = (_request: string) => {};
  const request = new Promise<string>((resolve) => {
    keep = resolve;
  });
  const behaviour: Behaviour = (socket) =>
    socket.once('data', (data) => {
      keep(data.toString());
      socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    });
  return { behaviour, request };
}

test('an answer passes with its status and the time of every phase', async () => {
  const observation = await runOf(http, await serve(answerBody('OK')));
  expect(observation).toMatchObject({ pass: true, reason: 'L7OK', detail: 'status 200' });
  expect(Object.keys(observation.phases)).toEqual(['connect', 'processing', 'transfer']);
});

test('the request of a check without options is plain and asks for its connection to be closed', async () => {
  const { behaviour, request } = record();
  const target = await serve(behaviour);
  await runOf(http, target);
  expect((await request).split('\r\n')).toEqual([
    'GET / HTTP/1.1',
    `host: 127.0.0.1:${target.port}`,
    'connection: close',
    'user-agent: lvsd',
    'accept: */*',
    'accept-encoding: identity',
    '',
    '',
  ]);
});

test.each([
  ['early hints without end', 'HTTP/1.1 103 Early Hints\r\n\r\n', ''],
  [
    'chunks of one byte with long extensions',
    `1;${'x'.repeat(200)}\r\na\r\n`,
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
  ],
])('a server that sends %s fails long before the deadline', async (_name, repeated, head) => {
  const flood: Behaviour = (socket) => {
    const pour = () => {
      while (!socket.destroyed && socket.write(repeated.repeat(1000)));
    };
    socket.on('drain', pour).once('data', () => {
      socket.write(head);
      pour();
    });
  };
  const observation = await runOf(http, await serve(flood), {}, AbortSignal.timeout(20_000));
  expect(observation).toMatchObject({ pass: false, reason: 'L7RSP', detail: expect.stringContaining('more than') });
});

test('an IPv6 address stands in brackets in the Host header', async () => {
  const { behaviour, request } = record();
  const target = await serve(behaviour, '::1');
  await runOf(http, target);
  expect(await request).toContain(`\r\nhost: [::1]:${target.port}\r\n`);
});

test('method, path, host, headers and body go out as they are written', async () => {
  const { behaviour, request } = record();
  await runOf(http, await serve(behaviour), {
    method: 'post',
    path: '/healthz?deep=1',
    host: 'www.example.org:8080',
    headers: { 'User-Agent': 'probe', Authorization: 'Bearer x' },
    body: 'ping',
  });
  const text = await request;
  expect(text).toMatch(/^POST \/healthz\?deep=1 HTTP\/1\.1\r\nhost: www\.example\.org:8080\r\n/);
  expect(text).toMatch(/\r\nuser-agent: probe\r\n/);
  expect(text).toMatch(/\r\nauthorization: Bearer x\r\n/);
  expect(text).toMatch(/\r\ncontent-length: 4\r\n\r\nping$/);
  expect(text).not.toContain('lvsd');
});

test('a proxy of the environment is not used', async () => {
  const { behaviour, request } = record();
  const proxied = await serve(answer('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  process.env.http_proxy = `http://127.0.0.1:${proxied.port}`;
  const observation = await runOf(http, await serve(behaviour));
  delete process.env.http_proxy;
  expect(observation.detail).toBe('status 204');
  expect(await request).toContain('GET / HTTP/1.1');
});

test('every run has a connection of its own', async () => {
  const listening = await listen((socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n')),
  );
  open.push(listening);
  await runOf(http, listening.target);
  await runOf(http, listening.target);
  expect(listening.accepted()).toBe(2);
  await listening.idle();
});

test('a connection that the server leaves open is reset: no port of ours stays in TIME_WAIT', async () => {
  let end = (_how: unknown) => {};
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  const target = await serve((socket) => {
    socket.on('data', () => socket.write(keepAlive));
    socket.once('end', () => end('closed')).once('error', end);
  });
  expect(await runOf(http, target)).toMatchObject({ pass: true });
  expect(await ended).toMatchObject({ code: 'ECONNRESET' });
});

const keepAlive = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK';

/** Answers every request on a connection, and keeps it open. */
const answering: Behaviour = (socket) => socket.on('data', () => socket.write(keepAlive));

/** A check that reuses its connection, run as often as wanted, and its end. */
function reusing(target: Target, options: Readonly<Record<string, unknown>> = {}) {
  const parsed = http.options.parse({ connection: 'reuse', ...options });
  return {
    run: (deadline = new ManualDeadline()) => http.run(target, parsed, deadline),
    release: () => http.release?.(target, parsed),
  };
}

describe.each(['libc', 'node'] as const)('on the engine of %s a connection that is reused', (engine) => {
  beforeEach(() => {
    preferNode(engine === 'node');
    expect(engineName()).toBe(engine);
  });
  afterEach(() => preferNode(false));

  test.each(['GET', 'HEAD', 'OPTIONS'])('is one for all runs of %s, and closed at the release', async (method) => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
    const before = heldResources();
    const listening = await listen((socket) => socket.on('data', () => socket.write(head)));
    open.push(listening);
    const check = reusing(listening.target, { method });
    const first = await check.run();
    const second = await check.run();
    const third = await check.run();
    expect([first.reason, second.reason, third.reason]).toEqual(['L7OK', 'L7OK', 'L7OK']);
    expect(listening.accepted()).toBe(1);
    expect(Object.keys(first.phases)).toEqual(['connect', 'processing', 'transfer']);
    expect(Object.keys(third.phases)).toEqual(['processing', 'transfer']);
    check.release();
    await listening.idle();
    await listening.close();
    open.pop();
    expect(await leftSince(before)).toEqual([]);
  });

  test('is of one check alone, and each of two runs at once has its own', async () => {
    const listening = await listen(answering);
    open.push(listening);
    const [check, other] = [reusing(listening.target), reusing(listening.target)];
    await check.run();
    await other.run();
    expect(listening.accepted()).toBe(2);
    await Promise.all([check.run(), check.run()]);
    expect(listening.accepted()).toBe(3);
    await check.run();
    expect(listening.accepted()).toBe(3);
    check.release();
    other.release();
    await listening.idle();
  });

  test('asks for a connection that lasts', async () => {
    const { behaviour, request } = record();
    await reusing(await serve(behaviour)).run();
    expect(await request).toContain('\r\nconnection: keep-alive\r\n');
  });

  test.each([
    ['closed', (socket: Socket) => socket.end()],
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('that the server has %s between two runs is replaced', async (_how, finish) => {
    const listening = await listen((socket) =>
      socket.once('data', () => socket.write(keepAlive, () => finish(socket))),
    );
    open.push(listening);
    const check = reusing(listening.target);
    expect(await check.run()).toMatchObject({ pass: true });
    await listening.idle();
    expect(await check.run()).toMatchObject({ pass: true, detail: 'status 200' });
    expect(listening.accepted()).toBe(2);
  });

  test.each([
    ['closes', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('that the server %s instead of an answer is replaced, once', async (_how, finish) => {
    const listening = await listen((socket) =>
      socket
        .once('data', () => socket.write(keepAlive))
        .on(
          'data',
          later(() => finish(socket)),
        ),
    );
    open.push(listening);
    const check = reusing(listening.target);
    for (const accepted of [1, 2, 3]) {
      expect(await check.run()).toMatchObject({ pass: true });
      expect(listening.accepted()).toBe(accepted);
    }
    check.release();
  });

  test('is replaced when the server was started anew, and refused when it died', async () => {
    const before = await listen(answering);
    const check = reusing(before.target);
    expect(await check.run()).toMatchObject({ pass: true });
    await before.close();
    const after = await listen(answering, '127.0.0.1', undefined, before.target.port);
    expect(await check.run()).toMatchObject({ pass: true });
    expect(after.accepted()).toBe(1);
    await after.close();
    expect(await check.run()).toMatchObject({ pass: false, reason: 'L4CON', detail: 'connection refused' });
  });

  test('that brings half an answer fails, without another try', async () => {
    const listening = await listen((socket) =>
      socket
        .once('data', () => socket.write(keepAlive))
        .on(
          'data',
          later(() => socket.end('HTTP/1.1 200 O')),
        ),
    );
    open.push(listening);
    const check = reusing(listening.target);
    await check.run();
    expect(await check.run()).toMatchObject({ pass: false, reason: 'L7RSP' });
    expect(listening.accepted()).toBe(1);
    await listening.idle();
  });

  test('on which no answer comes is a timeout, and is given up', async () => {
    const listening = await listen((socket, reached) =>
      socket.once('data', () => socket.write(keepAlive)).on('data', later(reached)),
    );
    open.push(listening);
    const check = reusing(listening.target);
    await check.run();
    const deadline = new ManualDeadline();
    const run = check.run(deadline);
    await listening.reached;
    deadline.pass();
    expect(await run).toMatchObject({ pass: false, reason: 'L7TOUT', detail: 'no response in time' });
    await listening.idle();
  });

  test.each([
    ['is not as expected', { expect: { body: 'gone' } }, keepAlive],
    ['is read in part', { max_bytes: 1 }, keepAlive.slice(0, -1)],
    ['ends it', {}, 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nOK'],
    ['is of HTTP/1.0', {}, 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nOK'],
  ])('is not kept after an answer that %s', async (_what, options, response) => {
    const listening = await listen((socket) => socket.on('data', () => socket.write(response)));
    open.push(listening);
    const check = reusing(listening.target, options);
    await check.run();
    await listening.idle();
    await check.run();
    expect(listening.accepted()).toBe(2);
    await listening.idle();
  });

  test('is replaced when nobody has asked for longer than such a connection may be trusted', async () => {
    const listening = await listen(answering);
    open.push(listening);
    const check = reusing(listening.target);
    // What is in use here looks at the time, or sets a timer.
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    try {
      for (let run = 0; run < 2; run += 1) {
        await check.run();
        // undici sets its timer a turn later.
        await turn();
        expect(listening.accepted()).toBe(1);
        jest.advanceTimersByTime(run === 0 ? 599_000 : 600_001);
      }
      expect(await check.run()).toMatchObject({ pass: true });
      expect(listening.accepted()).toBe(2);
    } finally {
      jest.useRealTimers();
    }
    check.release();
    await listening.idle();
  });

  test('may bring more than max_bytes over all runs', async () => {
    const body = 'a'.repeat(200_000);
    const response = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const listening = await listen((socket) => socket.on('data', () => socket.write(response)));
    open.push(listening);
    const check = reusing(listening.target, { max_bytes: 200_001 });
    for (let run = 0; run < 5; run += 1) expect(await check.run()).toMatchObject({ pass: true });
    expect(listening.accepted()).toBe(1);
    check.release();
  });

  test('is closed by a release in the middle of a run, when that ends', async () => {
    const listening = await listen(answering);
    open.push(listening);
    const check = reusing(listening.target);
    const run = check.run();
    check.release();
    expect(await run).toMatchObject({ pass: true });
    await listening.idle();
  });
});

describe('status', () => {
  test.each(['fresh', 'reuse'])(
    '304 passes whatever length it tells, on a connection that is %s',
    async (connection) => {
      const target = await serve(answer('HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n'));
      const observation = await runOf(http, target, { expect: { status: 304 }, connection });
      expect(observation).toMatchObject({ pass: true, reason: 'L7OK', detail: 'status 304' });
    },
  );

  test.each([
    [200, undefined, 'L7OK'],
    [299, undefined, 'L7OK'],
    [301, undefined, 'L7STS'],
    [503, undefined, 'L7STS'],
    [503, 503, 'L7OK'],
    [404, '200-299,404', 'L7OK'],
    [302, [200, '301-303'], 'L7OK'],
    [304, [200, '301-303'], 'L7STS'],
  ])('%d where %j is expected is %s', async (code, status, reason) => {
    const target = await serve(answer(`HTTP/1.1 ${code} Words\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n`));
    const observation = await runOf(http, target, { expect: { ...(status !== undefined && { status }) } });
    expect(observation).toMatchObject({ reason, detail: `status ${code}` });
  });

  test('a status that fails is not kept waiting for its body', async () => {
    const target = await serve((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 500 Oops\r\ncontent-length: 10\r\n\r\n')),
    );
    expect(await runOf(http, target)).toMatchObject({ pass: false, reason: 'L7STS', detail: 'status 500' });
  });

  test('the word that goes before the answer is not the answer', async () => {
    const target = await serve(answer('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Sorry\r\n\r\n'));
    expect(await runOf(http, target)).toMatchObject({ reason: 'L7STS', detail: 'status 503' });
  });
});

describe('body', () => {
  test.each([
    ['all is OK here', 'OK', true],
    ['all is ok here', 'OK', false],
    ['grün', { contains: 'ü' }, true],
    ['state: green', { regex: 'state: (green|yellow)$' }, true],
    ['state: red', { regex: 'state: (green|yellow)$' }, false],
    ['', 'OK', false],
  ])('%j where %j is expected passes: %s', async (content, body, pass) => {
    const observation = await runOf(http, await serve(answerBody(content)), { expect: { body } });
    expect(observation).toMatchObject({ pass, reason: pass ? 'L7OK' : 'L7RSP' });
  });

  test('a mismatch quotes how the body begins, on one line', async () => {
    const target = await serve(answerBody(`<h1>\r\n${'a'.repeat(100)}`));
    const { detail } = await runOf(http, target, { expect: { body: 'OK' } });
    expect(detail).toBe(`body without "OK": "<h1>\\r\\n${'a'.repeat(54)}…"`);
  });

  test('what comes after max_bytes does not count', async () => {
    const target = await serve(answerBody('1234567890'));
    const within = await runOf(http, target, { max_bytes: 5, expect: { body: '45' } });
    const beyond = await runOf(http, target, { max_bytes: 5, expect: { body: '56' } });
    expect([within.reason, beyond.reason]).toEqual(['L7OK', 'L7RSP']);
  });

  test('an expression that holds a backtracking engine for seconds is answered at once', async () => {
    const target = await serve(answerBody(`${'a'.repeat(50_000)}b`));
    const observation = await runOf(http, target, { expect: { body: { regex: '^(a+)+$' } } });
    expect(observation.reason).toBe('L7RSP');
  });

  test('a body in chunks is put together', async () => {
    const chunks = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nO\r\n1\r\nK\r\n0\r\n\r\n';
    expect(await runOf(http, await serve(answer(chunks)), { expect: { body: 'OK' } })).toMatchObject({ pass: true });
  });
});

describe('TLS', () => {
  const authority = createAuthority();
  afterAll(() => authority.remove());
  const names = ['DNS:www.example.org', 'IP:127.0.0.1', 'IP:::1'];
  const pair = authority.issue(names);
  const trusted = { ca: authority.path };
  const host = 'www.example.org';

  test('a certificate of the given authority for the host passes', async () => {
    const target = await serve(answerBody('OK'), '127.0.0.1', pair);
    const observation = await runOf(http, target, { host, tls: trusted });
    expect(observation).toMatchObject({ pass: true, reason: 'L7OK' });
    expect(Object.keys(observation.phases)).toEqual(['connect', 'tls', 'processing', 'transfer']);
  });

  test.each(['127.0.0.1', '::1'])('without a host the certificate must be for the address %s', async (address) => {
    const target = await serve(answerBody('OK'), address, pair);
    expect(await runOf(http, target, { tls: trusted })).toMatchObject({ pass: true });
    const foreign = await serve(answerBody('OK'), address, authority.issue(['DNS:www.example.org']));
    expect(await runOf(http, foreign, { tls: trusted })).toMatchObject({ pass: false, reason: 'L6RSP' });
  });

  test.each([
    [{ host: 'www.example.org:443', tls: trusted }, 'www.example.org'],
    [{ host: 'other.example', tls: { ...trusted, server_name: 'www.example.org' } }, 'www.example.org'],
    [{ tls: trusted }, false],
  ])('%j asks for the name %s', async (options, name) => {
    let asked = (_name: unknown) => {};
    const servername = new Promise((resolve) => {
      asked = resolve;
    });
    const target = await serve(
      (socket) => {
        asked('servername' in socket && socket.servername);
        answerBody('OK')(socket, () => {});
      },
      '127.0.0.1',
      pair,
    );
    expect(await runOf(http, target, options)).toMatchObject({ pass: true });
    expect(await servername).toBe(name);
  });

  test.each([
    ['is for another name', { host: 'other.example', tls: trusted }, pair, /other\.example/],
    ['has expired', { host, tls: trusted }, authority.issue(names, -1), /^certificate has expired$/],
    ['vouches for itself', { host, tls: trusted }, authority.selfSigned(names), /^self-signed certificate$/],
    ['is of an unknown authority', { host, tls: true }, pair, /^unable to verify the first certificate$/],
  ])('a certificate that %s is refused', async (_what, options, served, detail) => {
    const target = await serve(answerBody('OK'), '127.0.0.1', served);
    const observation = await runOf(http, target, options);
    expect(observation).toMatchObject({ pass: false, reason: 'L6RSP', detail: expect.stringMatching(detail) });
  });

  test('nothing is verified where the operator says so', async () => {
    const target = await serve(answerBody('OK'), '127.0.0.1', authority.selfSigned(['DNS:nobody.example']));
    expect(await runOf(http, target, { host, tls: { verify: false } })).toMatchObject({ pass: true, reason: 'L7OK' });
  });

  test('a handshake that stalls is a timeout of its own', async () => {
    const listening = await listen(silence);
    open.push(listening);
    const controller = new AbortController();
    const run = runOf(http, listening.target, { tls: true }, controller.signal);
    await listening.reached;
    controller.abort();
    expect(await run).toMatchObject({ pass: false, reason: 'L6TOUT' });
    await listening.idle();
  });

  test.each([
    ['speaks plain HTTP', answerBody('OK'), 'wrong version number'],
    [
      'closes',
      ((socket) => socket.once('data', () => socket.end())) satisfies Behaviour,
      expect.stringContaining('disconnected'),
    ],
    [
      'resets',
      ((socket) => socket.once('data', () => socket.resetAndDestroy())) satisfies Behaviour,
      'connection reset by peer',
    ],
  ])('a server that %s in the handshake breaks it', async (_what, behaviour, detail) => {
    const target = await serve(behaviour);
    expect(await runOf(http, target, { tls: true })).toMatchObject({ pass: false, reason: 'L6RSP', detail });
  });

  test('plain HTTP to a TLS port is no HTTP', async () => {
    const target = await serve(answerBody('OK'), '127.0.0.1', pair);
    expect(await runOf(http, target)).toMatchObject({ pass: false, reason: 'L7RSP' });
  });

  test.each(['dropped', 'reset'])('a TLS connection that is %s in the body does not pass', async (how) => {
    const target = await serve(
      (socket) =>
        socket.once('data', () =>
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nOK', () => {
            if (how === 'dropped') socket.destroy();
            else socket.end();
          }),
        ),
      '127.0.0.1',
      pair,
    );
    expect(await runOf(http, target, { host, tls: trusted })).toMatchObject({ pass: false, reason: 'L7RSP' });
  });

  test.each([
    ['shows its certificate anew', 'fresh', 'TLSv1.3', [false, false, false]],
    ['resumes the session of the first', 'reuse', 'TLSv1.3', [false, true, true]],
    ['resumes the session of the first', 'reuse', 'TLSv1.2', [false, true, true]],
  ] as const)('each connection %s where `session` is %s, by %s', async (_what, session, maxVersion, expected) => {
    const resumed: unknown[] = [];
    const behaviour: Behaviour = (socket) => {
      resumed.push('isSessionReused' in socket && (socket as TLSSocket).isSessionReused());
      answerBody('OK')(socket, () => {});
    };
    const target = await serve(behaviour, '127.0.0.1', { ...pair, maxVersion });
    const options = http.options.parse({ host, tls: { ...trusted, session } });
    for (const _run of expected) {
      expect(await http.run(target, options, new ManualDeadline())).toMatchObject({ pass: true });
    }
    expect(resumed).toEqual(expected);
  });

  test('a server that offers sessions and cannot resume them passes all the same, by whole handshakes', async () => {
    let failures = 0;
    const known = new Set<string>();
    const secureOptions = constants.SSL_OP_NO_TICKET;
    const server = createTlsServer({ ...pair, maxVersion: 'TLSv1.2', secureOptions }, (socket) =>
      answerBody('OK')(socket, () => {}),
    );
    server.on('newSession', (id: Buffer, _session, done) => {
      known.add(id.toString('hex'));
      done();
    });
    // Each hello of a client that knows TLS 1.3 has an id: RFC 8446, appendix D.4.
    server.on('resumeSession', (id: Buffer, done) => {
      if (!known.has(id.toString('hex'))) return done(null, null);
      failures += 1;
      done(new Error('the cache is broken'), null);
    });
    // A handshake that breaks is what this is about.
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const target = { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
    const options = http.options.parse({ host, tls: { ...trusted, session: 'reuse' } });
    try {
      for (const _run of [1, 2, 3, 4]) {
        expect(await http.run(target, options, new ManualDeadline())).toMatchObject({ pass: true });
      }
      expect(failures).toBe(1);
    } finally {
      server.close();
    }
  });

  test.each([
    ['closes', (socket: Socket) => socket.end()],
    ['drops', (socket: Socket) => socket.destroy()],
  ])('a connection is reused, and replaced when the server %s it instead of an answer', async (_how, finish) => {
    let asked = 0;
    const listening = await listen(
      (socket) =>
        socket.on('data', () => {
          asked += 1;
          if (asked === 3) finish(socket);
          else socket.write(keepAlive);
        }),
      '127.0.0.1',
      pair,
    );
    open.push(listening);
    const check = reusing(listening.target, { host, tls: trusted });
    for (const accepted of [1, 1, 2]) {
      expect(await check.run()).toMatchObject({ pass: true });
      expect(listening.accepted()).toBe(accepted);
    }
    check.release();
    await listening.idle();
  });
});
