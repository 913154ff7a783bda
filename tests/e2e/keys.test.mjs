// Idempotency-Key: what was applied under a key is answered again, and nothing else goes under it.
//
// CARDKEEP_KEYS says how many keys ten clients each try at once (200 unless it does).
import { randomUUID } from 'node:crypto';

import { assert, atOnce, isConflict, isProblem, shared, test, until } from '../lib/harness.mjs';

const KEYS = Number(process.env.CARDKEEP_KEYS ?? 200);
const { stack, client } = await shared();
const { id: user, token } = await client.register();

const keyed = (key, rest = {}) => ({ token, headers: { 'Idempotency-Key': key, ...rest } });
const number = async (text) => Number(await stack.sql(text, 'super'));
const cardsNamed = (name) => number(`select count(*) from cardkeep.business_cards where name = '${name}'`);

// Another session of somebody who is registered.
async function signIn({ email, password }) {
	const got = await client.post('/api/sessions', { email, password });
	assert.equal(got.status, 201, got.text);
	return got.json;
}

function isReplay(got, first) {
	assert.equal(got.headers['idempotent-replayed'], 'true', `${got.status} ${got.text}`);
	assert.equal(got.status, first.status, got.text);
	assert.equal(got.text, first.text);
	for (const name of ['etag', 'location', 'content-type', 'cache-control'])
		assert.equal(got.headers[name], first.headers[name], name);
}

// Each kind of write: what to do before it, and the request.
const writes = {
	'POST /api/cards': async () => ['POST', '/api/cards', { name: 'Keyed' }],
	'PATCH /api/cards/{id}': async () => {
		const { id } = await client.card(token);
		return ['PATCH', `/api/cards/${id}`, { version: 1, name: 'Keyed' }];
	},
	'PATCH /api/cards': async () => {
		const { id } = await client.card(token);
		return ['PATCH', '/api/cards', { id, version: 1, name: 'Keyed' }];
	},
	'PATCH /api/cards/{id}, merged': async () => {
		const { id } = await client.card(token);
		await client.patch(`/api/cards/${id}`, { version: 1, name: 'Theirs' }, { token });
		return ['PATCH', `/api/cards/${id}`, { version: 1, fields_config: { a: 1 }, merge: true }];
	},
	'POST /api/cards/{id}/revert': async () => {
		const { id } = await client.card(token);
		await client.patch(`/api/cards/${id}`, { version: 1, name: 'Changed' }, { token });
		return ['POST', `/api/cards/${id}/revert`, { version: 2, to: 1 }];
	},
	'DELETE /api/cards/{id}': async () => {
		const { id } = await client.card(token);
		return ['DELETE', `/api/cards/${id}?version=1`];
	},
	...Object.fromEntries([['personal', 'address'], ['professional', 'job_title']].map(([kind, field]) => [
		`PATCH /api/profile/${kind}`,
		async () => {
			const { version } = (await client.get(`/api/profile/${kind}`, { token })).json;
			return ['PATCH', `/api/profile/${kind}`, { version, [field]: randomUUID() }];
		},
	])),
	'PATCH /api/profile/personal, merged': async () => {
		const path = '/api/profile/personal';
		const { version } = (await client.get(path, { token })).json;
		const { json } = await client.patch(path, { version, full_name: randomUUID() }, { token });
		assert.equal((await client.patch(path, { version: json.version, address: randomUUID() }, { token })).status, 200);
		return ['PATCH', path, { version: json.version, full_name: randomUUID(), merge: true }];
	},
	'POST /api/profile/personal/revert': async () => {
		const path = '/api/profile/personal';
		const { version } = (await client.get(path, { token })).json;
		const { json } = await client.patch(path, { version, full_name: randomUUID() }, { token });
		const { json: now } = await client.patch(path, { version: json.version, full_name: randomUUID() }, { token });
		return ['POST', `${path}/revert`, { version: now.version, to: json.version }];
	},
};

