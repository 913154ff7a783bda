// The page for operators: whole without scripts, alive with them, on every screen, and alone.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { assert, shared, test, top, until } from '../lib/harness.mjs';
import { openBrowser, openPage } from '../lib/browser.mjs';

const { stack, client } = await shared();
const url = `http://127.0.0.1:${stack.port}/status`;
const browser = await openBrowser();
const WIDE = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

const SECTIONS = ['Now', 'Alerts', 'Indicators', 'The last hour', 'Workers and their threads'];

// Opens the page in a browser of that kind, lets `look` at it, and hears no complaint.
async function visit(options, look) {
	const context = await browser.newContext(options);
	const page = await openPage(context, url);
	try {
		await look(page);
		assert.deepEqual(page.complaints, []);
	} finally {
		await context.close();
	}
}

async function conflict() {
	const { token } = await client.register();
	const { id } = await client.card(token);
	await client.patch(`/api/cards/${id}`, { version: 1, name: 'One' }, { token });
	const stale = await client.patch(`/api/cards/${id}`, { version: 1, name: 'Two' }, { token });
	assert.equal(stale.status, 409);
	return stale.headers['x-request-id'];
}

const titles = (page) => page.locator('h2').allTextContents();

async function allThere(page) {
	const there = await titles(page);
	for (const title of SECTIONS) assert.ok(there.includes(title), `${title}: ${there}`);
	assert.match(await page.title(), /Cardkeep$/);
	assert.equal(await page.locator('#alert-rows tr').count(), 14);
	assert.equal(await page.locator('#indicator-rows tr').count(), 4);
	assert.ok((await page.locator('#worker-rows tr').count()) >= 1);
	assert.equal(await page.locator('.chart').count(), 6);
}

test('the page may load and ask nothing but the service, and nobody keeps it', async () => {
	const got = await client.get('/status');
	assert.equal(got.status, 200);
	assert.equal(got.headers['content-type'], 'text/html; charset=utf-8');
	assert.equal(got.headers['cache-control'], 'no-store');
	assert.equal(got.headers['x-content-type-options'], 'nosniff');
	const policy = got.headers['content-security-policy'];
	assert.match(policy, /^default-src 'none'; /);
	assert.doesNotMatch(policy, /unsafe|\*|data:|https?:/);
	assert.doesNotMatch(got.text, /https?:\/\/|style="| on\w+="/);
	for (const file of ['page.css', 'page.js', 'uplot.js', 'uplot.css', 'icon.svg']) {
		const asset = await client.get(`/status/${file}`);
		assert.equal(asset.status, 200, file);
		assert.equal(asset.text, fs.readFileSync(path.join(top, 'web/status', file), 'utf8'));
	}
	for (const none of ['page.html', 'uplot.LICENSE', 'none.js', '', '..%2fmetrics'])
		assert.equal((await client.get(`/status/${none}`)).status, 404, none);
	assert.equal((await client.post('/status', {})).status, 405);
});

test('the chart library is what its authors published', () => {
	const dist = path.dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
	for (const [ours, theirs] of [
		['uplot.js', 'dist/uPlot.iife.min.js'],
		['uplot.css', 'dist/uPlot.min.css'],
		['uplot.LICENSE', 'LICENSE'],
	])
		assert.ok(
			fs.readFileSync(path.join(top, 'web/status', ours)).equals(fs.readFileSync(path.join(dist, theirs))),
			ours,
		);
});

test('without scripts it is complete, renews itself, and draws the hour', async () => {
	await visit({ ...WIDE, javaScriptEnabled: false }, async (page) => {
		await allThere(page);
		assert.equal(await page.locator('noscript meta[http-equiv=refresh]').count(), 1);
		assert.equal(await page.locator('.chart svg[role=img]').count(), 6);
		assert.equal(await page.locator('#pause').isVisible(), false);
		assert.match(await page.locator('.chart svg').first().getAttribute('aria-label'), /^Requests, per second, over the last 5 min\. Now:/);
	});
});

test('a conflict is on the page and in status.json, under the id of its request', async () => {
	const id = await conflict();
	const { events } = (await client.get('/status.json')).json;
	const event = events.find(({ request }) => request === id);
	assert.ok(Math.abs(Date.parse(event.at) - Date.now()) < 30_000, event.at);
	delete event.at;
	assert.deepEqual(event, {
		kind: 'conflict', route: 'card-update', request: id, attempts: 1,
		sqlstate: null, delay_ms: null, current_version: 2,
	});
	await visit({ ...WIDE, javaScriptEnabled: false }, async (page) => {
		const row = page.locator('#event-rows tr', { hasText: id });
		assert.match(await row.textContent(), /conflict.*card-update.*is at version 2/s);
	});
});

