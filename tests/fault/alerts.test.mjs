// Each alert, from what causes it to what an operator is told, and back. Windows are seconds long.
import { assert, after, atOnce, endsCleanly, own, test, until } from '../lib/harness.mjs';
import { Command, Watch, wentRound } from '../lib/alerts.mjs';
import { serviceUser } from '../lib/shell.mjs';

const command = new Command(await serviceUser());
const soon = 'for 1s';
const stack = await own({
	env: {
		CARDKEEP_WORKERS: '1',
		CARDKEEP_WINDOW_S: '4',
		CARDKEEP_WINDOW_SHORT_S: '2',
		CARDKEEP_HASH_QUEUE: '1',
		CARDKEEP_ALERT_MIN_EVENTS: '5',
		CARDKEEP_ALERT_COMMAND: command.line,
		CARDKEEP_ALERT_VERSION_CONFLICTS: `above 5% clear 3% ${soon}`,
		CARDKEEP_ALERT_SLUG_FAILURES: `above 0 clear 0 ${soon}`,
		CARDKEEP_ALERT_RETRY_ATTEMPTS: `above 0 clear 0 ${soon}`,
		CARDKEEP_ALERT_RETRY_SUCCESS: `below 95% clear 97% ${soon}`,
		CARDKEEP_ALERT_DATABASE: `above 50% clear 10% ${soon}`,
		CARDKEEP_ALERT_SHED: `above 1% clear 0.5% ${soon}`,
		CARDKEEP_ALERT_SPLITS: `above 5% clear 1% ${soon}`,
		CARDKEEP_ALERT_FAILED_CALLS: `above 0 clear 0 ${soon}`,
	},
});
const { client } = stack;
const watch = new Watch(async () => (await client.get('/status.json')).json);
after(() => watch.stop());
const metrics = async () => (await client.get('/metrics')).text;
const round = (name) => wentRound(name, { watch, command, log: () => stack.log(), metrics });
const { token } = await client.register();
const patch = (card, fields) =>
	client.patch(`/api/cards/${card.id}`, { version: card.version, ...fields }, { token });

// What a card's name makes the database do.
await stack.sql(
	`create function public.trouble() returns trigger language plpgsql as $$
	begin
		if new.name = 'nowhere' then
			return null;
		end if;
		raise exception 'trouble' using errcode = right(new.name, 5);
	end $$;
	create trigger trouble before insert or update on cardkeep.business_cards for each row
		when (new.name = 'nowhere' or new.name like 'raise _____')
		execute function public.trouble();`,
	'super',
);

function resume(pid) {
	try {
		process.kill(pid, 'SIGCONT');
	} catch {
		// It has ended.
	}
}

// Does it again and again until the alert fires.
async function untilFiring(name, job) {
	const firing = watch.is(name, 'FIRING');
	let fired = false;
	firing.then(() => (fired = true), () => (fired = true));
	while (!fired) await job();
	return firing;
}

