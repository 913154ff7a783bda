/* What the supervisor decides: a pure state machine that knows no process, no signal and no clock. */
#include "supervisor/policy.h"

#include <string.h>

#include "base/clock.h"
#include "base/must.h"

#define START_LIMIT_US     (30 * CLOCK_S) /* a process that is not ready by then never will be */
#define EARLY_PAUSE_US     (100 * CLOCK_MS)
#define EARLY_PAUSE_MAX_US (10 * CLOCK_S)
#define SOON_US            (5 * CLOCK_S)    /* what has nothing to drain ends by then */
#define END_GRACE_US       (500 * CLOCK_MS) /* beyond the drain that the process bounds itself */

const char *slot_state_name(enum slot_state state)
{
	static const char *const names[] = {
		[SLOT_FREE] = "free",
		[SLOT_STARTING] = "starting",
		[SLOT_READY] = "ready",
		[SLOT_ENDING] = "ending",
		[SLOT_KILLED] = "killed",
	};

	return names[state];
}

const char *policy_state_name(enum policy_state state)
{
	static const char *const names[] = {
		[POLICY_SERVING] = "serving",
		[POLICY_STOPPING] = "stopping",
		[POLICY_CLOSING] = "closing",
		[POLICY_KILLING] = "killing",
		[POLICY_ENDED] = "ended",
	};

	return names[state];
}

void policy_set_drain(struct policy *policy, int64_t drain_us)
{
	policy->crews[ROLE_WORKER].end_wait_us = drain_us + END_GRACE_US;
}

void policy_init(struct policy *policy, const size_t wanted[ROLE_COUNT], int64_t drain_us)
{
	MUST(wanted[ROLE_WORKER] >= 1);
	memset(policy, 0, sizeof(*policy));
	policy->state = POLICY_SERVING;
	policy->generation = 1;
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		MUST(wanted[role] <= ROLE_PROCESSES_MAX);
		policy->crews[role].wanted = wanted[role];
		policy->crews[role].slot_count = 2 * wanted[role];
		policy->crews[role].end_wait_us = SOON_US;
	}
	policy_set_drain(policy, drain_us);
}

/* ---- looking --------------------------------------------------------------------------------- */

static size_t count(const struct crew *crew, enum slot_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < crew->slot_count; i++)
		n += crew->slots[i].state == state;
	return n;
}

size_t policy_count(const struct policy *policy, enum role role, enum slot_state state)
{
	return count(&policy->crews[role], state);
}

static size_t living(const struct crew *crew)
{
	return crew->slot_count - count(crew, SLOT_FREE);
}

/* Of those that serve, the one to end first: the oldest. NULL when none serves. */
static struct slot *oldest_ready(struct crew *crew)
{
	struct slot *oldest = NULL;

	for (size_t i = 0; i < crew->slot_count; i++) {
		struct slot *slot = &crew->slots[i];

		if (slot->state == SLOT_READY &&
			(oldest == NULL || slot->generation < oldest->generation))
			oldest = slot;
	}
	return oldest;
}

static struct slot *free_slot(struct crew *crew)
{
	for (size_t i = 0; i < crew->slot_count; i++)
		if (crew->slots[i].state == SLOT_FREE)
			return &crew->slots[i];
	return NULL;
}

static bool complete(const struct policy *policy, enum role role)
{
	const struct crew *crew = &policy->crews[role];
	size_t current = 0;

	for (size_t i = 0; i < crew->slot_count; i++)
		current += crew->slots[i].state == SLOT_READY &&
			   crew->slots[i].generation == policy->generation;
	return current >= crew->wanted;
}

/* ---- acting ---------------------------------------------------------------------------------- */

/* What one step works on. */
struct step {
	struct policy *policy;
	int64_t now_us;
	struct policy_actions *out;
};

static void act(struct step *step, enum policy_action_kind kind, enum role role,
	const struct slot *slot, const char *why)
{
	struct policy_action action = {.kind = kind, .role = role, .why = why};

	MUST(step->out->count < POLICY_ACTIONS_MAX);
	if (slot != NULL) {
		action.slot = (size_t)(slot - step->policy->crews[role].slots);
		action.generation = slot->generation;
	}
	step->out->list[step->out->count++] = action;
}

/* The only place where a slot's state changes. */
static void set_slot(struct slot *slot, enum slot_state state, int64_t due_us)
{
	slot->state = state;
	slot->due_us = due_us;
}

static void start_slot(struct step *step, enum role role, struct slot *slot)
{
	slot->generation = step->policy->generation;
	set_slot(slot, SLOT_STARTING, step->now_us + START_LIMIT_US);
	act(step, ACTION_START, role, slot, NULL);
}

