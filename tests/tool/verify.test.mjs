// cardkeep verify: clean where all is well, and every promise seen broken that was broken on purpose.
import { readFileSync } from 'node:fs';
import { assert, endsCleanly, own, test } from '../lib/harness.mjs';
import { query } from '../lib/psql.mjs';
import { cardkeep } from './tool.mjs';

const stack = await own();
const { client } = stack;
const verify = (...args) =>
	cardkeep(stack, ['verify', '--database', stack.conninfo.admin, ...args]);

const asRuntime = `${stack.conninfo.super} options='-c role=cardkeep_runtime'`;

// Cards c1, c2, ... of ann, each changed twice; what else there can be, once.
const ann = await client.register();
const bob = await client.register();
const cards = {};
for (let i = 1; i <= 19; i++) {
	const card = await client.card(ann.token, { name: `c${i}` });
	for (const version of [1, 2])
		await client.patch(`/api/cards/${card.id}`, { version, name: `c${i} v${version}` }, ann);
	cards[`c${i}`] = card.id;
}
for (const name of ['gone1', 'gone2', 'gone3', 'gone4']) {
	const card = await client.card(ann.token, { name });
	await client.delete(`/api/cards/${card.id}?version=1`, ann);
	cards[name] = card.id;
}
for (const person of [ann, bob])
	for (const kind of ['personal', 'professional']) {
		const field = kind === 'personal' ? 'full_name' : 'job_title';
		for (const version of [0, 1])
			await client.patch(`/api/profile/${kind}`, { version, [field]: `v${version}` }, person);
	}
// The same number, written otherwise: that is a version too.
const digital = await client.card(ann.token, { name: 'digits' });
for (const [i, digits] of ['1.5', '1.50', '1.500'].entries())
	await client.patch(`/api/cards/${digital.id}`,
		`{"version": ${i + 1}, "fields_config": {"a": ${digits}}, "design_config": {"a": ${digits}}}`, ann);
assert.equal((await client.get(`/api/cards/${digital.id}`, ann)).json.version, 4);
await stack.sql(`update cardkeep.business_cards set slug = 'renamed' where id = '${cards.c18}'`);

// What came from before Cardkeep at version 5 has no older history: two cards, changed twice since,
// and a profile, which was adopted.
const cat = await client.register();
const old = 'aaaaaaaa-0000-0000-0000-000000000001';
await stack.sql(`
	create function pg_temp.carry(name text) returns uuid language sql as $$
		insert into cardkeep.business_card_versions (card_id, version, write_id, at)
		values (md5(name)::uuid, 5, cardkeep_legacy.write_of('business_cards', md5(name)::uuid, 5), now());
		insert into cardkeep.business_cards (id, user_id, name, slug, version, last_write, created_at, updated_at)
		values (md5(name)::uuid, '${ann.id}', name, name, 5,
			cardkeep_legacy.write_of('business_cards', md5(name)::uuid, 5), now(), now());
		update cardkeep.business_cards b set name = b.name || '6' where b.slug = carry.name;
		update cardkeep.business_cards b set name = b.name || '7' where b.slug = carry.name;
		select md5(name)::uuid $$;
	select pg_temp.carry(n) from unnest('{five1,five2}'::text[]) n;
	insert into cardkeep.users (id) values ('${old}');
	insert into cardkeep.personal_info_versions (user_id, version, write_id, at, before)
	values ('${old}', 5, cardkeep_legacy.write_of('personal_info', '${old}', 5), now(), '{}');
	insert into cardkeep.personal_info (user_id, full_name, version, last_write, created_at, updated_at)
	values ('${old}', 'Cat', 5, cardkeep_legacy.write_of('personal_info', '${old}', 5), now(), now());
	select cardkeep_api.adopt_user('${old}', (select u.email from cardkeep.users u where u.id = '${cat.id}'))`, 'super');
