// The three tests that the mission's page on race conditions gives, as written there but for host,
// port, token and ids.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { assert, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const run = promisify(execFile);

// What a browser's page has: addresses relative to the service. The page's own calls carry no
// token, because there a cookie does.
function browser(token) {
	return (path, init) =>
		globalThis.fetch(new URL(path, `http://localhost:${stack.port}`), {
			...init,
			headers: { ...init.headers, Authorization: `Bearer ${token}` },
		});
}

test('test 1, concurrent card creation: both succeed with different slugs', async () => {
	const { token } = await client.register();
	const script = `
# Terminal 1
curl -X POST http://localhost:${stack.port}/api/cards \\
  -H "Authorization: Bearer $TOKEN" \\
  -d '{"name":"My Card","template_type":"personal-small"}' &

# Terminal 2 (simultaneously)
curl -X POST http://localhost:${stack.port}/api/cards \\
  -H "Authorization: Bearer $TOKEN" \\
  -d '{"name":"My Card","template_type":"personal-small"}' &
wait`;
	const { stdout } = await run('bash', ['-c', script], { env: { ...process.env, TOKEN: token } });
	const cards = stdout.replaceAll('}{', '}\n{').trim().split('\n').map((line) => JSON.parse(line));
	assert.equal(cards.length, 2);
	assert.notEqual(cards[0].slug, cards[1].slug);
	for (const card of cards) {
		assert.equal(card.name, 'My Card');
		assert.equal(card.template_type, 'personal-small');
		assert.match(card.slug, /^my-card(-[a-z0-9]{6})?$/);
	}
});

test('test 2, concurrent card updates: the tab with the stale version gets 409', async () => {
	const { token } = await client.register();
	const fetch = browser(token);
	const { id } = await client.card(token);

	// Tab 1
	const first = await fetch('/api/cards', {
		method: 'PATCH',
		body: JSON.stringify({
			id: id,
			version: 1,
			name: 'Updated Name A'
		})
	});

	// Tab 2 (using stale version)
	const second = await fetch('/api/cards', {
		method: 'PATCH',
		body: JSON.stringify({
			id: id,
			version: 1, // ← Stale version
			name: 'Updated Name B'
		})
	});

	assert.equal(first.status, 200);
	assert.equal((await first.json()).version, 2);
	assert.equal(second.status, 409);
	const error = await second.json();
	assert.equal(error.error, 'Version conflict');
	assert.equal(error.currentVersion, 2);
	assert.equal(typeof error.message, 'string');
});

test('test 3, profile update conflict: the tab with the stale version gets 409', async () => {
	const { token } = await client.register();
	const fetch = browser(token);
	const savePersonalInfo = (fields) =>
		fetch('/api/profile/personal', { method: 'PATCH', body: JSON.stringify(fields) });
	assert.equal((await savePersonalInfo({ full_name: 'J. Doe', version: 0 })).status, 201);

	// Tab 1: Update name
	const first = await savePersonalInfo({ full_name: 'John Doe', version: 1 });

	// Tab 2: Update email (with stale version)
	const second = await savePersonalInfo({ primary_email: 'john@example.com', version: 1 });

	assert.equal(first.status, 200);
	assert.equal((await first.json()).version, 2);
	assert.equal(second.status, 409);
	assert.equal((await second.json()).currentVersion, 2);
});

test("the page's client code for conflicts finds what it reads", async () => {
	const { token } = await client.register();
	const fetch = browser(token);
	const card = await client.card(token);
	await client.patch('/api/cards', { id: card.id, version: 1, name: 'Elsewhere' }, { token });
	const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
	const fetchCard = async (id) => (await fetch(`/api/cards/${id}`, {})).json();
	const updateCard = (id, fields) =>
		fetch('/api/cards', { method: 'PATCH', body: JSON.stringify({ id, ...fields }) });

	async function updateCardWithRetry(cardId, updates, maxRetries = 3) {
		for (let attempt = 0; attempt < maxRetries; attempt++) {
			const card = await fetchCard(cardId);
			const response = await updateCard(cardId, { ...updates, version: card.version });
			if (response.ok) return await response.json();
			if (response.status === 409 && attempt < maxRetries - 1) {
				await sleep(100 * Math.pow(2, attempt));
				continue;
			}
			throw new Error('Update failed');
		}
	}

	const updated = await updateCardWithRetry(card.id, { name: 'Mine' });
	assert.equal(updated.version, 3);
	assert.equal(updated.name, 'Mine');
});
