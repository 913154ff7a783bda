// Alerts that need no database, and how alert_command is run. No PostgreSQL, no nginx: so
// DatabaseUnreachable fires from the start.
import fs from 'node:fs';

import { assert, after, test } from '../lib/harness.mjs';
import { Command, Watch, wentRound } from '../lib/alerts.mjs';
import { serviceUser } from '../lib/shell.mjs';
import { until } from '../lib/wait.mjs';
import { Pool, alive } from './pool.mjs';

const command = new Command(await serviceUser());
const keys = {
	window_s: 8,
	window_short_s: 2,
	alert_command: command.line,
	alert_database: 'off',
	alert_saturation: 'above 50% clear 25% for 1s',
	alert_crashes: 'above 2 clear 0 for 1s',
};
// As an operator may have them in the environment of his service.
const secrets = { PGPASSWORD: 'zz-secret', CARDKEEP_ADMIN_DATABASE: 'host=/nowhere', LISTEN_FDNAMES: 'none' };
const pool = await Pool.start({ keys, env: { ...secrets, TZ: 'UTC' } });
after(() => pool.destroy());
const watch = new Watch(async () => (await pool.look('/status.json')).json);
after(() => watch.stop());
const metrics = async () => (await pool.look('/metrics')).text;
const round = (name) => wentRound(name, { watch, command, log: () => pool.log(), metrics });

// Rules and alert_command are the supervisor's, and in force before any process is replaced.
async function reload(more) {
	const loads = pool.lines(/ reloaded generation=/).length;
	pool.configure({ ...keys, ...more });
	pool.signal('SIGHUP');
	await until('it is reloaded', () => pool.lines(/ reloaded generation=/).length > loads);
}

async function quiet() {
	await reload({});
	await watch.is('DatabaseUnreachable', 'OK');
}

const lines = (words, name) => pool.lines(new RegExp(`${words} name=${name} `));

test('workers that are killed fire WorkersCrashing, and clear', async () => {
	for (let i = 0; i < 3; i++) {
		const [victim] = await until('two workers serve', () => pool.workers().length === 2 && pool.workers());
		process.kill(victim, 'SIGKILL');
		await until('it is gone', () => !alive(victim));
	}
	const { value } = await watch.is('WorkersCrashing', 'FIRING');
	assert.equal(value, 3);
	await watch.is('WorkersCrashing', 'OK');
	await round('WorkersCrashing');
});

test('workers that are stopped fire PoolSaturated, and clear when they go on', async () => {
	const workers = pool.workers();
	workers.forEach((pid) => process.kill(pid, 'SIGSTOP'));
	const { value } = await watch.is('PoolSaturated', 'FIRING');
	assert.equal(value, 1);
	assert.match(await metrics(), /^cardkeep_threads_held 2$/m);
	workers.forEach((pid) => process.kill(pid, 'SIGCONT'));
	await watch.is('PoolSaturated', 'OK');
	await round('PoolSaturated');
});

test('a reload takes new rules: one turned on fires, and one turned off clears', async () => {
	assert.deepEqual(watch.states('DatabaseUnreachable'), ['OK']);
	assert.equal(watch.latest('DatabaseUnreachable').threshold, null);
	await reload({ alert_database: 'above 50% clear 10% for 1s' });
	const { threshold } = await watch.is('DatabaseUnreachable', 'FIRING');
	assert.equal(threshold, 0.5);
	await quiet();
	await until('the command is told', () => command.told('DatabaseUnreachable').length === 2);
	const [fired, cleared] = command.told('DatabaseUnreachable');
	assert.deepEqual([fired.STATE, fired.VALUE, fired.THRESHOLD], ['FIRING', '1', '0.5']);
	assert.deepEqual([cleared.STATE, cleared.THRESHOLD], ['OK', '']);
});

test('what goes on firing is told again after its time', async () => {
	const before = command.told('DatabaseUnreachable').length;
	await reload({ alert_database: 'above 50% clear 10% for 0s', alert_repeat_s: 1 });
	await until('it is told again', () => command.told('DatabaseUnreachable').length >= before + 3);
	assert.ok(lines('alert still firing', 'DatabaseUnreachable').length >= 2);
	await quiet();
});

// A script of its own in the command's directory, which says its pid first.
function script(name, body) {
	const file = `${command.dir}/${name}`;
	const said = `${file}.pid`;
	fs.writeFileSync(said, '');
	fs.chmodSync(said, 0o666);
	fs.writeFileSync(file, `#!/bin/sh\necho $$ >${said}\n${body}\n`, { mode: 0o755 });
	const pid = () => Number(fs.readFileSync(said, 'utf8'));
	return { file, pid };
}

const endLine = () => lines('alert_command ended', 'DatabaseUnreachable').at(-1) ?? '';
const on = { alert_database: 'above 50% clear 10% for 0s' };

