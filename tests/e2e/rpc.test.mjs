// The promised functions over REST: rows as PostgREST answers them, refusals in its words, and the
// same promises as everywhere.
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';

import { assert, atOnce, isRestError, raw, shared, test, top } from '../lib/harness.mjs';

const { stack, client } = await shared();
const ada = await client.register();
const bob = await client.register();
const token = ada.token;

const OBJECT = { accept: 'application/vnd.pgrst.object+json' };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const rpc = (name, args, options = {}) =>
	client.post(`/rest/v1/rpc/${name}`, args, { token, ...options });
const create = (args, options) => rpc('create_business_card_atomic', args, options);
const update = (args, options) => rpc('update_business_card_optimistic', args, options);
const personal = (args, options) => rpc('upsert_personal_info_optimistic', args, options);
const slug = (args, options) => rpc('generate_unique_slug', args, options);
const read = async (id) => (await client.get(`/api/cards/${id}`, { token })).json;
// Of the two: other files use the database, too.
const cards = async (name) =>
	Number((await stack.sql(`select count(*) from cardkeep.business_cards
		where name = '${name}' and user_id in ('${ada.id}', '${bob.id}')`))[0]);

// The rows of a good answer.
function rows(got, range = '0-0/*') {
	assert.equal(got.status, 200, got.text);
	assert.equal(got.headers['content-type'], 'application/json; charset=utf-8');
	assert.equal(got.headers['content-range'], range);
	assert.equal(got.headers['cache-control'], 'no-store');
	return got.json;
}

test('a card is created with named arguments, and answered as one row of an array', async () => {
	const [card, ...more] = rows(await create({ p_user_id: ada.id, p_name: ' Łódź Café №1 ', p_fields_config: { a: 1 } }));
	assert.deepEqual(more, []);
	assert.deepEqual(Object.keys(card), ['id', 'slug', 'name', 'created_at']);
	assert.match(card.id, UUID);
	assert.deepEqual([card.slug, card.name], ['lodz-cafe-no1', 'Łódź Café №1']);
	assert.match(card.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/);
	const there = await read(card.id);
	assert.deepEqual([there.fields_config, there.version, there.user_id], [{ a: 1 }, 1, ada.id]);
	assert.equal(Date.parse(there.created_at), Date.parse(card.created_at));
});

test('names in any script make a slug, from the base where there is one', async () => {
	const made = async (args) => rows(await create(args))[0].slug;
	assert.equal(await made({ p_name: 'Новая карта' }), 'novaa-karta');
	assert.equal(await made({ p_name: 'X', p_base_slug: 'Ελλάδα 7' }), 'ellada-7');
	assert.match(await made({ p_name: '名刺', p_base_slug: null }), /^[a-z0-9-]+$/);
	assert.match(await made({ p_name: '☃', p_base_slug: '' }), /^card(-[a-z0-9]{6})?$/);
});

test('64 simultaneous creates of one name all succeed, each with a slug of its own', async () => {
	const got = await atOnce(64, 64, () => create({ p_name: 'At Once' }));
	const slugs = got.map((each) => rows(each)[0].slug);
	assert.equal(new Set(slugs).size, 64);
	assert.ok(slugs.includes('at-once'));
	for (const each of slugs) assert.match(each, /^at-once(-[a-z0-9]{6})?$/);
});

test('an update says success and the new version; a stale one false, and the current version', async () => {
	const [{ id }] = rows(await create({ p_name: 'Tab' }));
	const args = { p_card_id: id, p_user_id: ada.id, p_expected_version: 1, p_name: 'Tab A' };
	assert.deepEqual(rows(await update(args)), [{ success: true, new_version: 2, message: 'Card updated' }]);
	assert.deepEqual(rows(await update({ ...args, p_name: 'Tab B' })), [
		{ success: false, new_version: 2, message: 'Version conflict' },
	]);
	assert.deepEqual(rows(await update({ ...args, p_expected_version: 2 })), [
		{ success: true, new_version: 2, message: 'Card updated' },
	]);
	assert.equal((await read(id)).name, 'Tab A');
});