static void ask_to_end(struct step *step, enum role role, struct slot *slot, const char *why)
{
	set_slot(slot, SLOT_ENDING, step->now_us + step->policy->crews[role].end_wait_us);
	act(step, ACTION_TERM, role, slot, why);
}

static void kill_now(struct step *step, enum role role, struct slot *slot, const char *why)
{
	set_slot(slot, SLOT_KILLED, INT64_MAX);
	act(step, ACTION_KILL, role, slot, why);
}

/* A start that failed: the next one has to wait, each time twice as long. */
static void pause_starts(struct crew *crew, int64_t now_us)
{
	int64_t pause_us = EARLY_PAUSE_US;

	for (int i = 0; i < crew->early_ends && pause_us < EARLY_PAUSE_MAX_US; i++)
		pause_us *= 2;
	crew->early_ends++;
	crew->start_us = now_us + (pause_us < EARLY_PAUSE_MAX_US ? pause_us : EARLY_PAUSE_MAX_US);
}

static void end_crew(struct step *step, enum role role, const char *why)
{
	struct crew *crew = &step->policy->crews[role];

	for (size_t i = 0; i < crew->slot_count; i++) {
		struct slot *slot = &crew->slots[i];

		if (slot->state == SLOT_STARTING || slot->state == SLOT_READY)
			ask_to_end(step, role, slot, why);
	}
}

static void kill_all(struct step *step, const char *why)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		struct crew *crew = &step->policy->crews[role];

		for (size_t i = 0; i < crew->slot_count; i++) {
			enum slot_state state = crew->slots[i].state;

			if (state != SLOT_FREE && state != SLOT_KILLED)
				kill_now(step, role, &crew->slots[i], why);
		}
	}
}

/* ---- what an event changes by itself --------------------------------------------------------- */

static void became_ready(struct crew *crew, struct slot *slot)
{
	if (slot->state != SLOT_STARTING)
		return;
	set_slot(slot, SLOT_READY, INT64_MAX);
	crew->early_ends = 0;
	crew->start_us = 0;
}

/* One that a reload has overtaken says nothing of the configuration that is in force now. */
static void exited(
	const struct policy *policy, struct crew *crew, struct slot *slot, int64_t now_us)
{
	if (slot->state == SLOT_STARTING && slot->generation == policy->generation)
		pause_starts(crew, now_us);
	set_slot(slot, SLOT_FREE, INT64_MAX);
}

static void stop(struct step *step)
{
	switch (step->policy->state) {
	case POLICY_SERVING:
		step->policy->state = POLICY_STOPPING;
		act(step, ACTION_TELL_STOPPING, ROLE_WORKER, NULL, NULL);
		end_crew(step, ROLE_WORKER, "the service stops");
		break;
	case POLICY_STOPPING:
	case POLICY_CLOSING:
		step->policy->state = POLICY_KILLING;
		kill_all(step, "asked twice to stop");
		break;
	default:
		break;
	}
}

static void reload(struct policy *policy)
{
	if (policy->state != POLICY_SERVING)
		return;
	policy->generation++;
	policy->told_ready = false;
	/* The new configuration may be the cure. */
	for (enum role role = 0; role < ROLE_COUNT; role++)
		policy->crews[role].start_us = 0;
}

static void tell_all(struct step *step, enum policy_action_kind kind)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		struct crew *crew = &step->policy->crews[role];

		for (size_t i = 0; i < crew->slot_count; i++)
			if (crew->slots[i].state != SLOT_FREE)
				act(step, kind, role, &crew->slots[i], NULL);
	}
}

static void take_event(struct step *step, struct policy_event event)
{
	struct crew *crew = &step->policy->crews[event.role];

	switch (event.kind) {
	case EVENT_READY:
		MUST(event.slot < crew->slot_count);
		became_ready(crew, &crew->slots[event.slot]);
		break;
	case EVENT_EXITED:
		MUST(event.slot < crew->slot_count);
		exited(step->policy, crew, &crew->slots[event.slot], step->now_us);
		break;
	case EVENT_STOP:
		stop(step);
		break;
	case EVENT_RELOAD:
		reload(step->policy);
		break;
	case EVENT_REOPEN:
		tell_all(step, ACTION_REOPEN);
		break;
	case EVENT_LEVEL:
		tell_all(step, ACTION_LEVEL);
		break;
	default:
		break;
	}
}

/* ---- what follows from the state and the time ------------------------------------------------ */

