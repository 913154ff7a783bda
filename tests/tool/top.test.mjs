// cardkeep top: on a terminal of 80 x 24 and as plain text, of a service that works, waits and dies.
import { assert, after, endsCleanly, own, test, until } from '../lib/harness.mjs';
import { Terminal, cardkeep } from './tool.mjs';

const stack = await own({
	env: { CARDKEEP_WORKERS: '2', CARDKEEP_REQUEST_DEADLINE_MS: '10000' },
});
const { client } = stack;
const ann = await client.register();
const card = await client.card(ann.token);

// Something to see: a card that is read, and now and then one that is not there.
let working = true;
const work = (async () => {
	while (working) {
		await client.get(`/api/cards/${card.id}`, { token: ann.token }).catch(() => {});
		await client.get('/api/cards/nothing', { token: ann.token }).catch(() => {});
	}
})();
const terminal = await Terminal.open(stack, ['top', '-d', '0.3']);
after(async () => {
	working = false;
	await work;
});

test('a screen of 80 x 24 has figures, indicators, threads and routes', async () => {
	const screen = await terminal.shows(/^card-read +\d[\d.,]* /m);
	assert.match(screen, /^cardkeep \S+ {2}up \d+ s {2}supervisor \d+ +every 0\.3 s, h: help$/m);
	assert.match(screen, /^now +\d[\d.,]* requests\/s {2}p50 \S+ [mu]s .*connected 6\/6$/m);
	assert.match(screen, /^version_conflict_rate +- +- +below 1 % +ok$/m);
	assert.match(screen, /^THREAD\* +PID WORKER +DOES +ROUTE +FOR +REQ\/S +AVG$/m);
	assert.match(screen, /^0\.0 +\d+ ready /m);
	assert.match(screen, /^1\.0 +\d+ ready /m);
	assert.match(screen, /^ROUTE +REQ\/S\* +P50 +P99 +4XX\/S +5XX\/S +IN ALL$/m);
});

test('keys change the order of both tables', async () => {
	for (const title of [/FOR +REQ\/S\* +AVG$/m, /FOR +REQ\/S +AVG\*$/m, /FOR\* +REQ\/S +AVG$/m]) {
		await terminal.type('t');
		await terminal.shows(title);
	}
	for (const title of [/ P50\* /, / P99\* /, / 5XX\/S\* /]) {
		await terminal.type('r');
		await terminal.shows(title);
	}
	await terminal.type('t');
	await terminal.type('r');
	await terminal.shows(/^THREAD\*[^]*REQ\/S\* +P50 /m);
});

test('paused, the figures stand still, and go on afterwards', async () => {
	const inAll = (screen) => /^in all +answered (\S+)/m.exec(screen)[1];
	await terminal.type('p');
	const then = inAll(await terminal.shows(/PAUSED, h: help/));
	await until('more was answered', async () => {
		const { json } = await client.get('/status.json');
		return json.requests.finished > Number(then.replaceAll(',', '')) + 50;
	});
	assert.equal(inAll(await terminal.screen()), then);
	await terminal.type('p');
	await terminal.shows(/every 0\.3 s/);
	await until('they move', async () => inAll(await terminal.screen()) !== then);
});

test('the time between two screens can be changed', async () => {
	await terminal.type('+');
	await terminal.shows(/every 0\.6 s/);
	await terminal.type('-');
	await terminal.type('-');
	await terminal.shows(/every 0\.15 s/);
	await terminal.type('+');
});

test('help names the keys, and any key leads back', async () => {
	await terminal.type('h');
	const help = await terminal.shows(/^cardkeep top: keys/);
	for (const line of help.split('\n')) assert.ok(line.length < 80, line);
	await terminal.type('x');
	await terminal.shows(/^THREAD/m);
});

test('it follows the size of the terminal and counts what does not fit', async () => {
	await terminal.resize(60, 14);
	await terminal.shows(/^\.\.\. and \d+ more routes/m);
	await terminal.resize(100, 40);
	await terminal.shows(/^card-create /m);
	await terminal.resize(80, 24);
});

test('a row that psql has locked shows as busy waits and requests in flight', async () => {
	const session = stack.session('super');
	await session.run('begin');
	await session.run(`select from cardkeep.business_cards where id = '${card.id}' for update`);
	const save = (name) =>
		client.patch(`/api/cards/${card.id}`, { version: 1, name }, { token: ann.token });
	const waiting = [save('a'), save('b')];
	await terminal.shows(/in flight [1-9][^]*busy [1-9]/);
	// Between two tries the threads wait: they are not busy, and it is said with which request.
	await terminal.shows(/^[01]\.\d +\d+ ready +waiting +card-update/m);
	await session.run('rollback');
	await session.close();
	await Promise.all(waiting);
});

test('with PostgreSQL stopped, the threads are at the database, and for how long', async () => {
	const pids = stack.databasePids();
	for (const pid of pids) process.kill(pid, 'SIGSTOP');
	try {
		await terminal.shows(/^[01]\.0 +\d+ ready +database +card-read +[1-9] s/m);
	} finally {
		for (const pid of pids.reverse()) process.kill(pid, 'SIGCONT');
	}
	await terminal.shows(/^card-read +[1-9]/m);
});

test('plain text comes screen after screen, without a terminal', async () => {
	const got = await cardkeep(stack, ['top', '--batch', '-n', '2', '-d', '0.2']);
	assert.equal(got.status, 0, got.err);
	assert.equal(got.out.match(/^cardkeep /gm).length, 2);
	assert.match(got.out, /^card-read +\d[\d.,]* +\S+ [mu]s +\S+ [mu]s +[\d.]+ +0 +\d/m);
	assert.doesNotMatch(got.out, /\x1b/);
	for (const line of got.out.split('\n')) assert.ok(line.length < 80, line);
});

test('wrong numbers are 64; no terminal, or one it does not know, is 69', async () => {
	assert.equal((await cardkeep(stack, ['top', '-d', '0'])).status, 64);
	assert.equal((await cardkeep(stack, ['top', '-d', 'soon'])).status, 64);
	assert.equal((await cardkeep(stack, ['top', '-n', '0'])).status, 64);
	const none = await cardkeep(stack, ['top']);
	assert.equal(none.status, 69);
	assert.match(none.err, /there is no terminal that can show this; --batch prints plain text\n$/);
	const strange = await Terminal.open(stack, ['top'], { term: 'no-such-terminal' });
	try {
		await strange.shows(/^ended 69$/m);
	} finally {
		await strange.close();
	}
});

test('it tells when the service dies, and goes on with the next one', async () => {
	await stack.stopDaemon('SIGKILL');
	await terminal.shows(/^cardkeep \S+ {2}not running: last figures, \d+ s old/);
	await stack.startDaemon();
	await terminal.shows(/^cardkeep \S+ {2}up \d+ s {2}supervisor/);
	await stack.ready();
	await terminal.shows(/^card-read +[1-9]/m);
});

test('q gives the terminal back and ends with 0', async () => {
	try {
		await terminal.type('q');
		const screen = await terminal.shows(/^ended 0$/m);
		assert.doesNotMatch(screen, /^THREAD/m);
	} finally {
		// Before its socket goes, with the instance's directory.
		await terminal.close();
	}
});

endsCleanly(stack);
