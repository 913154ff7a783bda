// Pages of other origins, as a browser would ask for them: what is said, to whom, and by whom.
import { watchAnswers } from '../lib/client.mjs';
import { mustBeDescribed } from '../lib/described.mjs';
import { assert, endsCleanly, isProblem, own, shared, test } from '../lib/harness.mjs';

const APP = 'https://app.example.org';
const DEV = 'http://localhost:5173';
const EXPOSED =
	'ETag, Location, Link, Retry-After, X-Request-Id, Content-Range, Preference-Applied, Idempotent-Replayed';

const stack = await own({ env: { CARDKEEP_CORS_ORIGINS: `${APP} ${DEV}` } });
const { client } = stack;
watchAnswers(mustBeDescribed);
const ada = await client.register();
const card = await client.card(ada.token);

const asked = (got) => Object.keys(got.headers).filter((name) => name.startsWith('access-control-'));
const from = (Origin, more = {}) => ({ headers: { Origin, ...more } });

function preflight(path, Origin, method = 'GET') {
	const headers = {
		Origin,
		'Access-Control-Request-Method': method,
		'Access-Control-Request-Headers': 'authorization,content-type,idempotency-key',
		'Sec-Fetch-Site': 'cross-site',
		'Sec-Fetch-Mode': 'cors',
	};
	return client.request('OPTIONS', path, { headers });
}

function mayRead(got, origin, what) {
	assert.equal(got.headers['access-control-allow-origin'], origin, what);
	assert.equal(got.headers['access-control-expose-headers'], EXPOSED, what);
	assert.equal(got.headers['access-control-allow-credentials'], undefined, what);
	assert.match(got.headers.vary, /(^|, )Origin$/, what);
}

const paths = {
	'/api/users': 'POST',
	'/api/users/me': 'GET, HEAD, DELETE',
	'/api/sessions/current': 'DELETE',
	'/api/cards': 'POST, GET, HEAD, PATCH',
	[`/api/cards/${card.id}`]: 'GET, HEAD, PATCH, DELETE',
	[`/api/cards/${card.id}/history`]: 'GET, HEAD',
	'/api/profile/personal': 'GET, HEAD, PATCH',
	'/rest/v1/rpc/create_business_card_atomic': 'POST',
	'/rest/v1/business_cards': 'GET, HEAD',
};
for (const [path, methods] of Object.entries(paths))
	test(`a preflight of ${path.replace(card.id, '{id}')} names its methods, without a session`, async () => {
		const got = await preflight(path, APP);
		assert.equal(got.status, 204, got.text);
		assert.equal(got.text, '');
		assert.equal(got.headers['access-control-allow-origin'], APP);
		assert.equal(got.headers['access-control-allow-methods'], methods);
		assert.equal(got.headers.allow, `${methods}, OPTIONS`);
		assert.equal(got.headers['access-control-max-age'], '7200');
		assert.equal(got.headers['access-control-allow-credentials'], undefined);
		assert.equal(got.headers.vary, 'Origin');
		assert.equal(got.headers['cache-control'], 'no-store');
		assert.match(got.headers['x-request-id'], /^[0-9a-f-]{36}$/);
		const allowed = got.headers['access-control-allow-headers'].toLowerCase().split(', ');
		for (const name of ['authorization', 'content-type', 'idempotency-key', 'if-match', 'if-none-match', 'prefer', 'x-retry-count'])
			assert.ok(allowed.includes(name), name);
	});

test('each origin of the list is answered with itself, and no other with anything', async () => {
	assert.equal((await preflight('/api/cards', DEV)).headers['access-control-allow-origin'], DEV);
	for (const other of ['https://evil.example', 'null', 'http://app.example.org', `${APP}:8443`, `${APP}.evil.example`]) {
		for (const got of [
			await preflight('/api/cards', other),
			await client.get('/api/cards', { token: ada.token, ...from(other) }),
			await client.get('/cardkeep.js', from(other)),
			await client.get('/elsewhere', from(other)),
		])
			assert.deepEqual(asked(got), [], other);
	}
});

test('OPTIONS without Origin tells what the path allows', async () => {
	const got = await client.request('OPTIONS', '/api/cards');
	assert.equal(got.status, 204);
	assert.equal(got.headers.allow, 'POST, GET, HEAD, PATCH, OPTIONS');
	assert.deepEqual(asked(got), []);
});

test('a path that is not there has no preflight', async () => {
	isProblem(await preflight('/api/nowhere', APP), 401, 'unauthorized');
});

