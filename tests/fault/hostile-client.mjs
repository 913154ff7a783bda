// One client that means harm, in a process of its own, so that what it costs itself is nobody's time:
// sends what it is told, over and over, as often as it is allowed to.
//
//   {port, from, kind, seconds, perSecond, tokens, card}     comes as a message; {sent, statuses} answers
import { Client } from '../lib/client.mjs';
import { kinds } from '../lib/worst.mjs';
import { pause } from '../lib/wait.mjs';

const all = kinds();

process.on('message', async ({ port, from, kind, seconds, perSecond, tokens, card }) => {
	const client = new Client(port, { width: 128, from });
	const { requests } = all[kind];
	const statuses = {};
	const began = performance.now();
	const pending = new Set();
	let sent = 0;
	while (performance.now() - began < seconds * 1000) {
		if (sent >= ((performance.now() - began) / 1000) * perSecond || pending.size >= 128) {
			await pause(2);
			continue;
		}
		const { method, path, headers, body } = requests[sent % requests.length];
		// Each of them under each token, as the numbers of both have no common factor or the turn moves on.
		const token = tokens[(sent + Math.floor(sent / requests.length)) % tokens.length] ?? undefined;
		const one = client
			.request(method, path.replace('{}', card), { token, headers, body: body?.(), timeout: 8000 })
			.then(({ status }) => status, (error) => error.code ?? error.message)
			.then((status) => (statuses[status] = (statuses[status] ?? 0) + 1))
			.finally(() => pending.delete(one));
		pending.add(one);
		sent++;
	}
	await Promise.all(pending);
	client.close();
	process.send({ sent, statuses });
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
