// Errors that PostgreSQL means: a real deadlock, a real serialization failure, a real lock timeout,
// a real terminated backend. Each is retried as the policy says and logged; others fail at once.
import { load, compare, NOTHING_WRONG, tally } from './load.mjs';
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const GATE = 4711; // an advisory lock that the test holds and the trigger waits for

// Long enough for a deadlock to be arranged on a busy machine.
const stack = await own({ env: { CARDKEEP_REQUEST_DEADLINE_MS: '20000', CARDKEEP_HOT_CALL_MS: '15000' } });
const { client } = stack;
const { id: user, token } = await client.register();

// What a card's new name makes the database do.
await stack.sql(
	`create table public.hot (n integer);
	insert into public.hot values (0);
	create function public.trouble() returns trigger language plpgsql security definer as $$
	begin
		case new.name
		when 'deadlock' then perform pg_advisory_xact_lock(${GATE});
		when 'serialize' then perform pg_advisory_xact_lock(${GATE}); update public.hot set n = n + 1;
		else raise exception 'trouble' using errcode = right(new.name, 5);
		end case;
		return new;
	end $$;
	create trigger trouble before update on cardkeep.business_cards for each row
		when (new.name in ('deadlock', 'serialize') or new.name like 'raise _____')
		execute function public.trouble();`,
	'super',
);

// Role settings are read at sign-in, so the daemon's connections are ended.
async function settings(text) {
	await stack.sql(`alter role cardkeep_runtime in database cardkeep ${text}`, 'super');
	await stack.sql("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'cardkeep_runtime'", 'super');
	await stack.ready();
}

const waiting = () =>
	until('the service waits for the gate', async () =>
		Number(await stack.sql("select count(*) from pg_locks where locktype = 'advisory' and not granted", 'super')) > 0);

// The log line of a retry of that request.
function retryLine(got, mark) {
	const lines = stack.logSince(mark).split('\n');
	return lines.filter((line) => /Retry attempt/.test(line) && line.includes(got.headers['x-request-id']));
}

// What the service remembers of that request, the latest first.
async function events(got) {
	const { events: all } = (await client.get('/status.json')).json;
	return all.filter(({ request }) => request === got.headers['x-request-id'])
		.map(({ kind, attempts, sqlstate, delay_ms: delay }) => ({ kind, attempts, sqlstate, delay }));
}

const patch = (card, fields) => client.patch(`/api/cards/${card.id}`, { version: card.version, ...fields }, { token });

test('a deadlock is retried, logged as 40P01, and the update lands', async () => {
	// Who waits looks for a cycle once, after its deadlock_timeout. The service shall be the one who
	// finds it, so the other's wait must begin before that and end later.
	await stack.sql("alter role cardkeep_runtime set deadlock_timeout = '2s'", 'super');
	await stack.sql("alter role cardkeep_runtime in database cardkeep set statement_timeout = '15s'", 'super');
	await settings("set lock_timeout = '15s'");
	const card = await client.card(token);
	const other = stack.session('super');
	await other.run(`begin; set local deadlock_timeout = '60s'; select pg_advisory_xact_lock(${GATE})`);
	const mark = stack.logMark();
	const answer = patch(card, { name: 'deadlock' });
	await waiting();
	await other.run(`select id from cardkeep.business_cards where id = '${card.id}' for update`);
	await other.run('rollback');
	const got = await answer;
	assert.equal(got.status, 200, got.text);
	assert.equal(got.json.version, 2);
	const [line] = retryLine(got, mark);
	assert.match(line ?? '', /Retry attempt 2\/3 .*code=40P01 .*delay_ms=\d+/);
	const [{ delay, ...event }, ...more] = await events(got);
	assert.deepEqual([event, more], [{ kind: 'retry', attempts: 1, sqlstate: '40P01' }, []]);
	assert.equal(Math.floor(delay), Number(/delay_ms=(\d+)/.exec(line)[1]));
	await other.close();
});

