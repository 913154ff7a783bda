// A real browser for tests: Debian's Chromium, driven by playwright-core, talking to nobody but us.
//
//   const browser = await openBrowser();       it ends with the file
//   const page = await openPage(browser, origin);
//
// A page's errors, its console's errors and its requests to other hosts collect in `page.complaints`.
import fs from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';

import { chromium } from 'playwright-core';

const FLAGS = [
	'--no-sandbox', // it refuses to run as root otherwise
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

// Playwright asks for a whole path.
function inPath(name) {
	const found = process.env.PATH.split(path.delimiter).map((dir) => path.join(dir, name)).find(fs.existsSync);
	if (!found) throw new Error(`no ${name} in PATH (Debian: ${name}), and CHROMIUM names none`);
	return found;
}

export async function openBrowser(...flags) {
	const executablePath = process.env.CHROMIUM ?? inPath('chromium');
	const browser = await chromium.launch({ executablePath, args: [...FLAGS, ...flags] });
	after(() => browser.close());
	return browser;
}

// `where` is a browser, for a page with storage and cookies of its own, or a context to share those.
export async function openPage(where, url) {
	const page = await where.newPage();
	const { origin } = new URL(url);
	page.complaints = [];
	page.on('pageerror', (error) => page.complaints.push(String(error)));
	page.on('console', (line) => {
		// Where a page names no icon, the browser asks for one by itself.
		const icon = line.location().url.endsWith('/favicon.ico');
		if (line.type() === 'error' && !icon) page.complaints.push(line.text());
	});
	page.on('request', (request) => {
		const asked = new URL(request.url());
		if (/^http/.test(asked.protocol) && asked.origin !== origin)
			page.complaints.push(`asked ${asked.host}`);
	});
	await page.goto(url);
	return page;
}
