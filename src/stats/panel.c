/* The page /status: its frame, what is at a glance, indicators and alerts. */
#include "stats/panel.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/alert.h"
#include "stats/assets.h"
#include "stats/cells.h"
#include "stats/figure.h"
#include "stats/indicator.h"
#include "stats/panel_parts.h"

void panel_nothing(struct buf *out, const struct panel *panel, int columns, const char *text)
{
	struct fill fill = {0};

	buf_printf(fill_into(&fill, "columns"), "%d", columns);
	fill_text(&fill, "text", text);
	template_end(out, panel->source, "nothing", &fill);
}

/* Adds a number with a word in the singular or the plural: "1 alert", "2 alerts". */
static void number_of(struct buf *out, size_t count, const char *word)
{
	figure_count(out, count);
	buf_printf(out, " %s%s", word, count == 1 ? "" : "s");
}

/* ---- at a glance --------------------------------------------------------------------------- */

static const struct snapshot *now_of(const struct panel *panel)
{
	return panel->view->snapshot;
}

static size_t count_alerts(const struct panel *panel, enum stats_alert_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		count += now_of(panel)->alerts[i].state == state;
	return count;
}

static size_t count_missed(const struct panel *panel)
{
	size_t count = 0;

	for (int i = 0; i < INDICATOR_COUNT; i++)
		count += !indicator_of((enum indicator_id)i, &panel->windows[WINDOW_MAIN]).ok;
	return count;
}

/* The one sentence that is read first; its tone is returned. */
static const char *add_headline(struct buf *out, const struct panel *panel)
{
	const size_t firing = count_alerts(panel, STATS_ALERT_STATE_FIRING);
	const size_t pending = count_alerts(panel, STATS_ALERT_STATE_PENDING);
	const size_t missed = count_missed(panel);

	if (panel->view->unready != NULL) {
		buf_printf(out, "Not ready: %s", panel->view->unready);
	} else if (firing > 0) {
		number_of(out, firing, "alert");
		buf_str(out, firing == 1 ? " fires" : " fire");
	} else if (pending > 0) {
		number_of(out, pending, "alert");
		buf_str(out, " pending");
	} else if (missed > 0) {
		number_of(out, missed, "target");
		buf_str(out, " missed");
	} else {
		buf_str(out, "All is well");
	}
	if (panel->view->unready != NULL || firing > 0)
		return PANEL_BAD;
	return pending > 0 || missed > 0 ? PANEL_WARN : PANEL_GOOD;
}

static void add_tile(struct buf *out, const struct panel *panel, const char *name, const char *tone,
	const struct buf *value, const char *remark)
{
	struct fill fill = {0};

	fill_text(&fill, "name", name);
	fill_text(&fill, "tone", tone);
	fill_text(&fill, "value", buf_cstr(value));
	fill_text(&fill, "remark", remark);
	template_end(out, panel->source, "tile", &fill);
}

static void add_rate_tile(struct buf *out, const struct panel *panel)
{
	const struct window_sums *sums = &panel->windows[WINDOW_SHORT];
	const double span_s = (double)sums->span_us / CLOCK_S;
	struct buf value = {0};

	figure_rate(&value,
		span_s > 0 ? (double)cells_sum(sums->cells, STATS_REQUESTS_FINISHED) / span_s : 0);
	add_tile(out, panel, "Requests", "", &value, "a second");
	buf_free(&value);
}

static void add_latency_tiles(struct buf *out, const struct panel *panel)
{
	static const struct {
		const char *name;
		double share;
	} tiles[] = {{"Latency, median", 0.5}, {"Latency, 99 %", 0.99}};
	uint64_t durations[HISTOGRAM_CELLS];

	cells_histogram(panel->windows[WINDOW_SHORT].cells, STATS_REQUEST_DURATION, durations);
	for (size_t i = 0; i < ARRAY_LEN(tiles); i++) {
		struct buf value = {0};

		figure_percentile(&value, durations, tiles[i].share);
		add_tile(out, panel, tiles[i].name, "", &value, "");
		buf_free(&value);
	}
}

static void add_indicator_tile(
	struct buf *out, const struct panel *panel, const char *name, enum indicator_id id)
{
	const struct indicator indicator = indicator_of(id, &panel->windows[WINDOW_MAIN]);
	struct buf value = {0};
	struct buf remark = {0};

