/* Rings of what lately went otherwise than at the first try. */
#include "stats/event.h"

#include <string.h>

#include "stats/seqlock.h"
#include "stats/times.h"

void event_put(struct stats_events *events, const struct event *event)
{
	const uint64_t written = atomic_load_explicit(&events->written, memory_order_relaxed);
	struct stats_event *to = &events->ring[written % EVENT_RING];
	char sqlstate[sizeof(uint64_t)] = {0};
	uint64_t words[3];
	uint32_t odd;

	memcpy(words, event->request.bytes, sizeof(event->request.bytes));
	memcpy(sqlstate, event->sqlstate, strnlen(event->sqlstate, EVENT_STATE_LEN));
	memcpy(&words[2], sqlstate, sizeof(sqlstate));
	odd = seqlock_write_begin(&to->change);
	atomic_store_explicit(&to->kind, (uint32_t)event->kind, memory_order_release);
	atomic_store_explicit(&to->at_wall_us, event->at_wall_us, memory_order_release);
	atomic_store_explicit(&to->request[0], words[0], memory_order_release);
	atomic_store_explicit(&to->request[1], words[1], memory_order_release);
	atomic_store_explicit(&to->route, (uint32_t)event->route, memory_order_release);
	atomic_store_explicit(&to->attempts, event->attempts, memory_order_release);
	atomic_store_explicit(&to->sqlstate, words[2], memory_order_release);
	atomic_store_explicit(&to->delay_us, event->delay_us, memory_order_release);
	atomic_store_explicit(&to->version, event->version, memory_order_release);
	seqlock_write_end(&to->change, odd);
	atomic_store_explicit(&events->written, written + 1, memory_order_release);
}

/* Characters that a SQLSTATE may have; the file may hold anything. */
static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

static void get_sqlstate(const struct stats_event *from, char ret[EVENT_STATE_LEN + 1])
{
	const uint64_t word = atomic_load_explicit(&from->sqlstate, memory_order_acquire);
	char text[sizeof(word)];
	size_t len = 0;

	memcpy(text, &word, sizeof(text));
	while (len < EVENT_STATE_LEN && is_plain(text[len])) {
		ret[len] = text[len];
		len++;
	}
	ret[len] = '\0';
}

static void get_event(const struct stats_event *from, struct event *ret)
{
	const uint32_t kind = atomic_load_explicit(&from->kind, memory_order_acquire);
	const uint32_t route = atomic_load_explicit(&from->route, memory_order_acquire);
	const uint64_t request[2] = {
		atomic_load_explicit(&from->request[0], memory_order_acquire),
		atomic_load_explicit(&from->request[1], memory_order_acquire),
	};

	ret->kind = kind < STATS_EVENT_KIND_COUNT ? (enum stats_event_kind)kind
						  : STATS_EVENT_KIND_FAILED;
	ret->route = route < STATS_ROUTE_COUNT ? (enum stats_route)route : STATS_ROUTE_NONE;
	memcpy(ret->request.bytes, request, sizeof(ret->request.bytes));
	ret->at_wall_us = stats_time_of(&from->at_wall_us);
	ret->attempts = atomic_load_explicit(&from->attempts, memory_order_acquire);
	get_sqlstate(from, ret->sqlstate);
	ret->delay_us = stats_time_of(&from->delay_us);
	ret->version = atomic_load_explicit(&from->version, memory_order_acquire);
}

/* One try is enough: what is being written over now is the oldest there is. */
bool event_read(const struct stats_events *events, size_t place, struct event *ret)
{
	const struct stats_event *from = &events->ring[place % EVENT_RING];
	const uint32_t before = seqlock_read_begin(&from->change);
	struct event seen;

	get_event(from, &seen);
	if (!seqlock_read_whole(&from->change, before) || seen.at_wall_us == 0)
		return false;
	*ret = seen;
	return true;
}