test('of 64 updates from one version one succeeds, and the version rises by one', async () => {
	const [{ id }] = rows(await create({ p_name: 'Race' }));
	const got = await atOnce(64, 64, (i) => update({ p_card_id: id, p_expected_version: 1, p_name: `Race ${i}` }));
	const said = got.map((each) => rows(each)[0]);
	assert.equal(said.filter(({ success }) => success).length, 1);
	for (const { new_version } of said) assert.equal(new_version, 2);
	assert.equal((await read(id)).version, 2);
});

test('null keeps a field; every field can be changed, a number as a text included', async () => {
	const [{ id }] = rows(await create({ p_name: 'All', p_template_type: 'big' }));
	const args = {
		p_card_id: id, p_expected_version: '1', p_name: null, p_template_type: 'small',
		p_fields_config: { deep: [1.50] }, p_design_config: { b: null }, p_is_public: false,
	};
	assert.equal(rows(await update(args))[0].new_version, 2);
	const { name, template_type, fields_config, design_config, is_public } = await read(id);
	assert.deepEqual({ name, template_type, fields_config, design_config, is_public }, {
		name: 'All', template_type: 'small', fields_config: { deep: [1.5] },
		design_config: { b: null }, is_public: false,
	});
});

test('a card that is not there, and one of somebody else, say the same and change nothing', async () => {
	const card = await client.card(bob.token);
	for (const p_card_id of [card.id, randomUUID()])
		assert.deepEqual(rows(await update({ p_card_id, p_expected_version: 1, p_name: 'Mine' })), [
			{ success: false, new_version: null, message: 'Card not found' },
		]);
	assert.equal((await client.get(`/api/cards/${card.id}`, { token: bob.token })).json.version, 1);
});

test('a profile is created, updated and defended; the empty string clears, null keeps', async () => {
	const eve = await client.register();
	const save = async (args) => rows(await personal(args, { token: eve.token }))[0];
	const [created, updated, refused] = [
		await save({ p_user_id: eve.id, p_expected_version: 0, p_full_name: ' Eve ', p_website: 'https://eve.example' }),
		await save({ p_expected_version: 1, p_website: '', p_full_name: null, p_primary_phone: 12345 }),
		await save({ p_expected_version: 1, p_full_name: 'Late' }),
	];
	assert.deepEqual(created, { success: true, new_version: 1, message: 'Profile created', is_new: true });
	assert.deepEqual(updated, { success: true, new_version: 2, message: 'Profile updated', is_new: false });
	assert.deepEqual(refused, { success: false, new_version: 2, message: 'Version conflict', is_new: false });
	const { full_name, website, primary_phone } = (await client.get('/api/profile/personal', { token: eve.token })).json;
	assert.deepEqual([full_name, website, primary_phone], ['Eve', null, '12345']);
	const work = await rpc('upsert_professional_info_optimistic',
		{ p_expected_version: 0, p_job_title: 'Engineer', p_work_address: 'A\nB' }, { token: eve.token });
	assert.equal(rows(work)[0].is_new, true);
});

test('a profile holds no address that a browser must not follow, nor a control character', async () => {
	for (const [args, message] of [
		[{ p_website: 'javascript:alert(1)' }, 'p_website must be an http or https address'],
		[{ p_primary_email: 'nobody' }, 'p_primary_email must be an e-mail address'],
		[{ p_full_name: 'a\u0007' }, 'p_full_name must not contain control characters'],
		[{ p_full_name: 'x'.repeat(201) }, 'p_full_name must be at most 200 characters'],
	])
		assert.equal(isRestError(await personal({ p_expected_version: 0, ...args }), 400, '22023').message, message);
});

test('a suggested slug is a JSON text, free at that moment, and reserves nothing', async () => {
	const base = `free-${randomUUID().slice(0, 8)}`;
	assert.equal(rows(await slug({ base_slug: base })), base);
	assert.equal(rows(await slug({ base_slug: base })), base);
	assert.equal(rows(await create({ p_name: base }))[0].slug, base);
	assert.match(rows(await slug({ base_slug: base })), new RegExp(`^${base}-[a-z0-9]{6}$`));
	const error = isRestError(await slug({ base_slug: base, max_attempts: 1 }), 409, '23505');
	assert.match(error.message, new RegExp(`no free slug for "${base}"`));
	assert.ok(error.hint);
	const one = await slug({ base_slug: 'object' }, { headers: OBJECT });
	assert.equal(one.status, 200);
	assert.equal(typeof one.json, 'string');
});

