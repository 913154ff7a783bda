// cardkeep migrate: an empty database becomes one that verify finds clean, and twice is once.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { assert, endsCleanly, own, test, top } from '../lib/harness.mjs';
import { query } from '../lib/psql.mjs';
import { cardkeep, program } from './tool.mjs';

const stack = await own();
await stack.sql('create database "another one" template template0', 'super');
const conninfo = stack.conninfo.super.replace(/dbname=\S+/, "dbname='another one'");
const psql = (where, script) =>
	promisify(execFile)('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', script, where]);
const migrate = (...args) =>
	cardkeep(stack, ['migrate', '-D', conninfo, '-s', path.join(top, 'sql'), ...args]);

test('before, verify and the plan tell that nothing is there', async () => {
	assert.equal((await cardkeep(stack, ['verify', '-D', conninfo])).status, 69);
	const got = await migrate('--plan');
	assert.match(got.out + got.err, /has not been initialized|not.*registry|No changes deployed/i);
});

test('every migration is deployed and verified', async () => {
	const got = await migrate();
	assert.equal(got.status, 0, got.out + got.err);
	assert.match(got.out, /\+ grants \.+ ok/);
	const verified = await cardkeep(stack, ['verify', '-D', conninfo]);
	assert.equal(verified.status, 0, verified.out + verified.err);
});

test('again, nothing is to do, and the plan says so', async () => {
	const got = await migrate();
	assert.equal(got.status, 0, got.err);
	assert.match(got.out, /Nothing to deploy/);
	const plan = await migrate('--plan');
	assert.equal(plan.status, 0, plan.err);
	assert.match(plan.out, /Nothing to deploy/);
});

test('without a database, a directory or sqitch it says what is missing', async () => {
	const none = await cardkeep(stack, ['migrate', '-D', 'host=/nowhere']);
	assert.equal(none.status, 69);
	assert.match(none.err, /^cardkeep: no database: /);
	const nowhere = await cardkeep(stack, ['migrate', '-D', conninfo, '-s', '/nowhere']);
	assert.equal(nowhere.status, 66);
	assert.match(nowhere.err, /^cardkeep: \/nowhere: No such file or directory\n$/);
	const env = { PATH: path.dirname(program) };
	const bare = await cardkeep(stack, ['migrate', '-D', conninfo, '-s', `${top}/sql`], { env });
	assert.equal(bare.status, 69);
	assert.match(bare.err, /^cardkeep: sqitch is not installed\n$/);
});

test('a database that is not UTF-8 is refused in one line, before anything is done', async () => {
	await stack.sql("create database ascii template template0 encoding 'SQL_ASCII' locale 'C'", 'super');
	const ascii = stack.conninfo.super.replace(/dbname=\S+/, 'dbname=ascii');
	const got = await cardkeep(stack, ['migrate', '-D', ascii, '-s', path.join(top, 'sql')]);
	assert.equal(got.status, 78, got.out);
	assert.match(got.err, /^cardkeep: database ascii is SQL_ASCII, and Cardkeep needs UTF8: create database .*\n$/);
	assert.deepEqual(await query(ascii, "select count(*) from pg_namespace where nspname = 'sqitch'"), ['0']);
	await assert.rejects(psql(ascii, path.join(top, 'sql/migration-race-condition-fixes.sql')),
		/database ascii is SQL_ASCII, and Cardkeep needs UTF8/);
});

test('what stands on roles is put back each time, and nothing else is touched', async () => {
	const settings = `select string_agg(c, ' ' order by c) from pg_db_role_setting s join pg_database d
		on d.oid = s.setdatabase, unnest(s.setconfig) c
		where d.datname = current_database() and s.setrole = 'cardkeep_runtime'::regrole`;
	const before = await query(conninfo, settings);
	await query(conninfo, `alter role cardkeep_runtime in database "another one" reset all`);
	await query(conninfo, `alter role cardkeep_runtime in database "another one" set lock_timeout = '1h'`);
	assert.equal((await migrate()).status, 0);
	assert.deepEqual(await query(conninfo, settings), before);
});

