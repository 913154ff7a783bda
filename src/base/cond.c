/* Conditions whose waits end by the monotonic clock. */
#include "base/cond.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	MUST_ZERO(pthread_condattr_init(&attr));
	MUST_ZERO(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
	MUST_ZERO(pthread_cond_init(cond, &attr));
	MUST_ZERO(pthread_condattr_destroy(&attr));
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_us)
{
	const struct timespec limit = {.tv_sec = (time_t)(deadline_us / CLOCK_S),
		.tv_nsec = (long)(deadline_us % CLOCK_S) * 1000};
	int failed = pthread_cond_timedwait(cond, lock, &limit);

	MUST(failed == 0 || failed == ETIMEDOUT);
	return failed == 0;
}
