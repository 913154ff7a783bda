// The security log: a line for each sign-in, refusal and change of an account, that tells the network and
// never the address, and that fail2ban can read. Off unless configured.
import fs from 'node:fs';
import path from 'node:path';

import { assert, endsCleanly, own, test, top, until } from '../lib/harness.mjs';
import { ask } from '../pool/fcgi.mjs';

// The daemon is started in its run directory.
const stack = await own({ env: { CARDKEEP_SECURITY_LOG: 'security.log', CARDKEEP_SIGN_IN_TRIES: '2' } });
const FILE = path.join(stack.dir, 'run/security.log');
const PASSWORD = 'correct horse battery staple';
const FORM = /^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z event=([a-z-]+) outcome=(ok|refused|limited|failed) status=(\d{3}) place=(\S+) account=([0-9a-f]{16}|-) session=([0-9a-f]{16}|-) request=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

const text = (file = FILE) => fs.readFileSync(file, 'utf8');
function lines() {
	return text().trimEnd().split('\n').filter((line) => line !== '').map((line) => {
		assert.match(line, FORM);
		const [, event, outcome, status, place, account, session, request] = FORM.exec(line);
		return { event, outcome, status: Number(status), place, account, session, request };
	});
}

const say = (address, method, uri, body, token) =>
	ask(path.join(stack.dir, 'run/app.sock'), uri, {
		method, params: { REMOTE_ADDR: address }, body: body === undefined ? '' : JSON.stringify(body),
		headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
	});

// The one line of that answer.
function lineOf(got) {
	const id = got.headers['x-request-id'];
	const found = lines().filter(({ request }) => request === id);
	assert.equal(found.length, 1, `${got.status} ${id}`);
	assert.equal(found[0].status, got.status);
	return [found[0].event, found[0].outcome, found[0].place];
}

const email = 'grace@example.org'; // no part of it is a hexadecimal number, as what is told of it is
let token;
let guesses; // from 198.51.100.5, the last of them too early

test('each kind of event has its line, with the network it came from', async () => {
	const account = { email, password: PASSWORD };
	const made = await say('192.0.2.77', 'POST', '/api/users', account);
	assert.deepEqual(lineOf(made), ['registration', 'ok', '192.0.2.0/24']);
	token = made.json.token;
	assert.deepEqual(lineOf(await say('192.0.2.77', 'POST', '/api/users', account)), ['registration', 'refused', '192.0.2.0/24']);
	assert.deepEqual(lineOf(await say('2001:db8:1:2:3::4', 'POST', '/api/sessions', account)), ['sign-in', 'ok', '2001:db8:1:2::/64']);
	assert.deepEqual(lineOf(await stack.client.post('/api/sessions', account)), ['sign-in', 'ok', 'local']);
	const wrong = { email, password: 'a wrong guess' };
	const outcomes = [];
	// Each pause is twice the one before, so that one comes which even a slow machine does not outlast.
	while (outcomes.length < 8 && outcomes.at(-1) !== 'limited') {
		const [event, outcome, place] = lineOf(await say('198.51.100.5', 'POST', '/api/sessions', wrong));
		assert.deepEqual([event, place], ['sign-in', '198.51.100.0/24']);
		outcomes.push(outcome);
	}
	assert.deepEqual(outcomes, [...Array(Math.max(2, outcomes.length - 1)).fill('refused'), 'limited']);
	guesses = outcomes.length;
	const change = { current_password: 'a wrong guess', new_password: 'another password' };
	assert.deepEqual(lineOf(await say('192.0.2.77', 'PUT', '/api/users/me/password', change, token)), ['password-change', 'refused', '192.0.2.0/24']);
	change.current_password = PASSWORD;
	assert.deepEqual(lineOf(await say('192.0.2.77', 'PUT', '/api/users/me/password', change, token)), ['password-change', 'ok', '192.0.2.0/24']);
	assert.deepEqual(lineOf(await say('192.0.2.77', 'DELETE', '/api/sessions?scope=others', undefined, token)), ['session-end', 'ok', '192.0.2.0/24']);
	const forged = await ask(path.join(stack.dir, 'run/app.sock'), '/api/cards', {
		method: 'POST', params: { REMOTE_ADDR: '203.0.113.9' }, body: '{"name":"x"}',
		headers: { Cookie: `ck_session=${token}`, 'Sec-Fetch-Site': 'cross-site' },
	});
	assert.deepEqual(lineOf(forged), ['cross-origin', 'refused', '203.0.113.0/24']);
	const lured = await ask(path.join(stack.dir, 'run/app.sock'), '/api/sessions', {
		method: 'POST', params: { REMOTE_ADDR: '203.0.113.9' }, body: JSON.stringify({ ...account, cookie: true }),
		headers: { 'Sec-Fetch-Site': 'cross-site' },
	});
	assert.deepEqual(lineOf(lured), ['cross-origin', 'refused', '203.0.113.0/24']);
	// What the caller may not do is another 403, and no page's doing.
	const other = await ask(path.join(stack.dir, 'run/app.sock'), '/rest/v1/rpc/create_business_card_atomic', {
		method: 'POST', params: { REMOTE_ADDR: '203.0.113.9' },
		body: JSON.stringify({ p_user_id: '00000000-0000-4000-8000-000000000000', p_name: 'x' }),
		headers: { Cookie: `ck_session=${token}`, 'Sec-Fetch-Site': 'same-origin' },
	});
	assert.equal(other.status, 403);
	assert.ok(!text().includes(other.headers['x-request-id']));
	assert.deepEqual(lineOf(await say('192.0.2.77', 'DELETE', '/api/users/me', { password: 'another password' }, token)), ['account-deletion', 'ok', '192.0.2.0/24']);
});

