/* Alerts: what the service itself watches for. */
#include "stats/alert.h"

#include "base/clock.h"
#include "stats/cells.h"
#include "stats/indicator.h"

/* A request that waited longer for a thread counts as waiting; a bound of the histogram. */
#define WAIT_LONG_US 262144

static const struct {
	const char *name;
	enum alert_kind kind;
	const char *summary;
} alerts[] = {
#define ALERT(id, name, kind, key, summary) {name, ALERT_##kind, summary},
#include "catalog/alerts.def"
};

const char *alert_name(enum stats_alert id)
{
	MUST(id < STATS_ALERT_COUNT);
	return alerts[id].name;
}

enum alert_kind alert_kind(enum stats_alert id)
{
	MUST(id < STATS_ALERT_COUNT);
	return alerts[id].kind;
}

const char *alert_summary(enum stats_alert id)
{
	MUST(id < STATS_ALERT_COUNT);
	return alerts[id].summary;
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct alert_reading counted(uint64_t events)
{
	return (struct alert_reading){.known = true, .value = (double)events, .enough = true};
}

static struct alert_reading share(uint64_t part, uint64_t whole, uint64_t min_events)
{
	if (whole == 0)
		return (struct alert_reading){.known = false};
	return (struct alert_reading){.known = true,
		.value = (double)part / (double)whole,
		.enough = whole >= min_events};
}

static struct alert_reading conflicts(const uint64_t *cells, uint64_t min_events)
{
	const uint64_t refused = cells_sum(cells, STATS_VERSION_CONFLICTS);
	const uint64_t applied = cells_sum(cells, STATS_UPDATES) + cells_sum(cells, STATS_MERGES);

	return share(refused, refused + applied, min_events);
}

static struct alert_reading splits(const uint64_t *cells, uint64_t min_events)
{
	uint64_t waves[HISTOGRAM_CELLS];

	cells_histogram(cells, STATS_WAVE_SIZE, waves);
	return share(cells_sum(cells, STATS_WAVE_SPLITS), histogram_count(waves), min_events);
}

/* Those that ended unasked. */
static struct alert_reading crashes(const uint64_t *cells)
{
	return counted(cells_sum(cells, STATS_WORKER_RESTARTS) -
		       cells_value(cells, STATS_WORKER_RESTARTS, STATS_RESTART_RELOAD, 0));
}

static struct alert_reading refused_sign_ins(const uint64_t *cells, uint64_t min_events)
{
	return share(cells_value(cells, STATS_LOGINS, STATS_LOGIN_REFUSED, 0) +
			     cells_value(cells, STATS_LOGINS, STATS_LOGIN_SLOWED, 0),
		cells_sum(cells, STATS_LOGINS), min_events);
}

/* Of threads that have ever tried to connect, those that have no connection. A stopped worker does
 * not know how things are now, nor does one of the slow lane that nobody needed for a while: only wave
 * threads count. */
static struct alert_reading disconnected(const struct snapshot *now)
{
	uint64_t tried = 0;
	uint64_t closed = 0;

	for (size_t p = 0; p < now->process_count; p++) {
		const struct snapshot_process *process = &now->processes[p];

		if (!snapshot_runs(now, process))
			continue;
		for (size_t t = 0; t < now->thread_count && !snapshot_slow(now, t); t++) {
			const enum stats_connection connection = process->threads[t].connection;

			tried += connection != STATS_CONNECTION_UNUSED;
			closed += connection == STATS_CONNECTION_CLOSED;
		}
	}
	return share(closed, tried, 1);
}

/* Whichever is more: threads that hang, or requests that waited long for one. */
static struct alert_reading saturation(const struct alert_view *view)
{
	const uint64_t *waits =
		cells_histogram_of(view->recent->cells, STATS_QUEUE_WAIT, STATS_NO_LABEL);
	const uint64_t waited = histogram_count(waits);
	struct alert_reading held = share(cells_sum(view->now->cells, STATS_THREADS_HELD),
		cells_sum(view->now->cells, STATS_THREADS), 1);
	struct alert_reading waiting =
		share(waited - histogram_count_upto(waits, WAIT_LONG_US), waited, view->min_events);

	if (waiting.enough && (!held.known || waiting.value > held.value))
		return waiting;
	return held;
}

struct alert_reading alert_read(enum stats_alert id, const struct alert_view *view)
{
	const uint64_t *cells = view->sums->cells;

	switch (id) {
	case STATS_ALERT_VERSION_CONFLICT_RATE_HIGH:
		return conflicts(cells, view->min_events);
	case STATS_ALERT_SLUG_GENERATION_FAILING:
		return counted(cells_sum(cells, STATS_SLUG_FAILURES));
	case STATS_ALERT_RETRY_ATTEMPTS_EXCESSIVE:
		return counted(cells_sum(cells, STATS_OPERATIONS_EXCESSIVE));
	case STATS_ALERT_RETRY_SUCCESS_LOW:
		return share(
			cells_value(cells, STATS_RETRIED_OPERATIONS, STATS_OUTCOME_ANSWERED, 0),
			cells_sum(cells, STATS_RETRIED_OPERATIONS), view->min_events);
	case STATS_ALERT_DATABASE_UNREACHABLE:
		return disconnected(view->now);
	case STATS_ALERT_POOL_SATURATED:
		return saturation(view);
	case STATS_ALERT_REQUESTS_SHED:
		return share(cells_sum(cells, STATS_REQUESTS_SHED),
			cells_sum(cells, STATS_REQUESTS_STARTED), view->min_events);
	case STATS_ALERT_WORKERS_CRASHING:
		return crashes(cells);
	case STATS_ALERT_WAVE_SPLITS:
		return splits(cells, view->min_events);
	case STATS_ALERT_CALLS_FAILING:
		return counted(cells_sum(cells, STATS_DB_CALLS_FAILED));
	case STATS_ALERT_COMMITS_UNCONFIRMED:
		return counted(cells_sum(cells, STATS_COMMITS_UNCONFIRMED));
	case STATS_ALERT_SIGN_INS_REFUSED:
		return refused_sign_ins(cells, view->min_events);
	case STATS_ALERT_CALLER_DOMINATES:
		return share(cells_sum(cells, STATS_REQUESTS_LIMITED),
			cells_sum(cells, STATS_REQUESTS_STARTED), view->min_events);
	case STATS_ALERT_DISK_FILLING:
		return share(view->now->disk.free_bytes, view->now->disk.size_bytes, 1);
	case STATS_ALERT_COUNT:
		break;
	}
	return (struct alert_reading){.known = false};
}

/* ---- judging --------------------------------------------------------------------------------- */

/* The only place where an alert's state changes. */
static void set_state(struct alert *alert, enum stats_alert_state state, int64_t now_us)
{
	alert->state = state;
	alert->since_us = now_us;
}

static enum alert_change fire(struct alert *alert, int64_t now_us)
{
	set_state(alert, STATS_ALERT_STATE_FIRING, now_us);
	alert->told_us = now_us;
	alert->fired++;
	return ALERT_FIRES;
}

static enum alert_change step_quiet(
	struct alert *alert, const struct rule *rule, bool raised, int64_t now_us)
{
	const bool pending = alert->state == STATS_ALERT_STATE_PENDING;

	if (raised && pending && now_us - alert->since_us >= rule->for_us)
		return fire(alert, now_us);
	if (raised == pending)
		return ALERT_SAME;
	if (raised && rule->for_us == 0)
		return fire(alert, now_us);
	set_state(alert, raised ? STATS_ALERT_STATE_PENDING : STATS_ALERT_STATE_OK, now_us);
	return raised ? ALERT_PENDS : ALERT_SUBSIDES;
}

static enum alert_change step_firing(
	struct alert *alert, bool held, int64_t repeat_us, int64_t now_us)
{
	if (!held) {
		set_state(alert, STATS_ALERT_STATE_OK, now_us);
		return ALERT_CLEARS;
	}
	if (repeat_us == 0 || now_us - alert->told_us < repeat_us)
		return ALERT_SAME;
	alert->told_us = now_us;
	return ALERT_REPEATS;
}

enum alert_change alert_step(struct alert *alert, enum alert_kind kind, const struct rule *rule,
	const struct alert_reading *reading, int64_t repeat_us, int64_t now_us)
{
	const bool judged = rule->on && reading->known;

	if (rule->on && !reading->known && kind == ALERT_STATE)
		return ALERT_SAME;
	if (alert->state == STATS_ALERT_STATE_FIRING)
		return step_firing(alert, judged && rule_beyond(rule, reading->value, rule->clear),
			repeat_us, now_us);
	return step_quiet(alert, rule,
		judged && reading->enough && rule_beyond(rule, reading->value, rule->raise),
		now_us);
}
