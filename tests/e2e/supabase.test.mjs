// The clients of Supabase make their calls unchanged, with the token as their access token.
import { PostgrestClient } from '@supabase/postgrest-js';
import { createClient } from '@supabase/supabase-js';

import { retryDatabaseOperation } from '../../web/cardkeep.js';
import { assert, atOnce, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const ada = await client.register();
const url = `http://127.0.0.1:${stack.port}`;

// Only the table and function calls are meant; realtime wants a WebSocket, which Node 18 has not.
class NoSocket {}

const supabase = createClient(url, 'any-api-key', {
	accessToken: async () => ada.token,
	realtime: { transport: NoSocket },
});
const bare = new PostgrestClient(`${url}/rest/v1`, { headers: { Authorization: `Bearer ${ada.token}` } });
const inSchema = new PostgrestClient(`${url}/rest/v1`, {
	headers: { Authorization: `Bearer ${ada.token}` },
	schema: 'cardkeep',
});

async function newCard(of, name) {
	const { data, error } = await of.rpc('create_business_card_atomic', { p_name: name }).single();
	assert.equal(error, null);
	return data;
}

for (const [name, of] of [['supabase-js', supabase], ['postgrest-js', bare], ['postgrest-js with a schema', inSchema]]) {
	test(`${name} calls each function as the mission shows`, async () => {
		const made = await of.rpc('create_business_card_atomic', {
			p_user_id: ada.id, p_name: 'My Card', p_base_slug: 'my-card', p_template_type: 'personal-small',
			p_fields_config: { title: 'Engineer' }, p_design_config: {},
		});
		assert.equal(made.error, null);
		assert.equal(made.status, 200);
		const [card] = made.data;
		const args = { p_card_id: card.id, p_user_id: ada.id, p_expected_version: 1, p_name: 'New' };
		const updated = await of.rpc('update_business_card_optimistic', args);
		assert.deepEqual(updated.data, [{ success: true, new_version: 2, message: 'Card updated' }]);
		const late = await of.rpc('update_business_card_optimistic', { ...args, p_name: 'Late' });
		assert.deepEqual([late.error, late.data[0].success, late.data[0].new_version], [null, false, 2]);
		const slug = await of.rpc('generate_unique_slug', { base_slug: card.slug });
		assert.match(slug.data, /^my-card/);
		const version = (await of.from('personal_info').select('version').maybeSingle()).data?.version ?? 0;
		const saved = await of.rpc('upsert_personal_info_optimistic',
			{ p_user_id: ada.id, p_expected_version: version, p_full_name: `Ada ${version}` }).single();
		assert.deepEqual(saved.data, {
			success: true, new_version: version + 1,
			message: version === 0 ? 'Profile created' : 'Profile updated', is_new: version === 0,
		});
		const work = (await of.from('professional_info').select().maybeSingle()).data;
		const job = await of.rpc('upsert_professional_info_optimistic',
			{ p_expected_version: work?.version ?? 0, p_job_title: `Engineer ${work?.version}` });
		assert.equal(job.data[0].success, true);
	});

	test(`${name} reads tables: columns, filters, order, ranges, counts, one row`, async () => {
		const card = await newCard(of, `Read by ${name}`);
		const { data: row } = await of.from('business_cards').select('id, version').eq('id', card.id).single();
		assert.deepEqual(row, { id: card.id, version: 1 });
		const listed = await of.from('business_cards').select('name', { count: 'exact' })
			.in('name', [`Read by ${name}`, 'a,b', '(c)']).neq('version', 2).is('is_public', true)
			.not('slug', 'is', null).order('created_at', { ascending: false }).range(0, 0);
		assert.deepEqual([listed.error, listed.count, listed.data], [null, 1, [{ name: `Read by ${name}` }]]);
		const head = await of.from('business_cards').select('*', { count: 'exact', head: true });
		assert.ok(head.count >= 1);
		assert.equal(head.data, null);
		const none = await of.from('business_cards').select().eq('name', 'Nobody').maybeSingle();
		assert.deepEqual([none.data, none.error], [null, null]);
	});

	test(`${name} finds its errors as it knows them`, async () => {
		const unknown = await of.rpc('nothing', {});
		assert.deepEqual([unknown.status, unknown.error.code, unknown.data], [404, 'PGRST202', null]);
		const card = await newCard(of, 'Single');
		const conflict = await of.rpc('update_business_card_optimistic',
			{ p_card_id: card.id, p_expected_version: 9, p_name: 'X' }).eq('success', true).single();
		assert.deepEqual([conflict.status, conflict.error.code], [406, 'PGRST116']);
		const taken = await of.rpc('generate_unique_slug', { base_slug: card.slug, max_attempts: 1 });
		assert.deepEqual([taken.status, taken.error.code], [409, '23505']);
		const written = await of.from('business_cards').update({ name: 'X' }).eq('id', card.id).select();
		assert.deepEqual([written.status, written.error.code], [405, 'PGRST117']);
		assert.match(written.error.hint, /update_business_card_optimistic/);
		for (const write of [of.from('business_cards').insert({ name: 'X' }), of.from('business_cards').delete().eq('id', card.id), of.from('personal_info').upsert({ full_name: 'X' })])
			assert.equal((await write).status, 405);
	});
}

test("the mission's retryDatabaseOperation around supabase-js gives the card, or the error at once", async () => {
	const create = (p_name) => retryDatabaseOperation(() => supabase.rpc('create_business_card_atomic', { p_name }));
	const { data } = await create('Wrapped');
	assert.equal(data[0].name, 'Wrapped');
	let tries = 0;
	const { error } = await retryDatabaseOperation(() => {
		tries++;
		return supabase.rpc('create_business_card_atomic', { p_name: '' });
	});
	assert.deepEqual([error.code, tries], ['22023', 1]);
});

test('a token that is none is an error, and no data', async () => {
	const stranger = createClient(url, 'ck_nothing', { realtime: { transport: NoSocket } });
	const { data, error, status } = await stranger.rpc('create_business_card_atomic', { p_name: 'X' });
	assert.deepEqual([data, error.code, status], [null, 'PGRST301', 401]);
});

test('16 clients update one card by refetch and retry: all land, and the version rises by 16', async () => {
	const card = await newCard(supabase, 'Sixteen');
	await atOnce(16, 16, async (i) => {
		for (let tries = 0; tries < 50; tries++) {
			const { data: now } = await supabase.from('business_cards').select('version, fields_config').eq('id', card.id).single();
			const { data } = await supabase.rpc('update_business_card_optimistic', {
				p_card_id: card.id, p_expected_version: now.version,
				p_fields_config: { ...now.fields_config, [`client${i}`]: true },
			}).single();
			if (data.success) return;
		}
		throw new Error(`client ${i} never got through`);
	});
	const { data } = await supabase.from('business_cards').select('version, fields_config').eq('id', card.id).single();
	assert.equal(data.version, 17);
	assert.equal(Object.keys(data.fields_config).length, 16);
});
