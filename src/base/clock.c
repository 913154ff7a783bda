/* Time, in microseconds. */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/must.h"

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	MUST_ZERO(clock_gettime(id, &ts));
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int clock_wait_ms(int64_t now_us, int64_t due_us)
{
	int64_t ms;

	if (due_us <= now_us)
		return 0;
	ms = (due_us - now_us + CLOCK_MS - 1) / CLOCK_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

double clock_seconds(int64_t us)
{
	return us > 0 ? (double)us / (double)CLOCK_S : 0;
}

void clock_text(int64_t wall_us, char ret_text[CLOCK_TEXT_BYTES])
{
	const time_t seconds = (time_t)(wall_us / CLOCK_S);
	struct tm tm = {0};
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(ret_text, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret_text + len, CLOCK_TEXT_BYTES - len, ".%06dZ", (int)(wall_us % CLOCK_S));
}
