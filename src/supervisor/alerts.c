/* Alerts judged, written down and told. */
#include "supervisor/alerts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "stats/alert.h"
#include "supervisor/alert_command.h"

struct alerts {
	struct segment *segment;
	struct alert_command *alert_command;
	struct alert alerts[STATS_ALERT_COUNT];
	int64_t since_wall_us[STATS_ALERT_COUNT];
};

struct alerts *alerts_new(struct segment *segment)
{
	struct alerts *alerts = mem_zero(sizeof(*alerts));

	alerts->segment = segment;
	alerts->alert_command = alert_command_new();
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++) {
		const struct segment_alert_record fresh =
			segment_alert_read(segment, (enum stats_alert)i);

		alerts->alerts[i].since_us = fresh.since_us;
		alerts->since_wall_us[i] = fresh.since_wall_us;
	}
	return alerts;
}

void alerts_free(struct alerts **alerts)
{
	if (*alerts == NULL)
		return;
	alert_command_free(&(*alerts)->alert_command);
	free(*alerts);
	*alerts = NULL;
}

bool alerts_reaped(struct alerts *alerts, pid_t pid, int status)
{
	return alert_command_reaped(alerts->alert_command, pid, status);
}

/* ---- telling --------------------------------------------------------------------------------- */

static struct alert_notice notice_of(enum stats_alert id, const struct segment_alert_record *record,
	const struct settings *settings)
{
	struct alert_notice notice = {.alert = id, .state = record->state};

	if (record->known)
		snprintf(notice.value, sizeof(notice.value), "%.6g", record->value);
	if (record->on)
		snprintf(notice.threshold, sizeof(notice.threshold), "%.6g", record->threshold);
	clock_text(record->since_wall_us, notice.since);
	snprintf(notice.runbook, sizeof(notice.runbook), "%s/%s.md", settings->conf.alert_runbooks,
		alert_name(id));
	return notice;
}

static void log_change(enum alert_change change, const struct alert_notice *notice)
{
	static const struct {
		enum log_level level;
		const char *words;
	} changes[] = {
		[ALERT_PENDS] = {LOG_LEVEL_INFO, "alert pending"},
		[ALERT_SUBSIDES] = {LOG_LEVEL_INFO, "alert no longer pending"},
		[ALERT_FIRES] = {LOG_LEVEL_ERROR, "alert firing"},
		[ALERT_CLEARS] = {LOG_LEVEL_WARN, "alert cleared"},
		[ALERT_REPEATS] = {LOG_LEVEL_ERROR, "alert still firing"},
	};

	log_write(changes[change].level,
		"%s name=%s value=%s threshold=%s since=%s summary=\"%s\" runbook=\"%s\"",
		changes[change].words, alert_name(notice->alert),
		notice->value[0] != '\0' ? notice->value : "none",
		notice->threshold[0] != '\0' ? notice->threshold : "none", notice->since,
		alert_summary(notice->alert), notice->runbook);
}

static void tell_change(struct alerts *alerts, const struct settings *settings, enum stats_alert id,
	enum alert_change change, const struct segment_alert_record *record)
{
	const struct alert_notice notice = notice_of(id, record, settings);

	log_change(change, &notice);
	if (change == ALERT_FIRES || change == ALERT_CLEARS || change == ALERT_REPEATS)
		alert_command_tell(alerts->alert_command, settings->conf.alert_command, &notice);
}

/* ---- judging --------------------------------------------------------------------------------- */

static void judge_alert(struct alerts *alerts, const struct settings *settings, enum stats_alert id,
	const struct alert_view *view)
{
	const struct rule *rule = &settings->rules[id];
	const struct alert_reading reading = alert_read(id, view);
	struct alert *alert = &alerts->alerts[id];
	const enum stats_alert_state before = alert->state;
	const enum alert_change change = alert_step(alert, alert_kind(id), rule, &reading,
		settings->conf.alert_repeat_s * CLOCK_S, view->now->taken_us);
	struct segment_alert_record record = {
		.state = alert->state,
		.since_us = alert->since_us,
		.known = reading.known,
		.value = reading.value,
		.on = rule->on,
		.threshold = rule->raise,
		.fired = alert->fired,
	};

	if (alert->state != before)
		alerts->since_wall_us[id] = clock_wall_us();
	record.since_wall_us = alerts->since_wall_us[id];
	segment_alert_set(alerts->segment, id, &record);
	if (change != ALERT_SAME)
		tell_change(alerts, settings, id, change, &record);
}

void alerts_tick(struct alerts *alerts, const struct settings *settings,
	const struct window *window, const struct snapshot *now)
{
	const struct conf *conf = &settings->conf;
	struct window_sums sums;
	struct window_sums recent;
	const struct alert_view view = {.now = now,
		.sums = &sums,
		.recent = &recent,
		.min_events = (uint64_t)conf->alert_min_events};

	window_recent(window, WINDOW_MAIN, now, &sums);
	window_recent(window, WINDOW_SHORT, now, &recent);
	alert_command_turn(alerts->alert_command, conf->alert_command,
		conf->alert_command_timeout_s * CLOCK_S);
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		judge_alert(alerts, settings, (enum stats_alert)i, &view);
}
