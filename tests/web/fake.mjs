// A service made of a list of answers, for rules that a real one would need an accident to show.
//
//   const { client, asked } = fake([504], [200, {...}]);
//
// The n-th request gets the n-th step, and every later one the last: [status, body, headers], an
// Error to throw (no answer), or a function (url, init) that gives either. `asked` lists the requests, with `raw`, the text of each one's body.
import { CardkeepClient } from '../../web/cardkeep.js';

export const base = 'http://cardkeep.test';

// Retries at once and says nothing, unless a test wants otherwise.
export const quick = { random: () => 0, onRetry: null };

export function fake(...steps) {
	const asked = [];
	const fetch = async (url, init) => {
		asked.push({ ...init, url: url.replace(base, ''), body: init.body && JSON.parse(init.body), raw: init.body });
		let step = steps[Math.min(asked.length, steps.length) - 1];
		if (typeof step === 'function') step = await step(url, init);
		if (step instanceof Error) throw step;
		const [status, body, headers] = step;
		const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
		return new Response(text, { status, headers });
	};
	const make = (options) => new CardkeepClient({ baseUrl: base, fetch, retry: quick, ...options });
	return { asked, make, client: make({ token: 'ck_test' }) };
}

export function problem(name, more = {}) {
	return { type: `urn:cardkeep:problem:${name}`, detail: `it was ${name}`, ...more };
}

export function card(version, more = {}) {
	return { id: 'c1', name: 'My Card', fields_config: {}, design_config: {}, version, ...more };
}

export function conflict(current, fields = []) {
	const { version: currentVersion } = current;
	const more = { error: 'Version conflict', currentVersion, current, conflictingFields: fields };
	return [409, problem('version-conflict', more)];
}

// What fetch throws: the request may have arrived, or cannot have.
export const reset = () => new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
export const refused = () => new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