static void kill_overdue(struct step *step, enum role role)
{
	struct crew *crew = &step->policy->crews[role];

	for (size_t i = 0; i < crew->slot_count; i++) {
		struct slot *slot = &crew->slots[i];

		if (step->now_us < slot->due_us)
			continue;
		if (slot->state == SLOT_STARTING) {
			pause_starts(crew, step->now_us);
			kill_now(step, role, slot, "it did not become ready");
		} else if (slot->state == SLOT_ENDING) {
			kill_now(step, role, slot, "it did not end in time");
		}
	}
}

/* More serve than are wanted: a replacement has become ready. */
static void retire(struct step *step, enum role role)
{
	struct crew *crew = &step->policy->crews[role];

	while (count(crew, SLOT_READY) > crew->wanted)
		ask_to_end(step, role, oldest_ready(crew), "it is replaced");
}

static void fill(struct step *step, enum role role)
{
	struct crew *crew = &step->policy->crews[role];
	struct slot *slot;

	while (count(crew, SLOT_STARTING) + count(crew, SLOT_READY) < crew->wanted &&
		step->now_us >= crew->start_us && (slot = free_slot(crew)) != NULL)
		start_slot(step, role, slot);
}

/* One replacement at a time. Without a free slot it waits until an old process has drained. */
static void roll(struct step *step, enum role role)
{
	struct crew *crew = &step->policy->crews[role];
	const struct slot *oldest = oldest_ready(crew);
	struct slot *slot = free_slot(crew);

	if (oldest != NULL && oldest->generation < step->policy->generation && slot != NULL &&
		count(crew, SLOT_STARTING) == 0 && step->now_us >= crew->start_us)
		start_slot(step, role, slot);
}

static void check_serving(struct step *step)
{
	bool all = true;

	for (enum role role = 0; role < ROLE_COUNT; role++) {
		retire(step, role);
		fill(step, role);
		roll(step, role);
		all = all && complete(step->policy, role);
	}
	if (all && !step->policy->told_ready) {
		step->policy->told_ready = true;
		act(step, ACTION_TELL_READY, ROLE_WORKER, NULL, NULL);
	}
}

static bool nobody_lives(const struct policy *policy)
{
	size_t count = 0;

	for (enum role role = 0; role < ROLE_COUNT; role++)
		count += living(&policy->crews[role]);
	return count == 0;
}

static void check_end(struct step *step)
{
	struct policy *policy = step->policy;

	if (policy->state == POLICY_STOPPING && living(&policy->crews[ROLE_WORKER]) == 0) {
		policy->state = POLICY_CLOSING;
		for (enum role role = ROLE_WORKER + 1; role < ROLE_COUNT; role++)
			end_crew(step, role, "the service stops");
	}
	if (policy->state != POLICY_CLOSING && policy->state != POLICY_KILLING)
		return;
	if (nobody_lives(policy)) {
		policy->state = POLICY_ENDED;
		act(step, ACTION_END, ROLE_WORKER, NULL, NULL);
	}
}

void policy_step(struct policy *policy, struct policy_event event, int64_t now_us,
	struct policy_actions *ret_actions)
{
	struct step step = {.policy = policy, .now_us = now_us, .out = ret_actions};

	ret_actions->count = 0;
	take_event(&step, event);
	for (enum role role = 0; role < ROLE_COUNT; role++)
		kill_overdue(&step, role);
	if (policy->state == POLICY_SERVING)
		check_serving(&step);
	else
		check_end(&step);
}

/* Whether the crew would start a process but for its pause. */
static bool wants_start(const struct policy *policy, const struct crew *crew)
{
	bool old = false;

	for (size_t i = 0; i < crew->slot_count; i++)
		old = old || (crew->slots[i].state == SLOT_READY &&
				     crew->slots[i].generation < policy->generation);
	old = old && count(crew, SLOT_STARTING) == 0;
	return count(crew, SLOT_FREE) > 0 && policy->state == POLICY_SERVING &&
	       (old || count(crew, SLOT_STARTING) + count(crew, SLOT_READY) < crew->wanted);
}

int64_t policy_due_us(const struct policy *policy)
{
	int64_t due_us = INT64_MAX;

	for (enum role role = 0; role < ROLE_COUNT; role++) {
		const struct crew *crew = &policy->crews[role];

		for (size_t i = 0; i < crew->slot_count; i++) {
			const struct slot *slot = &crew->slots[i];

			if ((slot->state == SLOT_STARTING || slot->state == SLOT_ENDING) &&
				slot->due_us < due_us)
				due_us = slot->due_us;
		}
		if (crew->early_ends > 0 && wants_start(policy, crew) && crew->start_us < due_us)
			due_us = crew->start_us;
	}
	return due_us;
}
