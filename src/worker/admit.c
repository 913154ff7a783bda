/* Who is hashed next, and who need not wait for it. */
#include "worker/admit.h"

/* A measurement counts for an eighth: one slow hash shuts nobody out, ten do. */
#define COST_WEIGHT 8
/* Who is known goes first so often; beyond that he is a flood himself. */
#define KNOWN_TURNS 16

int64_t admit_cost(int64_t cost_us, int64_t measured_us, int64_t most_us)
{
	const int64_t next = cost_us + (measured_us - cost_us) / COST_WEIGHT;

	if (next > most_us)
		return most_us;
	return next > 0 ? next : 1;
}

size_t admit_room(int64_t left_us, int64_t cost_us, size_t threads, size_t limit)
{
	const int64_t fit = left_us > 0 ? left_us / 2 / cost_us : 0;
	size_t room = fit < (int64_t)limit ? (size_t)fit * threads : limit;

	if (room < threads)
		room = threads;
	return room < limit ? room : limit;
}

/* A quarter of it: an eighth of the time that requests have. */
bool admit_newest_first(size_t waiting, size_t room)
{
	return waiting > room / 4;
}

static bool goes_first(const struct admit_ticket *ticket)
{
	return ticket->known && ticket->turn < KNOWN_TURNS;
}

bool admit_before(const struct admit_ticket *a, const struct admit_ticket *b, bool newest_first)
{
	if (goes_first(a) != goes_first(b))
		return goes_first(a);
	if (a->turn != b->turn)
		return a->turn < b->turn;
	return newest_first ? a->number > b->number : a->number < b->number;
}

bool admit_in_time(const struct admit_ticket *ticket, int64_t cost_us, int64_t now_us)
{
	return now_us + cost_us < ticket->deadline_us;
}
