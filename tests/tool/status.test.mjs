// cardkeep status: the segment on one screen, also when nobody is there any more.
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';
import { cardkeep } from './tool.mjs';

const stack = await own();
const { client } = stack;
const status = (...args) => cardkeep(stack, ['status', ...args]);

const ann = await client.register();
const card = await client.card(ann.token);
const save = (version) =>
	client.patch(`/api/cards/${card.id}`, { version, name: `Of ${version}` }, { token: ann.token });
await save(1);
await save(1);

test('it shows what was counted, by entity where that matters', async () => {
	const got = await status();
	assert.equal(got.status, 0, got.err);
	assert.match(got.out, /^cardkeep \S+ {2}up \d+ s {2}supervisor \d+ {2}generation 1\n/);
	assert.match(got.out, /^updates +applied 1 \(card 1\) {2}merged 0$/m);
	assert.match(got.out, /^conflicts +refused 1 \(card 1\)$/m);
	assert.match(got.out, /^version_conflict_rate +50 % +below 1 % +MISSED$/m);
	assert.match(got.out, /^retry_success_rate +- +above 95 % +ok$/m);
	assert.match(got.out, /^worker 0 {2}pid \d+ {2}ready {2}up \d+ s/m);
	assert.match(got.out, /in flight 0 {2}database open/);
	for (const line of got.out.split('\n')) assert.ok(line.length <= 80, line);
});

test('with --json it is what the status process serves, but for what needs a window', async () => {
	const got = await status('--json');
	const mine = JSON.parse(got.out);
	const theirs = (await client.get('/status.json')).json;
	assert.deepEqual(Object.keys(mine), Object.keys(theirs));
	assert.deepEqual(mine.totals, theirs.totals);
	assert.deepEqual(mine.supervisor.pid, theirs.supervisor.pid);
	assert.deepEqual(mine.workers.map((w) => w.pid), theirs.workers.map((w) => w.pid));
	const rate = mine.indicators.version_conflict_rate;
	assert.deepEqual(rate.since_start, theirs.indicators.version_conflict_rate.since_start);
	assert.equal(rate.value, null);
	assert.equal(rate.ok, true);
	assert.equal(mine.requests.per_second, null);
});

test('wrong usage is 64 and names what was wrong', async () => {
	for (const [args, text] of [
		[[], /usage:/],
		[['statuses'], /no command 'statuses'/],
		[['status', 'now'], /'status' takes no argument/],
		[['status', '--bogus'], /--bogus/],
	]) {
		const got = await cardkeep(stack, args);
		assert.equal(got.status, 64, got.err);
		assert.match(got.err, text);
		assert.equal(got.out, '');
	}
});

test('--help and -V need no service and no configuration', async () => {
	const help = await cardkeep(stack, ['-c', '/nowhere', '--help']);
	assert.equal(help.status, 0);
	assert.match(help.out, /^ {2}status +one screen/m);
	assert.match((await cardkeep(stack, ['-V'])).out, /^cardkeep \d/);
});

test('a wrong configuration is 78 and one line, a missing one 77', async () => {
	const wrong = await cardkeep(stack, ['status'], { env: { CARDKEEP_WORKERS: 'many' } });
	assert.equal(wrong.status, 78);
	assert.match(wrong.err, /^cardkeep: CARDKEEP_WORKERS: 'many' is not a whole number\n$/);
	assert.equal((await cardkeep(stack, ['-c', '/nowhere', 'status'])).status, 77);
	const unknown = await cardkeep(stack, ['status'], { env: { CARDKEEP_WORKER: '1' } });
	assert.equal(unknown.status, 0);
	assert.match(unknown.err, /^cardkeep: unknown environment variable CARDKEEP_WORKER\n$/);
});

test('where the service never was, it says so with 69', async () => {
	const env = { CARDKEEP_SEGMENT: `${stack.dir}/run/nothing` };
	const got = await cardkeep(stack, ['status'], { env });
	assert.equal(got.status, 69);
	assert.match(got.err, /run\/nothing is not there: the service was never started here\n$/);
});

test('what is no segment is not taken for one', async () => {
	const env = { CARDKEEP_SEGMENT: `${stack.dir}/conf/cardkeep.conf` };
	const got = await cardkeep(stack, ['status'], { env });
	assert.equal(got.status, 69);
	assert.match(got.err, /cardkeep\.conf (is not a segment of cardkeepd|has not the size it says)/);
});

test(
	'another user is told who may look',
	{ skip: process.getuid() !== 0 && 'only root can become another user' },
	async () => {
		const got = await cardkeep(stack, ['status'], { user: { uid: 65534, gid: 65534 } });
		assert.equal(got.status, 77);
		assert.match(got.err, /segment: Permission denied; root, the service's user and its group may look\n$/);
	},
);

test('a supervisor that hangs is told from one that ended', async () => {
	stack.daemon.kill('SIGSTOP');
	const got = await until('it is noticed', async () => {
		const now = await status();
		return now.status === 1 && now;
	});
	stack.daemon.kill('SIGCONT');
	assert.match(got.out, /^cardkeep \S+ {2}supervisor \d+ has not turned for \d+ s\n/);
	await until('it turns again', async () => (await status()).status === 0);
});

test('after a stop it shows the last figures, and says that they are', async () => {
	assert.equal(await stack.stopDaemon(), 0);
	const got = await status();
	assert.equal(got.status, 1);
	assert.match(got.out, /^cardkeep \S+ {2}not running: last figures, \d+ s old\n/);
	assert.match(got.out, /^conflicts +refused 1 \(card 1\)$/m);
	assert.doesNotMatch(got.out, /^worker/m);
});

test('after a crash too, with what the workers were at', async () => {
	await stack.startDaemon();
	await stack.ready();
	await stack.stopDaemon('SIGKILL');
	const got = await until('it is noticed', async () => {
		const now = await status();
		return now.status === 1 && now;
	});
	assert.match(got.out, /^cardkeep \S+ {2}not running: last figures, \d+ s old\n/);
	assert.match(got.out, /^worker 0 /m);
});

test('and of the next one it shows its own figures', async () => {
	await stack.startDaemon();
	await stack.ready();
	const got = await status();
	assert.equal(got.status, 0, got.out + got.err);
	assert.match(got.out, /^conflicts +refused 0$/m);
});

endsCleanly(stack);
