// Merging: edits of different fields both land, edits of one field do not.
import { assert, atOnce, isConflict, isInvalid, shared, test } from '../lib/harness.mjs';

const { client } = await shared();
const { token } = await client.register();

const path = (card) => `/api/cards/${card.id}`;
const patch = (card, body, headers) => client.patch(path(card), body, { token, headers });
const merge = (card, body, headers) => patch(card, { merge: true, ...body }, headers);
const read = async (card) => (await client.get(path(card), { token })).json;
const plain = ({ merged, mergedWith, ...rest }) => rest;

// A card at version 3: its name and one key were changed since version 1.
async function third() {
	const card = await client.card(token, { name: 'One', fields_config: { a: 1, b: 1 } });
	await patch(card, { version: 1, name: 'Two' });
	return (await patch(card, { version: 2, fields_config: { a: 2, b: 1 } })).json;
}

// What was merged: the whole entity, with what it was merged with, and nothing else.
function isMerged(got, versions) {
	assert.equal(got.status, 200, got.text);
	assert.equal(got.json.merged, true, got.text);
	assert.deepEqual(got.json.mergedWith, versions, got.text);
	assert.equal(got.headers.etag, `"${got.json.version}"`);
}

function isOrdinary(got, status = 200) {
	assert.equal(got.status, status, got.text);
	assert.equal(got.json.merged, undefined, got.text);
	assert.equal(got.json.mergedWith, undefined, got.text);
}

test('an edit of other fields is merged, and answered with the versions between', async () => {
	const card = await third();
	const got = await merge(card, { version: 1, fields_config: { a: 1, b: 9 }, is_public: false });
	isMerged(got, [2, 3]);
	assert.equal(got.json.version, 4);
	assert.equal(got.json.name, 'Two');
	assert.deepEqual(got.json.fields_config, { a: 2, b: 9 });
	assert.equal(got.json.is_public, false);
	assert.deepEqual(await read(card), plain(got.json));
	assert.equal(got.headers['preference-applied'], undefined);
});

test('an edit of the same field is refused with both sides, and nothing of it is applied', async () => {
	const card = await third();
	const got = await merge(card, { version: 1, name: 'Mine', is_public: false });
	const problem = isConflict(got, 409, card);
	assert.deepEqual(problem.conflictingFields, [{ field: 'name', base: 'One', mine: 'Mine', theirs: 'Two' }]);
	assert.equal(problem.reason, undefined);
	assert.deepEqual(await read(card), card);
});

test('a key that is left out is deleted; one that others deleted stays so', async () => {
	const card = await third();
	isMerged(await merge(card, { version: 2, fields_config: { a: 1 } }), [3]);
	assert.deepEqual((await read(card)).fields_config, { a: 2 });
	isMerged(await merge(card, { version: 3, fields_config: { a: 2, b: 1, c: 3 } }), [4]);
	assert.deepEqual((await read(card)).fields_config, { a: 2, c: 3 });
});

test('what others wrote too is no conflict', async () => {
	const card = await third();
	const got = await merge(card, { version: 1, name: 'Two', template_type: 'big' });
	isMerged(got, [2, 3]);
	assert.equal(got.json.template_type, 'big');
});

test('a merge that leaves nothing to change answers the card as it is, and writes nothing', async () => {
	const card = await third();
	for (const body of [{ name: 'One' }, { name: 'Two' }, { fields_config: { a: 1, b: 1 } }]) {
		const got = await merge(card, { version: 1, ...body });
		isMerged(got, [2, 3]);
		assert.deepEqual(plain(got.json), card);
	}
	assert.deepEqual(await read(card), card);
});

test('at the present version it is an ordinary update', async () => {
	const card = await third();
	const got = await merge(card, { version: 3, name: 'Mine' });
	isOrdinary(got);
	assert.equal(got.json.version, 4);
});

test('without being asked for, nothing is merged', async () => {
	const card = await third();
	isConflict(await patch(card, { version: 1, is_public: false }), 409, card);
	isConflict(await merge(card, { version: 1, is_public: false, merge: false }), 409, card);
	isConflict(await patch(card, { version: 1, is_public: false }, { Prefer: 'conflict=refuse' }), 409, card);
});

test('the header asks as the body does, and is answered', async () => {
	for (const Prefer of ['conflict=merge', 'respond-async, Conflict="merge"; x=1']) {
		const card = await third();
		const preferred = (version, fields) => patch(card, { version, ...fields }, { Prefer });
		const refused = await preferred(1, { name: 'Mine' });
		isConflict(refused, 409, card);
		const ordinary = await preferred(3, { name: 'Four' });
		isOrdinary(ordinary);
		const got = await preferred(1, { is_public: false });
		isMerged(got, [2, 3, 4]);
		for (const each of [refused, ordinary, got])
			assert.equal(each.headers['preference-applied'], 'conflict=merge');
	}
});

test('where the body says otherwise, the header is not applied', async () => {
	const card = await third();
	const got = await patch(card, { version: 1, is_public: false, merge: false }, { Prefer: 'conflict=merge' });
	isConflict(got, 409, card);
	assert.equal(got.headers['preference-applied'], undefined);
});

