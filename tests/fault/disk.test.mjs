// A disk that is nearly full (H6): what adds something is refused and not applied; reading, signing in and
// making room go on. The disk is real: at 100 every one has too little room.
import { assert, endsCleanly, isProblem, own, test } from '../lib/harness.mjs';
import { cardkeep } from '../tool/tool.mjs';

const stack = await own({ env: { CARDKEEP_DISK_PATH: '/', CARDKEEP_DISK_READ_ONLY_PERCENT: '0' } });
const { client } = stack;
const ann = await client.register();
const bob = await client.register();
const cards = [];
for (const name of ['One', 'Two']) cards.push(await client.card(ann.token, { name }));
const [one, two] = cards;
const rows = () =>
	stack.sql(`select (select count(*) from cardkeep.users), (select sum(version) from cardkeep.business_cards),
		(select count(*) from cardkeep.writes)`, 'super');
const check = async () =>
	(await client.get('/readyz?verbose')).json.checks.find(({ name }) => name === 'disk');
const metric = async (name) =>
	Number(new RegExp(`^${name} (\\S+)$`, 'm').exec((await client.get('/metrics')).text)[1]);

// The daemon with another share.
async function restart(percent) {
	stack.env.CARDKEEP_DISK_READ_ONLY_PERCENT = percent;
	await stack.stopNginx();
	assert.equal(await stack.stopDaemon('SIGTERM'), 0);
	await stack.startDaemon();
	await stack.startNginx();
	await stack.ready();
}

function isReadOnly(got) {
	isProblem(got, 503, 'read-only');
	assert.equal(got.headers['retry-after'], '60');
}

test('with room it only says how much', async () => {
	assert.match((await check()).detail, /^[\d.]+ % free$/);
	assert.equal(await metric('cardkeep_read_only'), 0);
	const free = await metric('cardkeep_disk_free_bytes');
	assert.ok(free > 0 && free <= (await metric('cardkeep_disk_size_bytes')), `${free}`);
});

test('without, whatever adds something is 503, and nothing of it is applied', async () => {
	await restart('100');
	assert.equal((await client.get('/status.json')).json.read_only, true);
	assert.equal(await metric('cardkeep_read_only'), 1);
	const before = await rows();
	isReadOnly(await client.post('/api/cards', { name: 'Three' }, ann));
	isReadOnly(await client.patch(`/api/cards/${one.id}`, { version: 1, name: 'Uno' }, ann));
	isReadOnly(await client.patch(`/api/cards/${one.id}`, { version: 1, name: 'Uno', merge: true }, ann));
	isReadOnly(await client.post(`/api/cards/${one.id}/revert`, { version: 1, to: 1 }, ann));
	isReadOnly(await client.patch('/api/profile/personal', { version: 0, full_name: 'Ann' }, ann));
	isReadOnly(await client.patch('/api/profile/professional', { version: 0, job_title: 'Ann' }, ann));
	isReadOnly(await client.post('/api/users', { email: 'new@example.org', password: 'long enough, this' }));
	const rest = await client.post('/rest/v1/rpc/create_business_card_atomic', { p_name: 'Three' }, ann);
	assert.equal(rest.status, 503, rest.text);
	assert.equal(rest.json.code, 'read-only');
	assert.equal(rest.headers['retry-after'], '60');
	assert.deepEqual(await rows(), before);
});

test('who may not, is told so first: 401 and 404 as ever', async () => {
	isProblem(await client.post('/api/cards', { name: 'Three' }, { token: 'A'.repeat(43) }), 401, 'unauthorized');
	isProblem(await client.patch(`/api/cards/${one.id}`, { version: 1, name: 'Uno' }, bob), 404, 'not-found');
});

test('reading, signing in and making room go on, and it stays ready', async () => {
	assert.equal((await client.get(`/api/cards/${one.id}`, ann)).status, 200);
	assert.equal((await client.get('/rest/v1/business_cards', ann)).status, 200);
	const signed = await client.post('/api/sessions', { email: ann.email, password: ann.password });
	assert.equal(signed.status, 201, signed.text);
	assert.equal((await client.delete(`/api/cards/${two.id}?version=1`, ann)).status, 204);
	assert.equal((await client.delete('/api/sessions/current', { token: signed.json.token })).status, 204);
	assert.equal((await client.get('/readyz')).status, 200);
	assert.match((await check()).detail, /^[\d.]+ % free: read-only$/);
});

test('an operator is told: DiskFilling is judged, and the log says what is refused', async () => {
	const mark = /level=error .*read-only: the disk is nearly full free_percent=[\d.]+ path="\/"/;
	assert.match(stack.log(), mark);
	const alert = (await client.get('/status.json')).json.alerts.find(({ name }) => name === 'DiskFilling');
	assert.match((await cardkeep(stack, ['status'])).out, /^cardkeep .* {2}generation 1 {2}read-only$/m);
	assert.ok(alert.value > 0 && alert.value <= 1, JSON.stringify(alert));
});

test('with room again it takes writes', async () => {
	await restart('0');
	assert.equal((await client.post('/api/cards', { name: 'Three' }, ann)).status, 201);
});

endsCleanly(stack);