test('a serialization failure is retried, logged as 40001, and the update lands', async () => {
	await settings("set default_transaction_isolation = 'repeatable read'");
	const card = await client.card(token);
	const other = stack.session('super');
	await other.run(`begin; select pg_advisory_xact_lock(${GATE})`);
	const mark = stack.logMark();
	const answer = patch(card, { name: 'serialize' });
	await waiting();
	await stack.sql('update public.hot set n = n + 1', 'super');
	await other.run('commit');
	const got = await answer;
	assert.equal(got.status, 200, got.text);
	const [line] = retryLine(got, mark);
	assert.match(line ?? '', /Retry attempt 2\/3 .*code=40001 .*delay_ms=\d+/);
	await other.close();
	await settings("set default_transaction_isolation = 'read committed'");
});

test('a lock timeout is retried, logged as 55P03, and the create lands once the lock is gone', async () => {
	await settings("set lock_timeout = '250ms'");
	const other = stack.session('super');
	await other.run(`begin; select id from cardkeep.users where id = '${user}' for update`);
	const mark = stack.logMark();
	const answer = client.post('/api/cards', { name: 'Locked out' }, { token });
	await until('the first attempt fails', () => /Retry attempt 2\/3 .*code=55P03/.test(stack.logSince(mark)));
	await other.run('rollback');
	const got = await answer;
	assert.equal(got.status, 201, got.text);
	assert.ok(retryLine(got, mark).length >= 1);
	await other.close();
});

test('a lock that stays ends as 503 after the last attempt, and nothing was applied', async () => {
	const other = stack.session('super');
	await other.run(`begin; select id from cardkeep.users where id = '${user}' for update`);
	const mark = stack.logMark();
	const got = await client.post('/api/cards', { name: 'Locked out for good' }, { token });
	await other.run('rollback');
	assert.equal(got.status, 503, got.text);
	assert.match(got.headers['retry-after'], /^\d+$/);
	const lines = retryLine(got, mark);
	assert.deepEqual(lines.map((line) => /attempt (\d)\/3/.exec(line)[1]), ['2', '3']);
	lines.forEach((line, i) => {
		const delay = Number(/delay_ms=(\d+)/.exec(line)[1]);
		assert.ok(delay <= [100, 200][i], line);
	});
	assert.deepEqual((await events(got)).map(({ kind, attempts, sqlstate }) => [kind, attempts, sqlstate]),
		[['gave-up', 3, '55P03'], ['retry', 2, '55P03'], ['retry', 1, '55P03']]);
	const rows = await stack.sql("select count(*) from cardkeep.business_cards where name = 'Locked out for good'", 'super');
	assert.deepEqual(rows, ['0']);
	await other.close();
});

for (const code of ['23514', 'P0001', '53100', 'XX001', '22012', '42501'])
	test(`an error that no retry can mend fails at once: ${code}`, async () => {
		const card = await client.card(token);
		const mark = stack.logMark();
		const got = await patch(card, { name: `raise ${code}` });
		assert.equal(got.status, /^2[23]/.test(code) ? 422 : 503, got.text);
		if (got.status === 422) assert.deepEqual(got.json.errors.map(({ field }) => field), ['body']);
		assert.ok(got.ms < 1000, `${got.ms} ms`);
		assert.deepEqual(retryLine(got, mark), []);
		if (got.status === 503) assert.deepEqual((await events(got))[0], { kind: 'failed', attempts: 1, sqlstate: code, delay: null });
		const now = await client.get(`/api/cards/${card.id}`, { token });
		assert.equal(now.json.version, 1);
	});

test('backends terminated under load: every acknowledged write is there once', async () => {
	const clients = load(stack, token);
	for (let i = 0; i < 10; i++) {
		const seen = clients.answers.length;
		await until('the load goes on', () => clients.answers.length > seen + 30, 20_000);
		await stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'cardkeep_runtime'", 'super');
	}
	const seen = clients.answers.length;
	await until('the load goes on', () => clients.answers.length > seen + 30, 20_000);
	const answers = await clients.stop();
	assert.deepEqual(await compare(stack, answers), NOTHING_WRONG);
	const counts = tally(answers);
	assert.deepEqual(Object.keys(counts).filter((status) => !['201', '503', '504'].includes(status)), [], JSON.stringify(counts));
	assert.ok(counts[201] > answers.length * 0.97, JSON.stringify(counts));
	assert.match(stack.log(), /Retry attempt 2\/3/);
});

endsCleanly(stack);
