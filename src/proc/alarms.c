/* The alarms: alerts judged, written down and told. */
#include "proc/alarms.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/herald.h"
#include "stats/alert.h"

struct alarms {
	struct segment *segment;
	struct herald *herald;
	struct alert alerts[STATS_ALERT_COUNT];
	int64_t since_wall_us[STATS_ALERT_COUNT];
};

struct alarms *alarms_new(struct segment *segment)
{
	struct alarms *alarms = mem_zero(sizeof(*alarms));

	alarms->segment = segment;
	alarms->herald = herald_new();
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++) {
		const struct segment_alert_record fresh =
			segment_alert_read(segment, (enum stats_alert)i);

		alarms->alerts[i].since_us = fresh.since_us;
		alarms->since_wall_us[i] = fresh.since_wall_us;
	}
	return alarms;
}

void alarms_free(struct alarms **alarms)
{
	if (*alarms == NULL)
		return;
	herald_free(&(*alarms)->herald);
	free(*alarms);
	*alarms = NULL;
}

bool alarms_reaped(struct alarms *alarms, pid_t pid, int status)
{
	return herald_reaped(alarms->herald, pid, status);
}

/* ---- telling --------------------------------------------------------------------------------- */

static struct herald_news news_of(enum stats_alert id, const struct segment_alert_record *record,
	const struct settings *settings)
{
	struct herald_news news = {.alert = id, .state = record->state};

	if (record->known)
		snprintf(news.value, sizeof(news.value), "%.6g", record->value);
	if (record->on)
		snprintf(news.threshold, sizeof(news.threshold), "%.6g", record->threshold);
	clock_text(record->since_wall_us, news.since);
	snprintf(news.runbook, sizeof(news.runbook), "%s/%s.md", settings->conf.alert_runbooks,
		alert_name(id));
	return news;
}

static void log_change(enum alert_change change, const struct herald_news *news)
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
		changes[change].words, alert_name(news->alert),
		news->value[0] != '\0' ? news->value : "none",
		news->threshold[0] != '\0' ? news->threshold : "none", news->since,
		alert_summary(news->alert), news->runbook);
}

static void tell(struct alarms *alarms, const struct settings *settings, enum stats_alert id,
	enum alert_change change, const struct segment_alert_record *record)
{
	const struct herald_news news = news_of(id, record, settings);

	log_change(change, &news);
	if (change == ALERT_FIRES || change == ALERT_CLEARS || change == ALERT_REPEATS)
		herald_tell(alarms->herald, settings->conf.alert_command, &news);
}

/* ---- judging --------------------------------------------------------------------------------- */

static void judge(struct alarms *alarms, const struct settings *settings, enum stats_alert id,
	const struct alert_view *view)
{
	const struct rule *rule = &settings->rules[id];
	const struct alert_reading reading = alert_read(id, view);
	struct alert *alert = &alarms->alerts[id];
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
		alarms->since_wall_us[id] = clock_wall_us();
	record.since_wall_us = alarms->since_wall_us[id];
	segment_alert_set(alarms->segment, id, &record);
	if (change != ALERT_SAME)
		tell(alarms, settings, id, change, &record);
}

void alarms_tick(struct alarms *alarms, const struct settings *settings,
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
	herald_turn(alarms->herald, conf->alert_command, conf->alert_command_timeout_s * CLOCK_S);
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		judge(alarms, settings, (enum stats_alert)i, &view);
}