	figure_indicator(&value, id, &indicator);
	if (indicator.known) {
		buf_str(&remark, indicator.ok ? "ok, " : "missed, ");
		figure_target(&remark, id);
	} else {
		buf_str(&remark, "nothing to judge");
	}
	add_tile(out, panel, name,
		!indicator.ok     ? PANEL_BAD
		: indicator.known ? PANEL_GOOD
				  : "",
		&value, buf_cstr(&remark));
	buf_free(&value);
	buf_free(&remark);
}

static void add_busy_tile(struct buf *out, const struct panel *panel)
{
	const uint64_t held = snapshot_sum(now_of(panel), STATS_THREADS_HELD);
	struct buf value = {0};
	struct buf remark = {0};

	figure_count(&value, snapshot_sum(now_of(panel), STATS_THREADS_BUSY));
	buf_str(&remark, "of ");
	figure_count(&remark, snapshot_sum(now_of(panel), STATS_THREADS));
	if (held > 0) {
		buf_str(&remark, ", hanging: ");
		figure_count(&remark, held);
	}
	add_tile(out, panel, "Busy threads", held > 0 ? PANEL_BAD : "", &value, buf_cstr(&remark));
	buf_free(&value);
	buf_free(&remark);
}

static void add_count_tile(
	struct buf *out, const struct panel *panel, const char *name, enum stats_metric metric)
{
	const uint64_t recent = cells_sum(panel->windows[WINDOW_MAIN].cells, metric);
	struct buf value = {0};
	struct buf remark = {0};

	figure_count(&value, recent);
	figure_count(&remark, snapshot_sum(now_of(panel), metric));
	buf_str(&remark, " since start");
	add_tile(out, panel, name, recent > 0 ? PANEL_WARN : "", &value, buf_cstr(&remark));
	buf_free(&value);
	buf_free(&remark);
}

static void add_tiles(struct buf *out, const struct panel *panel)
{
	add_rate_tile(out, panel);
	add_latency_tiles(out, panel);
	add_busy_tile(out, panel);
	add_indicator_tile(out, panel, "Version conflicts", INDICATOR_VERSION_CONFLICT_RATE);
	add_indicator_tile(out, panel, "Retries that helped", INDICATOR_RETRY_SUCCESS_RATE);
	add_count_tile(out, panel, "Turned away", STATS_REQUESTS_SHED);
	add_count_tile(out, panel, "Lost with a worker", STATS_REQUESTS_LOST);
}

/* ---- alerts -------------------------------------------------------------------------------- */

static const char *const alert_tones[] = {
	[STATS_ALERT_STATE_OK] = PANEL_GOOD,
	[STATS_ALERT_STATE_PENDING] = PANEL_WARN,
	[STATS_ALERT_STATE_FIRING] = PANEL_BAD,
};

static void add_alert(struct buf *out, const struct panel *panel, enum stats_alert id)
{
	const struct segment_alert_record *alert = &now_of(panel)->alerts[id];
	struct fill fill = {0};

	fill_text(&fill, "tone", alert->on ? alert_tones[alert->state] : PANEL_DULL);
	fill_text(&fill, "name", alert_name(id));
	fill_text(&fill, "state",
		alert->on ? metrics_value(STATS_LABEL_ALERT_STATE, alert->state) : "off");
	figure_alert(fill_into(&fill, "value"), id, alert->known, alert->value);
	figure_alert(fill_into(&fill, "threshold"), id, alert->on, alert->threshold);
	figure_span(fill_into(&fill, "since"), now_of(panel)->taken_us - alert->since_us);
	figure_count(fill_into(&fill, "fired"), alert->fired);
	fill_text(&fill, "summary", alert_summary(id));
	template_end(out, panel->source, "alert", &fill);
}

/* What fires first. */
static void add_alerts(struct buf *out, const struct panel *panel)
{
	static const enum stats_alert_state order[] = {
		STATS_ALERT_STATE_FIRING, STATS_ALERT_STATE_PENDING, STATS_ALERT_STATE_OK};

	for (size_t s = 0; s < ARRAY_LEN(order); s++)
		for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
			if (now_of(panel)->alerts[i].state == order[s])
				add_alert(out, panel, (enum stats_alert)i);
}

/* ---- indicators ---------------------------------------------------------------------------- */

