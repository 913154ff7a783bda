// Accounts and sessions: every device has its own, and what one does never touches another.
import { createHash, randomBytes } from 'node:crypto';

import { assert, atOnce, isInvalid, isProblem, shared, test, until } from '../lib/harness.mjs';

const { stack, client } = await shared();
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;
const PASSWORD = 'correct horse battery staple';
const address = () => `${randomBytes(6).toString('hex')}@example.org`;

test('registering answers the user, a session and its token', async () => {
	const email = address();
	const got = await client.post('/api/users', { email, password: PASSWORD, device_name: 'Phone' });
	assert.equal(got.status, 201, got.text);
	assert.equal(got.headers['cache-control'], 'no-store');
	const { user, session, token } = got.json;
	assert.match(user.id, UUID);
	assert.equal(user.email, email);
	assert.match(user.created_at, TIME);
	assert.match(session.id, UUID);
	assert.equal(session.device_name, 'Phone');
	assert.match(token, /^ck_[A-Za-z0-9_-]{43}$/);
	assert.doesNotMatch(got.text, /password|hash/);
});

test('an address that is taken is 409, in whatever case it is written', async () => {
	const { email } = await client.register();
	for (const same of [email, email.toUpperCase()]) {
		const got = await client.post('/api/users', { email: same, password: PASSWORD });
		isProblem(got, 409, 'address-taken');
	}
});

test('of 32 simultaneous registrations of one address one succeeds', async () => {
	const email = address();
	const got = await atOnce(32, 32, () => client.post('/api/users', { email, password: PASSWORD }));
	const statuses = got.map((answer) => answer.status).sort();
	assert.deepEqual(statuses, [201, ...new Array(31).fill(409)]);
	assert.deepEqual(await stack.sql(`select count(*) from cardkeep.users where email = '${email}'`), ['1']);
});

test('a password has 8 to 1024 bytes', async () => {
	for (const [password, good] of [
		['1234567', false], ['12345678', true], ['пароль', true], ['a'.repeat(1024), true],
		['a'.repeat(1025), false], ['é'.repeat(513), false], ['', false],
	]) {
		const got = await client.post('/api/users', { email: address(), password });
		if (good) assert.equal(got.status, 201, got.text);
		else isInvalid(got, 'password');
	}
});

// One password as two keyboards type it.
const COMPOSED = 'p\u00e4ssw\u00f6rd-\u00e9';
const DECOMPOSED = COMPOSED.normalize('NFD');
const signIn = (email, password) => client.post('/api/sessions', { email, password });

test('a password is the same in whatever form a device types it', async () => {
	for (const [first, other] of [[COMPOSED, DECOMPOSED], [DECOMPOSED, COMPOSED]]) {
		const { email, token } = await client.register({ password: first });
		for (const password of [first, other]) assert.equal((await signIn(email, password)).status, 201);
		const changed = await client.request('PUT', '/api/users/me/password',
			{ token, body: { current_password: other, new_password: `${other}2` } });
		assert.equal(changed.status, 204, changed.text);
		for (const password of [`${first}2`, `${other}2`]) assert.equal((await signIn(email, password)).status, 201);
		assert.equal((await signIn(email, first)).status, 401);
		const deleted = await client.request('DELETE', '/api/users/me', { token, body: { password: `${first}2` } });
		assert.equal(deleted.status, 204, deleted.text);
	}
});

test('a password is counted in the bytes that are kept of it', async () => {
	const { email } = await client.register({ password: 'e\u0301'.repeat(512) });
	assert.equal((await signIn(email, '\u00e9'.repeat(512))).status, 201);
	isInvalid(await client.post('/api/users', { email: address(), password: 'e\u0301'.repeat(3) }), 'password');
});

test('sign-in tells every wrong password alike, however long it is', async () => {
	const { email } = await client.register();
	const texts = new Set();
	for (const password of ['', '1', '1234567', 'a wrong horse', 'a'.repeat(1025), 'a'.repeat(250_000), '\u0301\u0316'.repeat(60_000)])
		for (const each of [email, address()])
			texts.add(isProblem(await signIn(each, password), 401, 'unauthorized').detail);
	assert.equal(texts.size, 1);
	for (const password of [null, 7, undefined, {}]) isInvalid(await signIn(email, password), 'password');
});

