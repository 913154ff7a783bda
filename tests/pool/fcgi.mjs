// The web server's side of FastCGI, for tests that talk to a socket of cardkeepd without nginx.
import net from 'node:net';
import { randomBytes } from 'node:crypto';

const BEGIN = 1;
const END = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;
const STDERR = 7;

function record(type, content = Buffer.alloc(0)) {
	const head = Buffer.from([1, type, 0, 1, 0, 0, 0, 0]);
	head.writeUInt16BE(content.length, 4);
	return Buffer.concat([head, content]);
}

function length(n) {
	if (n < 128) return Buffer.from([n]);
	const four = Buffer.alloc(4);
	four.writeUInt32BE((n | 0x80000000) >>> 0);
	return four;
}

function pair([name, value]) {
	const [n, v] = [Buffer.from(name), Buffer.from(value)];
	return Buffer.concat([length(n.length), length(v.length), n, v]);
}

function encode({ method, uri, headers, params: more, body }) {
	const params = {
		REQUEST_METHOD: method,
		REQUEST_URI: uri,
		CONTENT_LENGTH: body === '' ? '' : String(Buffer.byteLength(body)),
		CARDKEEP_REQUEST_ID: randomBytes(16).toString('hex'),
		...more,
	};
	for (const [name, value] of Object.entries(headers))
		params[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = value;
	return Buffer.concat([
		record(BEGIN, Buffer.from([0, 1, 1, 0, 0, 0, 0, 0])),
		record(PARAMS, Buffer.concat(Object.entries(params).map(pair))),
		record(PARAMS),
		...(body === '' ? [] : [record(STDIN, Buffer.from(body))]),
		record(STDIN),
	]);
}

function decode(bytes) {
	const text = bytes.toString('utf8');
	const at = text.indexOf('\r\n\r\n');
	const headers = {};
	for (const line of text.slice(0, at).split('\r\n')) {
		const colon = line.indexOf(':');
		headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
	}
	const body = text.slice(at + 4);
	const json = /json/.test(headers['content-type'] ?? '') ? JSON.parse(body) : undefined;
	return { status: Number.parseInt(headers.status, 10), headers, text: body, json };
}

// One kept connection; one request at a time.
export class Connection {
	static async open(socket) {
		const connection = new Connection();
		connection.socket = net.connect(socket);
		connection.pending = Buffer.alloc(0);
		connection.stdout = [];
		connection.askedToClose = false; // by an empty FCGI_STDERR, which nginx takes so
		connection.closed = false; // by the peer
		connection.socket.on('data', (part) => connection.#heard(part));
		connection.socket.on('error', () => {});
		connection.socket.on('close', () => connection.#gone());
		await new Promise((resolve, reject) => {
			connection.socket.once('connect', resolve).once('error', reject);
		});
		return connection;
	}

	#heard(part) {
		this.pending = Buffer.concat([this.pending, part]);
		while (this.pending.length >= 8) {
			const size = this.pending.readUInt16BE(4);
			const end = 8 + size + this.pending[6];
			if (this.pending.length < end) return;
			this.#record(this.pending[1], this.pending.subarray(8, 8 + size));
			this.pending = this.pending.subarray(end);
		}
	}

	#record(type, content) {
		if (type === STDOUT) this.stdout.push(content);
		if (type === STDERR && content.length === 0) this.askedToClose = true;
		if (type !== END) return;
		const bytes = Buffer.concat(this.stdout);
		this.stdout = [];
		this.answered?.resolve(decode(bytes));
		this.answered = undefined;
	}

	#gone() {
		this.closed = true;
		this.answered?.reject(new Error('the connection was closed without an answer'));
		this.answered = undefined;
	}

	// params: FastCGI's, beyond those that every request has.
	ask(method, uri, { headers = {}, params = {}, body = '' } = {}) {
		const answer = new Promise((resolve, reject) => (this.answered = { resolve, reject }));
		this.socket.write(encode({ method, uri, headers, params, body }));
		return answer;
	}

	close() {
		this.socket.destroy();
	}
}

// One request on a connection of its own; resolves to {status, headers, text, json, ms}.
export async function ask(socket, uri, { method = 'GET', ...options } = {}) {
	const began = performance.now();
	const connection = await Connection.open(socket);
	try {
		const answer = await connection.ask(method, uri, options);
		return { ...answer, ms: performance.now() - began };
	} finally {
		connection.close();
	}
}
