// Slugs: from any name, never twice.
import { assert, atOnce, shared, test } from '../lib/harness.mjs';

const { client } = await shared();
const { token } = await client.register();
const WORDS = /^[a-z0-9]+(-[a-z0-9]+)*$/;

const make = async (fields) => (await client.card(token, fields)).slug;

const expected = [
	['Łódź Café №1', /^lodz-cafe-no-?1(-|$)/],
	['  Hello,   World!  ', /^hello-world(-|$)/],
	['UPPER_case.and/slashes', /^upper-case-and-slashes(-|$)/],
	['Straße', /^strasse(-|$)/],
	['Ærøskøbing', /^aeroskobing(-|$)/],
	['Ελλάδα', /^ell?ada(-|$)/],
	['Привет, мир', /^privet-mir(-|$)/],
	['ﬁne', /^fine(-|$)/],
	['①②③', /^(1-?2-?3)(-|$)/],
];
for (const [name, slug] of expected)
	test(`${JSON.stringify(name)} reads well as a slug`, async () => {
		assert.match(await make({ name }), slug);
	});

const scripts = ['北京市', '東京タワー', 'ひらがな', '서울', 'مرحبا', 'שלום', 'नमस्ते', 'สวัสดี', 'ქართული', 'Հայերեն', 'አማርኛ'];
for (const name of scripts)
	test(`${name} gives a slug of its own words`, async () => {
		const slug = await make({ name });
		assert.match(slug, WORDS);
		assert.doesNotMatch(slug, /^card(-[a-z0-9]{6})?$/);
	});

for (const name of ['🎉🎊', '!!!', '———', '…'])
	test(`${name} leaves nothing, so the slug is card`, async () => {
		assert.match(await make({ name }), /^card(-[a-z0-9]{6})?$/);
	});

test('a slug has at most 80 characters before its suffix, and never ends in a dash', async () => {
	for (const name of ['x'.repeat(200), 'word '.repeat(40), `${'x'.repeat(79)} y`, '北'.repeat(200)])
		for (const slug of [await make({ name }), await make({ name })]) {
			assert.match(slug, WORDS);
			assert.ok(slug.replace(/-[a-z0-9]{6}$/, '').length <= 80, slug);
		}
});

test('a reserved word is never a slug', async () => {
	for (const name of ['admin', 'API', 'Login', 'metrics'])
		assert.match(await make({ name }), new RegExp(`^${name.toLowerCase()}-[a-z0-9]{6}$`));
});

test('base_slug goes through the same rule as the name', async () => {
	assert.match(await make({ name: 'Whatever', base_slug: 'Mein Schöner Slug!' }), /^mein-schoner-slug(-|$)/);
	assert.match(await make({ name: 'Whatever', base_slug: '../../etc' }), /^etc(-|$)/);
});

test('a change of name keeps the slug', async () => {
	const card = await client.card(token, { name: 'Before the wedding' });
	const got = await client.patch(`/api/cards/${card.id}`, { version: 1, name: 'After' }, { token });
	assert.equal(got.json.slug, card.slug);
});

test('the slug of a deleted card is never given again', async () => {
	const name = `Gone ${Math.random().toString(36).slice(2)}`;
	const card = await client.card(token, { name });
	await client.delete(`/api/cards/${card.id}?version=1`, { token });
	const others = await atOnce(16, 16, () => make({ name }));
	for (const slug of others) assert.notEqual(slug, card.slug);
	assert.equal(new Set(others).size, 16);
});
