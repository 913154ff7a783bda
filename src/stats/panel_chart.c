/*
 * The charts of the page /status as drawings, for readers without scripts; page.js puts live ones in
 * their place.
 *
 * A drawing is 600 units wide and covers the last hour, or less while the service is young. Several
 * points share a place there; the highest of them is drawn, so that no peak is left out.
 */
#include "stats/panel_parts.h"

#include <math.h>

#include "base/clock.h"
#include "stats/figure.h"

#define WIDTH      600
#define HEIGHT     160
#define PLACES     120
#define HOUR_S     (HISTORY_POINTS * HISTORY_STEP_S)
#define SHORTEST_S 300

/* What a drawing covers. */
struct span {
	int64_t begin_s; /* since 1970 */
	int64_t length_s;
	int64_t places; /* of two steps at least, so that none is empty for want of a point */
};

/* The highest value in each place; NAN where none is known. */
struct places {
	float values[PLACES];
};

static struct span span_of(const struct panel_view *view)
{
	const int64_t now_s = view->wall_us / CLOCK_S;
	struct span span = {.length_s = SHORTEST_S};

	if (history_count(view->history) > 0)
		span.length_s = now_s - history_point(view->history, 0)->at_s;
	if (span.length_s < SHORTEST_S)
		span.length_s = SHORTEST_S;
	if (span.length_s > HOUR_S)
		span.length_s = HOUR_S;
	span.begin_s = now_s - span.length_s;
	span.places = span.length_s / (2 * HISTORY_STEP_S);
	if (span.places > PLACES)
		span.places = PLACES;
	return span;
}

/* Of two values the higher; the known one where one is not. */
static float higher(float a, float b)
{
	return isnan(a) || b > a ? b : a;
}

static void gather(struct places *ret, const struct panel_view *view, const struct span *span,
	enum history_series series)
{
	for (size_t i = 0; i < PLACES; i++)
		ret->values[i] = NAN;
	for (size_t i = 0; i < history_count(view->history); i++) {
		const struct history_point *point = history_point(view->history, i);
		const int64_t place = (point->at_s - span->begin_s) * span->places / span->length_s;

		if (place < 0 || place > span->places)
			continue;
		float *value = &ret->values[place < span->places ? place : span->places - 1];

		*value = higher(*value, point->values[series]);
	}
}

static float highest_of(
	const struct panel_view *view, const struct span *span, enum history_chart chart)
{
	float highest = 0;

	for (int s = 0; s < HISTORY_SERIES_COUNT; s++) {
		struct places places;

		if (history_series_chart((enum history_series)s) != chart)
			continue;
		gather(&places, view, span, (enum history_series)s);
		for (size_t i = 0; i < PLACES; i++)
			highest = higher(highest, places.values[i]);
	}
	return highest;
}

/* A line that is broken where nothing is known. A point alone is drawn as a dot. */
static void add_path(
	struct buf *out, const struct places *places, const struct span *span, float highest)
{
	bool drawing = false;

	for (int64_t i = 0; i < span->places; i++) {
		const float value = places->values[i];
		const double y = highest > 0 ? (double)(value / highest) : 0;

		if (!isnan(value))
			buf_printf(out, drawing ? "L%.1f %.1f" : "M%.1f %.1fh0",
				(double)(2 * i + 1) * WIDTH / (double)(2 * span->places),
				(HEIGHT - 2) * (1 - y) + 1);
		drawing = !isnan(value);
	}
}

static void add_number(struct buf *out, float value)
{
	if (isnan(value))
		buf_char(out, '-');
	else
		figure_rate(out, (double)value);
}

static float latest(const struct panel_view *view, enum history_series series)
{
	const size_t count = history_count(view->history);

	return count > 0 ? history_point(view->history, count - 1)->values[series] : NAN;
}

static void add_series(struct buf *lines, struct buf *legend, const struct panel *panel,
	const struct span *span, enum history_series series, int number, float highest)
{
	struct places places;
	struct fill fill = {0};

	gather(&places, panel->view, span, series);
	buf_printf(fill_into(&fill, "number"), "%d", number);
	add_path(fill_into(&fill, "path"), &places, span, highest);
	fill_text(&fill, "name", history_series_legend(series));
	add_number(fill_into(&fill, "now"), latest(panel->view, series));
	template_add(lines, panel->source, "line", &fill);
	template_end(legend, panel->source, "legend", &fill);
}

/* Names, and what a listener is told of them: "Latency, ms, over the last 59 min. Now: ..." */
static void describe(struct fill *fill, const struct panel *panel, const struct span *span,
	enum history_chart chart)
{
	struct buf names = {0};
	struct buf *told = fill_into(fill, "told");

	buf_printf(told, "%s, %s, over the last ", history_chart_title(chart),
		history_chart_unit(chart));
	figure_span(told, span->length_s * CLOCK_S);
	buf_str(told, ". Now:");
	for (int i = 0; i < HISTORY_SERIES_COUNT; i++) {
		const enum history_series series = (enum history_series)i;

		if (history_series_chart(series) != chart)
			continue;
		buf_printf(told, " %s ", history_series_legend(series));
		add_number(told, latest(panel->view, series));
		buf_char(told, ';');
		buf_printf(&names, "%s%s", names.len > 0 ? "," : "", history_series_name(series));
	}
	fill_text(fill, "names", buf_cstr(&names));
	buf_free(&names);
}

static void add_chart(struct buf *out, const struct panel *panel, enum history_chart chart)
{
	const struct span span = span_of(panel->view);
	const float highest = highest_of(panel->view, &span, chart);
	struct buf lines = {0};
	struct buf legend = {0};
	struct fill fill = {0};
	int number = 0;

	describe(&fill, panel, &span, chart);
	fill_text(&fill, "title", history_chart_title(chart));
	fill_text(&fill, "unit", history_chart_unit(chart));
	figure_span(fill_into(&fill, "length"), span.length_s * CLOCK_S);
	add_number(fill_into(&fill, "highest"), highest);
	for (int i = 0; i < HISTORY_SERIES_COUNT; i++)
		if (history_series_chart((enum history_series)i) == chart)
			add_series(&lines, &legend, panel, &span, (enum history_series)i, ++number,
				highest);
	fill_markup(&fill, "lines", &lines);
	fill_markup(&fill, "legend", &legend);
	template_end(out, panel->source, "chart", &fill);
	buf_free(&lines);
	buf_free(&legend);
}

void panel_charts(struct buf *out, const struct panel *panel)
{
	for (int i = 0; i < HISTORY_CHART_COUNT; i++)
		add_chart(out, panel, (enum history_chart)i);
}
