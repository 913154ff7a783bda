// Updates: applied exactly once from the version they saw, or refused with what is there now.
import { assert, atOnce, isConflict, isInvalid, isProblem, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const { token } = await client.register();

const patch = (card, body, headers) => client.patch(`/api/cards/${card.id}`, body, { token, headers });
const read = async (card) => (await client.get(`/api/cards/${card.id}`, { token })).json;
const rows = async (card) =>
	Number(await stack.sql(
		`select count(*) from cardkeep.business_card_versions where card_id = '${card.id}'`, 'super'));

// A card at version 3, changed twice since it was made.
async function thirdVersion() {
	const card = await client.card(token, { name: 'One', fields_config: { a: 1, b: 1 } });
	await patch(card, { version: 1, name: 'Two' });
	return (await patch(card, { version: 2, fields_config: { a: 2, b: 1 } })).json;
}

test('an update answers the whole card with its new version and ETag', async () => {
	const card = await client.card(token, { name: 'Before' });
	const got = await patch(card, { version: 1, name: 'After' });
	assert.equal(got.status, 200, got.text);
	assert.equal(got.headers.etag, '"2"');
	const { updated_at, ...rest } = got.json;
	const { updated_at: before, ...old } = card;
	assert.deepEqual(rest, { ...old, name: 'After', version: 2 });
	assert.ok(updated_at > before);
	assert.deepEqual(await read(card), got.json);
});

test('the card may be named in the body instead of the path', async () => {
	const card = await client.card(token);
	const got = await client.patch('/api/cards', { id: card.id, version: 1, name: 'B' }, { token });
	assert.equal(got.status, 200, got.text);
	assert.equal(got.json.version, 2);
});

test('a client may send the whole card back', async () => {
	const card = await client.card(token);
	const got = await client.patch('/api/cards', { ...card, name: 'Spread' }, { token });
	assert.equal(got.status, 200, got.text);
	assert.equal(got.json.name, 'Spread');
	assert.equal(got.json.slug, card.slug);
});

test('a body that was made from another card, or is another person\'s, is refused before it overwrites this one', async () => {
	const card = await client.card(token, { name: 'A' });
	const other = await client.card(token, { name: 'B' });
	const { id: stranger } = await client.register();
	for (const [field, value] of [['id', other.id], ['id', null], ['id', 'x'], ['id', 7], ['user_id', stranger], ['user_id', null],
		['slug', other.slug], ['slug', null], ['slug', 'chosen']])
		for (const more of [{}, { merge: true }])
			isInvalid(await patch(card, { version: 1, name: 'C', [field]: value, ...more }), field);
	isInvalid(await patch(card, { ...other, name: 'C' }), 'id');
	isInvalid(await client.patch('/api/cards', { ...card, slug: 'x', name: 'C' }, { token }), 'slug');
	assert.deepEqual(await read(card), card);
	assert.equal((await patch(card, { ...card, id: card.id.toUpperCase(), name: 'C' })).status, 200);
});

test('a whole card that is out of date is a conflict, also where its slug was changed by direct SQL', async () => {
	const card = await client.card(token, { name: 'Moved' });
	await stack.sql(`update cardkeep.business_cards set slug = 'moved-' || left(id::text, 8) where id = '${card.id}'`, 'super');
	const now = await read(card);
	assert.notEqual(now.slug, card.slug);
	isConflict(await patch(card, { ...card, name: 'C' }), 409, now);
	isInvalid(await patch(card, { ...now, slug: card.slug, name: 'C' }), 'slug');
});

test('an absent field is kept, and a document is replaced as a whole', async () => {
	const card = await client.card(token, { fields_config: { a: 1, b: 2 }, design_config: { c: 3 } });
	const got = await patch(card, { version: 1, fields_config: { b: 4 } });
	assert.deepEqual(got.json.fields_config, { b: 4 });
	assert.deepEqual(got.json.design_config, { c: 3 });
	assert.equal(got.json.name, card.name);
});

test('null does not clear what may not be empty', async () => {
	const card = await client.card(token);
	isInvalid(await patch(card, { version: 1, name: null }), 'name');
});

test('an update that changes nothing answers 200 with the present version and writes nothing', async () => {
	const card = await client.card(token, { name: 'Same', fields_config: { a: 1 } });
	const got = await patch(card, { version: 1, name: 'Same', fields_config: { a: 1 } });
	assert.equal(got.status, 200, got.text);
	assert.deepEqual(got.json, card);
	assert.equal(await rows(card), 1);
});

test('an update without a field is 422', async () => {
	const card = await client.card(token);
	isInvalid(await patch(card, { version: 1 }));
	isInvalid(await patch(card, {}, { 'If-Match': '"1"' }));
});

test('an update without a version is 428', async () => {
	const card = await client.card(token);
	isProblem(await patch(card, { name: 'B' }), 428, 'version-required');
	isProblem(await client.patch('/api/cards', { id: card.id, name: 'B' }, { token }), 428, 'version-required');
	isProblem(await client.delete(`/api/cards/${card.id}`, { token }), 428, 'version-required');
});

test('a version that is no positive integer is refused, and nothing is written', async () => {
	const card = await client.card(token);
	for (const version of ['1', 1.5, -1, true, {}, [1], 2147483648, 1e300]) {
		const got = await patch(card, { version, name: 'B' });
		assert.ok([409, 422].includes(got.status), `${version}: ${got.status} ${got.text}`);
	}
	assert.equal(await rows(card), 1);
});

test('a stale version in the body is 409 with the card as it is now', async () => {
	const now = await thirdVersion();
	isConflict(await patch(now, { version: 1, name: 'Mine' }), 409, now);
	isConflict(await client.patch('/api/cards', { id: now.id, version: 2, name: 'Mine' }, { token }), 409, now);
	isConflict(await client.delete(`/api/cards/${now.id}?version=2`, { token }), 409, now);
	isConflict(await patch(now, { version: 7, name: 'Mine' }), 409, now);
	assert.deepEqual(await read(now), now);
});

test('a stale If-Match is 412 with the card as it is now', async () => {
	const now = await thirdVersion();
	isConflict(await patch(now, { name: 'Mine' }, { 'If-Match': '"1"' }), 412, now);
	isConflict(await client.delete(`/api/cards/${now.id}`, { token, headers: { 'If-Match': '"2"' } }), 412, now);
	assert.deepEqual(await read(now), now);
});

test('a conflict names the fields that others changed: base, mine and theirs', async () => {
	const now = await thirdVersion();
	const fields = (got) =>
		Object.fromEntries(got.json.conflictingFields.map(({ field, ...rest }) => [field, rest]));
	assert.deepEqual(fields(await patch(now, { version: 1, name: 'Mine', is_public: false })), {
		name: { base: 'One', mine: 'Mine', theirs: 'Two' },
	});
	assert.deepEqual(fields(await patch(now, { version: 1, fields_config: { a: 3, b: 1, c: 1 } })), {
		'fields_config.a': { base: 1, mine: 3, theirs: 2 },
	});
	await patch(now, { version: 3, fields_config: { a: 2, b: 1, phone: '+49 1' } });
	const added = { base: null, mine: null, theirs: '+49 1' };
	assert.deepEqual(fields(await patch(now, { version: 3, fields_config: { a: 5, b: 1 } })), { 'fields_config.phone': added });
	assert.deepEqual(fields(await patch(now, { fields_config: { a: 5, b: 1 } }, { 'If-Match': '"3"' })), { 'fields_config.phone': added });
	assert.deepEqual(fields(await client.post(`/api/cards/${now.id}/revert`, { version: 3, to: 2 }, { token })),
		{ 'fields_config.phone': added });
	assert.deepEqual(fields(await patch(now, { version: 99, fields_config: { a: 5, b: 1 } })), {
		'fields_config.a': { mine: 5, theirs: 2 }, 'fields_config.phone': { mine: null, theirs: '+49 1' },
	});
	assert.deepEqual(fields(await patch(now, { version: 2, name: 'Mine' })), {});
	assert.deepEqual(fields(await patch(now, { version: 2, design_config: { x: 1 } })), {});
});

test('If-Match takes a list; weak tags never match, and * is no version', async () => {
	const card = await client.card(token);
	assert.equal((await patch(card, { name: 'B' }, { 'If-Match': '"9", "1" ,"7"' })).status, 200);
	const now = await read(card);
	isConflict(await patch(card, { name: 'C' }, { 'If-Match': 'W/"2"' }), 412, now);
	isConflict(await patch(card, { name: 'C' }, { 'If-Match': '"1", W/"2"' }), 412, now);
	const star = await patch(card, { name: 'C' }, { 'If-Match': '*' });
	assert.ok([400, 412, 428].includes(star.status), star.text);
	isConflict(await patch(card, { name: 'C' }, { 'If-Match': '"nonsense"' }), 412, now);
	assert.equal(await rows(card), 2);
});

test('an If-Match that cannot be read is refused, and nothing is written', async () => {
	const card = await client.card(token);
	for (const tag of ['1', '"1', 'x', ',', '"1" "2"']) {
		const got = await patch(card, { name: 'B' }, { 'If-Match': tag });
		assert.ok([400, 412].includes(got.status), `${tag}: ${got.status} ${got.text}`);
	}
	assert.equal(await rows(card), 1);
});

test('a version in the body and an If-Match must agree', async () => {
	const card = await client.card(token);
	isProblem(await patch(card, { version: 1, name: 'B' }, { 'If-Match': '"2"' }), 400, 'bad-header');
	assert.equal((await patch(card, { version: 1, name: 'B' }, { 'If-Match': '"1"' })).status, 200);
});

test('If-None-Match gives 304 without a body while the card is the same', async () => {
	const card = await client.card(token);
	const get = (tag) => client.get(`/api/cards/${card.id}`, { token, headers: { 'If-None-Match': tag } });
	for (const tag of ['"1"', 'W/"1"', '"7", "1"', '*']) {
		const got = await get(tag);
		assert.equal(got.status, 304, tag);
		assert.equal(got.text, '');
		assert.equal(got.headers.etag, '"1"');
		assert.equal(got.headers['content-type'], undefined);
	}
	assert.equal((await get('"2"')).status, 200);
	await patch(card, { version: 1, name: 'B' });
	assert.equal((await get('"1"')).status, 200);
});

test('an answer with an ETag may be kept but must be asked for again; others are not stored', async () => {
	const card = await client.card(token);
	for (const got of [
		await client.get(`/api/cards/${card.id}`, { token }),
		await client.get(`/api/cards/${card.id}`, { token, headers: { 'If-None-Match': '"1"' } }),
		await patch(card, { version: 1, name: 'B' }),
		await client.get('/api/profile/personal', { token }),
	]) {
		assert.match(got.headers['cache-control'], /^private, ?no-cache$/);
		assert.match(got.headers.vary, /Authorization.*Cookie/);
	}
	for (const got of [await client.get('/api/cards', { token }), await patch(card, { version: 1, name: 'C' })])
		assert.equal(got.headers['cache-control'], 'no-store');
});

test('every version leaves one row of history, with the session that wrote it', async () => {
	const now = await thirdVersion();
	const got = await stack.sql(
		`select version, session_id is not null, write_id is not null
		 from cardkeep.business_card_versions where card_id = '${now.id}' order by version`, 'super');
	assert.deepEqual(got, ['1|t|t', '2|t|t', '3|t|t']);
});

test('of 64 updates from one version one wins; 63 get 409 with the right version and card', async () => {
	const card = await client.card(token);
	const got = await atOnce(64, 64, (i) => patch(card, { version: 1, name: `Client ${i}` }));
	const won = got.filter((answer) => answer.status === 200);
	assert.equal(won.length, 1);
	for (const answer of got) if (answer !== won[0]) isConflict(answer, 409, won[0].json);
	assert.equal(await rows(card), 2);
});

test('with refetch and retry all 64 land, and the version rises by exactly 64', async () => {
	const card = await client.card(token, { fields_config: {} });
	await atOnce(64, 64, async (i) => {
		for (let now = card; ; ) {
			const got = await patch(card, {
				version: now.version, fields_config: { ...now.fields_config, [`k${i}`]: i },
			});
			if (got.status === 200) return;
			assert.equal(got.status, 409, got.text);
			now = got.json.current;
		}
	});
	const now = await read(card);
	assert.equal(now.version, 65);
	assert.equal(Object.keys(now.fields_config).length, 64);
	assert.equal(await rows(card), 65);
});

test('of an update and a delete from one version one wins', async () => {
	await atOnce(16, 8, async () => {
		const card = await client.card(token);
		const [changed, gone] = await Promise.all([
			patch(card, { version: 1, name: 'B' }),
			client.delete(`/api/cards/${card.id}?version=1`, { token }),
		]);
		if (gone.status === 204) isProblem(changed, 404, 'not-found');
		else {
			assert.equal(changed.status, 200, changed.text);
			isConflict(gone, 409, changed.json);
		}
	});
});
