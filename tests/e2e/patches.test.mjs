// What the type of a PATCH says its body means: JSON as this service reads it, or a merge patch (RFC 7396).
import { assert, atOnce, isConflict, isInvalid, isProblem, shared, test } from '../lib/harness.mjs';

const { client, stack } = await shared();
const { token } = await client.register();

const MERGE_PATCH = 'application/merge-patch+json';
const path = (card) => `/api/cards/${card.id}`;
const patch = (card, body, headers) =>
	client.patch(path(card), body, { token, headers: { 'Content-Type': MERGE_PATCH, ...headers } });
const read = async (card) => (await client.get(path(card), { token })).json;
const card = (fields_config, more = {}) => client.card(token, { fields_config, ...more });

test('members of a document are merged, null removes one, and what is left out stays', async () => {
	const dr = await card({ title: 'Dr', phone: '1', mail: 'a' }, { design_config: { font: 'x' } });
	const got = await patch(dr, { fields_config: { title: 'Prof', mail: null } }, { 'If-Match': '"1"' });
	assert.equal(got.status, 200, got.text);
	assert.deepEqual(got.json.fields_config, { title: 'Prof', phone: '1' });
	assert.deepEqual(got.json.design_config, { font: 'x' });
	assert.equal(got.headers.etag, '"2"');
	assert.deepEqual(await read(dr), got.json);
	assert.deepEqual((await patch(dr, { version: 2, fields_config: null })).json.fields_config, {});
	assert.deepEqual((await patch(dr, { version: 3, fields_config: {}, name: 'New' })).json.fields_config, {});
});