for (const [name, prepare] of Object.entries(writes)) {
	test(`${name}: the same again gets the first answer, and nothing happens twice`, async () => {
		const [method, path, body] = await prepare();
		const key = randomUUID();
		const first = await client.request(method, path, { ...keyed(key), body });
		assert.ok(first.status < 300, `${first.status} ${first.text}`);
		assert.equal(first.headers['idempotent-replayed'], undefined);
		isReplay(await client.request(method, path, { ...keyed(key), body }), first);
		isReplay(await client.request(method, path, { ...keyed(`"${key}"`), body }), first);
	});

	test(`${name}: another request under the key is 422 and changes nothing`, async () => {
		const [method, path, body] = await prepare();
		const key = randomUUID();
		const first = await client.request(method, path, { ...keyed(key), body });
		assert.ok(first.status < 300, `${first.status} ${first.text}`);
		const other = await client.post('/api/cards', { name: `Not ${key}` }, keyed(key));
		isProblem(other, 422, 'idempotency-key-reused');
		assert.equal(await cardsNamed(`Not ${key}`), 0);
		isReplay(await client.request(method, path, { ...keyed(key), body }), first);
	});
}

test('every part that a key is bound to counts', async () => {
	const card = await client.card(token);
	const path = `/api/cards/${card.id}`;
	const base = { method: 'PATCH', path, body: { version: 1, name: 'Bound' }, headers: {} };
	const ask = (key, part = {}) => {
		const { method, path: to, body, headers } = { ...base, ...part };
		return client.request(method, to, { ...keyed(key, headers), body });
	};
	const first = await ask('bound');
	assert.equal(first.status, 200, first.text);
	const now = (await client.get(path, { token })).json.version;
	const other = await client.card(token);
	const changed = {
		method: { method: 'DELETE', path: `${path}?version=${now}`, body: undefined },
		path: { path: `/api/cards/${other.id}` },
		query: { path: `${path}?x` },
		'If-Match': { headers: { 'If-Match': '"1"' } },
		Prefer: { headers: { Prefer: 'respond-async' } },
		body: { body: { version: 1, name: 'Bound ' } },
		'the order of its members': { body: { name: 'Bound', version: 1 } },
	};
	for (const [what, part] of Object.entries(changed)) {
		const got = await ask('bound', part);
		assert.equal(got.json?.type, 'urn:cardkeep:problem:idempotency-key-reused', `${what}: ${got.status} ${got.text}`);
		assert.equal(got.status, 422);
	}
	isReplay(await ask('bound'), first);
	assert.equal((await client.get(path, { token })).json.version, now);
});

test('a key is a string or the same characters bare', async () => {
	const spellings = [
		['plain', '"plain"'],
		['a\\b', '"a\\\\b"'],
		['!#$%&\'()*+-./:;<=>?@[]^_`{|}~', '"!#$%&\'()*+-./:;<=>?@[]^_`{|}~"'],
		['x'.repeat(255), `"${'x'.repeat(255)}"`],
		['  spaced ', '"spaced"'],
	];
	for (const [bare, quoted] of spellings) {
		const body = { name: 'Spelling' };
		const first = await client.post('/api/cards', body, keyed(bare));
		assert.equal(first.status, 201, `${bare}: ${first.text}`);
		isReplay(await client.post('/api/cards', body, keyed(quoted)), first);
	}
	const first = await client.post('/api/cards', { name: 'Quoted' }, keyed('"a \\"b\\", c"'));
	assert.equal(first.status, 201, first.text);
	isReplay(await client.post('/api/cards', { name: 'Quoted' }, keyed('"a \\"b\\", c"')), first);
});

const malformed = {
	empty: '',
	'an empty string': '""',
	'256 characters': 'x'.repeat(256),
	'256 characters in quotes': `"${'x'.repeat(256)}"`,
	'no second quote': '"abc',
	'something behind the string': '"abc" d',
	'a parameter': '"abc";d=1',
	'a quote inside': 'a"b',
	'a blank inside': 'a b',
	'a comma': 'a,b',
	'an unknown escape': '"a\\n"',
	'a byte above ASCII': Buffer.from('é', 'utf8').toString('latin1'),
	'two strings, joined': '"a", "b"',
};

for (const [what, key] of Object.entries(malformed)) {
	test(`a malformed key is 400: ${what}`, async () => {
		isProblem(await client.post('/api/cards', { name: 'Malformed' }, keyed(key)), 400, 'bad-header');
	});
}

test('a key that is sent twice is 400, also when both are the same', async () => {
	for (const keys of [['a', 'b'], ['a', 'a'], ['', 'a'], ['a', ''], ['"a"', '"b"']])
		isProblem(await client.post('/api/cards', { name: 'Malformed' }, keyed(keys)), 400, 'bad-header');
	assert.equal(await cardsNamed('Malformed'), 0);
});

