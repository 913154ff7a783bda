/* Fairness: what one caller may have of the service at a time. */
#include "worker/fair.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

#define SETS 1024 /* a power of two */
#define WAYS 4    /* places among which one gives way */

struct place {
	struct fair_key key; /* all zero: free, which no hash and no id is */
	size_t in_flight;
	/* The bucket, kept as the moment at which it would have been empty: since then it fills. Ahead of
	 * now while the caller has taken more than there was. */
	int64_t empty_at_us;
	int64_t apart_until_us;
};

struct fair {
	struct fair_limits limits;
	int64_t span_us;      /* an empty bucket is full after this */
	pthread_mutex_t lock; /* guards all below */
	struct place places[SETS][WAYS];
};

struct fair *fair_new(const struct fair_limits *limits)
{
	struct fair *fair = mem_zero(sizeof(*fair));

	MUST(limits->percent > 0);
	fair->limits = *limits;
	fair->span_us = limits->burst_us * 100 / limits->percent;
	MUST_ZERO(pthread_mutex_init(&fair->lock, NULL));
	return fair;
}

void fair_free(struct fair **fair)
{
	if (*fair == NULL)
		return;
	MUST_ZERO(pthread_mutex_destroy(&(*fair)->lock));
	free(*fair);
	*fair = NULL;
}

static bool same(const struct fair_key *a, const struct fair_key *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* How much there is to remember: the greater, the longer. */
static int64_t worth(const struct place *place)
{
	return place->apart_until_us > place->empty_at_us ? place->apart_until_us
							  : place->empty_at_us;
}

/* The caller's place, or the one that it takes; NULL when each has requests in flight. */
static struct place *place_for(struct fair *fair, const struct fair_key *key, int64_t now_us)
{
	struct place *set = fair->places[(key->words[0] ^ key->words[1]) % SETS];
	struct place *victim = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct place *place = &set[i];

		if (same(&place->key, key))
			return place;
		if (place->in_flight == 0 && (victim == NULL || worth(place) < worth(victim)))
			victim = place;
	}
	if (victim != NULL)
		*victim = (struct place){.key = *key, .empty_at_us = now_us - fair->span_us};
	return victim;
}

static size_t number_of(const struct fair *fair, const struct place *place)
{
	return (size_t)(place - fair->places[0]) + 1;
}

static struct place *place_at(struct fair *fair, size_t number)
{
	return fair->places[0] + (number - 1);
}

static enum fair_verdict judge_caller(
	const struct fair *fair, const struct place *place, int64_t now_us, int64_t *ret_wait_us)
{
	if (place->in_flight >= fair->limits.in_flight)
		return FAIR_MANY;
	if (place->empty_at_us <= now_us)
		return FAIR_ADMITTED;
	*ret_wait_us = place->empty_at_us - now_us;
	return FAIR_LONG;
}

enum fair_verdict fair_enter(struct fair *fair, const struct fair_key *key, int64_t now_us,
	size_t *ret_place, int64_t *ret_wait_us)
{
	enum fair_verdict verdict = FAIR_ADMITTED;
	struct place *place;

	MUST_ZERO(pthread_mutex_lock(&fair->lock));
	place = place_for(fair, key, now_us);
	if (place != NULL)
		verdict = judge_caller(fair, place, now_us, ret_wait_us);
	if (verdict == FAIR_ADMITTED) {
		*ret_place = place != NULL ? number_of(fair, place) : FAIR_NOBODY;
		if (place != NULL)
			place->in_flight++;
	}
	MUST_ZERO(pthread_mutex_unlock(&fair->lock));
	return verdict;
}

void fair_charge(struct fair *fair, size_t number, int64_t took_us, int64_t now_us)
{
	const int64_t over_us = took_us - FAIR_FREE_US;
	struct place *place;

	if (number == FAIR_NOBODY || over_us <= 0)
		return;
	place = place_at(fair, number);
	MUST_ZERO(pthread_mutex_lock(&fair->lock));
	if (place->empty_at_us < now_us - fair->span_us)
		place->empty_at_us = now_us - fair->span_us;
	place->empty_at_us += over_us * 100 / fair->limits.percent;
	MUST_ZERO(pthread_mutex_unlock(&fair->lock));
}

void fair_set_apart(struct fair *fair, size_t number, int64_t now_us)
{
	if (number == FAIR_NOBODY)
		return;
	MUST_ZERO(pthread_mutex_lock(&fair->lock));
	place_at(fair, number)->apart_until_us = now_us + FAIR_APART_US;
	MUST_ZERO(pthread_mutex_unlock(&fair->lock));
}

bool fair_is_apart(struct fair *fair, size_t number, int64_t now_us)
{
	bool apart;

	if (number == FAIR_NOBODY)
		return false;
	MUST_ZERO(pthread_mutex_lock(&fair->lock));
	apart = now_us < place_at(fair, number)->apart_until_us;
	MUST_ZERO(pthread_mutex_unlock(&fair->lock));
	return apart;
}

void fair_leave(struct fair *fair, size_t number)
{
	struct place *place;

	if (number == FAIR_NOBODY)
		return;
	place = place_at(fair, number);
	MUST_ZERO(pthread_mutex_lock(&fair->lock));
	MUST(place->in_flight > 0);
	place->in_flight--;
	MUST_ZERO(pthread_mutex_unlock(&fair->lock));
}