test('who is the same can be told, and who it is cannot', () => {
	const all = lines();
	const accounts = new Set(all.filter(({ event }) => event === 'sign-in').map(({ account }) => account));
	assert.equal(accounts.size, 1);
	assert.ok(all.some(({ event, session }) => event === 'session-end' && session !== '-'));
	for (const secret of [email, 'grace', PASSWORD, 'another password', token, '192.0.2.77', '2001:db8:1:2:3', '198.51.100.5'])
		assert.ok(!text().includes(secret), secret);
	assert.equal(fs.statSync(FILE).mode & 0o777, 0o640);
});

// As fail2ban puts it together: <SUBNET> is an address and a length, and the time is cut out first.
test("fail2ban's filter finds refused and limited tries of networks, and nothing else", () => {
	const filter = fs.readFileSync(path.join(top, 'monitoring/fail2ban/filter.conf'), 'utf8');
	const [, failregex] = /^failregex = (.*)$/m.exec(filter);
	const regex = new RegExp(failregex.replace('<SUBNET>', '(?<subnet>[0-9a-f.:]+/\\d+)'));
	const found = text().trimEnd().split('\n').map((line) => regex.exec(line.replace(/^ts=\S+/, ''))?.groups.subnet);
	const wanted = lines().map(({ event, outcome, place }) =>
		place !== 'local' && !['session-end', 'cross-origin'].includes(event) && ['refused', 'limited'].includes(outcome)
			? place : undefined);
	assert.deepEqual(found, wanted);
	assert.equal(found.filter((subnet) => subnet === '198.51.100.0/24').length, guesses);
});

test('SIGUSR1 opens it anew, as after logrotate', async () => {
	fs.renameSync(FILE, `${FILE}.1`);
	stack.daemon.kill('SIGUSR1');
	await until('both workers have it', () => fs.existsSync(FILE));
	await until('a new line is in the new file', async () => {
		await say('192.0.2.77', 'POST', '/api/sessions', { email, password: PASSWORD });
		return text() !== '';
	});
	assert.match((await stack.client.get('/metrics')).text, /^cardkeep_security_lines_lost_total 0$/m);
});

test('a line that cannot be written is counted, and its request answered', async () => {
	await stack.stopDaemon();
	stack.env.CARDKEEP_SECURITY_LOG = '/dev/full';
	await stack.startDaemon();
	await stack.ready();
	const got = await say('192.0.2.77', 'POST', '/api/sessions', { email, password: PASSWORD });
	assert.equal(got.status, 401);
	assert.match((await stack.client.get('/metrics')).text, /^cardkeep_security_lines_lost_total 1$/m);
});

test('a place where it cannot be ends the start, and says so', async () => {
	await stack.stopDaemon();
	stack.env.CARDKEEP_SECURITY_LOG = '/nowhere/security.log';
	assert.equal((await stack.secondDaemon()).status, 73);
	assert.match(stack.log(), /\/nowhere\/security\.log: No such file or directory/);
	stack.env.CARDKEEP_SECURITY_LOG = '';
	await stack.startDaemon();
	await stack.ready();
});

endsCleanly(stack);