test('a malformed key has its place in the order of checks', async () => {
	const bad = { 'Idempotency-Key': '' };
	const ask = (options) => client.request('PATCH', `/api/cards/${randomUUID()}`, { headers: bad, body: {}, ...options });
	assert.equal((await ask({})).status, 401);
	assert.equal((await ask({ token })).status, 404);
	const { id } = await client.card(token);
	const own = (options) => client.request('PATCH', `/api/cards/${id}`, { token, headers: bad, body: {}, ...options });
	assert.equal((await own({ body: 'x'.repeat(300_000) })).status, 413);
	assert.equal((await own({ headers: { ...bad, 'Content-Type': 'text/html' } })).status, 415);
	assert.equal((await own({})).status, 400, '400 comes before 428');
});

test('reads, registration and sign-in ignore the key', async () => {
	const headers = { 'Idempotency-Key': '' };
	assert.equal((await client.get('/api/cards', { token, headers })).status, 200);
	const account = { email: `${randomUUID()}@example.org`, password: 'correct horse' };
	const same = { 'Idempotency-Key': 'same' };
	assert.equal((await client.post('/api/users', account, { headers })).status, 201);
	assert.equal((await client.post('/api/users', account, { headers: same })).status, 409);
	const tokens = new Set();
	for (let i = 0; i < 2; i++) {
		const got = await client.post('/api/sessions', account, { headers: same });
		assert.equal(got.status, 201, got.text);
		assert.equal(got.headers['idempotent-replayed'], undefined);
		tokens.add(got.json.token);
	}
	assert.equal(tokens.size, 2);
});

test('keys are per user', async () => {
	const eve = await client.register();
	const body = { name: 'Shared key' };
	const mine = await client.post('/api/cards', body, keyed('shared'));
	const hers = await client.post('/api/cards', body, { ...keyed('shared'), token: eve.token });
	assert.deepEqual([mine.status, hers.status], [201, 201]);
	assert.notEqual(mine.json.id, hers.json.id);
	assert.equal(hers.headers['idempotent-replayed'], undefined);
});

test('and not per session: another device of the same user gets the first answer', async () => {
	const ann = await client.register();
	const tablet = await signIn(ann);
	const body = { name: 'Two devices' };
	const first = await client.post('/api/cards', body, { ...keyed('devices'), token: ann.token });
	assert.equal(first.status, 201, first.text);
	isReplay(await client.post('/api/cards', body, { ...keyed('devices'), token: tablet.token }), first);
});

test('the first answer comes again after the card went on, and after it was deleted', async () => {
	const made = await client.post('/api/cards', { name: 'Lived' }, keyed('lived'));
	const path = made.headers.location;
	const patched = await client.patch(path, { version: 1, name: 'Lived on' }, keyed('lived-on'));
	assert.equal(patched.status, 200, patched.text);
	assert.equal((await client.patch(path, { version: 2, fields_config: { a: 1 } }, { token })).status, 200);
	isReplay(await client.post('/api/cards', { name: 'Lived' }, keyed('lived')), made);
	isReplay(await client.patch(path, { version: 1, name: 'Lived on' }, keyed('lived-on')), patched);
	assert.equal((await client.delete(`${path}?version=3`, { token })).status, 204);
	isReplay(await client.post('/api/cards', { name: 'Lived' }, keyed('lived')), made);
	isReplay(await client.patch(path, { version: 1, name: 'Lived on' }, keyed('lived-on')), patched);
	assert.equal((await client.get(path, { token })).status, 404);
});

test('a refusal is not kept: the key is free for the right request', async () => {
	const card = await client.card(token);
	const path = `/api/cards/${card.id}`;
	isConflict(await client.patch(path, { version: 7, name: 'Stale' }, keyed('refused')), 409, card);
	isConflict(await client.patch(path, { version: 7, name: 'Stale' }, keyed('refused')), 409, card);
	isProblem(await client.patch(path, { version: 1 }, keyed('refused')), 422, 'validation');
	const got = await client.patch(path, { version: 1, name: 'Right' }, keyed('refused'));
	assert.equal(got.status, 200, got.text);
	assert.equal(got.headers['idempotent-replayed'], undefined);
});

