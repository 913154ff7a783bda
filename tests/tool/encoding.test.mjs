// A database in another encoding than UTF-8 is refused before anything is changed; what is deployed is
// UTF-8, whatever database and environment say.
import path from 'node:path';

import { assert, endsCleanly, own, shell, test, top } from '../lib/harness.mjs';
import { query } from '../lib/psql.mjs';
import { cardkeep } from './tool.mjs';

const stack = await own();

for (const encoding of ['LATIN1', 'SQL_ASCII'])
	test(`a database in ${encoding} is refused in one line before anything is changed, and verify says it`, async () => {
		const name = `in_${encoding.toLowerCase()}`;
		await stack.sql(`create database ${name} template template0 encoding '${encoding}' locale 'C'`, 'super');
		const where = stack.conninfo.super.replace(/dbname=\S+/, `dbname=${name}`);
		const got = await cardkeep(stack, ['migrate', '-D', where, '-s', path.join(top, 'sql')]);
		assert.equal(got.status, 78, got.out);
		assert.equal(got.err, `cardkeep: database ${name} is ${encoding}, and Cardkeep needs UTF8: create database NAME template template0 encoding 'UTF8'\n`);
		assert.deepEqual(await query(where, "select to_regnamespace('sqitch') is null"), ['t']);
		await assert.rejects(shell('pg_deploy_to "$1"', where), new RegExp(`postgres: database ${name} is ${encoding}, and Cardkeep needs UTF8`));
		assert.deepEqual(await query(where, "select to_regnamespace('sqitch') is null"), ['t']);
		await query(where, 'create schema cardkeep');
		const verified = await cardkeep(stack, ['verify', '-D', where]);
		assert.match(verified.out, new RegExp(`BROKEN +encoding .*\\n +${name}: is in ${encoding}`));
	});

test('texts of the migrations are UTF-8, whatever the database and the environment say', async () => {
	await stack.sql('create database fifth template template0', 'super');
	await stack.sql("alter database fifth set client_encoding = 'LATIN1'", 'super');
	const fifth = stack.conninfo.super.replace(/dbname=\S+/, 'dbname=fifth');
	const env = { PGCLIENTENCODING: 'LATIN1' };
	const got = await cardkeep(stack, ['migrate', '-D', fifth, '-s', path.join(top, 'sql')], { env });
	assert.equal(got.status, 0, got.out + got.err);
	const functions = `select md5(string_agg(p.prosrc, '' order by p.oid::regprocedure::text collate "C")) from pg_proc p
		where p.pronamespace::regnamespace::text like 'cardkeep%'`;
	assert.deepEqual(await query(fifth, functions), await stack.sql(functions, 'super'));
});

endsCleanly(stack);
