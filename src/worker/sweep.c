/* The sweep: what the database is to forget goes, step by step. */
#include "worker/sweep.h"

#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define REST_US    (10 * CLOCK_S) /* between two walks */
#define ERASE_ROWS 400            /* by one step, counted as the database does: some 10 ms */

/* Between two steps of a walk. Erasing costs more by the step, and has an hour. */
static const int64_t step_us[SWEEP_KINDS] = {
	[SWEEP_KEYS] = 100 * CLOCK_MS,
	[SWEEP_ACCOUNTS] = 250 * CLOCK_MS,
};

static const char *const names[SWEEP_KINDS] = {
	[SWEEP_KEYS] = "old keys",
	[SWEEP_ACCOUNTS] = "closed accounts",
};

static int64_t jitter(int64_t us)
{
	return us / 2 + (int64_t)randombytes_uniform((uint32_t)us);
}

void sweep_init(struct sweep *sweep, int64_t now_us)
{
	*sweep = (struct sweep){0};
	for (size_t i = 0; i < SWEEP_KINDS; i++)
		sweep->walks[i].due_us = now_us + jitter(REST_US);
}

static enum sweep_kind first_due(const struct sweep *sweep)
{
	enum sweep_kind first = 0;

	for (enum sweep_kind kind = 1; kind < SWEEP_KINDS; kind++)
		if (sweep->walks[kind].due_us < sweep->walks[first].due_us)
			first = kind;
	return first;
}

bool sweep_due(const struct sweep *sweep, int64_t now_us)
{
	return now_us >= sweep->walks[first_due(sweep)].due_us;
}

void sweep_plan(struct sweep *sweep, struct call *call, struct mem_arena *arena, long keep_hours)
{
	const enum sweep_kind kind = first_due(sweep);
	const char *from = sweep->walks[kind].from;

	sweep->kind = kind;
	if (kind == SWEEP_KEYS) {
		call_start(call, CALL_SWEEP_WRITES);
		call_text(call, mem_arena_printf(arena, "%ld hours", keep_hours));
		call_text(call, *from != '\0' ? from : "0");
	} else {
		call_start(call, CALL_ERASE_STEP);
		call_text(call, *from != '\0' ? from : NULL);
		call_integer(call, arena, ERASE_ROWS);
	}
}

/* Where the row says that the walk goes on; at its end it starts anew. */
static void go_on(struct sweep *sweep, const char *next, int64_t now_us)
{
	struct sweep_walk *walk = &sweep->walks[sweep->kind];

	snprintf(walk->from, sizeof(walk->from), "%s", next);
	walk->due_us = now_us + jitter(*next == '\0' ? REST_US : step_us[sweep->kind]);
}

struct swept sweep_take(struct sweep *sweep, const struct wave_call *entry, int64_t now_us)
{
	const struct call_row *row = &entry->call->row;
	struct swept swept = {0};

	if (entry->outcome == OUTCOME_COMMITTED) {
		go_on(sweep, row->detail, now_us);
		swept.rows[sweep->kind] = (uint64_t)row->version;
		return swept;
	}
	log_warn("sweep of %s failed code=%s error=%s", names[sweep->kind], entry->error.sqlstate,
		LOG_QUOTED(entry->error.message));
	go_on(sweep, "", now_us);
	return swept;
}