test('an update that changes nothing keeps nothing', async () => {
	const card = await client.card(token, { name: 'Still' });
	const path = `/api/cards/${card.id}`;
	for (let i = 0; i < 2; i++) {
		const got = await client.patch(path, { version: 1, name: 'Still' }, keyed('still'));
		assert.equal(got.status, 200, got.text);
		assert.equal(got.headers['idempotent-replayed'], undefined);
	}
	assert.equal((await client.patch(path, { version: 1, name: 'Moved' }, keyed('still'))).json.version, 2);
});

test('a card that is not there is 404 before its key is looked at', async () => {
	assert.equal((await client.post('/api/cards', { name: 'Spent' }, keyed('spent'))).status, 201);
	const got = await client.patch(`/api/cards/${randomUUID()}`, { version: 1, name: 'X' }, keyed('spent'));
	isProblem(got, 404, 'not-found');
});

test('a request that ended its own session is answered as the first was', async () => {
	const ann = await client.register();
	const last = await client.post('/api/cards', { name: 'Last' }, { ...keyed('last'), token: ann.token });
	assert.equal(last.status, 201);
	for (const replayed of [undefined, 'true']) {
		const got = await client.delete('/api/sessions/current', { ...keyed('bye'), token: ann.token });
		assert.equal(got.status, 204, got.text);
		assert.equal(got.headers['idempotent-replayed'], replayed);
	}
	isProblem(
		await client.post('/api/cards', { name: 'Last' }, { ...keyed('last'), token: ann.token }),
		401,
		'unauthorized',
	);
	for (const key of ['bye', 'last', 'new'])
		isProblem(
			await client.post('/api/cards', { name: 'Late' }, { ...keyed(key), token: ann.token }),
			401,
			'unauthorized',
		);
});

test('a session that another device ended learns nothing under its keys; the other device does', async () => {
	const ann = await client.register();
	const other = await signIn(ann);
	const made = await client.post('/api/cards', { name: 'Mine' }, { ...keyed('mine'), token: ann.token });
	const path = `/api/cards/${made.json.id}`;
	const change = (token) => client.patch(path, { version: 1, name: 'New' }, { ...keyed('name'), token });
	const changed = await change(ann.token);
	assert.equal(changed.status, 200);
	assert.equal((await client.delete('/api/sessions?scope=others', { token: other.token })).status, 204);
	const again = (token) => client.post('/api/cards', { name: 'Mine' }, { ...keyed('mine'), token });
	isProblem(await again(ann.token), 401, 'unauthorized');
	isProblem(await change(ann.token), 401, 'unauthorized');
	isReplay(await again(other.token), made);
	isReplay(await change(other.token), changed);
});

test('two passwords at once under one key: one is set, the other is told that the key is spent', async () => {
	for (let i = 0; i < 5; i++) {
		const ann = await client.register();
		const change = (new_password) => client.request('PUT', '/api/users/me/password', {
			...keyed(`race-${i}`), token: ann.token, body: { current_password: ann.password, new_password },
		});
		const passwords = ['one new password', 'another new password'];
		const got = await Promise.all(passwords.map(change));
		const set = got.findIndex(({ status }) => status === 204);
		assert.ok(set >= 0, JSON.stringify(got.map(({ text }) => text)));
		isProblem(got[1 - set], 422, 'idempotency-key-reused');
		assert.equal((await signIn({ ...ann, password: passwords[set] })).user.id, ann.id);
	}
});

test('another session ended under a key is answered again', async () => {
	const ann = await client.register();
	const { session } = await signIn(ann);
	const path = `/api/sessions/${session.id}`;
	for (const replayed of [undefined, 'true']) {
		const got = await client.delete(path, { ...keyed('end'), token: ann.token });
		assert.equal(got.status, 204, got.text);
		assert.equal(got.headers['idempotent-replayed'], replayed);
	}
	isProblem(await client.delete(path, { token: ann.token }), 404, 'not-found');
});

