// History: every version can be read, page by page, and brought back as a new one.
import { assert, atOnce, isConflict, isInvalid, isProblem, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const { token } = await client.register();
const eve = await client.register();

const PROFILES = {
	personal: ['full_name', 'address'],
	professional: ['job_title', 'work_address'],
};

// A card at version 4, or a profile: what it was at each version, oldest first.
async function card() {
	const was = [await client.card(token, { name: 'One', fields_config: { a: 1 } })];
	const path = `/api/cards/${was[0].id}`;
	for (const fields of [{ name: 'Two' }, { name: 'Three', fields_config: { b: [1.50] } }, { is_public: false }]) {
		const got = await client.patch(path, { version: was.length, ...fields }, { token });
		assert.equal(got.status, 200, got.text);
		was.push(got.json);
	}
	return { path, was, token };
}

async function profile(kind) {
	const { token } = await client.register();
	const [a, b] = PROFILES[kind];
	const path = `/api/profile/${kind}`;
	const was = [];
	for (const fields of [{ [a]: 'One' }, { [a]: 'Two', [b]: 'There' }, { [a]: null }, { [b]: 'Here' }]) {
		const got = await client.patch(path, { version: was.length, ...fields }, { token });
		assert.ok(got.status < 300, got.text);
		const { isNew, ...rest } = got.json;
		was.push(rest);
	}
	return { path, was, token };
}

const entities = [
	['a card', card],
	['a personal profile', () => profile('personal')],
	['a professional profile', () => profile('professional')],
];

const history = ({ path, token }, query = '') => client.get(`${path}/history${query}`, { token });
const revert = ({ path, token }, body, headers) => client.post(`${path}/revert`, body, { token, headers });
const content = ({ version, updated_at, ...rest }) => rest;

for (const [what, make] of entities) {
	test(`the history of ${what} leads from each version to the next`, async () => {
		const entity = await make();
		const got = await history(entity);
		assert.equal(got.status, 200, got.text);
		assert.equal(got.json.next, null);
		assert.equal(got.headers.link, undefined);
		assert.equal(got.headers['cache-control'], 'no-store');
		assert.deepEqual(got.json.history.map((row) => row.version), [4, 3, 2, 1]);
		for (const row of got.json.history) {
			const now = entity.was[row.version - 1];
			const old = entity.was[row.version - 2];
			assert.deepEqual(Object.keys(row), ['version', 'changed', 'before', 'after', 'session_id', 'at']);
			assert.deepEqual(Object.keys(row.before).sort(), row.changed);
			assert.deepEqual(Object.keys(row.after).sort(), row.changed);
			for (const field of row.changed) {
				assert.deepEqual(row.after[field], now[field], got.text);
				assert.deepEqual(row.before[field], old ? old[field] : null, got.text);
			}
			if (old) assert.deepEqual({ ...content(old), ...row.after }, content(now), got.text);
			assert.equal(row.at, now.updated_at);
			assert.match(row.session_id, /^[0-9a-f-]{36}$/);
		}
	});

	test(`the history of ${what} comes in pages, each with a link to the next`, async () => {
		const entity = await make();
		const whole = (await history(entity)).json.history;
		const rows = [];
		let pages = 0;
		for (let path = `${entity.path}/history?limit=3`; path; pages++) {
			const got = await client.get(path, { token: entity.token });
			assert.equal(got.status, 200, got.text);
			rows.push(...got.json.history);
			path = got.json.next && `${entity.path}/history?limit=3&after=${got.json.next}`;
			assert.equal(got.headers.link, path ? `<${path}>; rel="next"` : undefined);
		}
		assert.equal(pages, 2);
		assert.deepEqual(rows, whole);
	});

	test(`${what} can be brought back to each of its versions, as a new one`, async () => {
		const entity = await make();
		let version = 4;
		for (const to of [2, 1, 4, 3]) {
			const got = await revert(entity, { version: version++, to });
			assert.equal(got.status, 200, got.text);
			assert.equal(got.json.version, version);
			assert.equal(got.headers.etag, `"${version}"`);
			assert.deepEqual(content(got.json), content(entity.was[to - 1]));
			assert.deepEqual((await client.get(entity.path, { token: entity.token })).json, got.json);
		}
		const rows = (await history(entity)).json.history;
		assert.deepEqual(rows.map((row) => row.version), [8, 7, 6, 5, 4, 3, 2, 1]);
	});

	test(`${what} brought back to what it is stays at its version`, async () => {
		const entity = await make();
		const got = await revert(entity, { version: 4, to: 4 });
		assert.equal(got.status, 200, got.text);
		assert.deepEqual(got.json, entity.was[3]);
		assert.equal((await history(entity)).json.history.length, 4);
	});

	test(`a revert of ${what} follows the rules of an update`, async () => {
		const entity = await make();
		isProblem(await revert(entity, { to: 1 }), 428, 'version-required');
		isConflict(await revert(entity, { version: 3, to: 1 }), 409, entity.was[3]);
		isConflict(await revert(entity, { to: 1 }, { 'If-Match': '"3"' }), 412, entity.was[3]);
		isProblem(await revert(entity, { version: 3, to: 1 }, { 'If-Match': '"4"' }), 400, 'bad-header');
		const got = await revert(entity, { to: 1 }, { 'If-Match': '"4"' });
		assert.equal(got.status, 200, got.text);
		assert.equal(got.json.version, 5);
	});

	test(`a revert of ${what} to a version it never had is told so`, async () => {
		const entity = await make();
		for (const to of [0, -1, 5, 1.5, '1', null, 2 ** 31, 1e300])
			isInvalid(await revert(entity, { version: 4, to }), 'to');
		isInvalid(await revert(entity, { version: 4 }), 'to');
		isInvalid(await revert(entity, { version: 'x' }), 'to');
		isInvalid(await revert(entity, { version: 4, to: 1, name: 'Other' }), 'name');
		// 428 before 422 before 409
		isProblem(await revert(entity, { to: 0 }), 428, 'version-required');
		isInvalid(await revert(entity, { version: 3, to: 0 }), 'to');
		isInvalid(await revert(entity, { version: 3, to: 5 }), 'to');
		assert.equal((await history(entity)).json.history.length, 4);
	});

	test(`parameters that no page of the history of ${what} gave are refused`, async () => {
		const entity = await make();
		for (const query of ['?limit=0', '?limit=x', '?limit=-1', '?limit=1&limit=2'])
			isInvalid(await history(entity, query), 'limit');
		for (const query of ['?after=', '?after=x', '?after=-1', '?after=01', '?after=2147483648'])
			isInvalid(await history(entity, query), 'after');
		assert.equal((await history(entity, '?limit=1000')).json.history.length, 4);
	});

	test(`of 16 reverts of ${what} from one version one wins, and the others are told`, async () => {
		const entity = await make();
		const got = await atOnce(16, 16, (i) => revert(entity, { version: 4, to: 1 + (i % 3) }));
		const won = got.filter((answer) => answer.status === 200);
		assert.equal(won.length, 1);
		for (const answer of got) if (answer !== won[0]) isConflict(answer, 409, won[0].json);
		assert.equal((await history(entity)).json.history.length, 5);
	});
}

test("somebody else's history looks as if it were not there, however it is asked for", async () => {
	const { path } = await card();
	const spied = { path, token: eve.token };
	for (const got of [
		await history(spied),
		await history(spied, '?limit=x'),
		await revert(spied, { version: 4, to: 1 }),
		await revert(spied, { to: 0 }),
		await client.request('PUT', `${path}/history`, { token: eve.token }),
	])
		isProblem(got, 404, 'not-found');
	isProblem(await client.get('/api/cards/7/history', { token }), 404, 'not-found');
	isProblem(await client.get(`${path}/history`), 401, 'unauthorized');
	isProblem(await client.post(`${path}/revert`, { version: 4, to: 1 }), 401, 'unauthorized');
});

test('a deleted card has no history, and does not come back', async () => {
	const entity = await card();
	await client.delete(`${entity.path}?version=4`, { token });
	isProblem(await history(entity), 404, 'not-found');
	isProblem(await revert(entity, { version: 5, to: 1 }), 404, 'not-found');
});

test('405 names the methods of both paths', async () => {
	const { path } = await card();
	for (const [below, methods] of [['history', 'GET, HEAD'], ['revert', 'POST']])
		for (const base of [path, '/api/profile/personal', '/api/profile/professional']) {
			const got = await client.request('DELETE', `${base}/${below}`, { token });
			isProblem(got, 405, 'method-not-allowed');
			assert.equal(got.headers.allow, methods);
		}
});

test('HEAD answers as GET does, without the body', async () => {
	const entity = await card();
	const got = await client.request('HEAD', `${entity.path}/history?limit=1`, { token });
	assert.equal(got.status, 200);
	assert.equal(got.text, '');
	assert.match(got.headers.link, /after=4>; rel="next"$/);
});

test('a profile that was never written has an empty history', async () => {
	const got = await client.get('/api/profile/personal/history', { token: eve.token });
	assert.deepEqual(got.json, { history: [], next: null });
});

test('what direct SQL did is told, with nobody as its writer', async () => {
	const entity = await card();
	await stack.sql(`update cardkeep.business_cards set name = 'By hand' where id = '${entity.was[0].id}'`);
	const [row] = (await history(entity, '?limit=1')).json.history;
	assert.deepEqual([row.version, row.changed, row.after, row.session_id], [5, ['name'], { name: 'By hand' }, null]);
});

test('a number in a document keeps every digit', async () => {
	const made = await client.post('/api/cards', '{"name":"N","fields_config":{"n":0.10000000000000000001}}', { token });
	const got = await client.get(`/api/cards/${made.json.id}/history`, { token });
	assert.match(got.text, /0\.10000000000000000001/);
});

test('a revert counts as an update, a refused one as a conflict', async () => {
	const value = async (name) => {
		const text = (await client.get('/metrics')).text;
		return Number(new RegExp(`^${name}\\{entity="professional"\\} (\\d+)`, 'm').exec(text)[1]);
	};
	const entity = await profile('professional');
	const [updates, refusals] = [await value('cardkeep_updates_total'), await value('cardkeep_version_conflicts_total')];
	await revert(entity, { version: 4, to: 1 });
	await revert(entity, { version: 4, to: 2 });
	assert.equal(await value('cardkeep_updates_total'), updates + 1);
	assert.equal(await value('cardkeep_version_conflicts_total'), refusals + 1);
});
