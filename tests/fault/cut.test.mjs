// The connection to PostgreSQL dies between commit and answer: the write is there once, and its
// client is told so, or told that nobody knows.
import { assert, endsCleanly, own, test } from '../lib/harness.mjs';

// Of each of four kinds of write: 200 cuts. A sanitizer looks for other things, and slowly.
const ROUNDS = process.env.CK_VARIANT === 'gcc' ? 50 : 10;

// What is tried here is what a retry finds, not how long it waits.
const stack = await own({ proxied: true, env: { CARDKEEP_RETRY_BASE_MS: '10' } });
const { client } = stack;
const { id: user, token } = await client.register();
const database = stack.session('super');
const number = async (text) => Number((await database.run(text))[0]);

// Sends one write whose answer from the database is cut; resolves to what the client was told.
async function cutOnce(send, cut = 'answer') {
	const before = await stack.proxy({ cut, count: 1 });
	const mark = stack.logMark();
	const got = await send();
	assert.equal(await stack.proxy(), before + 1, `nothing was cut: ${got.status} ${got.text}`);
	assert.ok([200, 201, 204, 504].includes(got.status), `${got.status} ${got.text}`);
	const line = stack.logSince(mark).split('\n').find((each) => /Retry attempt 2\/3/.test(each));
	assert.ok(line, stack.logSince(mark));
	assert.ok(line.includes(got.headers['x-request-id']), line);
	assert.match(line, /code=.* delay_ms=\d+/);
	return got;
}

test(`${ROUNDS} creates cut after their commit make ${ROUNDS} cards`, async () => {
	for (let i = 0; i < ROUNDS; i++) {
		const got = await cutOnce(() => client.post('/api/cards', { name: `Cut ${i}` }, { token }));
		const there = await number(`select count(*) from cardkeep.business_cards where name = 'Cut ${i}'`);
		assert.equal(there, 1);
		if (got.status === 201) assert.equal(got.json.version, 1);
	}
});

test(`${ROUNDS} updates cut after their commit raise the version by ${ROUNDS}`, async () => {
	const card = await client.card(token, { name: 'Updated' });
	for (let version = 1; version <= ROUNDS; version++) {
		const got = await cutOnce(() =>
			client.patch(`/api/cards/${card.id}`, { version, name: `Update ${version}` }, { token }));
		if (got.status === 200) assert.equal(got.json.version, version + 1);
		assert.equal(await number(`select version from cardkeep.business_cards where id = '${card.id}'`), version + 1);
	}
	const rows = await number(`select count(*) from cardkeep.business_card_versions where card_id = '${card.id}'`);
	assert.equal(rows, ROUNDS + 1);
});

test(`${ROUNDS} profile saves cut after their commit raise the version by ${ROUNDS}`, async () => {
	for (let version = 0; version < ROUNDS; version++) {
		const got = await cutOnce(() =>
			client.patch('/api/profile/personal', { version, full_name: `Ada ${version}` }, { token }));
		if (got.status !== 504) assert.equal(got.json.version, version + 1);
		assert.equal(await number(`select version from cardkeep.personal_info where user_id = '${user}'`), version + 1);
	}
	const rows = await number(`select count(*) from cardkeep.personal_info_versions where user_id = '${user}'`);
	assert.equal(rows, ROUNDS);
});

test(`${ROUNDS} deletes cut after their commit answer 204, not 404`, async () => {
	for (let i = 0; i < ROUNDS; i++) {
		const card = await client.card(token);
		const got = await cutOnce(() => client.delete(`/api/cards/${card.id}?version=1`, { token }));
		assert.ok([204, 504].includes(got.status));
		assert.equal(await number(`select count(*) from cardkeep.business_cards where id = '${card.id}'`), 0);
		const rows = await number(
			`select count(*) from cardkeep.business_card_versions where card_id = '${card.id}' and is_deletion`);
		assert.equal(rows, 1);
	}
});

test('a session ended by a request that was cut is ended, and its client told so', async () => {
	const eve = await client.register();
	const got = await cutOnce(() => client.delete('/api/sessions/current', { token: eve.token }));
	assert.ok([204, 504].includes(got.status));
	assert.equal((await client.get('/api/users/me', { token: eve.token })).status, 401);
});

test('a keyed write that was cut is 504, not 401, when its session ended before the service asked again', async () => {
	const eve = await client.register();
	const headers = { 'Idempotency-Key': 'ends' };
	const make = (each) => client.post('/api/cards', { name: 'Ends' }, { token: each, headers });
	// Ended in the same commit, by somebody else.
	await stack.sql(`create function public.end_sessions() returns trigger language plpgsql as $$ begin
		update cardkeep.sessions set ended_at = clock_timestamp(), ended_by = gen_random_uuid()
		where user_id = '${eve.id}'; return null; end $$;
		create trigger end_sessions after insert on cardkeep.business_cards for each row
		when (new.name = 'Ends') execute function public.end_sessions()`, 'super');
	try {
		assert.equal((await cutOnce(() => make(eve.token))).status, 504);
	} finally {
		await stack.sql(`drop trigger end_sessions on cardkeep.business_cards;
			drop function public.end_sessions()`, 'super');
	}
	const { email, password } = eve;
	const { json } = await client.post('/api/sessions', { email, password });
	const again = await make(json.token);
	assert.equal(again.status, 201, again.text);
	assert.equal(again.headers['idempotent-replayed'], 'true');
	assert.equal(await number("select count(*) from cardkeep.business_cards where name = 'Ends'"), 1);
});

test('what was cut before it reached the database is applied once, by a retry', async () => {
	for (let i = 0; i < 20; i++) {
		const got = await cutOnce(() => client.post('/api/cards', { name: `Unsent ${i}` }, { token }), 'request');
		assert.equal(got.status, 201, got.text);
		assert.equal(await number(`select count(*) from cardkeep.business_cards where name = 'Unsent ${i}'`), 1);
	}
});

test('a database that swallows everything gets 504 for a write that was sent, in time', async () => {
	await client.get('/api/cards', { token });
	await stack.proxy({ hold: true });
	try {
		const got = await client.post('/api/cards', { name: 'Swallowed' }, { token });
		assert.equal(got.status, 504, got.text);
		assert.ok(got.ms < 6500, `${got.ms} ms`);
	} finally {
		await stack.proxy({ hold: false });
	}
	await stack.ready();
	assert.ok((await number("select count(*) from cardkeep.business_cards where name = 'Swallowed'")) <= 1);
});

endsCleanly(stack);
