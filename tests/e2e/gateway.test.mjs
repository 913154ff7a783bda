// What nginx decides, and what it must leave alone.
import { readFileSync } from 'node:fs';
import http from 'node:http';

import { assert, isProblem, raw, shared, test, top, until } from '../lib/harness.mjs';

const { stack, client } = await shared();
const ada = await client.register();
const card = await client.card(ada.token);

const CLOSE = 'Host: localhost\r\nConnection: close\r\n\r\n';

// Reads one raw answer as the client would give it.
function parse(text) {
	const [head, body] = text.split('\r\n\r\n');
	const [line, ...lines] = head.split('\r\n');
	const headers = {};
	for (const header of lines) {
		const [name, value] = header.split(/: (.*)/);
		headers[name.toLowerCase()] = value;
	}
	return { status: Number(line.split(' ')[1]), headers, text: body, json: JSON.parse(body) };
}

const refusals = [
	['a request line that is none', 'hello\r\n\r\n', 400, 'bad-header'],
	['HTTP/1.1 without Host', 'GET /api/cards HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'bad-header'],
	['a broken escape in the path', `GET /api/%zz HTTP/1.1\r\n${CLOSE}`, 400, 'bad-header'],
	['a NUL in the path', `GET /api/%00 HTTP/1.1\r\n${CLOSE}`, 400, 'bad-header'],
	['a path that climbs out of the root', `GET /../etc HTTP/1.1\r\n${CLOSE}`, 400, 'bad-header'],
	['a lower-case method', `get /api/cards HTTP/1.1\r\n${CLOSE}`, 400, 'bad-header'],
	['an HTTP version to come', `GET /api/cards HTTP/3.0\r\n${CLOSE}`, 400, 'bad-header'],
	['a negative length', `POST /api/cards HTTP/1.1\r\nContent-Length: -1\r\n${CLOSE}`, 400, 'bad-header'],
	['two lengths', `POST /api/cards HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n${CLOSE}`, 400, 'bad-header'],
	['a length and chunks', `POST /api/cards HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n${CLOSE}`, 400, 'bad-header'],
	['an unknown transfer coding', `POST /api/cards HTTP/1.1\r\nTransfer-Encoding: gzip\r\n${CLOSE}`, 400, 'bad-header'],
	['a broken chunk', 'POST /api/cards HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400, 'bad-header'],
	['CONNECT', `CONNECT example.org:80 HTTP/1.1\r\n${CLOSE}`, 400, 'bad-header'],
	['a request line of 9 KB', `GET /api/${'a'.repeat(9000)} HTTP/1.1\r\n${CLOSE}`, 414, 'uri-too-long'],
	['a header of 9 KB', `GET /api/cards HTTP/1.1\r\nX-Long: ${'a'.repeat(9000)}\r\n${CLOSE}`, 431, 'headers-too-large'],
	['headers of 40 KB', `GET /api/cards HTTP/1.1\r\n${`X-A: ${'a'.repeat(7000)}\r\n`.repeat(6)}${CLOSE}`, 431, 'headers-too-large'],
];

for (const [what, bytes, status, name] of refusals)
	test(`${what} is refused as a problem with status ${status}`, async () => {
		isProblem(parse(await raw(stack.port, bytes)), status, name);
	});

for (const path of ['/', '/index.html', '/apix', '/api-docs', '/.cardkeep/not-found', '/.cardkeep/'])
	test(`${path} is a 404 problem from nginx`, async () => {
		isProblem(await client.get(path), 404, 'not-found');
	});

test('a body above 1 MiB is refused by nginx as a problem with status 413', async () => {
	const got = await client.post('/api/cards', Buffer.alloc((1 << 20) + 1), { token: ada.token });
	isProblem(got, 413, 'too-large');
});

test('a body above 256 KiB is refused by the service, and the connection stays usable', async () => {
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
	const ask = (method, path, body) =>
		new Promise((resolve, reject) => {
			const request = http.request(
				{
					port: stack.port, host: '127.0.0.1', agent, method, path,
					headers: { Authorization: `Bearer ${ada.token}` },
				},
				(response) => {
					response.resume().on('end', () => resolve([response.statusCode, request.reusedSocket]));
				},
			);
			request.on('error', reject).end(body);
		});
	assert.deepEqual(await ask('POST', '/api/cards', Buffer.alloc(300_000, 0x20)), [413, false]);
	assert.deepEqual(await ask('GET', `/api/cards/${card.id}`), [200, true]);
	agent.destroy();
});

// What nginx answers itself: the status, and by which variable's text.
function ownAnswers() {
	const texts = new Map([...readFileSync(`${top}/nginx/problems.conf`, 'utf8')
		.matchAll(/^map "" \$cardkeep_(\w+) \{\n\tdefault '(.*)';\n\}$/gm)].map(([, name, text]) => [name, JSON.parse(text)]));
	return [...readFileSync(`${top}/nginx/cardkeep.conf.in`, 'utf8').matchAll(/return (\d+) \$cardkeep_(\w+);/g)]
		.map(([, status, name]) => ({ status, name, body: texts.get(name), ours: texts.get(name.replace(/^rest_/, '')) }));
}

test('the wording of nginx agrees with the catalogue of problems', () => {
	const catalogue = readFileSync(`${top}/src/catalog/problems.def`, 'utf8');
	const ours = ownAnswers().filter(({ name }) => !name.startsWith('rest_'));
	assert.ok(ours.length >= 7);
	for (const { status: code, body } of ours) {
		const { type, status, title, error, detail, message } = body;
		const name = type.replace('urn:cardkeep:problem:', '');
		assert.equal(String(status), code);
		assert.equal(message, detail);
		assert.ok(
			catalogue.includes(`"${name}", ${status}, "${title}", "${error}"`),
			`problems.def has no such ${name}`,
		);
	}
});

test("what nginx says to PostgREST's clients is what it says to others, in their shape", () => {
	const theirs = ownAnswers().filter(({ name }) => name.startsWith('rest_'));
	assert.ok(theirs.length >= 7);
	for (const { status, body, ours } of theirs) {
		assert.equal(status, String(ours.status));
		assert.deepEqual(body, {
			code: ours.type.replace('urn:cardkeep:problem:', ''),
			message: ours.message,
			details: null,
			hint: null,
		});
	}
});

test('TRACE is answered by the service, which knows what the path allows', async () => {
	const got = await client.request('TRACE', '/api/cards', { token: ada.token });
	isProblem(got, 405, 'method-not-allowed');
	assert.match(got.headers.allow, /GET/);
});

test('a path is taken as it was sent: nothing is folded into a route', async () => {
	for (const path of ['/api//cards', '/api/./cards', '/x/../api/cards', '/api/cards/../cards', '/api/cards/'])
		isProblem(await client.get(path, { token: ada.token }), 404, 'not-found');
});

test('escapes in a path are decoded once', async () => {
	assert.equal((await client.get('/api/%63ards', { token: ada.token })).status, 200);
	isProblem(await client.get('/api/%2563ards', { token: ada.token }), 404, 'not-found');
	isProblem(await client.get('/api/cards%ff', { token: ada.token }), 404, 'not-found');
});

test('every answer has one request id, never one of the client, and no two have the same', async () => {
	const mine = '00000000-1111-2222-3333-444444444444';
	const headers = { 'X-Request-Id': mine, 'Cardkeep-Request-Id': mine, 'X-Request-ID': mine };
	const seen = new Set();
	const paths = ['/api/cards', '/api/nowhere', `/api/cards/${card.id}`, '/elsewhere', '/readyz'];
	for (const path of [...paths, ...paths]) {
		const got = await client.get(path, { token: ada.token, headers });
		const ids = got.rawHeaders.filter((name) => /^x-request-id$/i.test(name));
		assert.equal(ids.length, 1, path);
		assert.match(got.headers['x-request-id'], /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
		assert.notEqual(got.headers['x-request-id'], mine);
		seen.add(got.headers['x-request-id']);
	}
	assert.equal(seen.size, 2 * paths.length);
});

test('the log of the service has the id that the answer has', async () => {
	const got = await client.get(`/api/cards/${card.id}`, { token: ada.token });
	await until('the line is written', () => stack.log().includes(got.headers['x-request-id']));
});

test('the log of nginx has the id of what nginx refused itself', async () => {
	const got = await client.get('/elsewhere');
	assert.ok(stack.nginxLog().includes(got.headers['x-request-id']));
});

const readable = [
	'/api/cards', `/api/cards/${card.id}`, '/api/sessions', '/api/users/me', '/api/profile/personal',
	'/api/profile/professional', '/api/nowhere', '/elsewhere', '/livez', '/readyz',
];
for (const path of readable)
	test(`HEAD ${path.replace(card.id, '{id}')} answers as GET does, without the body`, async () => {
		const got = await client.get(path, { token: ada.token });
		const head = await client.request('HEAD', path, { token: ada.token });
		assert.equal(head.status, got.status);
		assert.equal(head.text, '');
		for (const name of ['content-type', 'content-length', 'etag', 'cache-control', 'vary'])
			assert.equal(head.headers[name], got.headers[name], name);
	});

test('nothing under /api is compressed', async () => {
	const got = await client.get('/api/cards', {
		token: ada.token,
		headers: { 'Accept-Encoding': 'gzip, deflate, br' },
	});
	assert.equal(got.headers['content-encoding'], undefined);
});

test('a chunked body and one announced by Expect arrive whole', async () => {
	const body = '{"name":"In pieces"}';
	for (const extra of ['Transfer-Encoding: chunked', `Content-Length: ${body.length}\r\nExpect: 100-continue`]) {
		const sent = extra.includes('chunked') ? `a\r\n${body.slice(0, 10)}\r\na\r\n${body.slice(10)}\r\n0\r\n\r\n` : body;
		const text = await raw(
			stack.port,
			`POST /api/cards HTTP/1.1\r\nAuthorization: Bearer ${ada.token}\r\n${extra}\r\n${CLOSE}${sent}`,
		);
		assert.match(text, /HTTP\/1\.1 201 /);
		assert.match(text, /"name": ?"In pieces"/);
	}
});

test('nginx does not judge If-Match and If-None-Match: the service has', async () => {
	const mine = await client.card(ada.token);
	const got = await client.patch(`/api/cards/${mine.id}`, { name: 'Other' }, {
		token: ada.token,
		headers: { 'If-Match': '"1"', 'If-None-Match': '"2"' },
	});
	assert.equal(got.status, 200, got.text);
	assert.equal(got.headers.etag, '"2"');
});

test('a thousand requests on 64 kept connections each get their own answer', async () => {
	const { atOnce } = await import('../lib/wait.mjs');
	const cards = await atOnce(20, 20, (i) => client.card(ada.token, { name: `Card ${i}` }));
	const got = await atOnce(1000, 64, (i) =>
		client.get(`/api/cards/${cards[i % 20].id}`, { token: ada.token }),
	);
	got.forEach((answer, i) => assert.equal(answer.json.id, cards[i % 20].id));
});

test('/livez and /readyz answer 200, and nothing of them is stored', async () => {
	for (const path of ['/livez', '/readyz']) {
		const got = await client.get(path);
		assert.equal(got.status, 200);
		assert.equal(got.headers['cache-control'], 'no-store');
	}
});
