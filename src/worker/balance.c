/* Whose turn it is to take the next connection. */
#include "worker/balance.h"

#include "base/clock.h"

bool balance_exceeded(uint64_t own, uint64_t total, uint64_t serving)
{
	return 2 * own * serving > 2 * total + serving;
}

bool balance_tell(void *arg, size_t connections)
{
	const struct balance *balance = arg;
	const int64_t now_us = clock_mono_us();
	uint64_t total = connections;
	uint64_t serving = 1;

	segment_worker_connections(balance->segment, balance->slot, (uint32_t)connections);
	for (size_t i = 0; i < balance->processes; i++) {
		uint32_t theirs;

		if (i == balance->slot ||
			!segment_worker_serves(balance->segment, i, now_us, &theirs))
			continue;
		serving++;
		total += theirs;
	}
	return balance_exceeded(connections, total, serving);
}