test('a password that no account can have is a wrong one where it is asked for again', async () => {
	const { token } = await client.register();
	for (const password of ['', '1234567', 'a'.repeat(1025), '\u0301\u0316'.repeat(60_000)]) {
		const change = await client.request('PUT', '/api/users/me/password',
			{ token, body: { current_password: password, new_password: 'another horse' } });
		assert.equal(isInvalid(change, 'current_password').errors[0].message, 'is not the password of this account');
		const end = await client.request('DELETE', '/api/users/me', { token, body: { password } });
		assert.equal(isInvalid(end, 'password').errors[0].message, 'is not the password of this account');
	}
	assert.equal((await client.get('/api/users/me', { token })).status, 200);
});

test('what is no address is 422', async () => {
	for (const email of ['', 'ada', '@example.org', 'ada@', 'a b@example.org', 'a@b@c', `${'a'.repeat(250)}@example.org`])
		isInvalid(await client.post('/api/users', { email, password: PASSWORD }), 'email');
	for (const email of [undefined, null, 7, {}, ['a@example.org']])
		isInvalid(await client.post('/api/users', { email, password: PASSWORD }), 'email');
});

test('signing in gives each device a session of its own', async () => {
	const { email, password, token } = await client.register();
	const got = await client.post('/api/sessions', { email, password, device_name: 'Laptop' });
	assert.equal(got.status, 201, got.text);
	assert.notEqual(got.json.token, token);
	assert.equal(got.json.user.email, email);
	for (const each of [token, got.json.token])
		assert.equal((await client.get('/api/users/me', { token: each })).status, 200);
});

test('a wrong password and an unknown address are refused with one text', async () => {
	const { email } = await client.register();
	const wrong = isProblem(
		await client.post('/api/sessions', { email, password: 'wrong horse' }), 401, 'unauthorized');
	const unknown = isProblem(
		await client.post('/api/sessions', { email: address(), password: PASSWORD }), 401, 'unauthorized');
	for (const member of ['title', 'detail', 'error', 'message'])
		assert.equal(wrong[member], unknown[member]);
});

test('the list of sessions shows each device and which one asks', async () => {
	const ada = await client.register({ device_name: 'Phone' });
	const { email, password } = ada;
	const laptop = await client.post('/api/sessions', { email, password, device_name: 'Laptop' },
		{ headers: { 'User-Agent': 'Browser/1' } });
	const got = await client.get('/api/sessions', { token: laptop.json.token });
	assert.equal(got.status, 200);
	assert.equal(got.headers['cache-control'], 'no-store');
	assert.equal(got.json.sessions.length, 2);
	const [current] = got.json.sessions.filter((session) => session.current);
	assert.equal(current.id, laptop.json.session.id);
	assert.equal(current.device_name, 'Laptop');
	assert.equal(current.user_agent, 'Browser/1');
	for (const session of got.json.sessions) {
		assert.deepEqual(Object.keys(session).sort(), [
			'created_at', 'current', 'device_name', 'expires_at', 'id', 'last_seen_at', 'user_agent',
		]);
		assert.match(session.expires_at, TIME);
		assert.ok(session.expires_at > session.created_at);
	}
	assert.doesNotMatch(got.text, /ck_|token|hash/);
});

test('ending one session ends it at once, and no other', async () => {
	const { email, password, token } = await client.register();
	const others = await atOnce(3, 3, () => client.post('/api/sessions', { email, password }));
	const [victim, ...rest] = others.map((got) => got.json);
	const gone = await client.delete(`/api/sessions/${victim.session.id}`, { token });
	assert.equal(gone.status, 204, gone.text);
	assert.equal(gone.text, '');
	isProblem(await client.get('/api/users/me', { token: victim.token }), 401, 'unauthorized');
	for (const each of [token, ...rest.map((one) => one.token)])
		assert.equal((await client.get('/api/users/me', { token: each })).status, 200);
	isProblem(await client.delete(`/api/sessions/${victim.session.id}`, { token }), 404, 'not-found');
});