test('/rpc/ is the same as /rest/v1/rpc/, and profiles public and cardkeep the same face', async () => {
	for (const profile of [undefined, 'public', 'cardkeep']) {
		const got = await client.post('/rpc/create_business_card_atomic', { p_name: 'Short' },
			{ token, headers: { 'content-profile': profile } });
		assert.equal(rows(got)[0].name, 'Short');
		assert.equal(got.headers['content-profile'], profile);
	}
	const error = isRestError(await create({ p_name: 'X' }, { headers: { 'content-profile': 'private' } }), 406, 'PGRST106');
	assert.equal(error.message, 'Invalid schema: private');
	assert.equal(error.hint, 'Only the following schemas are exposed: public, cardkeep');
});

test('Accept asks for the row by itself', async () => {
	for (const accept of ['application/vnd.pgrst.object+json', 'application/vnd.pgrst.object', 'text/html, application/vnd.pgrst.object+json;q=0.5']) {
		const got = await create({ p_name: 'Single' }, { headers: { accept } });
		assert.equal(got.status, 200, got.text);
		assert.equal(got.headers['content-type'], 'application/vnd.pgrst.object+json; charset=utf-8');
		assert.equal(got.json.name, 'Single');
	}
	for (const accept of ['*/*', 'application/json', 'application/vnd.pgrst.array+json', 'text/html, */*;q=0.1'])
		assert.ok(Array.isArray(rows(await create({ p_name: 'Many' }, { headers: { accept } }))));
	for (const accept of ['text/csv', 'text/html;q=1, application/json;q=0', 'application/vnd.pgrst.object+json;nulls=stripped'])
		isRestError(await create({ p_name: 'Other' }, { headers: { accept } }), 406, 'PGRST107');
	assert.equal(await cards('Other'), 0);
});

test('another number of rows than one is 406, and nothing is applied', async () => {
	for (const query of ['?name=eq.Else', '?limit=0', '?offset=1', '?id=is.null', '?name=not.in.("Gone-406")']) {
		const got = await create({ p_name: 'Gone-406' }, { headers: OBJECT, token });
		assert.equal(got.status, 200);
		const error = isRestError(
			await client.post(`/rest/v1/rpc/create_business_card_atomic${query}`, { p_name: 'Gone-406' }, { token, headers: OBJECT }),
			406, 'PGRST116');
		assert.equal(error.details, 'The result contains 0 rows');
	}
	assert.equal(await cards('Gone-406'), 5);
	const [{ id }] = rows(await create({ p_name: 'Kept' }));
	const args = { p_card_id: id, p_expected_version: 1, p_name: 'Lost' };
	isRestError(await client.post('/rpc/update_business_card_optimistic?success=is.false', args, { token, headers: OBJECT }), 406, 'PGRST116');
	assert.equal((await read(id)).version, 1);
	rows(await update(args));
	isRestError(await client.post('/rpc/update_business_card_optimistic?success=eq.true', args, { token, headers: OBJECT }), 406, 'PGRST116');
});

test('columns, filters and counts of the row are as for a table', async () => {
	const ask = (query, headers) =>
		client.post(`/rest/v1/rpc/create_business_card_atomic${query}`, { p_name: 'Asked' }, { token, headers });
	assert.deepEqual(rows(await ask('?select=name')), [{ name: 'Asked' }]);
	assert.deepEqual(rows(await ask('?name=neq.Asked'), '*/*'), []);
	const counted = await ask('?select=slug', { prefer: 'return=representation, count=exact' });
	assert.equal(rows(counted, '0-0/1').length, 1);
	assert.equal(counted.headers['preference-applied'], 'count=exact');
	isRestError(await ask('?select=user_id'), 400, '42703');
	isRestError(await client.post('/rpc/generate_unique_slug?select=x', { base_slug: 'x' }, { token }), 400, 'PGRST127');
});