for (const name of ['five1', 'five2'])
	[cards[name]] = await stack.sql(`select id from cardkeep.business_cards where slug = '${name}'`);

test('what the service and direct SQL wrote is clean', async () => {
	const got = await verify();
	assert.equal(got.status, 0, got.out + got.err);
	assert.match(got.out, /^\d+ promises, 0 broken, \d+\.\d s\n$/m);
	assert.doesNotMatch(got.out, /BROKEN/);
	const json = JSON.parse((await verify('--json')).out);
	const order = readFileSync(new URL('../../sql/checks/order', import.meta.url), 'utf8');
	assert.deepEqual(json.checks.map(({ name }) => name), order.match(/^[a-z_]+/gm));
	assert.equal(json.clean, true);
	assert.ok(json.checks.length >= 20);
	for (const check of json.checks) assert.equal(check.findings, 0, check.name);
});

test('the service goes on while it looks, for it only reads one moment', async () => {
	let stop = false;
	const work = (async () => {
		for (let version = 3; !stop; version++) {
			const name = `moving ${version}`;
			const got = await client.patch(`/api/cards/${cards.c17}`, { version, name }, ann);
			assert.equal(got.status, 200, got.text);
		}
	})();
	try {
		assert.equal((await verify()).status, 0);
	} finally {
		stop = true;
		await work;
	}
});

test('without a database it is 69, without the right to look 77', async () => {
	const none = await cardkeep(stack, ['verify', '--database', 'host=/nowhere']);
	assert.equal(none.status, 69);
	assert.match(none.err, /^cardkeep: no database: .*\n$/);
	const empty = await cardkeep(stack, ['verify', '-D', `${stack.conninfo.super} dbname=postgres`]);
	assert.equal(empty.status, 69);
	assert.match(empty.err, /has no schema cardkeep/);
	const closed = await cardkeep(stack, ['verify', '-D', asRuntime]);
	assert.equal(closed.status, 77, closed.err);
	assert.match(closed.err, /connect as an administrator/);
});

test('the database of the configuration is asked as cardkeep_admin unless a key says otherwise', async () => {
	const env = { PGHOST: `${stack.dir}/db/run` };
	assert.equal((await cardkeep(stack, ['verify'], { env })).status, 0);
	env.CARDKEEP_ADMIN_DATABASE = asRuntime;
	assert.equal((await cardkeep(stack, ['verify'], { env })).status, 77);
});

