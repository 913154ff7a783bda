// The session cookie over HTTPS: of a name that no other site of the same domain can set.
import { assert, endsCleanly, own, test } from '../lib/harness.mjs';

const SITE = 'https://cards.example.org';
const stack = await own({ env: { CARDKEEP_PUBLIC_URL: SITE } });
const { client } = stack;
const PASSWORD = 'correct horse battery staple';

// A new account signed in by cookie: its pair of name and value, its address, and what was set.
async function browser(email) {
	const got = await client.post('/api/users', { email, password: PASSWORD, cookie: true });
	assert.equal(got.status, 201, got.text);
	const [pair, ...attributes] = got.headers['set-cookie'][0].split('; ');
	return { pair, attributes, email };
}

const whoIs = async (Cookie) => {
	const got = await client.get('/api/users/me', { headers: { Cookie } });
	return got.status === 200 ? got.json.user.email : got.status;
};

test('the cookie has the name, and what the name asks for', async () => {
	const { pair, attributes, email } = await browser('ann@example.org');
	assert.match(pair, /^__Host-ck_session=ck_[A-Za-z0-9_-]{43}$/);
	assert.ok(attributes.includes('Secure') && attributes.includes('Path=/'), attributes.join());
	assert.ok(!attributes.some((attribute) => /^domain/i.test(attribute)), attributes.join());
	assert.equal(await whoIs(pair), email);
});

test('what a neighbouring site sets changes nobody\'s session', async () => {
	const ada = await browser('ada@example.org');
	const eve = await browser('eve@example.org');
	const planted = eve.pair.replace('__Host-', '');
	for (const header of [`${ada.pair}; ${planted}`, `${planted}; ${ada.pair}`, `ck_session=x; ${planted}; ${ada.pair}`])
		assert.equal(await whoIs(header), ada.email, header);
	assert.equal(await whoIs(planted), eve.email, 'a session from before is good by its old name');
	assert.equal(await whoIs(`${ada.pair}; ${eve.pair}`), 401);
});

test('who signs out is told to forget the cookie that it came with', async () => {
	const { pair } = await browser('bob@example.org');
	const headers = { Cookie: pair, Origin: SITE };
	const got = await client.delete('/api/sessions/current', { headers });
	assert.equal(got.status, 204, got.text);
	assert.match(got.headers['set-cookie'][0], /^__Host-ck_session=; Path=\/; Max-Age=0; .*; Secure$/);
	assert.equal(await whoIs(pair), 401);
});

endsCleanly(stack);
