// The module in real tabs: one browser, one service, no page of ours yet.
import { assert, shared, test } from '../lib/harness.mjs';
import { openBrowser, openPage } from '../lib/browser.mjs';

const { stack, client } = await shared();
const origin = `http://127.0.0.1:${stack.port}`;
// To a browser a name other than localhost is no secure context, unless it comes over HTTPS.
const plain = `http://cards.test:${stack.port}`;
const browser = await openBrowser('--host-resolver-rules=MAP cards.test 127.0.0.1');

// Tabs of one browser on the service's origin, each with a client of its own. What they show is the
// module's own text: any answer of the service gives them its origin.
async function tabs(count, token, at = origin) {
	const context = await browser.newContext();
	const pages = await Promise.all(
		Array.from({ length: count }, () => openPage(context, `${at}/cardkeep.js`)),
	);
	const begin = async (t) => {
		const module = await import('/cardkeep.js');
		globalThis.cardkeep = module;
		globalThis.retries = 0;
		const retry = { onRetry: () => globalThis.retries++ };
		globalThis.client = module.configure({ token: t, retry });
	};
	await Promise.all(pages.map((page) => page.evaluate(begin, token)));
	return { pages, close: () => context.close() };
}

// 409 is an answer like others here, but the browser's console calls every one of them an error.
function complaints(pages) {
	return pages.flatMap((page) => page.complaints).filter((text) => !/status of 409/.test(text));
}

test('16 tabs update one card at once: all land, and the version rises by 16', async (t) => {
	const { token } = await client.register();
	const { id } = await client.card(token, { fields_config: { count: 0 } });
	const { pages, close } = await tabs(16, token);
	const work = async ([cardId, i]) => {
		const add = ({ fields_config: { count, ...rest } }) => ({
			fields_config: { ...rest, count: count + 1, [`tab-${i}`]: true },
		});
		await globalThis.cardkeep.updateCardWithRetry(cardId, add);
		return globalThis.retries;
	};
	const retries = await Promise.all(pages.map((page, i) => page.evaluate(work, [id, i])));
	const { json: card } = await client.get(`/api/cards/${id}`, { token });
	assert.equal(card.version, 17);
	assert.equal(card.fields_config.count, 16);
	assert.equal(Object.keys(card.fields_config).length, 17);
	assert.deepEqual(complaints(pages), []);
	await close();
	const total = retries.reduce((a, b) => a + b, 0);
	t.diagnostic(`measured: ${total} conflicts in 16 tabs, ${Math.max(...retries) + 1} tries at most`);
});

test('two tabs that edit two fields from one version: the second is told, and both land', async () => {
	const { token } = await client.register();
	const { pages, close } = await tabs(2, token);
	const [one, other] = pages;
	for (const page of pages)
		await page.evaluate(async () => (globalThis.shown = await globalThis.client.personal.get()));
	const save = (changes) =>
		globalThis.client.personal
			.save(changes, { version: globalThis.shown.version })
			.catch(({ name, currentVersion, conflictingFields }) => ({
				name,
				currentVersion,
				conflictingFields,
			}));
	assert.equal((await one.evaluate(save, { full_name: 'Ada' })).version, 1);
	assert.deepEqual(await other.evaluate(save, { primary_phone: '+44 1' }), {
		name: 'VersionConflictError',
		currentVersion: 1,
		conflictingFields: [],
	});
	const again = () => globalThis.client.personal.save(() => ({ primary_phone: '+44 1' }));
	const saved = await other.evaluate(again);
	assert.deepEqual([saved.version, saved.full_name, saved.primary_phone], [2, 'Ada', '+44 1']);
	assert.deepEqual(complaints(pages), []);
	await close();
});

test('two users of one browser: neither is shown the other\'s profile, by token or by cookie', async () => {
	const accounts = [];
	for (const full_name of ['Ada', 'Grace']) {
		const { token, email, password } = await client.register();
		await client.patch('/api/profile/personal', { version: 0, full_name }, { token });
		accounts.push({ full_name, token, email, password });
	}
	const { pages, close } = await tabs(2);
	const byToken = async (all) => {
		const made = all.map(({ token }) => new globalThis.cardkeep.CardkeepClient({ token }));
		const names = [];
		for (const one of [...made, ...made]) names.push((await one.personal.get()).full_name);
		return names;
	};
	assert.deepEqual(await pages[0].evaluate(byToken, accounts), ['Ada', 'Grace', 'Ada', 'Grace']);

	const enter = async ({ email, password }) => {
		globalThis.client = globalThis.cardkeep.configure({ cookie: true });
		await globalThis.client.signIn({ email, password });
		globalThis.shown = await globalThis.client.personal.get();
		return globalThis.shown.full_name;
	};
	const save = () =>
		globalThis.client.personal.save({ ...globalThis.shown, full_name: 'x' }).catch(({ name }) => name);
	const anew = async () =>
		(await globalThis.cardkeep.configure({ cookie: true }).personal.get()).full_name;
	assert.equal(await pages[0].evaluate(enter, accounts[0]), 'Ada');
	assert.equal(await pages[1].evaluate(enter, accounts[1]), 'Grace');
	assert.equal(await pages[0].evaluate(save), 'AnotherUserError');
	assert.equal(await pages[0].evaluate(anew), 'Grace');
	assert.deepEqual(complaints(pages), []);
	await close();
});

test('a key is made where the page is no secure context, too', async () => {
	const { token } = await client.register();
	const { pages, close } = await tabs(1, token, plain);
	const sent = pages[0].waitForRequest((request) => request.method() === 'POST');
	const create = async () => {
		const card = await globalThis.client.cards.create({ name: 'Plain' });
		return [globalThis.isSecureContext, card.version];
	};
	assert.deepEqual(await pages[0].evaluate(create), [false, 1]);
	assert.match((await sent).headers()['idempotency-key'], /^"[0-9a-f]{32}"$/);
	assert.deepEqual(complaints(pages), []);
	await close();
});