test('a command that hangs is killed with all it started, and holds nobody up', async () => {
	await quiet();
	const hangs = script('hangs', 'trap "" TERM; sleep 1000 & wait; sleep 1000');
	await reload({ ...on, alert_command: hangs.file, alert_command_timeout_s: 5 });
	const pid = await until('it runs', hangs.pid);
	const group = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[4];
	assert.equal(Number(group), pid, 'a group of its own');
	const [child] = await until('so does its child', () =>
		fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean));
	const { json } = await pool.look('/status.json');
	assert.ok(json.supervisor.heartbeat_age_seconds < 2, 'it turns meanwhile');
	await until('it is killed', () => !alive(pid) && !alive(Number(child)), 20_000);
	await until('the log says so', () => /level=warn .*signal=9 ms=\d+ reason="its time was up"/.test(endLine()));
	const took = Number(/ms=(\d+)/.exec(endLine())[1]);
	assert.ok(took >= 5000 && took < 15_000, endLine());
	await quiet();
});

test('while a command runs, the latest news waits, and only that', async () => {
	await quiet();
	const fired = () =>
		command.told('DatabaseUnreachable').filter(({ STATE }) => STATE === 'FIRING').length;
	const before = fired();
	const limit = { alert_command_timeout_s: 120 };
	const go = `${command.dir}/go`;
	const slow = script('slow', `while ! [ -e ${go} ]; do sleep 0.05; done; exec ${command.line}`);
	await reload({ ...on, alert_command: slow.file, ...limit });
	const first = await until('it runs', slow.pid);
	await reload({ alert_command: slow.file, ...limit });
	await watch.is('DatabaseUnreachable', 'OK');
	await reload({ ...on, alert_command: slow.file, ...limit });
	await watch.is('DatabaseUnreachable', 'FIRING');
	await reload({ alert_command: slow.file, ...limit });
	await watch.is('DatabaseUnreachable', 'OK');
	assert.ok(alive(first));
	assert.equal(slow.pid(), first);
	fs.writeFileSync(go, '');
	await until('the last news is told', () =>
		fired() > before && command.told('DatabaseUnreachable').at(-1).STATE === 'OK');
	assert.equal(fired(), before + 1, 'it fired twice, and cleared twice');
});

test('a command that is not there, or fails, is logged and nothing more', async () => {
	await quiet();
	// One that was never there is refused with the configuration; this one cannot be run.
	const broken = `${command.dir}/broken`;
	fs.writeFileSync(broken, '#!/nowhere/at/all\n', { mode: 0o755 });
	await reload({ ...on, alert_command: broken });
	await until('the log says so', () => / status=127 /.test(endLine()));
	await reload({ alert_command: 'false' });
	await until('the log says so', () => / status=1 /.test(endLine()));
	assert.match(endLine(), /level=warn /);
});

test('a command gets no input, no descriptor of the service, and nobody takes its output for the log', async () => {
	await quiet();
	const looks = script('looks', `cat; echo on stdout; echo on stderr >&2; ls -l /proc/self/fd >${command.dir}/fds; grep -E 'Sig(Blk|Ign)' /proc/$$/status >>${command.dir}/fds`);
	fs.writeFileSync(`${command.dir}/fds`, '');
	fs.chmodSync(`${command.dir}/fds`, 0o666);
	await reload({ ...on, alert_command: looks.file });
	await until('it has ended', () => / status=0 /.test(endLine()) && looks.pid());
	const text = fs.readFileSync(`${command.dir}/fds`, 'utf8');
	assert.doesNotMatch(text, /socket:|segment|pipe:/);
	assert.match(text, /SigBlk:\t0+$/m);
	assert.match(text, /SigIgn:\t0+$/m);
	assert.doesNotMatch(pool.log(), /on std(out|err)/);
	await quiet();
});

test("a command gets none of the secrets in the service's environment", async () => {
	await quiet();
	fs.writeFileSync(`${command.dir}/env`, '');
	fs.chmodSync(`${command.dir}/env`, 0o666);
	const looks = script('asks', `env >${command.dir}/env`);
	await reload({ ...on, alert_command: looks.file });
	const text = await until('it has told all', () => {
		const said = fs.readFileSync(`${command.dir}/env`, 'utf8');
		return /CARDKEEP_ALERT_NAME/.test(said) && /\n$/.test(said) && said;
	});
	const names = text.split('\n').filter(Boolean).map((line) => line.split('=')[0]);
	const strange = names.filter((name) => !/^(PATH|LC_ALL|TZ|PWD|_|OLDPWD|SHLVL|CARDKEEP_ALERT_[A-Z]+)$/.test(name));
	assert.deepEqual(strange, []);
	for (const name of ['PATH', 'TZ', 'CARDKEEP_ALERT_NAME']) assert.ok(names.includes(name), text);
	await quiet();
});

test('a command that still runs when the service ends does not outlive it', async () => {
	await quiet();
	const stays = script('stays', 'sleep 1000');
	await reload({ ...on, alert_command: stays.file });
	const pid = await until('it runs', stays.pid);
	await watch.stop();
	assert.equal(await pool.stop(), '');
	await until('it is gone', () => !alive(pid));
});
