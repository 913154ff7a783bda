// A database that refuses the service: /readyz says the reason, by SQLSTATE and in words, and no secret.
import fs from 'node:fs';
import path from 'node:path';

import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const stack = await own();
const { client } = stack;
const host = `host=${stack.dir}/db/run`;
const hba = path.join(stack.dir, 'db/data/pg_hba.conf');
const password = 'n0t-the-password';

async function restart(database) {
	await stack.stopDaemon();
	stack.env.CARDKEEP_DATABASE = database;
	await stack.startDaemon();
}

async function reason(what) {
	let detail = '';
	await until(`${what} is told`, async () => {
		const ready = await client.get('/readyz');
		detail = ready.json?.detail ?? '';
		return ready.status === 503 && /last SQLSTATE: [0-9A-Z]{5}/.test(detail);
	}).catch((error) => assert.fail(`${error.message}; it says: ${detail}\n${stack.log().slice(-1500)}`));
	return detail.replace(/.*last SQLSTATE: /, '');
}

// Lines before the cluster's own.
async function admit(lines) {
	const text = fs.readFileSync(hba, 'utf8').replace(/^.*# test\n/gm, '');
	fs.writeFileSync(hba, lines.map((line) => `${line} # test\n`).join('') + text);
	await stack.sql('select pg_reload_conf()', 'super');
}

const refusals = {
	'no such database': [async () => restart(`${host} dbname=nowhere user=cardkeep_runtime`), '3D000 (no such database)'],
	'no such user': [async () => restart(`${host} dbname=cardkeep user=nobody_here`), '28000 (user unknown, or not let in by pg_hba.conf)'],
	'a user who is not let in': [async () => {
		await admit(['local cardkeep cardkeep_runtime reject']);
		await restart(`${host} dbname=cardkeep user=cardkeep_runtime`);
	}, '28000 (user unknown, or not let in by pg_hba.conf)'],
	'a wrong password': [async () => {
		await stack.sql("alter role cardkeep_runtime password 'another'", 'super');
		await admit(['local cardkeep cardkeep_runtime scram-sha-256']);
		await restart(`${host} dbname=cardkeep user=cardkeep_runtime password=${password}`);
	}, '28P01 (wrong password, or none)'],
	'no password': [async () => restart(`${host} dbname=cardkeep user=cardkeep_runtime`), '28P01 (wrong password, or none)'],
	'too many connections': [async () => {
		await admit([]);
		await stack.sql('alter role cardkeep_runtime connection limit 0', 'super');
		await restart(`${host} dbname=cardkeep user=cardkeep_runtime`);
	}, '53300 (too many connections)'],
	'a database that is read-only': [async () => {
		await stack.sql('alter role cardkeep_runtime connection limit -1', 'super');
		await stack.sql('alter role cardkeep_runtime set default_transaction_read_only = on', 'super');
		await restart(`${host} dbname=cardkeep user=cardkeep_runtime`);
	}, '25006 (read-only: a standby, or set so)'],
	'a database without the migrations': [async () => {
		await stack.sql('alter role cardkeep_runtime reset default_transaction_read_only', 'super');
		await stack.sql('create database bare template template0', 'super');
		await restart(`${host} dbname=bare user=cardkeep_runtime`);
	}, '3F000 (the migrations are missing: cardkeep migrate)'],
	'nobody there': [async () => restart('host=/nowhere dbname=cardkeep user=cardkeep_runtime'), '08001 (no server answers)'],
};

for (const [what, [refuse, told]] of Object.entries(refusals))
	test(`${what}: /readyz says it`, async () => {
		await refuse();
		assert.equal(await reason(what), told);
		const verbose = await client.get('/readyz?verbose');
		assert.ok(!verbose.text.includes(password) && !stack.log().includes(password));
		const { workers } = (await client.get('/status.json')).json;
		assert.ok(JSON.stringify(workers).includes(told.slice(0, 5)));
	});

test('let in, it is ready', async () => {
	await restart(`${host} dbname=cardkeep user=cardkeep_runtime`);
	await stack.ready();
});

endsCleanly(stack);
