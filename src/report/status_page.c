/* The page /status: its frame, what is at a glance, indicators and alerts. */
#include "report/status_page.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/assets.h"
#include "report/format.h"
#include "report/status_parts.h"
#include "stats/alert.h"
#include "stats/cells.h"
#include "stats/indicator.h"

void status_page_nothing(
	struct buf *out, const struct status_page *page, int columns, const char *text)
{
	struct fill fill = {0};

	buf_printf(fill_into(&fill, "columns"), "%d", columns);
	fill_text(&fill, "text", text);
	template_end(out, page->source, "nothing", &fill);
}

/* Adds a number with a word in the singular or the plural: "1 alert", "2 alerts". */
static void add_number_of(struct buf *out, size_t count, const char *word)
{
	format_count(out, count);
	buf_printf(out, " %s%s", word, count == 1 ? "" : "s");
}

/* ---- at a glance --------------------------------------------------------------------------- */

static const struct snapshot *now_of(const struct status_page *page)
{
	return page->view->snapshot;
}

static size_t count_alerts(const struct status_page *page, enum stats_alert_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		count += now_of(page)->alerts[i].state == state;
	return count;
}

static size_t count_missed(const struct status_page *page)
{
	size_t count = 0;

	for (int i = 0; i < INDICATOR_COUNT; i++)
		count += !indicator_of((enum indicator_id)i, &page->windows[WINDOW_MAIN]).ok;
	return count;
}

/* The one sentence that is read first; its tone is returned. */
static const char *add_headline(struct buf *out, const struct status_page *page)
{
	const size_t firing = count_alerts(page, STATS_ALERT_STATE_FIRING);
	const size_t pending = count_alerts(page, STATS_ALERT_STATE_PENDING);
	const size_t missed = count_missed(page);

	if (page->view->unready != NULL) {
		buf_printf(out, "Not ready: %s", page->view->unready);
	} else if (firing > 0) {
		add_number_of(out, firing, "alert");
		buf_str(out, firing == 1 ? " fires" : " fire");
	} else if (pending > 0) {
		add_number_of(out, pending, "alert");
		buf_str(out, " pending");
	} else if (missed > 0) {
		add_number_of(out, missed, "target");
		buf_str(out, " missed");
	} else {
		buf_str(out, "All is well");
	}
	if (page->view->unready != NULL || firing > 0)
		return TONE_BAD;
	return pending > 0 || missed > 0 ? TONE_WARN : TONE_GOOD;
}

static void add_tile(struct buf *out, const struct status_page *page, const char *name,
	const char *tone, const struct buf *value, const char *remark)
{
	struct fill fill = {0};

	fill_text(&fill, "name", name);
	fill_text(&fill, "tone", tone);
	fill_text(&fill, "value", buf_cstr(value));
	fill_text(&fill, "remark", remark);
	template_end(out, page->source, "tile", &fill);
}

static void add_rate_tile(struct buf *out, const struct status_page *page)
{
	const struct window_sums *sums = &page->windows[WINDOW_SHORT];
	struct buf value = {0};

	format_rate(&value, window_rate(sums, cells_sum(sums->cells, STATS_REQUESTS_FINISHED)));
	add_tile(out, page, "Requests", "", &value, "a second");
	buf_free(&value);
}

static void add_latency_tiles(struct buf *out, const struct status_page *page)
{
	static const struct {
		const char *name;
		double share;
	} tiles[] = {{"Latency, median", 0.5}, {"Latency, 99 %", 0.99}};
	uint64_t durations[HISTOGRAM_CELLS];

	cells_histogram(page->windows[WINDOW_SHORT].cells, STATS_REQUEST_DURATION, durations);
	for (size_t i = 0; i < ARRAY_LEN(tiles); i++) {
		struct buf value = {0};

		format_percentile(&value, durations, tiles[i].share);
		add_tile(out, page, tiles[i].name, "", &value, "");
		buf_free(&value);
	}
}

static void add_indicator_tile(
	struct buf *out, const struct status_page *page, const char *name, enum indicator_id id)
{
	const struct indicator indicator = indicator_of(id, &page->windows[WINDOW_MAIN]);
	struct buf value = {0};
	struct buf remark = {0};

