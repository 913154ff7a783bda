// Fifty devices of each of twenty people at work on several workers, and one of them is revoked: not
// one of its requests is accepted after the 204, and no other session is touched.
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const PEOPLE = 20;
const DEVICES = 50;
const LANES = 32; // requests at a time, besides the revoked device's own
const stack = await own({ env: { CARDKEEP_WORKERS: '3', CARDKEEP_THREADS: '2' } });
const client = stack.client;

// Signing in a thousand devices would take minutes of Argon2id; their rows are all that matters.
async function seed() {
	await stack.sql(`
		insert into cardkeep.users (id, email, password_hash)
		select md5('person ' || p)::uuid, 'person' || p || '@example.org', 'none'
		from generate_series(1, ${PEOPLE}) p;
		insert into cardkeep.sessions (id, user_id, token_hash, device_name, last_seen_at, expires_at)
		select md5('device ' || p || ' ' || d)::uuid, md5('person ' || p)::uuid,
			sha256(sha256(convert_to('token ' || p || ' ' || d, 'UTF8'))), 'Device ' || d,
			clock_timestamp() - interval '10 minutes', clock_timestamp() + interval '1 day'
		from generate_series(1, ${PEOPLE}) p, generate_series(1, ${DEVICES}) d`, 'super');
	const rows = await stack.sql(`
		select md5('person ' || p)::uuid, md5('device ' || p || ' ' || d)::uuid, 'ck_' || rtrim(translate(
			encode(sha256(convert_to('token ' || p || ' ' || d, 'UTF8')), 'base64'), '+/', '-_'), '=')
		from generate_series(1, ${PEOPLE}) p, generate_series(1, ${DEVICES}) d order by p, d`);
	return rows.map((row) => {
		const [user, session, token] = row.split('|');
		return { user, session, token, answers: [] };
	});
}

// One request of a device: mostly reading, sometimes writing. What is noted is when it was sent, for
// that decides whether it had to be refused.
async function act(device) {
	const sent = performance.now();
	const n = device.answers.length;
	const { token } = device;
	const got =
		n % 4 === 3
			? await client.post('/api/cards', { name: `Card ${n}` }, { token })
			: await client.get(n % 2 ? '/api/users/me' : '/api/cards?limit=1', { token });
	device.answers.push({ sent, status: got.status });
	return got.status;
}

const devices = await seed();
const victim = devices[PEOPLE * DEVICES - DEVICES / 2];
const sibling = devices.find((each) => each.user === victim.user && each !== victim);
const others = devices.filter((each) => each !== victim);
const accepted = ({ status }) => status < 400;

test(`one of ${DEVICES} devices of each of ${PEOPLE} people is revoked while all are busy`, async (t) => {
	let working = true;
	let next = 0;
	const lane = async () => {
		while (working) await act(others[next++ % others.length]);
	};
	// The victim sends from several connections at once, so some of it is always under way.
	const own = async () => {
		while (working) await act(victim);
	};
	const lanes = [...Array.from({ length: LANES }, lane), ...Array.from({ length: 4 }, own)];
	await until('every device is at work', () => devices.every((each) => each.answers.length >= 2), 60_000);

	const got = await client.delete(`/api/sessions/${victim.session}`, { token: sibling.token });
	const revoked = performance.now();
	assert.equal(got.status, 204, got.text);
	await until('the revoked device has tried again and again',
		() => victim.answers.filter(({ sent }) => sent > revoked).length >= 200, 30_000);
	await until('every other device has, too',
		() => others.every((each) => each.answers.at(-1).sent > revoked), 60_000);
	working = false;
	await Promise.all(lanes);

	const after = victim.answers.filter(({ sent }) => sent > revoked);
	assert.ok(victim.answers.some(accepted));
	assert.deepEqual(after.filter(({ status }) => status !== 401), []);
	const refused = others.flatMap((each) => each.answers.filter((answer) => !accepted(answer)));
	assert.deepEqual(refused, []);
	const live = await stack.sql(`select user_id, count(*) from cardkeep.sessions s
		where cardkeep_api.is_live(s) group by 1`);
	for (const row of live) {
		const [user, count] = row.split('|');
		assert.equal(Number(count), user === victim.user ? DEVICES - 1 : DEVICES);
	}
	const total = devices.reduce((sum, each) => sum + each.answers.length, 0);
	t.diagnostic(`measured: ${total} requests of ${devices.length} devices; ${after.length} of the ` +
		'revoked one came after the 204, all refused');
});

test('every worker had a part in it', async () => {
	const busy = await stack.sql(`select count(distinct pid) from pg_stat_activity
		where usename = 'cardkeep_runtime'`, 'super');
	// Of three workers: each has two wave threads, and two of the slow lane.
	assert.equal(Number(busy[0]), 12);
	const { json } = await client.get('/status.json');
	assert.equal(json.workers.filter(({ state }) => state === 'ready').length, 3);
});

test('workers that end write down whom they have seen', async () => {
	await stack.stopDaemon();
	const [fresh] = await stack.sql(`select count(*) from cardkeep.sessions s
		where cardkeep_api.is_live(s) and last_seen_at > clock_timestamp() - interval '5 minutes'`);
	assert.equal(Number(fresh), devices.length - 1);
	await stack.startDaemon();
	await stack.ready();
});

endsCleanly(stack);