test('If-Match is a precondition: what it refuses is not merged', async () => {
	const card = await third();
	for (const headers of [{ 'If-Match': '"1"' }, { 'If-Match': '"1"', Prefer: 'conflict=merge' }]) {
		const got = await merge(card, { is_public: false }, headers);
		isConflict(got, 412, card);
		assert.equal(got.headers['preference-applied'], undefined);
		isConflict(await merge(card, { version: 1, is_public: false }, headers), 412, card);
	}
	isOrdinary(await merge(card, { is_public: false }, { 'If-Match': '"3"' }));
	assert.deepEqual(await read(card), { ...card, is_public: false, version: 4, updated_at: (await read(card)).updated_at });
});

test('a version that never was is no base', async () => {
	const card = await third();
	for (const [method, fields] of [[merge, {}], [patch, { merge: true }]]) {
		const got = await method(card, { version: 9, is_public: false, ...fields });
		assert.equal(isConflict(got, 409, card).reason, 'base-unavailable');
	}
	assert.deepEqual(await read(card), card);
});

test('the card that was answered can be sent back', async () => {
	const card = await third();
	const { json } = await merge(card, { version: 1, is_public: false });
	const got = await client.patch('/api/cards', { ...json, name: 'Again' }, { token });
	isOrdinary(got);
	assert.equal(got.json.name, 'Again');
});

test('whether to merge is true or false', async () => {
	const card = await third();
	for (const value of ['true', 1, null, {}]) isInvalid(await merge(card, { version: 3, name: 'B', merge: value }), 'merge');
	isInvalid(await patch(card, { version: 3, merge: true }), 'body');
	assert.equal((await patch(card, { merge: true, name: 'B' })).status, 428);
});

for (const [kind, [a, b, c]] of [
	['personal', ['full_name', 'address', 'primary_phone']],
	['professional', ['job_title', 'work_address', 'work_phone']],
]) {
	const base = `/api/profile/${kind}`;

	test(`two tabs save different fields of a ${kind} profile, and both land`, async () => {
		const { token } = await client.register();
		const save = (body, headers) => client.patch(base, body, { token, headers });
		isOrdinary(await save({ version: 0, [a]: 'A', merge: true }), 201);
		isOrdinary(await save({ version: 1, [a]: 'B' }));
		const got = await save({ version: 1, [b]: 'C' }, { Prefer: 'conflict=merge' });
		isMerged(got, [2]);
		assert.equal(got.headers['preference-applied'], 'conflict=merge');
		assert.deepEqual([got.json[a], got.json[b]], ['B', 'C']);
		isMerged(await save({ version: 0, [c]: '1', merge: true }), [1, 2, 3]);
		const refused = await save({ version: 1, [a]: 'D', merge: true });
		const now = (await client.get(base, { token })).json;
		assert.deepEqual(isConflict(refused, 409, now).conflictingFields, [{ field: a, base: 'A', mine: 'D', theirs: 'B' }]);
		assert.equal(now.version, 4);
		assert.equal((await client.patch(base, { ...got.json, [a]: 'E', version: 4 }, { token })).status, 200);
	});

	test(`16 first writes of a ${kind} profile, each of one field, all land`, async () => {
		const { token } = await client.register();
		const fields = Object.keys((await client.get(base, { token })).json).filter((name) => /phone|name|title|department|address/.test(name));
		const got = await atOnce(fields.length, 16, (i) => client.patch(base, { version: 0, [fields[i]]: `v${i}`, merge: true }, { token }));
		const { json } = await client.get(base, { token });
		assert.equal(json.version, fields.length);
		fields.forEach((name, i) => assert.equal(json[name], `v${i}`));
		assert.equal(got.filter((answer) => answer.status === 201).length, 1);
		assert.deepEqual(got.map((answer) => answer.json.version).sort((x, y) => x - y), fields.map((_, i) => i + 1));
	});
}

test('64 clients set a key each from one version, and all land in 64 versions', async () => {
	const card = await client.card(token, { fields_config: { base: 0 } });
	const got = await atOnce(64, 64, (i) => merge(card, { version: 1, fields_config: { base: 0, [`k${i}`]: i } }));
	assert.deepEqual(got.map((answer) => answer.status), got.map(() => 200), got.map((answer) => answer.text).join('\n'));
	assert.deepEqual(got.map((answer) => answer.json.version).sort((a, b) => a - b), got.map((_, i) => i + 2));
	const now = await read(card);
	assert.equal(now.version, 65);
	for (let i = 0; i < 64; i++) assert.equal(now.fields_config[`k${i}`], i);
});

test('a merge is counted as one, and neither as an update nor as a conflict', async () => {
	const count = async () => {
		const { text } = await client.get('/metrics');
		return ['updates', 'merges', 'version_conflicts'].map((name) =>
			Number(new RegExp(`^cardkeep_${name}_total\\{entity="card"\\} (\\d+)`, 'm').exec(text)[1]));
	};
	const card = await third();
	const [updates, merges, conflicts] = await count();
	await merge(card, { version: 1, is_public: false });
	assert.deepEqual(await count(), [updates, merges + 1, conflicts]);
	await merge(card, { version: 1, name: 'Mine' });
	await merge(card, { version: 4, name: 'Mine' });
	assert.deepEqual(await count(), [updates + 1, merges + 1, conflicts + 1]);
});
