// Stands between a client and nginx, and cuts answers on their way.
//
//   const cutter = await startCutter(PORT);      a client connects to cutter.port instead
//   cutter.cut(3);                               the next three answers do not arrive
//   cutter.cuts                                  how many did not so far
//
// Every second one is lost whole, of the others the client gets the first half.
import net from 'node:net';
import { once } from 'node:events';

export async function startCutter(port) {
	const state = { left: 0, cuts: 0 };
	const server = net.createServer((client) => relay(client, net.connect(port, '127.0.0.1'), state));
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		port: server.address().port,
		get cuts() {
			return state.cuts;
		},
		cut: (count) => (state.left += count),
		stop: () => server.close(),
	};
}

function relay(client, server, state) {
	const close = () => {
		client.destroy();
		server.destroy();
	};
	client.on('data', (part) => server.write(part));
	server.on('data', (part) => {
		if (state.left === 0) {
			client.write(part);
			return;
		}
		state.left--;
		state.cuts++;
		server.destroy();
		if (state.cuts % 2 === 0) client.destroy();
		else client.end(part.subarray(0, part.length / 2), close);
	});
	for (const end of [client, server]) end.on('error', close).on('close', close);
}
