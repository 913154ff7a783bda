// cardkeep alerts: what the supervisor judged, in words, as JSON and as an exit status.
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';
import { cardkeep } from './tool.mjs';

const stack = await own({
	env: {
		CARDKEEP_ALERT_VERSION_CONFLICTS: 'above 5% clear 3% for 0s',
		CARDKEEP_ALERT_MIN_EVENTS: '1',
		CARDKEEP_ALERT_SHED: 'off',
		CARDKEEP_WINDOW_S: '3',
		CARDKEEP_WINDOW_SHORT_S: '1',
	},
});
const { client } = stack;
const alerts = (...args) => cardkeep(stack, ['alerts', ...args]);
const ann = await client.register();
const card = await client.card(ann.token);

test('while all is well it lists each alert and ends with 0', async () => {
	const got = await alerts();
	assert.equal(got.status, 0, got.err);
	assert.match(got.out, /^VersionConflictRateHigh +OK +\d+ s +- +5 % +0$/m);
	assert.match(got.out, /^DatabaseUnreachable +OK +/m);
	assert.match(got.out, /^RequestsShed +OK .* off +0$/m);
	for (const line of got.out.split('\n')) assert.ok(line.length <= 80, line);
	const { json } = await client.get('/status.json');
	const mine = JSON.parse((await alerts('--json')).out);
	assert.deepEqual(mine.map(({ name }) => name), json.alerts.map(({ name }) => name));
	assert.match((await cardkeep(stack, ['status'])).out, /^alerts {5}none$/m);
});

test('while one fires it ends with 1, and status and top name it', async () => {
	const conflict = () =>
		client.patch(`/api/cards/${card.id}`, { version: 7, name: 'x' }, { token: ann.token });
	const got = await until('it fires', async () => {
		assert.equal((await conflict()).status, 409);
		const now = await alerts();
		return now.status === 1 && now;
	});
	assert.match(got.out, /^VersionConflictRateHigh +FIRING +\d+ s +100 % +5 % +1$/m);
	const json = JSON.parse((await alerts('--json')).out);
	assert.equal(json.find(({ name }) => name === 'VersionConflictRateHigh').state, 'FIRING');
	await conflict();
	const line = /^alerts {4,5}FIRING VersionConflictRateHigh$/m;
	assert.match((await cardkeep(stack, ['status'])).out, line);
	assert.match((await cardkeep(stack, ['top', '-b', '-n', '1', '-d', '0.1'])).out, line);
});

test('it clears, and says how often it fired', async () => {
	const got = await until('it clears', async () => {
		const now = await alerts();
		return now.status === 0 && now;
	}, 20_000);
	assert.match(got.out, /^VersionConflictRateHigh +OK .* 1$/m);
});

test('after a stop nobody judges them: it says so and ends with 1', async () => {
	assert.equal(await stack.stopDaemon(), 0);
	const got = await alerts();
	assert.equal(got.status, 1);
	assert.match(got.out, /^not running: last figures, \d+ s old\n\nALERT /);
});

endsCleanly(stack);