test('ending the current session refuses its token from the next request on', async () => {
	const { token } = await client.register();
	assert.equal((await client.delete('/api/sessions/current', { token })).status, 204);
	for (const [method, path] of [['GET', '/api/cards'], ['GET', '/api/users/me'], ['POST', '/api/cards'], ['DELETE', '/api/sessions/current']])
		isProblem(await client.request(method, path, { token, body: method === 'POST' ? '{"name":"A"}' : undefined }), 401, 'unauthorized');
});

test("somebody else's session and no session look the same", async () => {
	const ada = await client.register();
	const eve = await client.register();
	for (const id of [ada.session.id, '00000000-0000-4000-8000-000000000000', 'nonsense'])
		isProblem(await client.delete(`/api/sessions/${id}`, { token: eve.token }), 404, 'not-found');
	assert.equal((await client.get('/api/users/me', { token: ada.token })).status, 200);
});

// `count` more devices of the same account.
async function devices(count, { email, password }) {
	const got = await atOnce(count, count, () => client.post('/api/sessions', { email, password }));
	for (const each of got) assert.equal(each.status, 201, each.text);
	return got.map((each) => each.json);
}

const statusOf = async ({ token }) => (await client.get('/api/users/me', { token })).status;

test('ending all others leaves the session that asks', async () => {
	const ada = await client.register();
	const eve = await client.register();
	const others = await devices(3, ada);
	const got = await client.delete('/api/sessions?scope=others', { token: ada.token });
	assert.equal(got.status, 204, got.text);
	for (const each of others) assert.equal(await statusOf(each), 401);
	for (const each of [ada, eve]) assert.equal(await statusOf(each), 200);
	const list = await client.get('/api/sessions', { token: ada.token });
	assert.deepEqual(list.json.sessions.map((session) => session.id), [ada.session.id]);
});

test('ending all ends the session that asks too', async () => {
	const ada = await client.register();
	const others = await devices(2, ada);
	const got = await client.delete('/api/sessions?scope=global', { token: others[0].token });
	assert.equal(got.status, 204, got.text);
	for (const each of [ada, ...others]) assert.equal(await statusOf(each), 401);
	assert.equal((await devices(1, ada)).length, 1);
});

test('many sessions end only where the query says which', async () => {
	const ada = await client.register();
	for (const query of ['', '?scope=', '?scope=all', '?scope=others&scope=global', '?Scope=global'])
		isInvalid(await client.delete(`/api/sessions${query}`, { token: ada.token }), 'scope');
	isProblem(await client.delete('/api/sessions'), 401, 'unauthorized');
	assert.equal(await statusOf(ada), 200);
});

const changePassword = ({ token }, current_password, new_password) =>
	client.request('PUT', '/api/users/me/password', { token, body: { current_password, new_password } });

test('a changed password signs in, the old one does not, and every other session ends', async () => {
	const ada = await client.register();
	const others = await devices(3, ada);
	const got = await changePassword(others[0], ada.password, 'another horse');
	assert.equal(got.status, 204, got.text);
	assert.equal(got.text, '');
	assert.equal(await statusOf(others[0]), 200);
	for (const each of [ada, ...others.slice(1)]) assert.equal(await statusOf(each), 401);
	const { email, password } = ada;
	isProblem(await client.post('/api/sessions', { email, password }), 401, 'unauthorized');
	assert.equal((await devices(1, { email, password: 'another horse' })).length, 1);
});

test('a wrong current password changes nothing and ends nothing', async () => {
	const ada = await client.register();
	const [other] = await devices(1, ada);
	isInvalid(await changePassword(ada, 'wrong horse', 'another horse'), 'current_password');
	for (const each of [ada, other]) assert.equal(await statusOf(each), 200);
	assert.equal((await devices(1, ada)).length, 1);
});

test('a new password has 8 to 1024 bytes', async () => {
	const ada = await client.register();
	for (const bad of ['1234567', 'a'.repeat(1025), null, 7, undefined])
		isInvalid(await changePassword(ada, ada.password, bad), 'new_password');
	isInvalid(await changePassword(ada, undefined, 'another horse'), 'current_password');
	isProblem(await changePassword({}, ada.password, 'another horse'), 401, 'unauthorized');
});