// Each line breaks one thing: the check that must find it, its subject and what it must say. What
// guards it goes first, as a careless superuser would make it go.
const c = cards;
const breaks = [
	['functions', 'cardkeep.generate_unique_slug', /is missing/,
		'drop function cardkeep.generate_unique_slug'],
	['functions', 'cardkeep_api.read_card', /no pinned search path/,
		'alter function cardkeep_api.read_card reset all'],
	['functions', 'cardkeep_api.retire_slug', /belongs to postgres/,
		'alter function cardkeep_api.retire_slug owner to postgres'],
	['triggers', 'cardkeep.business_cards/end_business_card', /is disabled/,
		'alter table cardkeep.business_cards disable trigger end_business_card'],
	['triggers', 'cardkeep.users/forget_profiles', /is missing/,
		'drop trigger forget_profiles on cardkeep.users'],
	['constraints', 'cardkeep.business_cards/business_cards_slug_unique', /is missing/,
		`alter table cardkeep.business_cards drop constraint business_cards_slug_unique,
			drop constraint business_cards_slug_valid, drop constraint business_cards_name_valid`],
	['constraints', 'cardkeep.sessions/sessions_token_hash_length', /is not validated/,
		`alter table cardkeep.sessions drop constraint sessions_token_hash_length,
			add constraint sessions_token_hash_length check (octet_length(token_hash) = 32) not valid`],
	['indexes', 'cardkeep.sessions_user', /is not valid/,
		`update pg_index set indisvalid = false
			where indexrelid = 'cardkeep.sessions_user'::regclass`],
	['grants', 'cardkeep_api.lock_key', /may be executed/,
		'grant execute on function cardkeep_api.lock_key to cardkeep_runtime'],
	['grants', 'cardkeep_api.list_cards', /may not be executed/,
		'revoke execute on function cardkeep_api.list_cards from cardkeep_runtime'],
	['grants', 'cardkeep.users', /has rights on it/,
		'grant select on cardkeep.users to cardkeep_runtime'],
	// Ten grants that are wrong, to the service and to strangers, of every kind of thing there is.
	['acl', 'cardkeep.users', /^public may SELECT$/, 'grant select on cardkeep.users to public'],
	['acl', 'cardkeep.sessions', /^stranger may DELETE and grant it$/,
		'grant delete on cardkeep.sessions to stranger with grant option'],
	['acl', 'cardkeep.users.email', /^stranger may UPDATE$/,
		'grant update (email) on cardkeep.users to stranger'],
	['acl', 'schema cardkeep_legacy', /^stranger may USAGE$/,
		'grant usage on schema cardkeep_legacy to stranger'],
	['acl', 'schema cardkeep', /^cardkeep_runtime may CREATE$/,
		'grant create on schema cardkeep to cardkeep_runtime'],
	['acl', 'function cardkeep_api.slugify(text)', /^public may EXECUTE$/,
		'grant execute on function cardkeep_api.slugify to public'],
	['acl', 'function cardkeep_legacy.upgrade()', /^stranger may EXECUTE$/,
		'grant execute on function cardkeep_legacy.upgrade to stranger'],
	['acl', 'function cardkeep_api.read_user(bytea)', /^cardkeep_runtime may EXECUTE and grant it$/,
		'grant execute on function cardkeep_api.read_user to cardkeep_runtime with grant option'],
	['acl', 'what cardkeep_owner makes', /^stranger may SELECT$/,
		'alter default privileges for role cardkeep_owner grant select on tables to stranger'],
	['acl', 'database cardkeep', /^cardkeep_runtime may CREATE$/,
		'grant create on database cardkeep to cardkeep_runtime'],
	['acl', 'schema cardkeep_api', /^cardkeep_runtime may not USAGE$/,
		'revoke usage on schema cardkeep_api from cardkeep_runtime'],
	['roles', 'stranger', /is a member of cardkeep_owner/, 'grant cardkeep_owner to stranger'],
	['roles', 'cardkeep_runtime', /is a member of guest/, 'grant guest to cardkeep_runtime'],
	['roles', 'cardkeep_runtime', /has an attribute/, 'alter role cardkeep_runtime bypassrls'],
	['settings', 'search_path=public', /is set, and not by the migrations/,
		'alter role cardkeep_runtime set search_path = public'],
	['settings', 'lock_timeout=250ms', /is not set/,
		'alter role cardkeep_runtime in database cardkeep reset lock_timeout'],
	['slugs_unique', 'twice', /2 cards have it/,
		`update cardkeep.business_cards set slug = 'twice' where id in ('${c.c1}', '${c.c2}')`],
	['slugs_unique', 'gone1', /is retired, and card .* has it/,
		`update cardkeep.business_cards set slug = 'gone1' where id = '${c.c3}'`],
	['slugs_formed', c.c4, /has a slug that is not/,
		`update cardkeep.business_cards set slug = 'Not -ok' where id = '${c.c4}'`],
	['slugs_retired', c.gone2, /its id may be given again/,
		`delete from cardkeep.retired_slugs where card_id = '${c.gone2}'`],
	['slugs_retired', c.c18, /slug of before version 4 may be given again/,
		`delete from cardkeep.retired_slugs where slug = 'c18'`],
	['cards_valid', c.c5, /^name out of bounds$/,
		`update cardkeep.business_cards set name = '' where id = '${c.c5}'`],
	['card_versions', c.c6, /has 2 of the versions 1 to 3 in 2 rows/,
		`delete from cardkeep.business_card_versions where card_id = '${c.c6}' and version = 2`],
	['card_versions', c.c19, /has 2 of the versions 2 to 3 in 2 rows/,
		`delete from cardkeep.business_card_versions where card_id = '${c.c19}' and version = 1`],
	['card_versions', c.five1, /has 2 of the versions 5 to 7 in 2 rows/,
		`delete from cardkeep.business_card_versions where card_id = '${c.five1}' and version = 6`],
	['card_versions', c.five2, /has 2 of the versions 6 to 7 in 2 rows/,
		`delete from cardkeep.business_card_versions where card_id = '${c.five2}' and version = 5`],
	['personal_info_versions', cat.id, /has 1 of the versions 5 to 5 in 1 rows/,
		`delete from cardkeep.upgrade_changes where entity_id = '${cat.id}'`],
	['card_versions', c.c3, /begins at version 1, and was pruned to 2/,
		`insert into cardkeep.pruned_histories values ('business_cards', '${c.c3}', 2, now())`],
	['personal_info_versions', bob.id, /begins at version 1, and was pruned to 2/,
		`insert into cardkeep.pruned_histories values ('personal_info', '${bob.id}', 2, now())`],
	['card_versions', c.c7, /has no history/,
		`delete from cardkeep.business_card_versions where card_id = '${c.c7}'`],
	['card_versions', c.c8, /is at version 9, and its history at 3/,
		`update cardkeep.business_cards set version = 9 where id = '${c.c8}'`],
	['card_versions', c.c9, /has 3 of the versions 1 to 3 in 4 rows/,
		`alter table cardkeep.business_card_versions drop constraint business_card_versions_pkey;
		insert into cardkeep.business_card_versions
		select * from cardkeep.business_card_versions where card_id = '${c.c9}' and version = 2`],
	['card_versions', c.c10, /is gone, and its history does not end/,
		`delete from cardkeep.business_cards where id = '${c.c10}'`],
	['card_versions', c.c11, /is there, and its history ends/,
		`insert into cardkeep.business_card_versions (card_id, version, write_id, at, is_deletion)
		values ('${c.c11}', 4, gen_random_uuid(), now(), true)`],
	['card_writes', c.c12, /version 3 is of another write/,
		`update cardkeep.business_cards set last_write = gen_random_uuid() where id = '${c.c12}'`],
	['card_writes', c.c13, /version 3 is of another time/,
		`update cardkeep.business_cards set updated_at = updated_at + interval '1 s'
		where id = '${c.c13}'`],
	['card_times', c.c14, /version 2 is dated before the one it follows/,
		`update cardkeep.business_card_versions set at = at - interval '1 day'
		where card_id = '${c.c14}' and version = 2`],
	['card_images', c.c15, /version 1: something was before the first/,
		`update cardkeep.business_card_versions set b_name = 'x'
		where card_id = '${c.c15}' and version = 1`],
	['card_images', c.c16, /version 2: what was before is what came after/,
		`update cardkeep.business_card_versions set b_name = 'c16 v1'
		where card_id = '${c.c16}' and version = 2`],
	['card_images', c.gone3, /version 2: a deletion without the whole card/,
		`update cardkeep.business_card_versions set b_name = null
		where card_id = '${c.gone3}' and version = 2`],
	...['personal', 'professional'].flatMap((kind) => {
		const field = kind === 'personal' ? 'full_name' : 'job_title';
		return [
			[`${kind}_info_versions`, ann.id, /has 1 of the versions 2 to 2 in 1 rows/,
				`delete from cardkeep.${kind}_info_versions where user_id = '${ann.id}' and version = 1`],
			[`${kind}_info_writes`, ann.id, /version 2 is of another write or time/,
				`update cardkeep.${kind}_info set last_write = gen_random_uuid()
				where user_id = '${ann.id}'`],
			[`${kind}_info_images`, bob.id, new RegExp(`version 2, ${field}: what was before`),
				`update cardkeep.${kind}_info_versions set before = '{"${field}": "v1"}'
				where user_id = '${bob.id}' and version = 2`],
		];
	}),
	['database', 'public', /may make temporary tables/,
		`do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`],
	['users', ann.id, /a password that is no Argon2id hash/,
		`update cardkeep.users set password_hash = 'secret' where id = '${ann.id}'`],
	['users', bob.id, /an address that is not lower case/,
		`alter table cardkeep.users drop constraint users_email_lower;
		update cardkeep.users set email = upper(email) where id = '${bob.id}'`],
	['sessions', ann.session.id, /has times out of order/,
		`update cardkeep.sessions set expires_at = created_at where id = '${ann.session.id}'`],
	['sessions', bob.session.id, /is ended by nothing/,
		`alter table cardkeep.sessions drop constraint sessions_ended_both;
		update cardkeep.sessions set ended_at = created_at where id = '${bob.session.id}'`],
	['orphans', `history of personal profile ${'0'.repeat(8)}-0000-0000-0000-000000000000`,
		/belongs to no user/,
		`insert into cardkeep.personal_info_versions (user_id, version, write_id, at, before)
		values ('${'0'.repeat(8)}-0000-0000-0000-000000000000', 1, gen_random_uuid(), now(), '{}')`],
	['orphans', `retired slug of card ${c.gone4}`, /belongs to no user/,
		`update cardkeep.retired_slugs set user_id = gen_random_uuid() where card_id = '${c.gone4}'`],
];