	format_indicator(&value, id, &indicator);
	if (indicator.known) {
		buf_str(&remark, indicator.ok ? "ok, " : "missed, ");
		format_target(&remark, id);
	} else {
		buf_str(&remark, "nothing to judge");
	}
	add_tile(out, page, name,
		!indicator.ok     ? TONE_BAD
		: indicator.known ? TONE_GOOD
				  : "",
		&value, buf_cstr(&remark));
	buf_free(&value);
	buf_free(&remark);
}

static void add_busy_tile(struct buf *out, const struct status_page *page)
{
	const uint64_t held = snapshot_sum(now_of(page), STATS_THREADS_HELD);
	struct buf value = {0};
	struct buf remark = {0};

	format_count(&value, snapshot_sum(now_of(page), STATS_THREADS_BUSY));
	buf_str(&remark, "of ");
	format_count(&remark, snapshot_sum(now_of(page), STATS_THREADS));
	if (held > 0) {
		buf_str(&remark, ", hanging: ");
		format_count(&remark, held);
	}
	add_tile(out, page, "Busy threads", held > 0 ? TONE_BAD : "", &value, buf_cstr(&remark));
	buf_free(&value);
	buf_free(&remark);
}

static void add_count_tile(
	struct buf *out, const struct status_page *page, const char *name, enum stats_metric metric)
{
	const uint64_t recent = cells_sum(page->windows[WINDOW_MAIN].cells, metric);
	struct buf value = {0};
	struct buf remark = {0};

	format_count(&value, recent);
	format_count(&remark, snapshot_sum(now_of(page), metric));
	buf_str(&remark, " since start");
	add_tile(out, page, name, recent > 0 ? TONE_WARN : "", &value, buf_cstr(&remark));
	buf_free(&value);
	buf_free(&remark);
}

static void add_tiles(struct buf *out, const struct status_page *page)
{
	add_rate_tile(out, page);
	add_latency_tiles(out, page);
	add_busy_tile(out, page);
	add_indicator_tile(out, page, "Version conflicts", INDICATOR_VERSION_CONFLICT_RATE);
	add_indicator_tile(out, page, "Retries that helped", INDICATOR_RETRY_SUCCESS_RATE);
	add_count_tile(out, page, "Turned away", STATS_REQUESTS_SHED);
	add_count_tile(out, page, "Lost with a worker", STATS_REQUESTS_LOST);
}

/* ---- alerts -------------------------------------------------------------------------------- */

static const char *const alert_tones[] = {
	[STATS_ALERT_STATE_OK] = TONE_GOOD,
	[STATS_ALERT_STATE_PENDING] = TONE_WARN,
	[STATS_ALERT_STATE_FIRING] = TONE_BAD,
};

static void show_alert(struct buf *out, const struct status_page *page, enum stats_alert id)
{
	const struct segment_alert_record *alert = &now_of(page)->alerts[id];
	struct fill fill = {0};

	fill_text(&fill, "tone", alert->on ? alert_tones[alert->state] : TONE_DULL);
	fill_text(&fill, "name", alert_name(id));
	fill_text(&fill, "state",
		alert->on ? metrics_value(STATS_LABEL_ALERT_STATE, alert->state) : "off");
	format_alert(fill_into(&fill, "value"), id, alert->known, alert->value);
	format_alert(fill_into(&fill, "threshold"), id, alert->on, alert->threshold);
	format_span(fill_into(&fill, "since"), now_of(page)->taken_us - alert->since_us);
	format_count(fill_into(&fill, "fired"), alert->fired);
	fill_text(&fill, "summary", alert_summary(id));
	template_end(out, page->source, "alert", &fill);
}

/* What fires first. */
static void show_alerts(struct buf *out, const struct status_page *page)
{
	static const enum stats_alert_state order[] = {
		STATS_ALERT_STATE_FIRING, STATS_ALERT_STATE_PENDING, STATS_ALERT_STATE_OK};

	for (size_t s = 0; s < ARRAY_LEN(order); s++)
		for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
			if (now_of(page)->alerts[i].state == order[s])
				show_alert(out, page, (enum stats_alert)i);
}

/* ---- indicators ---------------------------------------------------------------------------- */

