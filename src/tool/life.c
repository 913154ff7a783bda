/* Whether the service behind a segment still runs. */
#include "tool/life.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "report/format.h"

/* The supervisor turns every second. */
#define FRESH_US (3 * CLOCK_S)

static int64_t beat_age_us(const struct snapshot *snapshot)
{
	return snapshot->taken_us - snapshot->supervisor_beat_us;
}

enum life life_of(const struct snapshot *snapshot)
{
	const int32_t pid = snapshot->supervisor_pid;

	/* The clock starts anew with the machine: a beat to come is one of before. But one that is to come
	 * by less is of a supervisor that turned while the snapshot was being taken. */
	if (pid <= 0 || beat_age_us(snapshot) < -FRESH_US)
		return LIFE_ENDED;
	if (beat_age_us(snapshot) <= FRESH_US)
		return LIFE_RUNS;
	return kill(pid, 0) == 0 || errno == EPERM ? LIFE_HANGS : LIFE_ENDED;
}

void life_describe(struct buf *out, const struct snapshot *snapshot)
{
	switch (life_of(snapshot)) {
	case LIFE_RUNS:
		buf_str(out, "up ");
		format_span(out, snapshot->taken_us - snapshot->made_us);
		break;
	case LIFE_HANGS:
		buf_printf(out, "supervisor %d has not turned for ", (int)snapshot->supervisor_pid);
		format_span(out, beat_age_us(snapshot));
		break;
	case LIFE_ENDED:
		buf_str(out, "not running: last figures");
		if (beat_age_us(snapshot) < 0)
			break;
		buf_str(out, ", ");
		format_span(out, beat_age_us(snapshot));
		buf_str(out, " old");
		break;
	}
}