test('with scripts it lives: figures renew themselves, the charts are drawn, and both can be halted', async () => {
	await visit(WIDE, async (page) => {
		await allThere(page);
		await until('the charts are drawn', async () => (await page.locator('.chart canvas').count()) === 6);
		const id = await conflict();
		await page.locator('#event-rows tr', { hasText: id }).waitFor({ timeout: 10_000 });
		const points = () => page.evaluate(() => document.querySelector('.chart .legend b').textContent);
		assert.match(await points(), /^[\d.]+$/);
		await page.locator('#pause').click();
		assert.equal(await page.locator('#pause').textContent(), 'Go on');
		const unseen = await conflict();
		const asked = page.waitForRequest(/status/, { timeout: 5000 }).then(() => true, () => false);
		assert.equal(await asked, false);
		await page.locator('#pause').click();
		await page.locator('#event-rows tr', { hasText: unseen }).waitFor({ timeout: 10_000 });
	});
});

test('what stops answering is told, and that the figures are old', async () => {
	const context = await browser.newContext(WIDE);
	const page = await openPage(context, url);
	await page.route('**/status', (route) => route.abort());
	await page.getByText(/These figures are old/).waitFor({ timeout: 10_000 });
	assert.match(await page.locator('#verdict').getAttribute('class'), /bad/);
	await page.unroute('**/status');
	await page.getByText(/These figures are old/).waitFor({ state: 'detached', timeout: 10_000 });
	await context.close();
});

// As WCAG counts it.
function contrast(one, other) {
	const light = (colour) => {
		const [r, g, b] = colour.match(/\d+/g).map((value) => {
			const part = value / 255;
			return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
		});
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
	return (high + 0.05) / (low + 0.05);
}

// Of every element with a text of its own: its colour, and the nearest ground behind it.
function colours() {
	const found = new Map();
	for (const element of document.querySelectorAll('body *')) {
		const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim() !== '');
		if (!own || !element.checkVisibility?.()) continue;
		let behind = element;
		while (behind && /, 0\)$|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
		const pair = [getComputedStyle(element).color, getComputedStyle(behind ?? document.body).backgroundColor];
		found.set(pair.join(), [...pair, element.outerHTML.slice(0, 80)]);
	}
	return [...found.values()];
}

for (const colorScheme of ['light', 'dark'])
	test(`every text can be read: ${colorScheme}`, async () => {
		await visit({ ...WIDE, colorScheme }, async (page) => {
			// Alerts of each tone, whether or not any is raised now.
			await page.locator('#pause').click();
			await page.evaluate(() => {
				const rows = document.querySelectorAll('#alert-rows tr');
				for (const [i, tone] of ['bad', 'warn', 'dull'].entries()) {
					rows[i].className = tone;
					rows[i].querySelector('.state').className = `state ${tone}`;
				}
			});
			const pairs = await page.evaluate(colours);
			assert.ok(pairs.length > 5);
			const poor = pairs.filter(([text, ground]) => contrast(text, ground) < 4.5);
			assert.deepEqual(poor, []);
			const [ground] = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor]);
			assert.equal(contrast(ground, 'rgb(255, 255, 255)') > 10, colorScheme === 'dark', ground);
		});
	});

test('on a phone nothing is wider than the screen but tables, which move by themselves', async () => {
	await visit(PHONE, async (page) => {
		await allThere(page);
		await until('the charts are drawn', async () => (await page.locator('.chart canvas').count()) === 6);
		const [whole, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
		assert.equal(whole, screen);
		const wide = await page.evaluate(() =>
			[...document.querySelectorAll('main > section > :not(.scroll), .charts > *')]
				.filter((element) => element.getBoundingClientRect().right > innerWidth)
				.map((element) => element.outerHTML.slice(0, 80)));
		assert.deepEqual(wide, []);
	});
});

test('it can be listened to: headings in order, tables with heads, regions with names, one live text', async () => {
	await visit(WIDE, async (page) => {
		const levels = await page.locator('h1, h2, h3').evaluateAll((all) => all.map((h) => h.tagName));
		assert.deepEqual(levels, ['H1', ...new Array(levels.length - 1).fill('H2')]);
		assert.equal(await page.locator('th:not([scope])').count(), 0);
		assert.equal(await page.locator('table:not(:has(thead))').count(), 0);
		assert.equal(await page.locator('tbody tr:not(:has(th[scope=row])):not(:has(td.nothing))').count(), 0);
		assert.equal(await page.locator('[tabindex]:not([aria-labelledby])').count(), 0);
		assert.equal(await page.locator('[role=status], [aria-live]').count(), 1);
		assert.equal(await page.locator('html').getAttribute('lang'), 'en');
	});
});

test('the hour is served by columns, and what was had before can be left out', async () => {
	await until('there is a point', async () => (await client.get('/status/history.json')).json.at.length > 0);
	const { json: all } = await client.get('/status/history.json');
	for (const [name, values] of Object.entries(all))
		if (name !== 'step_seconds') assert.equal(values.length, all.at.length, name);
	assert.ok(Math.abs(all.at.at(-1) - Date.now() / 1000) < 15);
	const last = all.at.at(-1);
	const { json: rest } = await client.get(`/status/history.json?after=${last}`);
	assert.ok(rest.at.every((at) => at > last));
	const { json: odd } = await client.get('/status/history.json?after=x');
	assert.ok(odd.at.length >= all.at.length);
});