test('every promise that is broken on purpose is found, with what is wrong', async () => {
	const text = ['create role stranger', 'create role guest', ...breaks.map(([, , , sql]) => sql)].join(';\n');
	await stack.sql(`set session_replication_role = replica;\n${text}`, 'super');
	const got = await verify('--json');
	assert.equal(got.status, 1, got.err);
	const { checks, clean, broken } = JSON.parse(got.out);
	const found = Object.fromEntries(checks.map((check) => [check.name, check]));
	for (const [name, subject, detail] of breaks) {
		const said = found[name].examples.find(
			(example) => example.subject === subject && detail.test(example.detail),
		);
		assert.ok(said, `${name} ${subject} ${detail}: ${JSON.stringify(found[name])}`);
	}
	assert.equal(clean, false);
	// All but the encoding, which no statement changes: it has a test below.
	assert.equal(broken, checks.length - 1);
	const plain = await verify();
	assert.equal(plain.status, 1);
	assert.match(plain.out, /^BROKEN {2}slugs_unique +a slug is one card's/m);
	assert.match(plain.out, new RegExp(`^ {8}${c.c7}: has no history$`, 'm'));
	assert.doesNotMatch(plain.out + got.out, /@example\.org/i);
});

test('a database that is not UTF-8 is told by its name', async () => {
	await stack.sql("create database ascii template template0 encoding 'SQL_ASCII' locale 'C'", 'super');
	const ascii = stack.conninfo.super.replace(/dbname=\S+/, 'dbname=ascii');
	await query(ascii, 'create schema cardkeep');
	const got = await verify('-D', ascii);
	assert.equal(got.status, 1, got.err);
	assert.match(got.out, /^BROKEN {2}encoding .*\n {8}ascii: is in SQL_ASCII; a new one in UTF8 takes its dump$/m);
});

test('a check that cannot be made is a finding, and the others go on', async () => {
	await stack.sql('drop table cardkeep.personal_info cascade', 'super');
	const got = await verify('--json');
	assert.equal(got.status, 1, got.err);
	const { checks } = JSON.parse(got.out);
	const check = checks.find(({ name }) => name === 'personal_info_versions');
	assert.match(check.failure, /relation "cardkeep\.personal_info" does not exist/);
	assert.equal(check.findings, 1);
	assert.equal(checks.find(({ name }) => name === 'slugs_formed').failure, null);
});

endsCleanly(stack);
