// Texts are UTF-8 to the database, whatever the database, the role and the environment say; and a
// database that cannot hold them is not served from.
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const TEXT = 'José Müller, Kraków, Łódź 🎉 Ω≈ç√';
const stack = await own();
const { client } = stack;
let made = 0;

async function restart(env = {}) {
	await stack.stopDaemon();
	for (const name of ['PGCLIENTENCODING', 'CARDKEEP_DATABASE']) delete stack.env[name];
	Object.assign(stack.env, env);
	await stack.startDaemon();
}

const host = `host=${stack.dir}/db/run user=cardkeep_runtime`;
const ways = {
	'the database': () => stack.sql("alter database cardkeep set client_encoding = 'LATIN1'", 'super'),
	'the role': () => stack.sql("alter role cardkeep_runtime set client_encoding = 'WIN1252'", 'super'),
	'the role in the database': () =>
		stack.sql("alter role cardkeep_runtime in database cardkeep set client_encoding = 'LATIN2'", 'super'),
	'the environment': () => ({ PGCLIENTENCODING: 'LATIN1' }),
	'the connection string': () => ({ CARDKEEP_DATABASE: `${host} dbname=cardkeep client_encoding=LATIN1` }),
	'its options': () => ({ CARDKEEP_DATABASE: `${host} dbname=cardkeep options='-c client_encoding=LATIN1'` }),
};

for (const [who, way] of Object.entries(ways))
	test(`where ${who} would have another encoding, what is written is what is stored and read`, async () => {
		const env = await way();
		await restart(env && !Array.isArray(env) ? env : {});
		await stack.ready();
		const { token, id } = await client.register();
		const wrote = await client.patch('/api/profile/personal', { version: 0, full_name: TEXT }, { token });
		assert.equal(wrote.status, 201, wrote.text);
		const card = await client.card(token, { name: `${TEXT} ${made++}`, fields_config: { city: TEXT } });
		const stored = await stack.sql(
			`select full_name, (select fields_config->>'city' from cardkeep.business_cards where id = '${card.id}')
			from cardkeep.personal_info where user_id = '${id}'`, 'super');
		assert.deepEqual(stored, [`${TEXT}|${TEXT}`]);
		assert.equal((await client.get(`/api/cards/${card.id}`, { token })).json.fields_config.city, TEXT);
	});

for (const encoding of ['LATIN1', 'SQL_ASCII'])
	test(`a database in ${encoding} is not served from, and readiness says why`, async () => {
		const name = `in_${encoding.toLowerCase()}`;
		await stack.sql(`create database ${name} template template0 encoding '${encoding}' locale 'C'`, 'super');
		await restart({ CARDKEEP_DATABASE: `${host} dbname=${name}` });
		let detail = '';
		await until('readiness says it', async () => {
			detail = (await client.get('/readyz')).json?.detail ?? '';
			return detail.includes('22021');
		});
		assert.match(detail, /last SQLSTATE: 22021 \(the database is not in UTF-8\)/);
		assert.match(stack.log(), new RegExp(`code=22021 error="the database's encoding is ${encoding} and must be UTF8"`));
	});

test('it serves again from one that is', async () => {
	await restart();
	await stack.ready();
});

endsCleanly(stack);
