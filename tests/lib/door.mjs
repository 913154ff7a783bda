// A way by TCP to a PostgreSQL that has a socket alone. Runs as a process of its own, as the daemon's
// user, since PostgreSQL knows people by that:
//
//   fork(door.mjs, [HOST, PORT, TARGET-PATH, KEY-FILE, CERTIFICATE-FILE])     says {open} when it listens
//
// With a key it speaks TLS, in records as large as TLS allows: what it has to say it collects for a
// moment, as poolers and balancers do that read and write in large pieces.
import fs from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';

const [host, port, target, keyFile, certFile] = process.argv.slice(2);
const keys = keyFile ? { key: fs.readFileSync(keyFile), cert: fs.readFileSync(certFile) } : undefined;

const SSL_REQUEST = 80877103;
const COLLECT_MS = 2;

process.on('disconnect', () => process.exit(0));

// Pipes both ways; what PostgreSQL says goes on in one piece.
function join(client) {
	const server = net.connect(target);
	const close = () => {
		client.destroy();
		server.destroy();
	};
	let waiting = [];
	const flush = () => {
		if (!client.destroyed) client.write(Buffer.concat(waiting));
		waiting = [];
	};
	client.on('data', (part) => server.write(part));
	server.on('data', (part) => {
		if (waiting.push(part) === 1) setTimeout(flush, COLLECT_MS);
	});
	server.on('end', () => setTimeout(close, 5 * COLLECT_MS));
	client.on('error', close).on('close', close);
	server.on('error', close);
}

// libpq asks in the clear whether there is TLS; a request to cancel comes in the clear.
function greet(socket) {
	socket.on('error', () => socket.destroy());
	socket.once('data', (first) => {
		if (first.length !== 8 || first.readUInt32BE(4) !== SSL_REQUEST) {
			socket.unshift(first);
			join(socket);
			return;
		}
		socket.write('S');
		join(new tls.TLSSocket(socket, { isServer: true, ...keys }));
	});
}

net.createServer(keys ? greet : join).listen(Number(port), host, () => process.send({ open: true }));
