// What the logs hold after all the other files: ids, never secrets. Runs last.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { assert, shared, test, until } from '../lib/harness.mjs';
import { secretIn } from '../lib/secrets.mjs';

const { stack, client } = await shared();

function everything() {
	const dir = path.join(stack.dir, 'log');
	const files = readdirSync(dir).map((name) => path.join(dir, name));
	files.push(path.join(stack.dir, 'db/log'));
	return files.map((file) => readFileSync(file, 'utf8')).join('\n');
}

test('no log holds a token, a password, an address or the content of a card', async () => {
	const email = 'zz.secret.address@example.org';
	const password = 'zz secret password';
	const device_name = 'zz secret device';
	const ada = await client.register({ email, password, device_name });
	await client.post('/api/sessions', { email, password: 'zz secret guess' });
	await client.post('/api/users', { email, password });
	const card = await client.card(ada.token, { name: 'zz secret name', fields_config: { a: 'zz secret value' } });
	await client.patch(`/api/cards/${card.id}`, { version: 7, name: 'zz secret change' }, { token: ada.token });
	await client.patch(`/api/cards/${card.id}`, { version: 1, name: 'zz secret change\n' }, { token: ada.token });
	await client.post('/api/cards', '{"name":"zz secret broken', { token: ada.token });
	await client.patch('/api/profile/personal', { version: 0, primary_email: email }, { token: ada.token });
	const text = everything();
	assert.ok(text.length > 1000);
	assert.equal(secretIn(text), '');
	assert.doesNotMatch(text, /zz.secret/i);
});

test('a request id in the log is in one form, the one that the client saw', () => {
	assert.doesNotMatch(stack.log(), /\b(id|request|request_id)=[0-9a-f]{32}\b/);
});

test('a version conflict is logged with what was called, the version there is, and the request', async () => {
	const { token } = await client.register();
	const card = await client.card(token);
	const mark = stack.logMark();
	const got = await client.patch(`/api/cards/${card.id}`, { version: 7, name: 'x' }, { token });
	const again = await client.patch(`/api/cards/${card.id}`, { name: 'x' }, { token, headers: { 'if-match': '"7"' } });
	for (const [{ status, headers }, expected] of [[got, 409], [again, 412]]) {
		assert.equal(status, expected);
		const end = ` request=${headers['x-request-id']}`;
		const line = await until('it is logged', () =>
			stack.logSince(mark).split('\n').find((one) => /Version conflict/.test(one) && one.endsWith(end)));
		assert.match(line, /level=info .*Version conflict fn=update_card current=1 status=4\d\d request=/);
		assert.ok(line.endsWith(` status=${status}${end}`), line);
	}
});

test('every line of the service is one logfmt line', () => {
	// Words first, then fields; a quote stands only around a value, or escaped in one.
	const logfmt = /^ts=\S+Z level=(error|warn|info|debug) pid=\d+( [^=" ]+)+( \w+=("([^"\\]|\\.)*"|[^" ]*))*$/;
	for (const line of stack.log().split('\n'))
		if (line !== '') assert.match(line, logfmt);
});
