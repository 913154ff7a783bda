// TLS before PostgreSQL with records larger than what libpq reads at once: every answer comes.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

import { after, assert, atOnce, endsCleanly, own, test } from '../lib/harness.mjs';
import { freePort } from '../lib/stack.mjs';

const stack = await own();
const { client } = stack;
const { token } = await client.register();
const dir = path.join(stack.dir, 'proxy');
const port = await freePort();

execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
	'-keyout', path.join(dir, 'key.pem'), '-out', path.join(dir, 'cert.pem')], { stdio: 'ignore' });
fs.chmodSync(path.join(dir, 'key.pem'), 0o644);
fs.copyFileSync(new URL('../lib/door.mjs', import.meta.url), path.join(dir, 'door.mjs'));
const door = fork(path.join(dir, 'door.mjs'),
	['127.0.0.1', String(port), path.join(stack.dir, 'db/run/.s.PGSQL.5432'), 'key.pem', 'cert.pem'],
	{ ...stack.user, cwd: dir });
after(() => door.kill('SIGKILL'));
await once(door, 'message');
await stack.stopDaemon();
stack.env.CARDKEEP_DATABASE = `host=127.0.0.1 port=${port} sslmode=verify-ca sslrootcert=${dir}/cert.pem dbname=cardkeep user=cardkeep_runtime`;
await stack.startDaemon();
await stack.ready();

const text = (bytes, seed) => String.fromCharCode(97 + (seed % 26)).repeat(bytes);

test('cards around the size of a record are read and changed, many at once', async () => {
	assert.deepEqual(await stack.sql("select count(*) > 0 from pg_stat_activity where usename = 'cardkeep_runtime'", 'super'), ['t']);
	const cards = await atOnce(20, 5, (i) =>
		client.card(token, { name: `Large ${i}`, fields_config: { about: text(7000 + 500 * i, i) } }));
	const reads = await atOnce(240, 5, (i) => client.get(`/api/cards/${cards[i % cards.length].id}`, { token }));
	assert.deepEqual([...new Set(reads.map(({ status }) => status))], [200]);
	const slowest = Math.max(...reads.map(({ ms }) => ms));
	assert.ok(slowest < 4000, `a read took ${slowest} ms`);
	const updates = await atOnce(60, 5, (i) => client.patch(`/api/cards/${cards[i % cards.length].id}`,
		{ version: 1 + Math.floor(i / cards.length), fields_config: { about: text(9000 + i, i) } }, { token }));
	assert.deepEqual([...new Set(updates.map(({ status }) => status))].filter((status) => ![200, 409].includes(status)), []);
	const first = updates.slice(0, cards.length);
	assert.ok(first.every(({ status }) => status === 200), 'the first change of each card is applied');
});

test('an answer of many records comes whole', async () => {
	const about = text(200_000, 7);
	const card = await client.card(token, { name: 'Very large', fields_config: { about } });
	const got = await client.get(`/api/cards/${card.id}`, { token });
	assert.equal(got.status, 200);
	assert.equal(got.json.fields_config.about, about);
});

endsCleanly(stack);
