/* The sweep: keys that were kept long enough go. */
#include "proc/sweep.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define STEP_US (100 * CLOCK_MS) /* between two steps of a walk */
#define REST_US (10 * CLOCK_S)   /* between two walks */

static int64_t jitter(int64_t us)
{
	return us / 2 + (int64_t)randombytes_uniform((uint32_t)us);
}

void sweep_init(struct sweep *sweep, int64_t now_us)
{
	*sweep = (struct sweep){.due_us = now_us + jitter(REST_US)};
}

bool sweep_due(const struct sweep *sweep, int64_t now_us)
{
	return now_us >= sweep->due_us;
}

void sweep_plan(
	const struct sweep *sweep, struct call *call, struct mem_arena *arena, long keep_hours)
{
	call_start(call, CALL_SWEEP_WRITES);
	call_text(call, mem_arena_printf(arena, "%ld hours", keep_hours));
	call_integer(call, arena, sweep->block);
}

/* Where the row says that the walk goes on; at the table's end it starts anew. */
static void go_on(struct sweep *sweep, const char *next, int64_t now_us)
{
	bool ended = *next == '\0';

	sweep->block = ended ? 0 : strtoll(next, NULL, 10);
	sweep->due_us = now_us + jitter(ended ? REST_US : STEP_US);
}

uint64_t sweep_take(struct sweep *sweep, const struct wave_call *entry, int64_t now_us)
{
	const struct call_row *row = &entry->call->row;

	if (entry->outcome == OUTCOME_COMMITTED) {
		go_on(sweep, row->detail, now_us);
		return (uint64_t)row->version;
	}
	log_warn("sweep of old keys failed code=%s error=%s", entry->error.sqlstate,
		LOG_QUOTED(entry->error.message));
	go_on(sweep, "", now_us);
	return 0;
}