// Appendix A of RFC 7396, each inside a document, which is an object itself.
for (const [target, change, wanted] of [
	['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
	['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
	['{"a":"b"}', '{"a":null}', '{}'],
	['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
	['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
	['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
	['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
	['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
	['["a","b"]', '["c","d"]', '["c","d"]'],
	['{"a":"b"}', '["c"]', '["c"]'],
	['{"a":"foo"}', 'null', undefined],
	['{"a":"foo"}', '"bar"', '"bar"'],
	['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
	['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
	['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
])
	test(`${target} patched by ${change} is ${wanted ?? 'nothing'}`, async () => {
		const it = await client.post('/api/cards', `{"name":"P","fields_config":{"it":${target}}}`, { token });
		const got = await patch(it.json, `{"version":1,"fields_config":{"it":${change}}}`);
		assert.equal(got.status, 200, got.text);
		assert.deepEqual(got.json.fields_config, wanted === undefined ? {} : { it: JSON.parse(wanted) });
	});

test('what the patch leaves out keeps its digits', async () => {
	const it = await client.post('/api/cards', '{"name":"P","fields_config":{"n":1.50,"m":{"x":1e2,"y":12345678901234567890.10}}}', { token });
	const got = await patch(it.json, '{"version":1,"fields_config":{"m":{"x":2.0}}}');
	assert.ok(got.text.includes('{"m": {"x": 2.0, "y": 12345678901234567890.10}, "n": 1.50}'), got.text);
});

test('a patch is made against the version that it names: a stale one is refused and told what it would have made', async () => {
	const one = await card({ a: 1, b: { x: 1, y: 1 }, c: 1 });
	await patch(one, { version: 1, fields_config: { a: 2, d: 4 } });
	const now = await read(one);
	const stale = await patch(one, { version: 1, fields_config: { a: 3, b: { x: 2 } } });
	isConflict(stale, 409, now);
	assert.deepEqual(stale.json.conflictingFields, [
		{ field: 'fields_config.a', base: 1, mine: 3, theirs: 2 },
		{ field: 'fields_config.d', base: null, mine: null, theirs: 4 },
	]);
	isConflict(await patch(one, { fields_config: { a: 3 } }, { 'If-Match': '"1"' }), 412, now);
	isConflict(await patch(one, { version: 7, fields_config: { a: 3 } }), 409, now);
	assert.deepEqual(await read(one), now);
	isProblem(await patch(one, { fields_config: {} }), 428, 'version-required');
});

test('of several versions in If-Match it is the one that is there', async () => {
	const one = await card({ a: 1 });
	await patch(one, { version: 1, fields_config: { b: 2 } });
	const got = await patch(one, { fields_config: { a: null } }, { 'If-Match': '"1", "2"' });
	assert.deepEqual(got.json.fields_config, { b: 2 });
});

test('a patch that asks to be merged is, unless both wrote one key', async () => {
	const one = await card({ a: 1, b: 1, c: { x: 1, y: 1 } });
	await patch(one, { version: 1, fields_config: { a: 2, d: 4 } });
	const got = await patch(one, { version: 1, merge: true, fields_config: { b: null, c: { x: 2 } } });
	assert.equal(got.json.merged, true, got.text);
	assert.deepEqual(got.json.fields_config, { a: 2, c: { x: 2, y: 1 }, d: 4 });
	const refused = await patch(one, { version: 1, fields_config: { a: 3 } }, { Prefer: 'conflict=merge' });
	isConflict(refused, 409, await read(one));
	assert.equal(refused.headers['preference-applied'], 'conflict=merge');
});

test('a patch that changes nothing writes nothing', async () => {
	const one = await card({ a: 1 });
	for (const fields_config of [{}, { a: 1 }, { b: null }]) {
		const got = await patch(one, { version: 1, fields_config });
		assert.equal(got.status, 200, got.text);
		assert.deepEqual(got.json, one);
	}
});

test('a repeat under its key gets the first answer, whatever came since; another type is another request', async () => {
	const one = await card({ a: 1 });
	const keyed = { 'Idempotency-Key': `"${one.id}"` };
	const first = await patch(one, { version: 1, fields_config: { b: 2 } }, keyed);
	await patch(one, { version: 2, fields_config: { a: null } });
	const again = await patch(one, { version: 1, fields_config: { b: 2 } }, keyed);
	assert.equal(again.headers['idempotent-replayed'], 'true');
	assert.equal(again.text, first.text);
	const other = await patch(one, { version: 1, fields_config: { b: 2 } }, { ...keyed, 'Content-Type': 'application/json' });
	isProblem(other, 422, 'idempotency-key-reused');
	const merge = { 'Idempotency-Key': `"m${one.id}"` };
	const merged = await patch(one, { version: 1, merge: true, fields_config: { c: 3 } }, merge);
	assert.equal(merged.json.merged, true, merged.text);
	assert.equal((await patch(one, { version: 1, merge: true, fields_config: { c: 3 } }, merge)).text, merged.text);
	await client.delete(`${path(one)}?version=4`, { token });
	assert.equal((await patch(one, { version: 1, fields_config: { b: 2 } }, keyed)).text, first.text);
});

test('of 32 patches of different keys, each made anew after a conflict, all land', async () => {
	const one = await card({});
	await atOnce(32, 32, async (i) => {
		for (let version = 1; ; ) {
			const got = await patch(one, { version, fields_config: { [`k${i}`]: i } });
			if (got.status === 200) return;
			assert.equal(got.status, 409, got.text);
			version = got.json.currentVersion;
		}
	});
	const now = await read(one);
	assert.equal(now.version, 33);
	assert.equal(Object.keys(now.fields_config).length, 32);
});

test('what no document may be is refused', async () => {
	const one = await card({ big: 'x'.repeat(200_000) });
	isInvalid(await patch(one, { version: 1, fields_config: [1] }), 'fields_config');
	isInvalid(await patch(one, { version: 1, fields_config: 'x' }), 'fields_config');
	isInvalid(await patch(one, { version: 1, name: null }), 'name');
	assert.equal((await patch(one, { version: 1, fields_config: { b: 'x'.repeat(200_000) } })).status, 200);
	isInvalid(await patch(one, { version: 2, fields_config: { c: 'x'.repeat(200_000) } }), 'fields_config');
});

test('a profile is patched as well', async () => {
	const ann = await client.register();
	const save = (body) =>
		client.patch('/api/profile/personal', body, { token: ann.token, headers: { 'Content-Type': MERGE_PATCH } });
	assert.equal((await save({ version: 0, full_name: 'Ann', website: 'https://a.example' })).status, 201);
	const got = await save({ version: 1, website: null });
	assert.equal(got.json.full_name, 'Ann');
	assert.equal(got.json.website, null);
});

test('a PATCH of a type that nobody here reads is 415, and says which are read', async () => {
	const one = await card({ a: 1 });
	for (const target of [path(one), '/api/cards', '/api/profile/personal', '/api/profile/professional'])
		for (const type of ['text/html', 'application/xml', 'application/jsonp', 'json', '+json']) {
			const got = await client.patch(target, { id: one.id, version: 1, name: 'x' }, { token, headers: { 'Content-Type': type } });
			isProblem(got, 415, 'unsupported-type');
			assert.equal(got.headers['accept-patch'], 'application/json, application/merge-patch+json');
		}
	const types = ['application/json', 'application/vnd.api+json', 'application/ld+json', 'text/plain',
		'application/x-www-form-urlencoded', undefined];
	for (const type of types)
		assert.equal((await client.patch(path(one), { version: 1, name: one.name }, { token, headers: { 'Content-Type': type } })).status, 200);
	const steps = [{ op: 'replace', path: '/name', value: 'x' }];
	const headers = { 'Content-Type': 'application/json-patch+json', 'If-Match': `"${one.version}"` };
	const got = await client.patch(path(one), steps, { token, headers });
	assert.equal(got.status, 422, `a JSON patch is no object: ${got.text}`);
	assert.deepEqual(await read(one), one);
});

test('none of this was a fault of the service', () => {
	assert.deepEqual(stack.faults(), []);
});
