// Sessions by cookie: what a browser keeps, and what another site's page cannot make it do.
import { randomBytes } from 'node:crypto';

import { assert, isProblem, raw, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const PASSWORD = 'correct horse battery staple';
const OWN = { 'Sec-Fetch-Site': 'same-origin' };
const address = () => `${randomBytes(6).toString('hex')}@example.org`;

// A new account signed in by cookie: {cookie, email, session}.
async function browser() {
	const email = address();
	const got = await client.post('/api/users', { email, password: PASSWORD, cookie: true });
	assert.equal(got.status, 201, got.text);
	return { email, session: got.json.session, cookie: setCookie(got).split(';')[0] };
}

function setCookie(got) {
	const all = got.headers['set-cookie'] ?? [];
	assert.equal(all.length, 1, JSON.stringify(got.headers));
	return all[0];
}

const me = (Cookie, headers = {}) => client.get('/api/users/me', { headers: { Cookie, ...headers } });
const create = (Cookie, headers = {}) =>
	client.post('/api/cards', { name: 'A' }, { headers: { Cookie, ...headers } });

test('a sign-in by cookie answers the token as a cookie and not in the body', async () => {
	const { email } = await browser();
	const got = await client.post('/api/sessions', { email, password: PASSWORD, cookie: true });
	assert.equal(got.status, 201, got.text);
	assert.equal(got.headers['cache-control'], 'no-store');
	assert.deepEqual(Object.keys(got.json), ['user', 'session']);
	assert.doesNotMatch(got.text, /ck_/);
	const [pair, ...attributes] = setCookie(got).split('; ');
	assert.match(pair, /^ck_session=ck_[A-Za-z0-9_-]{43}$/);
	assert.deepEqual(attributes, ['Path=/', `Max-Age=${90 * 86400}`, 'HttpOnly', 'SameSite=Strict']);
	assert.equal((await me(pair)).json.user.email, email);
});

test('without asking for a cookie none is set', async () => {
	for (const cookie of [undefined, false]) {
		const got = await client.post('/api/users', { email: address(), password: PASSWORD, cookie });
		assert.equal(got.headers['set-cookie'], undefined);
		assert.match(got.json.token, /^ck_/);
	}
});

test('the cookie is found among others, in quotes, and in several headers', async () => {
	const { cookie } = await browser();
	const value = cookie.slice('ck_session='.length);
	for (const header of [cookie, `a=1; ${cookie}`, `${cookie};b=2`, `ck_session="${value}"`,
		`${cookie}; ${cookie}`, `xck_session=x; ${cookie}; ck_sessions=y`])
		assert.equal((await me(header)).status, 200, header);
	const text = await raw(stack.port, 'GET /api/users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' +
		`Cookie: a=1\r\nCookie: ${cookie}\r\nCookie: b=2\r\n\r\n`);
	assert.match(text, /^HTTP\/1.1 200 /);
});

test('what is not the cookie, or may be another one, is 401', async () => {
	const { cookie } = await browser();
	const other = await browser();
	const value = cookie.slice('ck_session='.length);
	for (const header of ['', 'a=1', `xck_session=${value}`, `CK_SESSION=${value}`, 'ck_session=',
		`${cookie}x`, `${cookie}; ck_session=x`, `${cookie}; ${other.cookie}`,
		`ck_session=ck_${'A'.repeat(43)}`, `ck_session=${'x'.repeat(5000)}`])
		isProblem(await me(header), 401, 'unauthorized');
});

test('a cookie too large for a header is refused before it reaches the service', async () => {
	const got = await me(`ck_session=${'x'.repeat(20_000)}`);
	isProblem(got, 431, 'headers-too-large');
});

test('an Authorization header is taken before the cookie, also when it is no good', async () => {
	const { cookie } = await browser();
	const ada = await client.register();
	const got = await me(cookie, { Authorization: `Bearer ${ada.token}` });
	assert.equal(got.json.user.email, ada.email);
	for (const Authorization of ['Bearer x', 'Basic eDp5', `Bearer ck_${'A'.repeat(43)}`])
		isProblem(await me(cookie, { Authorization }), 401, 'unauthorized');
	// And it needs no page to come from: no browser sends it by itself.
	assert.equal((await create('', { Authorization: `Bearer ${ada.token}`, 'Sec-Fetch-Site': 'cross-site' })).status, 201);
});

test('a write by cookie must come from a page of this site', async () => {
	const { cookie } = await browser();
	const own = `http://127.0.0.1:${stack.port}`;
	for (const headers of [OWN, { Origin: own }, { ...OWN, Origin: own }])
		assert.equal((await create(cookie, headers)).status, 201, JSON.stringify(headers));
	for (const headers of [
		{}, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' },
		{ 'Sec-Fetch-Site': 'none' }, { Origin: 'https://evil.example' }, { Origin: 'null' },
		{ Origin: `https://127.0.0.1:${stack.port}` }, { Origin: 'http://127.0.0.1:1' },
		{ 'Sec-Fetch-Site': 'cross-site', Origin: own }, { Referer: `${own}/` },
	]) {
		isProblem(await create(cookie, headers), 403, 'cross-origin');
		assert.equal((await me(cookie, headers)).status, 200, 'reading needs nothing of the kind');
	}
	const list = await client.get('/api/cards', { headers: { Cookie: cookie } });
	assert.equal(list.json.cards.length, 3);
});

test('a forged write is told nothing but that, and nothing at all without a session', async () => {
	const { cookie } = await browser();
	const forged = (method, path, Cookie) => client.request(method, path, { headers: { Cookie }, body: '{' });
	for (const [method, path] of [['POST', '/api/cards'], ['PATCH', '/api/cards/7'],
		['DELETE', '/api/nothing'], ['PUT', '/api/cards'], ['DELETE', '/api/sessions/current']]) {
		isProblem(await forged(method, path, cookie), 403, 'cross-origin');
		isProblem(await forged(method, path, `ck_session=ck_${'A'.repeat(43)}`), 401, 'unauthorized');
	}
	assert.equal((await me(cookie)).status, 200);
});

test("another site's page signs nobody in by cookie", async () => {
	const { email } = await browser();
	const body = { email, password: PASSWORD, cookie: true };
	for (const headers of [{ 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'https://evil.example' }, { Origin: 'null' }])
		for (const path of ['/api/sessions', '/api/users']) {
			const got = await client.post(path, body, { headers: { ...headers, 'Content-Type': 'text/plain' } });
			isProblem(got, 403, 'cross-origin');
			assert.equal(got.headers['set-cookie'], undefined);
		}
	for (const headers of [{}, OWN])
		assert.equal((await client.post('/api/sessions', body, { headers })).status, 201);
});

test('what ends the session of the cookie makes the browser forget it', async () => {
	const gone = async (got) => {
		assert.equal(got.status, 204, got.text);
		assert.equal(setCookie(got), 'ck_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict');
	};
	const end = (one, path, body) =>
		client.delete(path, { body, headers: { Cookie: one.cookie, ...OWN } });
	const [a, b, c, d] = await Promise.all([browser(), browser(), browser(), browser()]);
	await gone(await end(a, '/api/sessions/current'));
	await gone(await end(b, `/api/sessions/${b.session.id}`));
	await gone(await end(c, '/api/sessions?scope=global'));
	await gone(await end(d, '/api/users/me', { password: PASSWORD }));
	for (const one of [a, b, c, d]) isProblem(await me(one.cookie), 401, 'unauthorized');
});

test('what ends other sessions leaves the cookie alone', async () => {
	const ada = await browser();
	const other = await client.post('/api/sessions', { email: ada.email, password: PASSWORD });
	const end = (path) => client.delete(path, { headers: { Cookie: ada.cookie, ...OWN } });
	for (const path of [`/api/sessions/${other.json.session.id}`, '/api/sessions?scope=others']) {
		const got = await end(path);
		assert.equal(got.status, 204, got.text);
		assert.equal(got.headers['set-cookie'], undefined);
	}
	assert.equal((await me(ada.cookie)).status, 200);
});

test('the session of a token ends without a word about cookies', async () => {
	const ada = await client.register();
	const got = await client.delete('/api/sessions/current', { token: ada.token });
	assert.equal(got.status, 204);
	assert.equal(got.headers['set-cookie'], undefined);
});
