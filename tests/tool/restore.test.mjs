// doc/backup.md, played with pg_dump and pg_restore: a database that was restored is whole after
// `cardkeep migrate`, in the same cluster and in a new one, whether the dump made the database or not.
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { assert, endsCleanly, own, shell, test, top } from '../lib/harness.mjs';
import { query } from '../lib/psql.mjs';
import { cardkeep } from './tool.mjs';

const run = promisify(execFile);
const stack = await own();
const here = (database) => stack.conninfo.super.replace(/dbname=\S+/, `dbname=${database}`);
const migrate = (conninfo) => cardkeep(stack, ['migrate', '-D', conninfo, '-s', path.join(top, 'sql')]);
const verify = (conninfo) => cardkeep(stack, ['verify', '-D', conninfo]);
const dump = path.join(stack.dir, 'kept.dump');
const roles = path.join(stack.dir, 'roles.sql');
const cards = 'select string_agg(slug, chr(32) order by slug) from cardkeep.business_cards';

// A cluster of its own, which knows none of the roles.
const place = fs.mkdtempSync('/tmp/ck-restore-');
fs.chmodSync(place, 0o711);
const lib = `. "${top}/scripts/lib/postgres.sh"; cluster=${place}/cluster;`;
await shell(`${lib} pg_init "$cluster" "${place}/run" && pg_start "$cluster"`);
// Also where the file is stopped in the middle.
process.once('exit', () =>
	spawnSync('bash', ['-c', `${lib} pg_stop "$cluster" immediate; rm -rf "${place}"`]));
const elsewhere = (database) => `host='${place}/run' user=postgres dbname=${database}`;

// What is backed up was upgraded, has an account, and is used by others too.
await query(here('postgres'), 'create database kept template template0');
await query(here('kept'), `
	create table public.business_cards (id uuid primary key, user_id uuid, name text, slug text, is_active boolean);
	alter table public.business_cards enable row level security;
	create policy own on public.business_cards using (is_active);
	insert into public.business_cards values (md5('a')::uuid, md5('1')::uuid, 'A', 'a-card', true)`);
await run('psql', ['-Xq', '-v', 'ON_ERROR_STOP=1', '-d', here('kept'), '-f',
	path.join(top, 'sql/migration-race-condition-fixes.sql')]);
assert.equal((await migrate(here('kept'))).status, 0);
await query(here('kept'), `select cardkeep.create_business_card_atomic(md5('1')::uuid, 'Second')`);
await run('pg_dump', ['-Fc', '-f', dump, here('kept')]);
await run('pg_dumpall', ['--roles-only', '-f', roles, '-d', here('postgres')]);

async function isWhole(conninfo) {
	const got = await migrate(conninfo);
	assert.equal(got.status, 0, got.out + got.err);
	assert.match(got.out, /Nothing to deploy/);
	const verified = await verify(conninfo);
	assert.equal(verified.status, 0, verified.out + verified.err);
	assert.deepEqual(await query(conninfo, cards), ['a-card second']);
	await query(conninfo, `update public.business_cards set name = 'Written' where slug = 'second'`);
	assert.deepEqual(await query(conninfo, `select version from cardkeep.business_cards where slug = 'second'`), ['2']);
}

test('a dump into a new database lacks what stands on roles, which verify says', async () => {
	await query(here('postgres'), 'create database again template template0');
	await run('pg_restore', ['--exit-on-error', '-d', here('again'), dump]);
	const got = await verify(here('again'));
	assert.equal(got.status, 1);
	assert.match(got.out, /synchronous_commit=on: is not set/);
});

test('and migrate puts it back', () => isWhole(here('again')));

test('a dump that makes its database is whole', async () => {
	await query(here('postgres'), 'drop database kept (force)');
	await run('pg_restore', ['--exit-on-error', '-C', '-d', here('postgres'), dump]);
	await isWhole(here('kept'));
});

test('in a new cluster, without the roles, nothing is restored by halves', async () => {
	await query(elsewhere('postgres'), 'create database plain template template0');
	await assert.rejects(run('pg_restore', ['--exit-on-error', '-d', elsewhere('plain'), dump]),
		/role "cardkeep_owner" does not exist/);
	await query(elsewhere('postgres'), 'drop database plain (force)');
});

test('with the roles first it is whole, without and with its database', async () => {
	await run('psql', ['-Xq', '-d', elsewhere('postgres'), '-f', roles]);
	await query(elsewhere('postgres'), 'create database plain template template0');
	await run('pg_restore', ['--exit-on-error', '-d', elsewhere('plain'), dump]);
	await isWhole(elsewhere('plain'));
	await run('pg_restore', ['--exit-on-error', '-C', '-d', elsewhere('postgres'), dump]);
	await isWhole(elsewhere('kept'));
});

endsCleanly(stack);
