/* A thread's activity record, and the slot that nobody reads. */
#include "stats/stats.h"

#include <string.h>

#include "stats/seqlock.h"

#define READ_TRIES 100

struct stats_slot *stats_nobody(void)
{
	static struct stats_slot nobody;

	return &nobody;
}

static void put_request(struct stats_slot *slot, const struct uuid *request)
{
	uint64_t words[2] = {0, 0};

	if (request != NULL)
		memcpy(words, request->bytes, sizeof(words));
	atomic_store_explicit(&slot->request[0], words[0], memory_order_release);
	atomic_store_explicit(&slot->request[1], words[1], memory_order_release);
}

void stats_activity(struct stats_slot *slot, enum stats_thread state, enum stats_route route,
	const struct uuid *request, int64_t now_us)
{
	const uint32_t odd = seqlock_write_begin(&slot->change);

	atomic_store_explicit(&slot->state, (uint32_t)state, memory_order_release);
	atomic_store_explicit(&slot->route, (uint32_t)route, memory_order_release);
	atomic_store_explicit(&slot->since_us, now_us, memory_order_release);
	put_request(slot, request);
	seqlock_write_end(&slot->change, odd);
}

/* Ids come from a file that anybody with the right may have written: out of range is none. */
static void get_words(const struct stats_slot *slot, struct stats_activity *ret)
{
	uint32_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
	uint32_t route = atomic_load_explicit(&slot->route, memory_order_acquire);
	uint64_t words[2];

	ret->state = state < STATS_THREAD_COUNT ? (enum stats_thread)state : STATS_THREAD_IDLE;
	ret->route = route < STATS_ROUTE_COUNT ? (enum stats_route)route : STATS_ROUTE_NONE;
	ret->since_us = stats_time_of(&slot->since_us);
	words[0] = atomic_load_explicit(&slot->request[0], memory_order_acquire);
	words[1] = atomic_load_explicit(&slot->request[1], memory_order_acquire);
	memcpy(ret->request.bytes, words, sizeof(words));
}

bool stats_activity_read(const struct stats_slot *slot, struct stats_activity *ret)
{
	for (int i = 0; i < READ_TRIES; i++) {
		const uint32_t before = seqlock_read_begin(&slot->change);
		struct stats_activity seen;

		get_words(slot, &seen);
		if (seqlock_read_whole(&slot->change, before)) {
			*ret = seen;
			return true;
		}
	}
	return false;
}

void stats_connection(
	struct stats_slot *slot, enum stats_connection state, const char *sqlstate, int64_t now_us)
{
	char text[sizeof(uint64_t)] = {0};
	uint64_t word;

	if (sqlstate != NULL)
		memcpy(text, sqlstate, strnlen(sqlstate, sizeof(text)));
	memcpy(&word, text, sizeof(word));
	atomic_store_explicit(&slot->db_sqlstate, word, memory_order_relaxed);
	atomic_store_explicit(&slot->db_since_us, now_us, memory_order_relaxed);
	atomic_store_explicit(&slot->connection, (uint32_t)state, memory_order_release);
}