test(`10 simultaneous posts of one key, ${KEYS} keys: one card each, 10 equal answers`, async () => {
	const ann = await client.register();
	await atOnce(KEYS, 8, async (i) => {
		const name = `Ten ${i}`;
		const got = await atOnce(10, 10, () =>
			client.post('/api/cards', { name }, { ...keyed(`ten-${i}`), token: ann.token }));
		for (const { status, text, headers } of got) {
			assert.equal(status, 201, text);
			assert.equal(text, got[0].text);
			assert.equal(headers.location, got[0].headers.location);
			assert.equal(headers.etag, '"1"');
		}
		assert.equal(got.filter(({ headers }) => !headers['idempotent-replayed']).length, 1);
	});
	const count = (what) =>
		number(`select ${what} from cardkeep.business_cards where user_id = '${ann.id}'`);
	assert.equal(await count('count(*)'), KEYS);
	assert.equal(await count('count(distinct name)'), KEYS);
});

test('simultaneous updates of one key raise the version by one', async () => {
	for (let i = 0; i < 20; i++) {
		const { id } = await client.card(token);
		const got = await atOnce(10, 10, () =>
			client.patch(`/api/cards/${id}`, { version: 1, name: 'Once' }, keyed(`once-${id}`)));
		for (const { status, text } of got) {
			assert.equal(status, 200, text);
			assert.equal(text, got[0].text);
		}
		assert.equal((await client.get(`/api/cards/${id}`, { token })).json.version, 2);
	}
});

test('of simultaneous requests with one key and different bodies one is carried out', async () => {
	for (let i = 0; i < 20; i++) {
		const got = await atOnce(10, 10, (n) =>
			client.post('/api/cards', { name: `Rival ${i}`, fields_config: { n } }, keyed(`rival-${i}`)));
		const statuses = got.map(({ status }) => status).sort();
		assert.deepEqual(statuses, [201, ...Array(9).fill(422)]);
		assert.equal(await cardsNamed(`Rival ${i}`), 1);
	}
});

// Holds a key as a request that is still running does.
async function whileHeld(key, work) {
	const holder = stack.session('super');
	const hash = await keyHash(key);
	await holder.run(`begin; select cardkeep_api.try_key('${user}', '${hash}')`);
	try {
		return await work();
	} finally {
		await holder.run('rollback');
		await holder.close();
	}
}

// What the service makes of a key: known from a write under it.
async function keyHash(key) {
	const made = await client.post('/api/cards', { name: 'To know its hash' }, keyed(key));
	const hash = await stack.sql(
		`select key from cardkeep.writes where write_id = '${made.json.id}'`, 'super');
	await stack.sql(`delete from cardkeep.writes where write_id = '${made.json.id}'`, 'super');
	return String(hash);
}

test('while the first is still running its repeat waits, then gets 409 and nothing happened', async () => {
	const got = await whileHeld('running', () =>
		client.post('/api/cards', { name: 'Running' }, keyed('running')));
	const problem = isProblem(got, 409, 'idempotency-in-progress');
	assert.equal(got.headers['retry-after'], '1');
	assert.equal(problem.currentVersion, undefined);
	assert.ok(got.ms > 3000 && got.ms < 5500, `${got.ms} ms`);
	assert.equal(await cardsNamed('Running'), 0);
	assert.equal((await client.post('/api/cards', { name: 'Running' }, keyed('running'))).status, 201);
});

test('nobody else waits meanwhile', async () => {
	await whileHeld('alone', async () => {
		const waiting = client.post('/api/cards', { name: 'Alone' }, keyed('alone'));
		const times = [];
		for (let i = 0; i < 50; i++) {
			const got = await client.post('/api/cards', { name: 'Beside' }, keyed(`beside-${i}`));
			assert.equal(got.status, 201, got.text);
			times.push(got.ms);
		}
		assert.ok(times.sort((a, b) => a - b)[25] < 1000, `${times[25]} ms`);
		assert.equal((await waiting).status, 409);
	});
});

test('replays are counted', async () => {
	const replays = async () =>
		Number(/^cardkeep_replays_total (\d+)/m.exec((await client.get('/metrics')).text)[1]);
	const before = await replays();
	for (let i = 0; i < 3; i++) await client.post('/api/cards', { name: 'Counted' }, keyed('counted'));
	assert.equal(await replays(), before + 2);
});