static void fill_indicator(
	struct fill *fill, const char *name, enum indicator_id id, const struct window_sums *sums)
{
	const struct indicator indicator = indicator_of(id, sums);

	format_indicator(fill_into(fill, name), id, &indicator);
}

static void show_indicator(struct buf *out, const struct status_page *page, enum indicator_id id)
{
	const struct indicator judged = indicator_of(id, &page->windows[WINDOW_MAIN]);
	struct fill fill = {0};
	struct buf *name = fill_into(&fill, "name");

	for (const char *c = indicator_name(id); *c != '\0'; c++)
		buf_char(name, *c == '_' ? ' ' : *c);
	fill_indicator(&fill, "short", id, &page->windows[WINDOW_SHORT]);
	fill_indicator(&fill, "main", id, &page->windows[WINDOW_MAIN]);
	fill_indicator(&fill, "long", id, &page->windows[WINDOW_LONG]);
	fill_indicator(&fill, "start", id, &page->start);
	format_target(fill_into(&fill, "target"), id);
	fill_text(&fill, "tone", !judged.known ? TONE_DULL : judged.ok ? TONE_GOOD : TONE_BAD);
	fill_text(&fill, "verdict",
		!judged.known ? "nothing to judge"
		: judged.ok   ? "ok"
			      : "missed");
	template_end(out, page->source, "indicator", &fill);
}

static void show_indicators(struct buf *out, const struct status_page *page)
{
	for (int i = 0; i < INDICATOR_COUNT; i++)
		show_indicator(out, page, (enum indicator_id)i);
}

/* ---- the page ------------------------------------------------------------------------------ */

static void fill_facts(struct fill *fill, const struct status_page *page)
{
	const struct snapshot *now = now_of(page);
	char at[CLOCK_TEXT_BYTES];

	fill_text(fill, "version", now->version);
	format_span(fill_into(fill, "uptime"), now->taken_us - now->made_us);
	buf_printf(fill_into(fill, "generation"), "%u", (unsigned)now->generation);
	buf_printf(fill_into(fill, "supervisor"), "%d", (int)now->supervisor_pid);
	fill_text(fill, "log_level", log_level_name(now->log_level));
	clock_text(page->view->wall_us, at);
	fill_text(fill, "at", at);
	buf_printf(fill_into(fill, "at_text"), "%.8s UTC", at + sizeof("2026-01-31T") - 1);
	format_span(fill_into(fill, "short"), window_length_us(page->view->window, WINDOW_SHORT));
	format_span(fill_into(fill, "main"), window_length_us(page->view->window, WINDOW_MAIN));
	format_span(fill_into(fill, "long"), window_length_us(page->view->window, WINDOW_LONG));
}

static void fill_part(struct fill *fill, const struct status_page *page, const char *name,
	void (*add)(struct buf *out, const struct status_page *page))
{
	struct buf part = {0};

	add(&part, page);
	fill_markup(fill, name, &part);
	buf_free(&part);
}

static void work_out(struct status_page *page, const struct status_page_view *view)
{
	page->view = view;
	page->source = asset_find("page.html")->text;
	for (int i = 0; i < WINDOW_COUNT; i++)
		window_recent(view->window, (enum window_id)i, view->snapshot, &page->windows[i]);
	window_since_start(view->snapshot, &page->start);
}

void status_page_write(struct buf *out, const struct status_page_view *view)
{
	struct status_page *page = mem_zero(sizeof(*page));
	struct fill fill = {0};

	work_out(page, view);
	fill_text(&fill, "tone", add_headline(fill_into(&fill, "headline"), page));
	fill_facts(&fill, page);
	fill_part(&fill, page, "tiles", add_tiles);
	fill_part(&fill, page, "alerts", show_alerts);
	fill_part(&fill, page, "indicators", show_indicators);
	fill_part(&fill, page, "charts", status_page_charts);
	fill_part(&fill, page, "workers", status_page_workers);
	fill_part(&fill, page, "routes", status_page_routes);
	fill_part(&fill, page, "functions", status_page_functions);
	fill_part(&fill, page, "sums", status_page_sums);
	fill_part(&fill, page, "events", status_page_events);
	template_end(out, page->source, "page", &fill);
	free(page);
}
