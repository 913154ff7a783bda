// A failover to the synchronous standby takes back nothing that was acknowledged.
//
// A commit that waits for the standby is visible here before it is there: when its wait is cancelled, its
// backend ended, or the server crashes and recovers. A repeat then finds its write, and has nothing to
// write itself. It must not be told that all is well before the standby has it.
//
// CARDKEEP_STANDBY says how often each of the three (3 times).
import { Standby } from '../lib/standby.mjs';
import { assert, endsCleanly, own, pause, test, until } from '../lib/harness.mjs';

const TIMES = Number(process.env.CARDKEEP_STANDBY ?? 3);

const stack = await own({ env: { CARDKEEP_REQUEST_DEADLINE_MS: '1500' } });
const { client } = stack;
const standby = await Standby.of(stack);
// A fault that this must find (tests/planted).
if (process.env.CK_PLANTED) await stack.sql(process.env.CK_PLANTED, 'super');
const ann = await client.register();
const key = () => crypto.randomUUID();
const under = (who, name) => ({ token: who.token, headers: { 'Idempotency-Key': name } });
const acknowledged = [];

const WAITING = "from pg_stat_activity where wait_event = 'SyncRep' and usename = 'cardkeep_runtime'";
const waiting = () => until('a commit waits for the standby', async () =>
	Number((await stack.sql(`select count(*) ${WAITING}`, 'super'))[0]) > 0);

// Unknown, or nothing of this very request, whose thread had no connection yet.
const isNotDone = (status, text) => assert.ok(status === 504 || status === 503, `${status} ${text}`);

// Sends it until a thread has a connection for it.
async function taken(send) {
	for (;;) {
		const got = await send();
		if (got.status !== 503) return got;
		await pause(50);
	}
}

const serverAnswers = () =>
	until('the server answers', () => stack.sql('select 1', 'super').then(() => true, () => false), 30_000);

// What an operator may do to it, or what befalls it.
const interruptions = {
	'its backend is ended': () => stack.sql(`select pg_terminate_backend(pid) ${WAITING}`, 'super'),
	'its wait is cancelled': () => stack.sql(`select pg_cancel_backend(pid) ${WAITING}`, 'super'),
	'the server crashes and recovers': async () => {
		const [pid] = await stack.sql(`select pid ${WAITING} limit 1`, 'super');
		process.kill(Number(pid), 'SIGKILL');
	},
};

// Nobody's commit ends well while the standby is down: each that waits is interrupted.
async function withoutStandby(work) {
	let going = true;
	await standby.stop();
	const ending = (async () => {
		while (going) {
			await stack.sql(`select pg_cancel_backend(pid) ${WAITING}`, 'super').catch(() => {});
			await pause(50);
		}
	})();
	try {
		await work();
	} finally {
		going = false;
		await ending;
		await standby.start();
		await standby.caughtUp();
	}
}

// Threads that hung in a commit have a connection again.
const recovered = () => until('the service has recovered', async () => (await Promise.all(Array.from(
	{ length: 16 }, () => client.post('/api/cards', { name: 'Recovered' }, ann)))).every(({ status }) => status === 201), 30_000);

for (const [name, interrupt] of Object.entries(interruptions))
	test(`a write is 504, and its repeat is not told to be done, when ${name} before the standby has it`, async () => {
		const writes = Array.from({ length: TIMES }, () => ({ key: key(), name: `Card ${key()}` }));
		const send = (each) => client.post('/api/cards', { name: each.name }, under(ann, each.key));
		await standby.stop();
		for (const each of writes) {
			const first = taken(() => send(each));
			await waiting();
			await interrupt();
			each.told = (await first).status;
			await serverAnswers();
			each.toldAgain = (await send(each)).status;
		}
		await standby.start();
		await standby.caughtUp();
		await recovered();
		for (const each of writes) {
			assert.equal(each.told, 504);
			isNotDone(each.toldAgain, 'its repeat');
			const got = await send(each);
			assert.equal(got.status, 201, got.text);
			acknowledged.push(got.json.id);
		}
	});

