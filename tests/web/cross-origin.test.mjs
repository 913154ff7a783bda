// A page of another origin in a real browser: with the module from the service it does what a page of
// the service's own does, by token; without leave, or by cookie, it does nothing.
import { createServer } from 'node:http';
import { once } from 'node:events';

import { after, assert, endsCleanly, own, test } from '../lib/harness.mjs';
import { openBrowser, openPage } from '../lib/browser.mjs';

// Two pages that differ in their origin alone. To a browser `localhost` is another site than 127.0.0.1.
async function pageServer() {
	const server = createServer((_, response) => {
		response.setHeader('Content-Type', 'text/html');
		response.end('<!doctype html><title>A page</title><link rel="icon" href="data:,">');
	});
	await once(server.listen(0, '127.0.0.1'), 'listening');
	after(() => server.close());
	return `http://localhost:${server.address().port}`;
}

const welcome = await pageServer();
const stranger = await pageServer();
const stack = await own({ env: { CARDKEEP_CORS_ORIGINS: welcome } });
const { client } = stack;
const service = `http://127.0.0.1:${stack.port}`;
const browser = await openBrowser();

// What such pages do by nature is not what they may be blamed for.
function complaints(page) {
	return page.complaints.filter((text) => !/^asked |status of (409|404|403)/.test(text));
}

async function begin([baseUrl, token, options]) {
	const module = await import(`${baseUrl}/cardkeep.js`);
	globalThis.client = module.configure({ baseUrl, token, ...options });
}

test('a page of a configured origin signs up, writes, merges, meets conflicts and signs out', async () => {
	const page = await openPage(browser, welcome);
	await page.evaluate(begin, [service]);
	const seen = await page.evaluate(async () => {
		const { client } = globalThis;
		const email = `${Math.random().toString(36).slice(2)}@example.org`;
		await client.signUp({ email, password: 'correct horse battery' });
		const card = await client.cards.create({ name: 'From afar' });
		const named = await client.cards.update(card, { name: 'Named' });
		const conflict = await client.cards
			.update(card.id, { name: 'Stale' }, { version: 1 })
			.catch(({ name, currentVersion }) => ({ name, currentVersion }));
		const merged = await client.cards.update(card.id, { template_type: 'wide' }, { version: 1, merge: true });
		const missing = await client.cards.get('00000000-0000-0000-0000-000000000000').catch(({ status, requestId }) => ({ status, requestId }));
		const { cards } = await client.cards.list();
		await client.cards.delete(merged);
		await client.signOut();
		return { named, conflict, merged, missing, count: cards.length };
	});
	assert.equal(seen.named.version, 2);
	assert.deepEqual(seen.conflict, { name: 'VersionConflictError', currentVersion: 2 });
	assert.equal(seen.merged.name, 'Named');
	assert.equal(seen.merged.template_type, 'wide');
	assert.equal(seen.missing.status, 404);
	assert.equal(seen.count, 1);
	assert.deepEqual(complaints(page), []);
	await page.context().close();
});

test('it reads the headers that the service exposes, and those of nginx', async () => {
	const { token } = await client.register();
	const page = await openPage(browser, welcome);
	const seen = await page.evaluate(async ([base, bearer]) => {
		const headers = { Authorization: `Bearer ${bearer}`, 'X-Something-New': '1' };
		const ask = async (path, init = {}) => {
			const got = await fetch(base + path, init);
			return { status: got.status, headers: Object.fromEntries(got.headers) };
		};
		return [
			await ask('/api/cards', { method: 'POST', headers, body: '{"name":"x"}' }),
			await ask('/elsewhere'),
		];
	}, [service, token]);
	const [made, nowhere] = seen;
	assert.equal(made.status, 201);
	assert.equal(made.headers.etag, '"1"');
	assert.match(made.headers.location, /^\/api\/cards\//);
	assert.match(made.headers['x-request-id'], /^[0-9a-f-]{36}$/);
	assert.equal(nowhere.status, 404);
	assert.match(nowhere.headers['x-request-id'], /^[0-9a-f-]{36}$/);
	await page.context().close();
});

test('a page of any other origin can neither import the module nor read or write anything', async () => {
	const { token } = await client.register();
	const page = await openPage(browser, stranger);
	const seen = await page.evaluate(async ([base, bearer]) => {
		const failed = (promise) => promise.then(() => 'done', (error) => error.name);
		const headers = { Authorization: `Bearer ${bearer}` };
		return {
			module: await failed(import(`${base}/cardkeep.js`)),
			read: await failed(fetch(`${base}/api/cards`, { headers })),
			write: await failed(fetch(`${base}/api/cards`, { method: 'POST', body: '{"name":"x"}', headers })),
			refusal: await failed(fetch(`${base}/elsewhere`)),
		};
	}, [service, token]);
	assert.deepEqual(seen, { module: 'TypeError', read: 'TypeError', write: 'TypeError', refusal: 'TypeError' });
	assert.deepEqual((await client.get('/api/cards', { token })).json.cards, []);
	await page.context().close();
});

test('the cookie of a signed-in visitor is of no use to either page', async () => {
	const email = `${Date.now()}@example.org`;
	const password = 'correct horse battery';
	const context = await browser.newContext();
	const home = await openPage(context, `${service}/cardkeep.js`);
	const signUp = (body) => fetch('/api/users', { method: 'POST', body }).then(({ status }) => status);
	assert.equal(await home.evaluate(signUp, JSON.stringify({ email, password, cookie: true })), 201);
	for (const origin of [welcome, stranger]) {
		const page = await openPage(context, origin);
		const seen = await page.evaluate(async (base) => {
			const read = (init) => fetch(`${base}/api/cards`, init).then(({ status }) => status, ({ name }) => name);
			const body = '{"name":"forged"}';
			return {
				read: await read({ credentials: 'include' }),
				write: await read({ method: 'POST', credentials: 'include', body }),
				// What nobody has to ask for: the page cannot see the answer.
				blind: await read({ method: 'POST', credentials: 'include', mode: 'no-cors', body }),
			};
		}, service);
		assert.deepEqual(seen, { read: 'TypeError', write: 'TypeError', blind: 0 }, origin);
	}
	const count = await home.evaluate(() =>
		fetch('/api/cards').then((got) => got.json()).then(({ cards }) => cards.length));
	assert.equal(count, 0);
	await context.close();
});

endsCleanly(stack);