test('preferences are taken, passed over, or refused where they are to be strict', async () => {
	const got = await create({ p_name: 'Strict' }, { headers: { prefer: 'handling=strict, max-affected=1, return=minimal' } });
	assert.equal(rows(got)[0].name, 'Strict');
	assert.equal(got.headers['preference-applied'], 'handling=strict');
	const error = isRestError(await create({ p_name: 'Stricter' },
		{ headers: { prefer: 'handling=strict, colour=red, return=nothing' } }), 400, 'PGRST122');
	assert.equal(error.details, 'Invalid preferences: colour=red, return=nothing');
	assert.equal(rows(await create({ p_name: 'Lax' }, { headers: { prefer: 'colour=red, params=single-object' } }))[0].name, 'Lax');
	assert.equal(await cards('Stricter'), 0);
});

test('p_user_id must be the caller, and nothing is applied for another', async () => {
	for (const p_user_id of [bob.id, randomUUID(), null]) {
		const error = isRestError(await create({ p_user_id, p_name: 'Foreign' }), 403, '42501');
		assert.match(error.message, /p_user_id/);
	}
	isRestError(await personal({ p_user_id: bob.id, p_expected_version: 0, p_full_name: 'Mallory' }), 403, '42501');
	assert.equal((await client.get('/api/profile/personal', { token: bob.token })).json.version, 0);
	assert.equal(await cards('Foreign'), 0);
});

test('an unknown function, or arguments that fit none, are PGRST202 with what would', async () => {
	isRestError(await rpc('increment_version', {}), 404, 'PGRST202');
	isRestError(await rpc('pg_sleep', { seconds: 1 }), 404, 'PGRST202');
	isRestError(await client.post('/rpc/create_card', {}, { token }), 404, 'PGRST202');
	const missing = isRestError(await update({ p_card_id: randomUUID(), p_name: 'x' }), 404, 'PGRST202');
	assert.equal(missing.message,
		'Could not find the function public.update_business_card_optimistic(p_card_id, p_name) in the schema cache');
	assert.match(missing.hint, /^Perhaps you meant to call the function public\.update_business_card_optimistic\(p_card_id, /);
	const extra = isRestError(await create({ p_name: 'x', p_colour: 'red' }), 404, 'PGRST202');
	assert.match(extra.details, /with parameters p_colour, p_name,/);
	const none = isRestError(await slug(undefined), 404, 'PGRST202');
	assert.match(none.message, /generate_unique_slug without parameters/);
});

test('every parameter of the promised functions in SQL is one here, and no other', async () => {
	const table = readFileSync(`${top}/src/api/postgrest/functions.def`, 'utf8');
	const [text] = await stack.sql(`select json_object_agg(p.proname, p.proargnames[:p.pronargs])
		from pg_proc p where p.pronamespace = 'cardkeep'::regnamespace
			and (p.proname ~ '_(atomic|optimistic)$' or p.proname = 'generate_unique_slug')`);
	const functions = Object.entries(JSON.parse(text));
	assert.deepEqual(functions.map(([name]) => name).sort(), [...table.matchAll(/^FUNCTION\(\w+, "(\w+)"/gm)].map(([, name]) => name).sort());
	for (const [name, parameters] of functions) {
		const { hint } = isRestError(await rpc(name, {}), 404, 'PGRST202');
		assert.deepEqual(/\((.*)\)/.exec(hint)[1].split(', '), parameters.sort());
	}
});

test('what a function raises is told with its SQLSTATE, and nothing is applied', async () => {
	const card = { p_card_id: 'seven', p_expected_version: 1 };
	for (const [got, code, message] of [
		[await create({ p_name: ' ' }), '22023', /p_name must be given/],
		[await create({ p_name: 'x'.repeat(201) }), '23514', /business_cards_name_valid/],
		[await create({ p_name: 'Bad', p_template_type: 'Ä' }), '23514', /template_type/],
		[await create({ p_name: 'Bad', p_fields_config: [] }), '23514', /fields_config/],
		[await create(`{"p_name":"Bad","p_fields_config":{"a":[${Array(2000).fill('1e300')}]}}`), '23514', /512 KiB/],
		[await create({ p_name: 'Bad', p_user_id: 'me' }), '22P02', /invalid input syntax for type uuid: "me"/],
		[await update(card), '22P02', /uuid/],
		[await update({ ...card, p_card_id: randomUUID(), p_expected_version: 'one' }), '22P02', /integer: "one"/],
		[await update({ ...card, p_card_id: randomUUID(), p_expected_version: 1e10 }), '22003', /out of range/],
		[await slug({ base_slug: 'x', max_attempts: 0 }), '22023', /max_attempts/],
		[await slug({ base_slug: 'x', max_attempts: null }), '22023', /max_attempts/],
		[await personal({ p_expected_version: {} }), '22P02', /integer/],
	])
		assert.match(isRestError(got, 400, code).message, message);
	assert.equal(await cards('Bad'), 0);
});

test('a body that is no JSON object is PGRST102, and an unknown type 415', async () => {
	const deep = `{"p_name":"x","p_fields_config":${'['.repeat(17)}${']'.repeat(17)}}`;
	for (const body of ['{', '[]', '"x"', '{"p_name":"a","p_name":"b"}', '{"p_name":"\\u0000"}', '{"p_name":"\\ud800"}', deep, Buffer.from([0x7b, 0xff, 0x7d])])
		isRestError(await create(body), 400, 'PGRST102');
	for (const type of ['text/csv', 'image/png'])
		isRestError(await create({ p_name: 'x' }, { headers: { 'content-type': type } }), 415, 'PGRST102');
	for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'application/vnd.api+json'])
		rows(await create({ p_name: 'Typed' }, { headers: { 'content-type': type } }));
});