test('of many simultaneous changes of one password one succeeds', async () => {
	const ada = await client.register();
	const all = [ada, ...(await devices(11, ada))];
	const got = await Promise.all(
		all.map((each, i) => changePassword(each, ada.password, `horse number ${i}`)),
	);
	const won = got.findIndex((answer) => answer.status === 204);
	for (const [i, answer] of got.entries())
		assert.ok(i === won ? answer.status === 204 : [401, 422].includes(answer.status), answer.text);
	for (const [i, each] of all.entries()) assert.equal(await statusOf(each), i === won ? 200 : 401);
	assert.equal((await devices(1, { ...ada, password: `horse number ${won}` })).length, 1);
});

const deleteAccount = ({ token }, password) =>
	client.delete('/api/users/me', { token, body: { password } });

test('a deleted account is gone with all it had, but for its slugs', async () => {
	const ada = await client.register();
	const eve = await client.register();
	const [other] = await devices(1, ada);
	const card = await client.card(ada.token, { name: `Card ${randomBytes(4).toString('hex')}` });
	const old = await client.card(ada.token, { name: 'Old' });
	const save = { version: 0, full_name: 'Ada' };
	assert.equal((await client.patch('/api/profile/personal', save, ada)).status, 201);
	assert.equal((await client.delete(`/api/cards/${old.id}?version=1`, ada)).status, 204);

	const got = await deleteAccount(ada, ada.password);
	assert.equal(got.status, 204, got.text);
	for (const each of [ada, other]) assert.equal(await statusOf(each), 401);
	const { email, password } = ada;
	isProblem(await client.post('/api/sessions', { email, password }), 401, 'unauthorized');
	// It is closed at once, and erased in steps.
	const left = () => stack.sql(
		`select (select count(*) from cardkeep.users where id = '${ada.id}')
			+ (select count(*) from cardkeep.sessions where user_id = '${ada.id}')
			+ (select count(*) from cardkeep.business_cards where user_id = '${ada.id}')
			+ (select count(*) from cardkeep.business_card_versions
				where card_id in ('${card.id}', '${old.id}'))
			+ (select count(*) from cardkeep.personal_info_versions where user_id = '${ada.id}')`);
	await until('nothing is left', async () => (await left())[0] === '0', 60_000);

	const next = await client.card(eve.token, { base_slug: card.slug });
	assert.match(next.slug, new RegExp(`^${card.slug}-[a-z0-9]{6}$`));
	const anew = await client.post('/api/users', { email, password });
	assert.equal(anew.status, 201, anew.text);
	assert.notEqual(anew.json.user.id, ada.id);
});

test('an account is deleted only with its password', async () => {
	const ada = await client.register();
	isInvalid(await deleteAccount(ada, 'wrong horse'), 'password');
	isInvalid(await deleteAccount(ada, undefined), 'password');
	isProblem(await client.delete('/api/users/me', { token: ada.token, body: '' }), 400, 'bad-json');
	isProblem(await deleteAccount({}, ada.password), 401, 'unauthorized');
	assert.equal(await statusOf(ada), 200);
});

test('an account at work on many devices is deleted once, and none of them ends otherwise', async () => {
	const ada = await client.register();
	const others = await devices(4, ada);
	const work = others.map(async (each, i) => {
		const seen = [];
		for (let n = 0; seen.at(-1) !== 401 && n < 500; n++) {
			const body = { name: `Card ${i} ${n}` };
			seen.push((await client.post('/api/cards', body, { token: each.token })).status);
		}
		return seen;
	});
	const got = await deleteAccount(ada, ada.password);
	assert.equal(got.status, 204, got.text);
	for (const seen of await Promise.all(work)) {
		assert.equal(seen.pop(), 401);
		assert.ok(seen.every((status) => status === 201), String(seen));
	}
	const left = () => stack.sql(`select count(*) from cardkeep.business_cards where user_id = '${ada.id}'`);
	await until('nothing is left', async () => (await left())[0] === '0', 60_000);
});

test('GET /api/users/me answers the user', async () => {
	const ada = await client.register();
	const got = await client.get('/api/users/me', { token: ada.token });
	assert.equal(got.status, 200);
	assert.deepEqual(Object.keys(got.json), ['user']);
	assert.equal(got.json.user.id, ada.id);
	assert.equal(got.json.user.email, ada.email);
});