test('old keys go by themselves, and are counted', async () => {
	await client.post('/api/cards', { name: 'Old' }, keyed('old'));
	const ann = await client.register();
	await stack.sql(
		`insert into cardkeep.writes (user_id, key, write_id, at, version, status)
		select '${ann.id}', gen_random_uuid(), gen_random_uuid(), clock_timestamp() - interval '25 hours', 1, 201
		from generate_series(1, 1000)`,
		'super',
	);
	const left = () => number(`select count(*) from cardkeep.writes where user_id = '${ann.id}'`);
	await until('the old keys are gone', async () => (await left()) === 0, 40_000);
	const swept = Number(/^cardkeep_keys_swept_total (\d+)/m.exec((await client.get('/metrics')).text)[1]);
	assert.ok(swept >= 1000, `${swept}`);
	assert.equal(
		(await client.post('/api/cards', { name: 'Old' }, keyed('old'))).headers['idempotent-replayed'],
		'true',
	);
});

test('many sessions ended under a key are answered again, the own one included', async () => {
	const ann = await client.register();
	const tablet = await signIn(ann);
	const end = (scope, key) => client.delete(`/api/sessions?scope=${scope}`, { ...keyed(key), token: ann.token });
	for (const replayed of [undefined, 'true']) {
		const got = await end('others', 'others');
		assert.equal(got.status, 204, got.text);
		assert.equal(got.headers['idempotent-replayed'], replayed);
	}
	assert.equal((await client.get('/api/users/me', { token: tablet.token })).status, 401);
	isProblem(await end('global', 'others'), 422, 'idempotency-key-reused');
	for (const replayed of [undefined, 'true']) {
		const got = await end('global', 'global');
		assert.equal(got.status, 204, got.text);
		assert.equal(got.headers['idempotent-replayed'], replayed);
	}
	isProblem(await end('global', 'again'), 401, 'unauthorized');
});

test('a password changed under a key is answered again, by the password that it set', async () => {
	const ann = await client.register();
	const change = (key, current_password, new_password) =>
		client.request('PUT', '/api/users/me/password', {
			...keyed(key),
			token: ann.token,
			body: { current_password, new_password },
		});
	for (const replayed of [undefined, 'true']) {
		const got = await change('change', ann.password, 'second password');
		assert.equal(got.status, 204, got.text);
		assert.equal(got.headers['idempotent-replayed'], replayed);
	}
	isProblem(await change('change', 'second password', 'third password'), 422, 'idempotency-key-reused');
	isProblem(await client.post('/api/cards', { name: 'X' }, { ...keyed('change'), token: ann.token }), 422, 'idempotency-key-reused');
	assert.equal((await change('more', 'second password', 'third password')).status, 204);
	await client.delete('/api/sessions/current', { token: ann.token });
	isProblem(await change('more', 'second password', 'third password'), 401, 'unauthorized');
	isProblem(await change('late', 'third password', 'fourth password'), 401, 'unauthorized');
	assert.equal((await signIn({ ...ann, password: 'third password' })).user.id, ann.id);
});

test('an account deleted under a key is answered again, and leaves no keys behind', async () => {
	const ann = await client.register();
	const remove = (key, password = ann.password) =>
		client.request('DELETE', '/api/users/me', { ...keyed(key), token: ann.token, body: { password } });
	const made = await client.post('/api/cards', { name: 'Going' }, { ...keyed('made'), token: ann.token });
	assert.equal(made.status, 201);
	isProblem(await remove('made'), 422, 'idempotency-key-reused');
	for (const replayed of [undefined, 'true']) {
		const got = await remove('gone');
		assert.equal(got.status, 204, got.text);
		assert.equal(got.headers['idempotent-replayed'], replayed);
	}
	isProblem(await remove('other'), 401, 'unauthorized');
	isProblem(await client.post('/api/cards', { name: 'Going' }, { ...keyed('made'), token: ann.token }), 401, 'unauthorized');
	// The sweep goes through all accounts that other tests have closed, a step at a time.
	const left = () => number(`select count(*) from cardkeep.writes where user_id = '${ann.id}'`);
	await until('no key is left', async () => (await left()) === 0, 60_000);
});

test('two people who delete their accounts under one key do not meet', async () => {
	for (const { token: theirs, password } of [await client.register(), await client.register()]) {
		const got = await client.request('DELETE', '/api/users/me', { ...keyed('bye'), token: theirs, body: { password } });
		assert.equal(got.status, 204, got.text);
		assert.equal(got.headers['idempotent-replayed'], undefined);
	}
});
