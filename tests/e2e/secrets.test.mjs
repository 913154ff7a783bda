// What is left of a password and a token in a worker's memory when they have done their work: nothing
// in clear. Only root may look.
import fs from 'node:fs';
import { randomBytes } from 'node:crypto';

import { assert, atOnce, endsCleanly, own, test } from '../lib/harness.mjs';

const stack = await own({ env: { CARDKEEP_WORKERS: '1', CARDKEEP_THREADS: '2' } });
const { client } = stack;
const skip = (process.getuid() !== 0 && 'only root may look into a worker')
	|| (stack.variant !== 'gcc' && 'a sanitizer keeps what was freed, and has terabytes of shadow');

// Whatever a process may write: heap, stacks, data.
function* writable(pid) {
	const maps = fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
	const memory = fs.openSync(`/proc/${pid}/mem`, 'r');
	for (const line of maps) {
		const found = /^([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ (\S+)/.exec(line);
		if (!found) continue;
		const [from, to] = [parseInt(found[1], 16), parseInt(found[2], 16)];
		for (let at = from; at < to; at += 1 << 22) {
			const piece = Buffer.alloc(Math.min(1 << 22, to - at) );
			let got = 0;
			try {
				got = fs.readSync(memory, piece, 0, piece.length, at);
			} catch {
				continue; // a guard, or shadow of a sanitizer
			}
			yield { line, bytes: piece.subarray(0, got) };
		}
	}
	fs.closeSync(memory);
}

function placesOf(text) {
	const places = [];
	for (const pid of stack.children(stack.daemon.pid))
		for (const { line, bytes } of writable(pid)) {
			for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1))
				places.push(`${line}: ...${JSON.stringify(bytes.subarray(Math.max(0, at - 60), at + 60).toString('latin1'))}`);
		}
	return places;
}

const mark = (kind) => `${kind}${randomBytes(12).toString('hex')}`;
const others = () => atOnce(200, 8, async (i) => {
	const got = i % 4 === 0 ? await client.post('/api/sessions', { email: `n${i}@example.org`, password: 'another password' })
		: await client.get('/livez-nothing');
	assert.ok([401, 404].includes(got.status), got.text);
});

test('a mark that a worker holds is found, so that finding none says something', { skip }, () => {
	assert.ok(placesOf('CARDKEEP_WORKERS').length > 0);
});

test('no password and no token is left in a worker after other requests', { skip }, async () => {
	const email = `${mark('a')}@example.org`;
	const [first, second] = [mark('Pass'), mark('Word')];
	const account = await client.register({ email, password: first });
	const signed = await client.post('/api/sessions', { email, password: first });
	assert.equal(signed.status, 201, signed.text);
	const wrong = mark('Wrong');
	assert.equal((await client.post('/api/sessions', { email, password: wrong })).status, 401);
	// As a program writes it that escapes what it need not.
	const escaped = `{"email":"${email}","password":"\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}${first.slice(1)}"}`;
	assert.equal((await client.post('/api/sessions', escaped)).status, 201);
	const cookie = await client.post('/api/sessions', { email, password: first, cookie: true });
	assert.equal(cookie.status, 201, cookie.text);
	const inCookie = /ck_session=([^;]+)/.exec(String(cookie.headers['set-cookie']))?.[1];
	const { token } = account;
	const changed = await client.request('PUT', '/api/users/me/password', {
		token, body: { current_password: first, new_password: second } });
	const card = await client.card(token, { name: 'Mark' });
	assert.equal((await client.get(`/api/cards/${card.id}`, { token })).status, 200);
	await others();
	const secrets = { first, second: changed.status < 300 ? second : undefined, wrong, token,
		signed: signed.json.token, cookie: inCookie };
	for (const [name, secret] of Object.entries(secrets)) {
		if (secret === undefined) continue;
		assert.deepEqual(placesOf(secret.slice(1)), [], name);
	}
});

endsCleanly(stack);
