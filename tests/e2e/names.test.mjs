// One rule for names: what the service takes, the database's own check never refuses, and both faces take
// the same and make the same of it. The names are made by chance, of what Unicode has to offer that is
// odd; what the service and PostgreSQL normalise by two libraries is where they could disagree.
//
// CARDKEEP_NAMES says how many (500), CARDKEEP_SEED with which dice.
import { assert, atOnce, shared, test } from '../lib/harness.mjs';
import { Dice, seedOf } from '../lib/random.mjs';

const NAMES = Number(process.env.CARDKEEP_NAMES ?? 500);
const A_USER = 100; // cards, so that nobody has more than people do

const { client } = await shared();
const seed = seedOf();

const between = (from, to) => (dice) => String.fromCodePoint(from + dice.below(to - from + 1));
const one = (list) => (dice) => dice.among(list);

const NASTY = [
	between(0x1100, 0x11ff), // Hangul jamo, with those beside the ones that go together
	between(0x11a5, 0x11c5),
	between(0xac00, 0xd7a3),
	between(0x0958, 0x095f), // letters that never go together again
	between(0x0900, 0x0dff), // Indic scripts: vowels in two parts, viramas
	one(['\u09c7', '\u09be', '\u09d7', '\u0b47', '\u0b3e', '\u0b56', '\u0bc6', '\u0bd7', '\u0cc6', '\u0cd5', '\u0d46', '\u0d57', '\u0dd9', '\u0dca', '\u0dcf', '\u0ddf']),
	between(0x0f40, 0x0fbc), // Tibetan: marks that come apart
	between(0x0300, 0x036f), // marks of all classes
	between(0x0591, 0x05c7),
	between(0x0610, 0x065f),
	between(0x1ab0, 0x1ac0),
	between(0x1dc0, 0x1dff),
	between(0x20d0, 0x20f0),
	between(0x3099, 0x309c),
	between(0xfb00, 0xfb4f), // ligatures, Hebrew with points
	between(0x2000, 0x206f), // blanks, joiners, what turns text around
	between(0x2100, 0x214f), // Angstrom, Ohm and Kelvin
	between(0xf900, 0xfaff), // ideographs that are others
	between(0x2f800, 0x2fa1d),
	between(0x1d15e, 0x1d1c0), // notes of music, which come apart for good
	between(0x11099, 0x110ba), // Kaithi, Chakma, Grantha, Tirhuta, Siddham
	between(0x1112e, 0x11134),
	between(0x11347, 0x11357),
	between(0x114b0, 0x114be),
	between(0x115b8, 0x115bf),
	one(['\u00a0', '\u3000', '\u2028', '\u2029', '\u0085', '\u200b', '\ufeff', '\u00ad', '\u3164', '\uffa0', '\u115f', '\u2800', '\ufe0f', '\u202e', '\u180e', '\u034f', '\u{e0020}', '\ufffd', '\uffff', '\ufffe', '\u0001', '\u007f', '\u009f']),
	between(0x00c0, 0x024f),
	between(0x1e00, 0x1fff),
	between(0x20, 0x7e),
	(dice) => String.fromCodePoint(dice.among([dice.below(0xd800), 0xe000 + dice.below(0x102000)]) || 0x41),
];

function nameOf(dice) {
	const kinds = Array.from({ length: 1 + dice.below(4) }, () => dice.among(NASTY));
	const length = 1 + dice.below(dice.once(10) ? 210 : 12);
	return Array.from({ length }, () => dice.among(kinds)(dice)).join('');
}

// The two that are known to have parted ICU and PostgreSQL 15, and runs about as long as may be.
const KNOWN = [
	'\uac00\u11a7\u0958', '\uac00\u11a7', '\u1100\u1161\u11a7\u0344', `e${'\u0301\u0316'.repeat(14)}`, `e${'\u0301'.repeat(30)}`,
	`e${'\u0301'.repeat(31)}`, `e${'\u0316\u0301'.repeat(99)}`, '\u{1d160}'.repeat(70), '\u0dd9\u0dca\u0dcf', '\u00a0x\u2007', 'x\u2028y',
];

const splits = async () =>
	[...(await client.get('/metrics')).text.matchAll(/^cardkeep_wave_splits_total\S* (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);

test('what the service takes for a name the database takes too, and both faces make the same of it', async (t) => {
	const names = [...KNOWN, ...Array.from({ length: NAMES }, (_, i) => nameOf(new Dice(seed + i * 7919)))];
	const users = await atOnce(Math.ceil((2 * names.length) / A_USER), 4, () => client.register());
	const before = await splits();
	const wrong = [];
	let taken = 0;
	await atOnce(names.length, 8, async (i) => {
		const { token } = users[i % users.length];
		const name = names[i];
		const [api, rpc] = await Promise.all([
			client.post('/api/cards', { name }, { token }),
			client.post('/rpc/create_business_card_atomic', { p_name: name }, { token }),
		]);
		taken += api.status === 201;
		const agree = api.status === 201 ? rpc.status === 200 && rpc.json[0].name === api.json.name : api.status === 422 && rpc.status === 400;
		// What only the database's check refuses is told in these words.
		if (!agree || /that the database refused/.test(api.text + rpc.text))
			wrong.push(`${JSON.stringify(name)}: ${api.status} ${api.text.slice(-160)}; ${rpc.status} ${rpc.text.slice(0, 200)}`);
	});
	t.diagnostic(`measured: seed ${seed}: of ${names.length} names ${taken} were taken`);
	assert.ok(wrong.length === 0, `${wrong.length} with seed ${seed}:\n${wrong.slice(0, 5).join('\n')}`);
	assert.equal(await splits(), before, `waves were split, seed ${seed}`);
	assert.ok(taken > names.length / 10, `${taken} of ${names.length} were taken`);
});

// A change of name goes through the same: back and forth, on both faces.
test('a card whose name was changed by one face can be saved back by the other', async () => {
	const { token } = await client.register();
	let card = await client.card(token);
	const before = await splits();
	for (let i = 0; i < NAMES / 5; i++) {
		const name = nameOf(new Dice(seed + 1 + i * 104729));
		const args = { p_card_id: card.id, p_expected_version: card.version, p_name: name };
		const changed = await client.post('/rpc/update_business_card_optimistic', args, { token });
		assert.ok(changed.status === 200 || changed.status === 400, `${JSON.stringify(name)}: ${changed.status} ${changed.text}`);
		const { json } = await client.get(`/api/cards/${card.id}`, { token });
		const { id, version, name: now } = json;
		const saved = await client.patch(`/api/cards/${id}`, { version, name: now }, { token });
		assert.equal(saved.status, 200, `${JSON.stringify(now)}: ${saved.text}`);
		assert.equal(saved.json.version, version, `${JSON.stringify(now)} is changed by saving it`);
		card = saved.json;
	}
	assert.equal(await splits(), before);
});