test('any text is data: quotes, semicolons, blanks and letters of every kind arrive as they are', async () => {
	for (const name of ["Robert'); drop table cardkeep.users; --", '"; \\ $1 %s {}', '🪪 ‮ Ünï', '$$ begin; end $$'])
		assert.equal(rows(await create({ p_name: name }))[0].name, name.normalize('NFC'));
	assert.ok(Number((await stack.sql('select count(*) from cardkeep.users'))[0]) > 0);
});

test('without a session every request is 401, whatever else is wrong with it', async () => {
	const gone = await client.register();
	await client.delete('/api/sessions/current', { token: gone.token });
	for (const wrong of [undefined, 'ck_short', gone.token])
		for (const send of [
			() => create({ p_name: 'x' }, { token: wrong }),
			() => create('{', { token: wrong }),
			() => rpc('nothing', {}, { token: wrong }),
			() => slug({ base_slug: 'x', max_attempts: 0 }, { token: wrong }),
			() => create({ p_name: ' ' }, { token: wrong }),
			() => create({ p_name: 'x', p_user_id: bob.id }, { token: wrong }),
			() => client.get('/rest/v1/rpc/generate_unique_slug', { token: wrong }),
			() => client.get('/rest/v1/', { token: wrong }),
		])
			isRestError(await send(), 401, 'PGRST301');
});

test('functions are called by POST alone', async () => {
	for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
		const got = await client.request(method, '/rest/v1/rpc/generate_unique_slug', { token });
		isRestError(got, 405, 'PGRST101');
		assert.equal(got.headers.allow, 'POST');
	}
});

test('a path that is none of the face is 404 in its words', async () => {
	for (const path of ['/rest', '/rest/', '/rest/v1', '/rest/v2/rpc/x', '/rpc', '/rpc/a/b', '/rest/v1/a/b', '/rest/%ff', '/rest/v1/a%2Fb'])
		isRestError(await client.get(path, { token }), 404, 'PGRST125');
	isRestError(await client.get('/rest/v1/users', { token }), 404, 'PGRST205');
});