static void fill_indicator(
	struct fill *fill, const char *name, enum indicator_id id, const struct window_sums *sums)
{
	const struct indicator indicator = indicator_of(id, sums);

	figure_indicator(fill_into(fill, name), id, &indicator);
}

static void add_indicator(struct buf *out, const struct panel *panel, enum indicator_id id)
{
	const struct indicator judged = indicator_of(id, &panel->windows[WINDOW_MAIN]);
	struct fill fill = {0};
	struct buf *name = fill_into(&fill, "name");

	for (const char *c = indicator_name(id); *c != '\0'; c++)
		buf_char(name, *c == '_' ? ' ' : *c);
	fill_indicator(&fill, "short", id, &panel->windows[WINDOW_SHORT]);
	fill_indicator(&fill, "main", id, &panel->windows[WINDOW_MAIN]);
	fill_indicator(&fill, "long", id, &panel->windows[WINDOW_LONG]);
	fill_indicator(&fill, "start", id, &panel->start);
	figure_target(fill_into(&fill, "target"), id);
	fill_text(&fill, "tone", !judged.known ? PANEL_DULL : judged.ok ? PANEL_GOOD : PANEL_BAD);
	fill_text(&fill, "verdict",
		!judged.known ? "nothing to judge"
		: judged.ok   ? "ok"
			      : "missed");
	template_end(out, panel->source, "indicator", &fill);
}

static void add_indicators(struct buf *out, const struct panel *panel)
{
	for (int i = 0; i < INDICATOR_COUNT; i++)
		add_indicator(out, panel, (enum indicator_id)i);
}

/* ---- the page ------------------------------------------------------------------------------ */

static void fill_facts(struct fill *fill, const struct panel *panel)
{
	const struct snapshot *now = now_of(panel);
	char at[CLOCK_TEXT_BYTES];

	fill_text(fill, "version", now->version);
	figure_span(fill_into(fill, "uptime"), now->taken_us - now->made_us);
	buf_printf(fill_into(fill, "generation"), "%u", (unsigned)now->generation);
	buf_printf(fill_into(fill, "supervisor"), "%d", (int)now->supervisor_pid);
	fill_text(fill, "log_level", log_level_name(now->log_level));
	clock_text(panel->view->wall_us, at);
	fill_text(fill, "at", at);
	buf_printf(fill_into(fill, "at_text"), "%.8s UTC", at + sizeof("2026-01-31T") - 1);
	figure_span(fill_into(fill, "short"), window_length_us(panel->view->window, WINDOW_SHORT));
	figure_span(fill_into(fill, "main"), window_length_us(panel->view->window, WINDOW_MAIN));
	figure_span(fill_into(fill, "long"), window_length_us(panel->view->window, WINDOW_LONG));
}

static void fill_part(struct fill *fill, const struct panel *panel, const char *name,
	void (*add)(struct buf *out, const struct panel *panel))
{
	struct buf part = {0};

	add(&part, panel);
	fill_markup(fill, name, &part);
	buf_free(&part);
}

static void work_out(struct panel *panel, const struct panel_view *view)
{
	panel->view = view;
	panel->source = asset_find("page.html")->text;
	for (int i = 0; i < WINDOW_COUNT; i++)
		window_recent(view->window, (enum window_id)i, view->snapshot, &panel->windows[i]);
	window_since_start(view->snapshot, &panel->start);
}

void panel_expose(struct buf *out, const struct panel_view *view)
{
	struct panel *panel = mem_zero(sizeof(*panel));
	struct fill fill = {0};

	work_out(panel, view);
	fill_text(&fill, "tone", add_headline(fill_into(&fill, "headline"), panel));
	fill_facts(&fill, panel);
	fill_part(&fill, panel, "tiles", add_tiles);
	fill_part(&fill, panel, "alerts", add_alerts);
	fill_part(&fill, panel, "indicators", add_indicators);
	fill_part(&fill, panel, "charts", panel_charts);
	fill_part(&fill, panel, "workers", panel_workers);
	fill_part(&fill, panel, "routes", panel_routes);
	fill_part(&fill, panel, "functions", panel_functions);
	fill_part(&fill, panel, "sums", panel_sums);
	fill_part(&fill, panel, "events", panel_events);
	template_end(out, panel->source, "page", &fill);
	free(panel);
}
