/* Whose turn it is to take the next connection. */
#include "worker/balance.h"

#include "base/clock.h"

bool balance_exceeded(uint64_t own, uint64_t total, uint64_t serving)
{
	return 2 * own * serving > 2 * total + serving;
}

/* One that is stopped takes no connection. */
static bool serves(const struct segment_process *process, int64_t now_us)
{
	const int64_t beat_us = stats_time_of(&process->heartbeat_us);

	return atomic_load_explicit(&process->state, memory_order_relaxed) == STATS_WORKER_READY &&
	       now_us - beat_us <= SEGMENT_HEARTBEAT_FRESH_US;
}

bool balance_tell(void *arg, size_t connections)
{
	const struct balance *balance = arg;
	const int64_t now_us = clock_mono_us();
	uint64_t total = connections;
	uint64_t serving = 1;

	segment_worker_connections(balance->segment, balance->slot, (uint32_t)connections);
	for (size_t i = 0; i < balance->processes; i++) {
		const struct segment_process *process = segment_process(balance->segment, i);

		if (i == balance->slot || !serves(process, now_us))
			continue;
		serving++;
		total += atomic_load_explicit(&process->connections, memory_order_relaxed);
	}
	return balance_exceeded(connections, total, serving);
}
