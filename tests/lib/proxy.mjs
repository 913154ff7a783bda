// Stands between the daemon and PostgreSQL, and cuts where it hurts. Runs as a process of its own:
//
//   fork(proxy.mjs, [LISTEN-PATH, TARGET-PATH])     and messages {cut, count} or {hold: true|false}
//
// cut 'answer'   the next `count` waves that returned a row are cut after PostgreSQL said that it is
//                ready again (the commit is done) and before the daemon hears of it: every second
//                one keeps all from the daemon, the others all but the last message
// cut 'call'     the next `count` times that the daemon sends calls, PostgreSQL gets them, and the
//                daemon loses its connection: the backend goes on alone, and commits unheard
// cut 'request'  the next `count` times that the daemon sends calls, it is cut instead
// hold           nothing passes either way until hold is false: a network that swallows
//
// What the service does for itself, between requests or to set up a connection, is not cut: no request
// would be the wiser, and a connection that never stands is another fault (stopDatabase).
// Each message is answered by {cuts}. Of PostgreSQL's protocol it knows the frame (one byte kind,
// four bytes length) and two kinds: D, a row, and Z, ready for the next query.
import net from 'node:net';

const [listen, target] = process.argv.slice(2);
let cut = '';
let left = 0;
let cuts = 0;
let hold = false;
const pairs = new Set();

process.on('message', (order) => {
	if (order.cut !== undefined) [cut, left] = [order.cut, order.count ?? 1];
	if (order.hold !== undefined) {
		hold = order.hold;
		for (const [client, server] of pairs) for (const end of [client, server]) hold ? end.pause() : end.resume();
	}
	process.send({ cuts });
});
process.on('disconnect', () => process.exit(0));

function due(kind) {
	if (cut !== kind || left === 0) return false;
	left--;
	cuts++;
	return true;
}

// A prepared statement is bound by its function's name; what the service does for itself travels alone.
const isBind = (part) => part[0] === 0x42;
const isChore = (part) => isBind(part) && /\0(sweep_writes|erase_step|touch_sessions)\0/.test(part.toString('latin1'));

// Splits what the server sends into messages; calls `each(kind, bytes)` for every whole one.
function framer(each) {
	let rest = Buffer.alloc(0);
	return (part) => {
		rest = Buffer.concat([rest, part]);
		while (rest.length >= 5 && rest.length >= 1 + rest.readUInt32BE(1)) {
			const length = 1 + rest.readUInt32BE(1);
			each(String.fromCharCode(rest[0]), rest.subarray(0, length));
			rest = rest.subarray(length);
		}
	};
}

function relay(client, server) {
	const close = () => {
		pairs.delete(pair);
		client.destroy();
		server.destroy();
	};
	// What PostgreSQL has to say is read, so that nothing keeps it, and dropped.
	const leaveAlone = (part) => {
		pairs.delete(pair);
		server.removeAllListeners('data').removeAllListeners('close');
		server.once('data', () => server.end());
		server.write(part);
		client.removeAllListeners('close');
		client.destroy();
	};
	let wave = [];
	let row = false;
	let chore = false;
	const answer = framer((kind, bytes) => {
		row ||= kind === 'D';
		if (kind === 'Z' && row && !chore && due('answer')) {
			if (cuts % 2 === 0) client.write(Buffer.concat(wave));
			client.end(close);
			server.destroy();
			return;
		}
		wave.push(bytes);
		// While a cut is due, a wave is held until it is known to be none of those.
		if (kind !== 'Z' && cut === 'answer' && left > 0) return;
		client.write(Buffer.concat(wave));
		wave = [];
		if (kind === 'Z') row = false;
	});
	const pair = [client, server];
	pairs.add(pair);
	client.on('data', (part) => {
		chore = isChore(part);
		const calls = isBind(part) && !chore;
		if (calls && due('request')) close();
		else if (calls && due('call')) leaveAlone(part);
		else server.write(part);
	});
	server.on('data', (part) => !client.writableEnded && answer(part));
	for (const end of pair) end.on('error', close).on('close', close);
	if (hold) for (const end of pair) end.pause();
}

net.createServer((client) => relay(client, net.connect(target))).listen(listen, () =>
	process.send({ cuts }),
);