test('the same key is answered once more, another request under it is refused', async () => {
	const key = { 'idempotency-key': randomUUID() };
	const first = await create({ p_name: 'Keyed' }, { headers: key });
	const again = await create({ p_name: 'Keyed' }, { headers: key });
	assert.deepEqual(rows(again), rows(first));
	assert.equal(first.headers['idempotent-replayed'], undefined);
	assert.equal(again.headers['idempotent-replayed'], 'true');
	isRestError(await create({ p_name: 'Other' }, { headers: key }), 422, 'idempotency-key-reused');
	isRestError(await create({ p_name: 'x' }, { headers: { 'idempotency-key': '' } }), 400, 'bad-header');
	assert.equal(await cards('Keyed'), 1);
	const [{ id }] = rows(first);
	const args = { p_card_id: id, p_expected_version: 1, p_name: 'Keyed twice' };
	const update_key = { 'idempotency-key': randomUUID() };
	const got = [await update(args, { headers: update_key }), await update(args, { headers: update_key })];
	for (const each of got) assert.deepEqual(rows(each)[0], { success: true, new_version: 2, message: 'Card updated' });
	const profile_key = { 'idempotency-key': randomUUID() };
	const saved = await atOnce(8, 8, () => personal({ p_expected_version: 0, p_full_name: 'Once' }, { headers: profile_key }));
	for (const each of saved) assert.deepEqual(rows(each)[0], { success: true, new_version: 1, message: 'Profile created', is_new: true });
});

test('what was taken back leaves its key free', async () => {
	const headers = { ...OBJECT, 'idempotency-key': randomUUID() };
	isRestError(await client.post('/rpc/create_business_card_atomic?limit=0', { p_name: 'Freed' }, { token, headers }), 406, 'PGRST116');
	assert.equal((await create({ p_name: 'Freed' }, { headers })).status, 200);
	assert.equal(await cards('Freed'), 1);
});

test('a write by cookie from another site is refused', async () => {
	const got = await create({ p_name: 'Forged' }, { token: undefined, headers: { cookie: `ck_session=${token}`, 'sec-fetch-site': 'cross-site' } });
	isRestError(got, 403, '42501');
	assert.equal(await cards('Forged'), 0);
});

test("nginx's own refusals have the same shape", async () => {
	const close = 'Host: localhost\r\nConnection: close\r\n\r\n';
	isRestError(await create(Buffer.alloc((1 << 20) + 1)), 413, 'too-large');
	isRestError(await create(Buffer.alloc(300_000, 0x20)), 413, 'too-large');
	isRestError(await client.get(`/rest/v1/business_cards?id=in.(${Array(300).fill(randomUUID())})`, { token }), 414, 'uri-too-long');
	isRestError(await slug({ base_slug: 'x' }, { headers: { 'x-long': 'a'.repeat(9000) } }), 431, 'headers-too-large');
	const text = await raw(stack.port, `POST /rpc/x HTTP/1.1\r\nContent-Length: -1\r\n${close}`);
	assert.match(text, /^HTTP\/1\.1 400 /);
	assert.match(text, /Content-Type: application\/json; charset=utf-8\r\n/);
	assert.deepEqual(JSON.parse(text.split('\r\n\r\n')[1]), {
		code: 'bad-header', message: 'The request line or a header cannot be read.', details: null, hint: null,
	});
});

test('conflicts, updates and slugs that came this way are counted as all others are', async () => {
	const [{ id }] = rows(await create({ p_name: 'Counted' }));
	const count = async (name) => {
		const { text } = await client.get('/metrics');
		return Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ')[1] ?? 0);
	};
	const names = ['cardkeep_updates_total{entity="card"}', 'cardkeep_version_conflicts_total{entity="card"}',
		'cardkeep_requests_total{route="rpc-update",code="200"}', 'cardkeep_slug_collisions_total'];
	const before = await Promise.all(names.map(count));
	await update({ p_card_id: id, p_expected_version: 1, p_name: 'Counted 2' });
	await update({ p_card_id: id, p_expected_version: 1, p_name: 'Counted 3' });
	await create({ p_name: 'Counted' });
	const after = await Promise.all(names.map(count));
	assert.deepEqual(after.map((value, i) => value - before[i]), [1, 1, 2, 1]);
});