test('no kind of write, nor its repeat, is told to be done while the standby is down, and each is once it is back', async () => {
	const card = async (name) => (await client.post('/api/cards', { name, fields_config: { a: 1 } }, ann)).json.id;
	const [changed, merged, reverted, deleted, same] = await Promise.all(['c', 'm', 'r', 'd', 's'].map(card));
	assert.equal((await client.patch(`/api/cards/${reverted}`, { version: 1, name: 'Later' }, ann)).status, 200);
	const bob = await client.register();
	const dan = await client.register();
	const eve = await client.register();
	const other = (await client.post('/api/sessions', { email: bob.email, password: bob.password })).json;
	const kinds = [
		['a creation', 201, (k) => client.post('/api/cards', { name: 'New' }, under(ann, k))],
		['an update', 200, (k) => client.patch(`/api/cards/${changed}`, { version: 1, name: 'Other' }, under(ann, k))],
		['a merge', 200, (k) => client.patch(`/api/cards/${merged}`,
			{ version: 1, name: 'Merged', merge: true }, under(ann, k))],
		['a revert', 200, (k) => client.post(`/api/cards/${reverted}/revert`,
			{ version: 2, to: 1 }, under(ann, k))],
		['a deletion', 204, (k) => client.delete(`/api/cards/${deleted}?version=1`, under(ann, k))],
		['a profile', 201, (k) => client.patch('/api/profile/personal', { version: 0, full_name: 'Ann' }, under(ann, k))],
		['a sign-out', 204, (k) => client.delete(`/api/sessions/${other.session.id}`, under(bob, k))],
		['a change of password', 204, (k) => client.request('PUT', '/api/users/me/password', {
			body: { current_password: dan.password, new_password: 'another horse' }, ...under(dan, k) })],
		['the end of an account', 204, (k) => client.delete('/api/users/me', {
			body: { password: eve.password }, ...under(eve, k) })],
	];
	// Without a session there are no keys: the service itself asks again.
	const open = [
		['a sign-up', () => client.post('/api/users', { email: `${key()}@example.org`, password: 'correct horse' })],
		['a sign-in', () => client.post('/api/sessions', { email: bob.email, password: bob.password })],
	];
	const keys = new Map(kinds.map(([kind]) => [kind, key()]));
	await withoutStandby(async () => {
		for (const [kind, , send] of kinds)
			for (const time of ['first', 'again']) {
				const got = await send(keys.get(kind));
				isNotDone(got.status, `${kind}, ${time}: ${got.text}`);
			}
		for (const [kind, send] of open) {
			const got = await send();
			isNotDone(got.status, `${kind}: ${got.text}`);
		}
		await client.patch(`/api/cards/${same}`, { version: 1, name: 'Same' }, ann);
		const got = await client.patch(`/api/cards/${same}`, { version: 2, name: 'Same' }, ann);
		isNotDone(got.status, `what changes nothing rests on what is not there: ${got.text}`);
	});
	await recovered();
	for (const [kind, status, send] of kinds) {
		const got = await send(keys.get(kind));
		assert.equal(got.status, status, `${kind}: ${got.text}`);
		assert.equal(got.headers['idempotent-replayed'], 'true', kind);
	}
	acknowledged.push(changed, merged, reverted, same);
});

test('a standby that is gone is told of within 15 seconds, and what waits for it does not pile up', async () => {
	const firing = async () => (await client.get('/status.json')).json.alerts
		.some(({ name, state }) => name === 'CommitsUnconfirmed' && state === 'FIRING');
	let [going, most] = [true, 0];
	await standby.stop();
	const stopped = performance.now();
	const writers = Array.from({ length: 8 }, async () => {
		while (going) await client.post('/api/cards', { name: 'Waits' }, ann);
	});
	await until('the alert fires', async () => {
		most = Math.max(most, Number((await stack.sql(`select count(*) ${WAITING}`, 'super'))[0]));
		return firing();
	}, 20_000);
	const told = performance.now() - stopped;
	for (const end = performance.now() + 6000; performance.now() < end; await pause(200))
		most = Math.max(most, Number((await stack.sql(`select count(*) ${WAITING}`, 'super'))[0]));
	const threads = Number((await stack.sql(
		"select count(*) from pg_stat_activity where usename = 'cardkeep_runtime'", 'super'))[0]);
	going = false;
	await standby.start();
	await Promise.all(writers);
	await standby.caughtUp();
	await recovered();
	assert.ok(told < 15_000, `told after ${told} ms`);
	assert.ok(most <= 12 && threads <= 24, `${most} waited, of ${threads} connections`);
});

test('what was acknowledged is there after the failover', async () => {
	await standby.promote();
	for (const id of acknowledged) {
		const got = await client.get(`/api/cards/${id}`, ann);
		assert.equal(got.status, 200, `${id}: ${got.text}`);
	}
	assert.equal((await client.post('/api/cards', { name: 'After' }, ann)).status, 201, 'and writes go on');
});

endsCleanly(stack);
