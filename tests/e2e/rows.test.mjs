// The three tables over REST: the caller's own rows, chosen, ordered, counted and paged.
import { randomUUID } from 'node:crypto';

import { assert, isRestError, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const { token, id: user } = await client.register();
const bob = await client.register();

const SINGLE = { accept: 'application/vnd.pgrst.object+json' };
const COUNT = { prefer: 'count=exact' };

for (const [name, fields_config] of [['Ann', { a: 1 }], ['Bob', { b: '"x", (y)' }], ['Cat', {}], ['Dan, "the" man', {}]])
	await client.card(token, { name, fields_config, is_public: name !== 'Cat' });
await client.card(bob.token, { name: 'Foreign' });

const get = (query = '', headers = {}, table = 'business_cards') =>
	client.get(`/rest/v1/${table}${query.replaceAll(' ', '%20')}`, { token, headers });

// The names that a query finds, with what Content-Range says.
async function names(query, range, headers) {
	const got = await get(query, headers);
	assert.ok([200, 206].includes(got.status), got.text);
	if (range !== undefined) assert.equal(got.headers['content-range'], range, query);
	return got.json.map(({ name }) => name);
}

test('all columns of one\'s own cards, newest first, and nobody else\'s', async () => {
	const got = await get();
	assert.equal(got.status, 200);
	assert.equal(got.headers['content-type'], 'application/json; charset=utf-8');
	assert.equal(got.headers['content-range'], '0-3/*');
	assert.deepEqual(got.json.map(({ name }) => name), ['Dan, "the" man', 'Cat', 'Bob', 'Ann']);
	assert.deepEqual(Object.keys(got.json[0]), ['id', 'user_id', 'name', 'slug', 'template_type',
		'fields_config', 'design_config', 'is_public', 'version', 'created_at', 'updated_at']);
	const foreign = got.json.filter(({ user_id }) => user_id !== user);
	assert.deepEqual(foreign, []);
	assert.deepEqual(await names(`?user_id=eq.${bob.id}`, '*/*'), []);
});

test('select names columns, in its order', async () => {
	const got = await get('?select=version,name&name=eq.Ann');
	assert.equal(got.text, '[{"version":1,"name":"Ann"}]');
	assert.deepEqual((await get('?select="name"&limit=1')).json, [{ name: 'Dan, "the" man' }]);
	assert.equal((await get('?select=*&limit=1')).json[0].version, 1);
});

test('eq, neq, in and is find what they say, and not turns each round', async () => {
	const [ann] = (await get('?name=eq.Ann')).json;
	for (const [query, found] of [
		[`?id=eq.${ann.id}`, ['Ann']],
		[`?id=in.(${ann.id},${randomUUID()})`, ['Ann']],
		['?name=neq.Ann&order=name', ['Bob', 'Cat', 'Dan, "the" man']],
		['?name=in.(Ann,"Dan, \\"the\\" man")&order=name', ['Ann', 'Dan, "the" man']],
		['?name=in.("Ann"b)', []],
		['?name=in.(")', []],
		['?name=in.(%20Ann)', ['Ann']],
		['?name=in.()', []],
		['?name=not.in.(Ann,Bob)&order=name', ['Cat', 'Dan, "the" man']],
		['?name=not.eq.Ann&name=neq.Bob&order=name', ['Cat', 'Dan, "the" man']],
		['?is_public=is.false', ['Cat']],
		['?is_public=is.FALSE', ['Cat']],
		['?is_public=not.is.true', ['Cat']],
		['?is_public=eq.f', ['Cat']],
		['?name=is.null', []],
		['?name=not.is.null&name=eq.Ann', ['Ann']],
		['?version=eq.1&name=eq.Bob', ['Bob']],
		['?version=in.(2,3)', []],
		['?fields_config=not.is.null&name=eq.Ann', ['Ann']],
		[`?created_at=eq.${encodeURIComponent(ann.created_at)}`, ['Ann']],
	])
		assert.deepEqual(await names(query), found, query);
});

test('an item of a list is in quotes only where the closing quote ends it', async () => {
	const eve = await client.register();
	for (const name of ['"The Shop" Berlin', '"', 'a"b', '"open']) await client.card(eve.token, { name });
	const found = async (list) =>
		(await client.get(`/rest/v1/business_cards?select=name&name=in.${encodeURIComponent(list)}`, { token: eve.token }))
			.json.map(({ name }) => name).sort();
	assert.deepEqual(await found('("The Shop" Berlin)'), ['"The Shop" Berlin']);
	assert.deepEqual(await found('(")'), ['"']);
	assert.deepEqual(await found('("open,a"b)'), ['"open', 'a"b']);
	assert.deepEqual(await found('("\\"",x,"a\\"b")'), ['"', 'a"b']);
});

test('blanks after commas mean nothing in select and order', async () => {
	const got = await get('?select=version,%20name%20&order=is_public,%20name.desc&limit=1');
	assert.equal(got.text, '[{"version":1,"name":"Cat"}]');
});

test('order sorts by several columns, with nulls where they are wanted', async () => {
	assert.deepEqual(await names('?order=name.desc'), ['Dan, "the" man', 'Cat', 'Bob', 'Ann']);
	assert.deepEqual(await names('?order=is_public,name.desc.nullslast'), ['Cat', 'Dan, "the" man', 'Bob', 'Ann']);
	assert.deepEqual(await names('?order=version.asc.nullsfirst,name.asc'), ['Ann', 'Bob', 'Cat', 'Dan, "the" man']);
});

test('limit, offset and Range cut a page; the count says how many there are', async () => {
	assert.deepEqual(await names('?order=name&limit=2', '0-1/*'), ['Ann', 'Bob']);
	assert.deepEqual(await names('?order=name&limit=2&offset=3', '3-3/*'), ['Dan, "the" man']);
	assert.deepEqual(await names('?order=name&offset=9', '*/*'), []);
	assert.deepEqual(await names('?limit=0', '*/*'), []);
	assert.deepEqual(await names('?order=name', '1-2/*', { range: '1-2' }), ['Bob', 'Cat']);
	assert.deepEqual(await names('?order=name', '2-3/*', { range: '2-' }), ['Cat', 'Dan, "the" man']);
	assert.deepEqual(await names('?order=name', '0-3/*', { range: 'bytes=0-9' }), ['Ann', 'Bob', 'Cat', 'Dan, "the" man']);
	const part = await get('?order=name&limit=3', COUNT);
	assert.deepEqual([part.status, part.headers['content-range']], [206, '0-2/4']);
	assert.equal(part.headers['preference-applied'], 'count=exact');
	const whole = await get('?name=neq.Ann', COUNT);
	assert.deepEqual([whole.status, whole.headers['content-range']], [200, '0-2/3']);
	const none = await get('?name=eq.Nobody', COUNT);
	assert.deepEqual([none.status, none.headers['content-range'], none.text], [200, '*/0', '[]']);
});

test('a page behind the last row is 416 where the rows were counted', async () => {
	const error = isRestError(await get('?offset=5', COUNT), 416, 'PGRST103');
	assert.equal(error.details, 'An offset of 5 was requested, but there are only 4 rows.');
	isRestError(await get('?limit=-1'), 416, 'PGRST103');
});

test('one row by itself, or 406 with how many there are', async () => {
	const got = await get('?select=name&name=eq.Ann', SINGLE);
	assert.equal(got.headers['content-type'], 'application/vnd.pgrst.object+json; charset=utf-8');
	assert.equal(got.text, '{"name":"Ann"}');
	assert.equal(isRestError(await get('', SINGLE), 406, 'PGRST116').details, 'The result contains 4 rows');
	assert.equal(isRestError(await get('?name=eq.X', SINGLE), 406, 'PGRST116').details, 'The result contains 0 rows');
});

test('HEAD has the headers of GET, and no body', async () => {
	const got = await client.request('HEAD', '/rest/v1/business_cards?name=neq.Ann', { token, headers: COUNT });
	assert.deepEqual([got.status, got.headers['content-range'], got.text], [200, '0-2/3', '']);
});

test('a profile is one row once it was written, and none before', async () => {
	const { token: other } = await client.register();
	await client.patch('/api/profile/personal', { version: 0, full_name: 'Somebody' }, { token: other });
	await client.patch('/api/profile/professional', { version: 0, job_title: 'Else' }, { token: other });
	assert.deepEqual((await get('', {}, 'personal_info')).json, []);
	isRestError(await get('', SINGLE, 'professional_info'), 406, 'PGRST116');
	await client.patch('/api/profile/personal', { version: 0, full_name: 'Ada' }, { token });
	await client.patch('/api/profile/professional', { version: 0, job_title: 'Engineer' }, { token });
	const personal = (await get('?full_name=eq.Ada&website=is.null', SINGLE, 'personal_info')).json;
	assert.deepEqual(Object.keys(personal), ['user_id', 'full_name', 'primary_email', 'secondary_email',
		'primary_phone', 'secondary_phone', 'website', 'address', 'version', 'created_at', 'updated_at']);
	assert.deepEqual([personal.user_id, personal.version], [user, 1]);
	const professional = (await get('?select=job_title,linkedin_url', {}, 'professional_info')).json;
	assert.deepEqual(professional, [{ job_title: 'Engineer', linkedin_url: null }]);
});

test('no column but those listed is read, filtered or ordered by, however it is spelt', async () => {
	for (const column of ['last_write', 'xmin', 'ctid', 'tableoid', 'NAME', 'name"', 'name;--', "na'me", 'b.name', 'name)', '*', 'password_hash', 'ñ'])
		for (const query of [`?${encodeURIComponent(column)}=eq.1`, `?select=${encodeURIComponent(column)},id`, `?order=${encodeURIComponent(column)}`]) {
			const got = await get(query);
			isRestError(got, 400, got.json.code);
			assert.match(got.json.code, /^(42703|PGRST100|PGRST127)$/, query);
		}
});

test('a value is a value, whatever it looks like', async () => {
	for (const value of ["x' or '1'='1", "'; drop table cardkeep.users; --", '$1', '{}', 'null', '") or true --', '\\', '%', 'a,b', '(1)'])
		for (const filter of [`eq.${value}`, `in.("${value.replaceAll(/["\\]/g, '\\$&')}")`])
			assert.deepEqual(await names(`?name=${encodeURIComponent(filter)}`), [], filter);
	for (const [query, code] of [
		["?id=eq.x' or true", '22P02'], ['?version=eq.1;select', '22P02'], ['?version=eq.99999999999', '22003'],
		['?is_public=eq.maybe', '22P02'], ['?created_at=eq.yesterdayish', '22007'],
		['?id=in.(1,2)', '22P02'], ['?name=is.true', '42804'],
	])
		isRestError(await get(query), 400, code);
	assert.ok(Number((await stack.sql('select count(*) from cardkeep.users'))[0]) > 0);
});

test('a column that is asked for many times is there once', async () => {
	const got = await get(`?select=${Array(800).fill('name')}&name=eq.Ann`);
	assert.equal(got.text, '[{"name":"Ann"}]');
});

test('100 values in one list and 20 filters are taken, and no more', async () => {
	const many = (count) => Array.from({ length: count }, (_, i) => `n${i}`);
	assert.deepEqual(await names(`?name=in.(${many(99)},Ann)`), ['Ann']);
	assert.deepEqual(await names(`?version=not.in.(${Array.from({ length: 100 }, (_, i) => i + 1)})`), []);
	assert.deepEqual(await names(`?${'name=eq.Ann&'.repeat(20)}`), ['Ann']);
	for (const query of [`?name=in.(${many(101)})`, `?name=not.in.(${many(300)})`, `?${'name=eq.Ann&'.repeat(21)}`,
		`?order=${Array(21).fill('name')}`, `?select=${Array(1001).fill('name')}`])
		assert.match(isRestError(await get(query), 400, 'PGRST100').message, /at most/, query);
});

test('documents are neither compared nor ordered by, as they may be as large as a body', async () => {
	for (const query of ['?fields_config=eq.{}', '?fields_config=neq.1', '?design_config=in.(1)', '?order=fields_config',
		'?order=name,design_config.desc', `?select=id&${'fields_config=neq.1&'.repeat(300)}`])
		isRestError(await get(query), 400, 'PGRST127');
});

test('what PostgREST has and this face has not is said to be so', async () => {
	for (const query of ['?or=(name.eq.Ann)', '?and=(name.eq.Ann)', '?not.or=(a.eq.1)', '?name=like.A*', '?version=gt.1',
		'?name=eq(any).{a}', '?name=fts(english).a', '?select=id,users(*)', '?select=n:name', '?select=version::text',
		'?select=fields_config->a', '?fields_config->>a=eq.1', '?order=fields_config->a', '?columns=a', '?on_conflict=id']) {
		const got = await get(query.replaceAll('>', '%3E'));
		assert.equal(isRestError(got, 400, 'PGRST127').message, 'Feature not implemented', query);
	}
});

test('what cannot be read is PGRST100', async () => {
	for (const query of ['?name=Ann', '?name=', '?name', '?name=foo.Ann', '?name=is.maybe', '?name=in.Ann', '?name=in.(a)b)',
		'?limit=x', '?limit=1.5', '?limit=9999999999999999', '?offset=-1', '?limit=1&limit=2', '?select=id&select=name', '?select=a%20b', '?select=id,%20',
		'?select=id,,name', '?order=', '?order=name.up', '?order=name.asc.nullssomewhere', '?name=eq.%ff'])
		isRestError(await get(query), 400, 'PGRST100');
});

test('a page has 100 rows and 1 MiB at most, and says how far it came', async () => {
	const eve = await client.register();
	await stack.sql(`insert into cardkeep.business_cards (user_id, name, slug)
		select '${eve.id}', 'Many', '${eve.id}-' || i from generate_series(1, 120) i`);
	const first = await client.get('/rest/v1/business_cards?limit=1000&select=id', { token: eve.token, headers: COUNT });
	assert.deepEqual([first.status, first.headers['content-range']], [206, '0-99/120']);
	const rest = await client.get('/rest/v1/business_cards?offset=100&select=id', { token: eve.token });
	assert.equal(new Set([...first.json, ...rest.json].map(({ id }) => id)).size, 120);
	await stack.sql(`update cardkeep.business_cards set fields_config = jsonb_build_object('a', repeat('x', 200000))
		where user_id = '${eve.id}'`);
	const large = await client.get('/rest/v1/business_cards', { token: eve.token });
	assert.equal(large.headers['content-range'], '0-4/*');
	assert.ok(large.text.length < 1 << 20);
});

test('tables are not written here, and the refusal names what writes', async () => {
	for (const [table, method, hint] of [
		['business_cards', 'POST', /create_business_card_atomic/],
		['business_cards', 'PATCH', /update_business_card_optimistic/],
		['business_cards', 'PUT', /update_business_card_optimistic/],
		['business_cards', 'DELETE', /DELETE \/api\/cards/],
		['personal_info', 'PATCH', /upsert_personal_info_optimistic/],
		['professional_info', 'POST', /upsert_professional_info_optimistic/],
	]) {
		const got = await client.request(method, `/rest/v1/${table}?name=eq.Ann`, { token, body: { name: 'X' } });
		assert.match(isRestError(got, 405, 'PGRST117').hint, hint);
		assert.equal(got.headers.allow, 'GET, HEAD');
	}
	assert.deepEqual(await names('?name=eq.X'), []);
});

test('a revoked session reads nothing', async () => {
	const gone = await client.register();
	await client.delete('/api/sessions/current', { token: gone.token });
	for (const query of ['', '?nope=eq.1', '?limit=x'])
		isRestError(await client.get(`/rest/v1/business_cards${query}`, { token: gone.token }), 401, 'PGRST301');
});

test('the profile of a read is Accept-Profile', async () => {
	const got = await get('?limit=1', { 'accept-profile': 'cardkeep' });
	assert.equal(got.headers['content-profile'], 'cardkeep');
	isRestError(await get('', { 'accept-profile': 'auth' }), 406, 'PGRST106');
});