test('no token, or none that is known, is 401', async () => {
	const { token } = await client.register();
	const headers = [
		undefined, '', 'Bearer', 'Bearer ', 'Bearer x', `Basic ${token}`, token, `Bearer ${token}x`,
		`Bearer ${token.slice(0, -1)}`, `Bearer ck_${'A'.repeat(43)}`, `Bearer ${token} ${token}`,
		`Bearer ${token.slice(3)}`, `Bearer ${'x'.repeat(5000)}`,
	];
	for (const Authorization of headers)
		isProblem(await client.get('/api/users/me', { headers: { Authorization } }), 401, 'unauthorized');
});

test('the scheme of a token is read without regard to case', async () => {
	const { token } = await client.register();
	const got = await client.get('/api/users/me', { headers: { Authorization: `bearer ${token}` } });
	assert.equal(got.status, 200);
});

test('a session ends when its time is over', async () => {
	const { token, session } = await client.register();
	await stack.sql(
		"update cardkeep.sessions set expires_at = clock_timestamp() - interval '1 second' " +
			`where id = '${session.id}'`, 'super');
	isProblem(await client.get('/api/users/me', { token }), 401, 'unauthorized');
});

const age = (sessionId, interval) =>
	stack.sql(`update cardkeep.sessions set last_seen_at = clock_timestamp() - interval '${interval}'
		where id = '${sessionId}'`);

test('a session that was not used for 30 days is over', async () => {
	const ada = await client.register();
	await age(ada.session.id, '29 days');
	assert.equal(await statusOf(ada), 200);
	await age(ada.session.id, '31 days');
	isProblem(await client.get('/api/users/me', { token: ada.token }), 401, 'unauthorized');
});

test('when a session was last used is noted apart from its requests', async () => {
	const ada = await client.register();
	await age(ada.session.id, '5 minutes');
	const seen = async () => {
		const got = await client.get('/api/sessions', { token: ada.token });
		return Date.parse(got.json.sessions[0].last_seen_at);
	};
	assert.ok((await seen()) < Date.now() - 240_000);
	await until('the use is noted', async () => (await seen()) > Date.now() - 60_000, 20_000);
});

test('at the limit the least recently seen session gives way, is named and is logged', async () => {
	const ada = await client.register();
	const eve = await client.register();
	await stack.sql(`insert into cardkeep.sessions (user_id, token_hash, device_name, last_seen_at,
			expires_at)
		select '${ada.id}', sha256(convert_to('${ada.id}' || n, 'UTF8')), 'Device ' || n,
			clock_timestamp() - n * interval '1 minute', clock_timestamp() + interval '1 day'
		from generate_series(1, 49) n`);
	const { email, password } = ada;
	const got = await client.post('/api/sessions', { email, password, device_name: 'The 51st' });
	assert.equal(got.status, 201, got.text);
	const [gone, ...more] = got.json.ended_sessions;
	assert.deepEqual(more, []);
	assert.equal(gone.device_name, 'Device 49');
	const line = `sessions gave way limit=50 sessions="${gone.id}"`;
	await until('the log names it', () => stack.log().includes(line));
	const { sessions } = (await client.get('/api/sessions', { token: got.json.token })).json;
	assert.equal(sessions.length, 50);
	assert.ok(!sessions.some((session) => session.id === gone.id));
	for (const each of [ada, eve]) assert.equal(await statusOf(each), 200);
});

test('the database holds a digest of the token and an Argon2id hash of the password', async () => {
	const { id, token, password } = await client.register();
	const rows = await stack.sql(
		`select u::text || s::text from cardkeep.users u join cardkeep.sessions s on s.user_id = u.id
		 where u.id = '${id}'`, 'super');
	assert.equal(rows.length, 1);
	assert.match(rows[0], /\$argon2id\$/);
	for (const secret of [token, token.slice(3), password, Buffer.from(token).toString('hex')])
		assert.ok(!rows[0].includes(secret));
	const digests = [token, Buffer.from(token.slice(3), 'base64url')].map((secret) =>
		createHash('sha256').update(secret).digest('hex'));
	assert.ok(digests.some((digest) => rows[0].includes(digest)), rows[0]);
});

test('a device name is one line of at most some length', async () => {
	for (const device_name of ['x'.repeat(5000), 'a\nb', 7, {}])
		isInvalid(await client.post('/api/users', { email: address(), password: PASSWORD, device_name }), 'device_name');
});
