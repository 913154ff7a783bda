// An HTTP client that hides nothing: node:http with kept connections, no retries, any method, any
// bytes.
import http from 'node:http';
import net from 'node:net';
import { randomBytes } from 'node:crypto';

// Called with (method, path, answer) for each answer; what it throws, the request's promise rejects
// with.
let watch = () => {};

export function watchAnswers(watcher) {
	watch = watcher;
}

export class Client {
	// `from`: the address of this machine that it comes from.
	constructor(port, { width = 64, from } = {}) {
		this.port = port;
		this.agent = new http.Agent({ keepAlive: true, maxSockets: width, localAddress: from });
	}

	close() {
		this.agent.destroy();
	}

	// Resolves to {status, headers, text, json, ms}. `body` is sent as it is when it is a string or
	// a buffer, else as JSON. A header set to undefined is left out.
	async request(method, path, { token, body, headers = {}, timeout = 30_000 } = {}) {
		const bytes = encode(body);
		const all = { ...headers };
		if (token !== undefined) all.Authorization = `Bearer ${token}`;
		if (bytes !== undefined && !('Content-Length' in all) && !('Transfer-Encoding' in all))
			all['Content-Length'] = bytes.length;
		for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
		const got = await this.#send({ method, path, headers: all, timeout }, bytes);
		watch(method, path, got);
		return got;
	}

	#send({ timeout, ...options }, bytes) {
		const began = performance.now();
		return new Promise((resolve, reject) => {
			const request = http.request(
				{ host: '127.0.0.1', port: this.port, agent: this.agent, ...options },
				(response) => {
					const parts = [];
					response.on('data', (part) => parts.push(part));
					response.on('error', reject);
					response.on('end', () => resolve(answer(response, parts, began)));
				},
			);
			request.setTimeout(timeout, () =>
				request.destroy(new Error(`no answer in ${timeout} ms`)),
			);
			request.on('error', reject);
			request.end(bytes);
		});
	}

	get(path, options) {
		return this.request('GET', path, options);
	}

	post(path, body, options) {
		return this.request('POST', path, { body, ...options });
	}

	patch(path, body, options) {
		return this.request('PATCH', path, { body, ...options });
	}

	delete(path, options) {
		return this.request('DELETE', path, options);
	}

	// A new account with a session: {id, token, email, password, session}.
	async register(fields = {}) {
		const email = fields.email ?? `${randomBytes(6).toString('hex')}@example.org`;
		const password = fields.password ?? 'correct horse battery staple';
		const got = await this.post('/api/users', { email, password, ...fields });
		if (got.status !== 201) throw new Error(`register: ${got.status} ${got.text}`);
		const { user, session, token } = got.json;
		return { id: user.id, token, email, password, session };
	}

	// A new card of `token`'s.
	async card(token, fields = {}) {
		const got = await this.post('/api/cards', { name: 'My Card', ...fields }, { token });
		if (got.status !== 201) throw new Error(`create: ${got.status} ${got.text}`);
		return got.json;
	}
}

function encode(body) {
	if (body === undefined || Buffer.isBuffer(body)) return body;
	return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function answer(response, parts, began) {
	const text = Buffer.concat(parts).toString('utf8');
	const type = response.headers['content-type'] ?? '';
	return {
		status: response.statusCode,
		headers: response.headers,
		rawHeaders: response.rawHeaders,
		text,
		json: /json/.test(type) && text !== '' ? JSON.parse(text) : undefined,
		ms: performance.now() - began,
	};
}

// Sends bytes that no HTTP library would, and resolves to all that comes back until the peer closes
// or `ms` are over.
export function raw(port, bytes, ms = 3000) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
		let text = '';
		socket.setEncoding('latin1');
		socket.setTimeout(ms, () => socket.destroy());
		socket.on('data', (part) => (text += part));
		socket.on('error', reject);
		socket.on('close', () => resolve(text));
	});
}