test('what the service answers, refusals too, is readable by the page', async () => {
	const token = ada.token;
	const path = `/api/cards/${card.id}`;
	const options = { token, ...from(APP) };
	const answers = [
		[200, await client.get(path, options)],
		[304, await client.get(path, { token, ...from(APP, { 'If-None-Match': '"1"' }) })],
		[201, await client.post('/api/cards', { name: 'Another' }, options)],
		[400, await client.post('/api/cards', '{', options)],
		[401, await client.get(path, from(APP))],
		[401, await client.get(path, { token: `ck_${'A'.repeat(43)}`, ...from(APP) })],
		[404, await client.get('/api/nowhere', options)],
		[405, await client.request('PUT', path, options)],
		[409, await client.patch(path, { version: 7, name: 'x' }, options)],
		[422, await client.post('/api/cards', {}, options)],
		[428, await client.patch(path, { name: 'x' }, options)],
	];
	const rows = '/rest/v1/business_cards';
	answers.push(
		[206, await client.get(`${rows}?limit=1`, { token, ...from(APP, { Prefer: 'count=exact' }) })],
		[400, await client.get(`${rows}?limit=none`, options)],
	);
	for (const [status, got] of answers) {
		assert.equal(got.status, status, got.text);
		mayRead(got, APP, got.text);
	}
	assert.match(answers.at(-2)[1].headers['content-range'], /^0-0\/[2-9]$/);
	assert.equal(answers[0][1].headers.vary, 'Authorization, Cookie, Origin');
	assert.equal(answers[7][1].headers.allow, 'GET, HEAD, PATCH, DELETE, OPTIONS');
});

test('what nginx refuses itself is readable by the page', async () => {
	const options = { token: ada.token, ...from(APP) };
	const answers = [
		[404, await client.get('/elsewhere', options)],
		[413, await client.post('/api/cards', Buffer.alloc((1 << 20) + 1), options)],
		[414, await client.get(`/api/${'a'.repeat(9000)}`, from(APP))],
		[405, await client.post('/cardkeep.js', '', from(APP))],
	];
	for (const [status, got] of answers) {
		assert.equal(got.status, status, got.text);
		// A request line that is too long is refused before its headers are read.
		const reader = status === 414 ? undefined : APP;
		assert.equal(got.headers['access-control-allow-origin'], reader, String(status));
		if (reader && got.headers['access-control-expose-headers'] === undefined)
			assert.fail(`${status}: its headers are not exposed`);
	}
});

test('the module may be imported by the page', async () => {
	const got = await client.get('/cardkeep.js', from(DEV));
	assert.equal(got.status, 200);
	assert.equal(got.headers['access-control-allow-origin'], DEV);
	assert.match(got.headers.vary, /Origin/);
});

test('a cookie is of no use to a page of another origin, though its origin is in the list', async () => {
	const email = `cookie-${card.id}@example.org`;
	const password = 'correct horse battery staple';
	const made = await client.post('/api/users', { email, password, cookie: true });
	const Cookie = made.headers['set-cookie'][0].split(';')[0];
	for (const site of ['cross-site', 'same-site', undefined]) {
		const headers = { Cookie, 'Sec-Fetch-Site': site };
		const write = await client.post('/api/cards', { name: 'x' }, from(APP, headers));
		isProblem(write, 403, 'cross-origin');
		const read = await client.get('/api/cards', from(APP, headers));
		assert.equal(read.headers['access-control-allow-credentials'], undefined);
		const signIn = await client.post('/api/sessions', { email, password, cookie: true }, from(APP, { 'Sec-Fetch-Site': site }));
		isProblem(signIn, 403, 'cross-origin');
	}
});

test('where the service is away, the page can read that too', async () => {
	await stack.stopDaemon();
	const got = await client.get('/api/cards', { token: ada.token, ...from(APP) });
	isProblem(got, 503, 'unavailable');
	assert.equal(got.headers['access-control-allow-origin'], APP);
	assert.match(got.headers['access-control-expose-headers'], /Retry-After/);
	await stack.startDaemon();
	await stack.ready();
});

test('without origins no answer speaks of them, and OPTIONS is no method', async () => {
	const plain = (await shared()).client;
	const got = await plain.request('OPTIONS', '/api/users', from(APP));
	isProblem(got, 405, 'method-not-allowed');
	assert.equal(got.headers.allow, 'POST');
	for (const path of ['/api/users', '/api/cards', '/elsewhere', '/cardkeep.js'])
		assert.deepEqual(asked(await plain.get(path, from(APP))), [], path);
});

endsCleanly(stack);