test('options that have no variable are passed on, and are not in the way', async () => {
	const rare = `${conninfo} keepalives_idle=30 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=5000`;
	const got = await cardkeep(stack, ['migrate', '-D', rare, '-s', path.join(top, 'sql')]);
	assert.equal(got.status, 0, got.out + got.err);
	assert.match(got.out, /Nothing to deploy/);
	const service = path.join(stack.dir, 'services');
	fs.writeFileSync(service, '[mine]\nport=5432\n');
	const env = { PGSERVICEFILE: service };
	const both = await cardkeep(stack, ['migrate', '-D', `${rare} service=mine`, '-s', path.join(top, 'sql')], { env });
	assert.equal(both.status, 78);
	assert.match(both.err, /^cardkeep: the database's connection string: \w+ has no variable: say it in the service's file, where a service is named\n$/);
});

test('a string that libpq refuses is 78 with file, line and key, or wrong usage where an option says it', async () => {
	const option = await cardkeep(stack, ['migrate', '-D', 'usr=x']);
	assert.deepEqual([option.status, option.err], [64, 'cardkeep: --database: invalid connection option "usr"\n']);
	const env = { CARDKEEP_ADMIN_DATABASE: 'host=x sslmode=reqire' };
	const key = await cardkeep(stack, ['migrate'], { env });
	assert.deepEqual([key.status, key.err],
		[78, 'cardkeep: CARDKEEP_ADMIN_DATABASE: invalid sslmode value: "reqire"\n']);
});

test('a migration that fails is named, and what went before stays', async () => {
	await stack.sql('create database third template template0', 'super');
	const third = stack.conninfo.super.replace(/dbname=\S+/, 'dbname=third');
	// Somebody has taken a name that the second one needs.
	await query(third, 'create schema cardkeep');
	const got = await cardkeep(stack, ['migrate', '-D', third, '-s', path.join(top, 'sql')]);
	assert.equal(got.status, 70, got.out + got.err);
	assert.match(got.err, /sqitch failed; what was deployed before stays and is whole\n$/);
	assert.match(got.out + got.err, /schema "cardkeep" already exists/);
	const left = 'select string_agg(change, chr(32)) from sqitch.changes';
	assert.deepEqual(await query(third, left), ['roles']);
});

test('where a console upgraded, sqitch is told what is there and does the rest', async () => {
	await stack.sql('create database fourth template template0', 'super');
	const fourth = stack.conninfo.super.replace(/dbname=\S+/, 'dbname=fourth');
	const file = fs.readFileSync(path.join(top, 'sql/migration-race-condition-fixes.sql'), 'utf8');
	// The console had an older file, which did not know the last change.
	const older = file.slice(0, file.lastIndexOf('\ndo $change$\n'));
	const script = path.join(stack.dir, 'console.sql');
	fs.writeFileSync(script, `${older}\ncommit;\n`);
	await psql(fourth, script);
	const args = ['-D', fourth, '-s', path.join(top, 'sql')];
	const told = 'an SQL console applied the changes up to legacy_restore';

	const plan = await cardkeep(stack, ['migrate', '--plan', ...args]);
	assert.ok(plan.out.startsWith(`${told}\n`), plan.out + plan.err);
	const nothing = "select to_regclass('sqitch.changes') is null";
	assert.deepEqual(await query(fourth, nothing), ['t'], 'a plan only tells');

	const got = await cardkeep(stack, ['migrate', ...args]);
	assert.equal(got.status, 0, got.out + got.err);
	assert.ok(got.out.startsWith(`${told}\n`), got.out);
	assert.match(got.out, /\+ upgrade \.+ ok/);
	const verified = await cardkeep(stack, ['verify', '-D', fourth]);
	assert.equal(verified.status, 0, verified.out + verified.err);
	const again = await cardkeep(stack, ['migrate', ...args]);
	assert.equal(again.status, 0, again.err);
	assert.match(again.out, /^Nothing to deploy/);
});

endsCleanly(stack);