test('without a cause every alert is OK, with its threshold, and none fires', async () => {
	const { alerts } = (await client.get('/status.json')).json;
	assert.equal(alerts.length, 14);
	for (const alert of alerts) {
		assert.equal(alert.state, 'OK', alert.name);
		assert.match(alert.since, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
		assert.equal(typeof alert.threshold, 'number', alert.name);
		assert.equal(alert.fired, 0, alert.name);
	}
	assert.doesNotMatch(await metrics(), /^cardkeep_alert_firing\{.*\} 1$/m);
});

test('a storm of conflicts fires VersionConflictRateHigh, and clears', async () => {
	const card = await client.card(token);
	await patch(card, { name: 'somebody was faster' });
	const alert = await untilFiring('VersionConflictRateHigh', async () => {
		const answers = await atOnce(10, 10, (i) => patch(card, { name: `too late ${i}` }));
		for (const { status } of answers) assert.equal(status, 409);
	});
	assert.ok(alert.value > 0.05, `${alert.value}`);
	assert.equal(alert.threshold, 0.05);
	assert.match(await metrics(), /^cardkeep_alert_firing\{alert="VersionConflictRateHigh"\} 1$/m);
	await watch.is('VersionConflictRateHigh', 'OK');
	await round('VersionConflictRateHigh');
	assert.equal(watch.latest('VersionConflictRateHigh').fired, 1);
});

test('a create without a free slug fires SlugGenerationFailing, and clears', async () => {
	const got = await client.post('/api/cards', { name: 'nowhere' }, { token });
	assert.ok(got.status >= 500, got.text);
	const called = await client.post('/rpc/create_business_card_atomic', { p_name: 'nowhere' }, { token });
	assert.equal(called.json.code, '23505', called.text);
	await until('both are seen', async () => (await watch.is('SlugGenerationFailing', 'FIRING')).value === 2);
	await watch.is('SlugGenerationFailing', 'OK');
	await round('SlugGenerationFailing');
});

test('operations that give up at their limit fire RetryAttemptsExcessive and RetrySuccessLow', async () => {
	const cards = await atOnce(6, 6, () => client.card(token));
	const answers = await atOnce(6, 6, (i) => patch(cards[i], { name: 'raise 40001' }));
	for (const { status, text } of answers) assert.equal(status, 503, text);
	await watch.is('RetryAttemptsExcessive', 'FIRING');
	await watch.is('RetrySuccessLow', 'FIRING');
	await watch.is('RetryAttemptsExcessive', 'OK');
	await watch.is('RetrySuccessLow', 'OK');
	await round('RetryAttemptsExcessive');
	await round('RetrySuccessLow');
});

test('calls that the database fails fire CallsFailing, and WaveSplits for their neighbours', async () => {
	const cards = await atOnce(8, 8, () => client.card(token));
	await untilFiring('WaveSplits', async () => {
		const answers = await atOnce(8, 8, (i) => patch(cards[i], { name: 'raise 53100' }));
		for (const { status, text } of answers) assert.equal(status, 503, text);
	});
	await watch.is('CallsFailing', 'FIRING');
	await watch.is('WaveSplits', 'OK');
	await watch.is('CallsFailing', 'OK');
	await round('WaveSplits');
	await round('CallsFailing');
});

test('more passwords than can be hashed fire RequestsShed, and clear', async () => {
	let n = 0;
	await untilFiring('RequestsShed', () =>
		atOnce(32, 32, () =>
			client.post('/api/sessions', { email: `nobody${n++}@example.org`, password: 'wrong password' })));
	await watch.is('RequestsShed', 'OK');
	await round('RequestsShed');
});

test('a database that stops fires DatabaseUnreachable, and clears when it is back', async () => {
	await stack.stopDatabase('immediate');
	const alert = await watch.is('DatabaseUnreachable', 'FIRING');
	assert.equal(alert.value, 1);
	await stack.startDatabase();
	await watch.is('DatabaseUnreachable', 'OK');
	await round('DatabaseUnreachable');
	await stack.ready();
});

test('a database that hangs is unreachable as soon as a request has found out', async () => {
	const pids = stack.databasePids();
	pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
	after(() => pids.forEach(resume));
	const answers = atOnce(8, 8, () => client.get('/api/cards', { token }));
	const alert = await watch.is('DatabaseUnreachable', 'FIRING');
	assert.equal(alert.value, 1);
	for (const { status } of await answers) assert.equal(status, 503);
	pids.forEach(resume);
	await watch.is('DatabaseUnreachable', 'OK');
	await round('DatabaseUnreachable');
	await stack.ready();
});

test('a service that starts anew begins without an alert, whatever fired before', async () => {
	const card = await client.card(token);
	await patch(card, { name: 'raise 53100' });
	await watch.is('CallsFailing', 'FIRING');
	assert.equal(await stack.stopDaemon(), 0);
	const mark = stack.logMark();
	await stack.startDaemon();
	await stack.ready();
	const { alerts, uptime_seconds: uptime } = (await client.get('/status.json')).json;
	assert.ok(uptime < 20);
	for (const alert of alerts) assert.equal(alert.fired, 0, alert.name);
	await until('some seconds are judged', async () =>
		(await client.get('/status.json')).json.uptime_seconds > 3);
	assert.doesNotMatch(stack.logSince(mark), /alert (pending|firing)/);
});

endsCleanly(stack);
