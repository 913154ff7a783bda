/*
 * The charts of the page /status as drawings, for readers without scripts; page.js puts live ones in
 * their place.
 *
 * A drawing is 600 units wide and covers the last hour, or less while the service is young. Several
 * points share a place there; the highest of them is drawn, so that no peak is left out.
 */
#include "report/status_parts.h"

#include <math.h>

#include "base/clock.h"
#include "report/format.h"

#define WIDTH      600
#define HEIGHT     160
#define PLACES     120
#define HOUR_S     (SERIES_POINTS * SERIES_STEP_S)
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

static struct span span_of(const struct status_page_view *view)
{
	const int64_t now_s = view->wall_us / CLOCK_S;
	struct span span = {.length_s = SHORTEST_S};

	if (series_count(view->series) > 0)
		span.length_s = now_s - series_point(view->series, 0)->at_s;
	if (span.length_s < SHORTEST_S)
		span.length_s = SHORTEST_S;
	if (span.length_s > HOUR_S)
		span.length_s = HOUR_S;
	span.begin_s = now_s - span.length_s;
	span.places = span.length_s / (2 * SERIES_STEP_S);
	if (span.places > PLACES)
		span.places = PLACES;
	return span;
}

/* Of two values the higher; the known one where one is not. */
static float higher(float a, float b)
{
	return isnan(a) || b > a ? b : a;
}

static void gather_places(struct places *ret, const struct status_page_view *view,
	const struct span *span, enum series_id series)
{
	for (size_t i = 0; i < PLACES; i++)
		ret->values[i] = NAN;
	for (size_t i = 0; i < series_count(view->series); i++) {
		const struct series_point *point = series_point(view->series, i);
		const int64_t place = (point->at_s - span->begin_s) * span->places / span->length_s;

		if (place < 0 || place > span->places)
			continue;
		float *value = &ret->values[place < span->places ? place : span->places - 1];

		*value = higher(*value, point->values[series]);
	}
}

static float highest_of(
	const struct status_page_view *view, const struct span *span, enum series_chart chart)
{
	float highest = 0;

	for (int s = 0; s < SERIES_COUNT; s++) {
		struct places places;

		if (series_chart_of((enum series_id)s) != chart)
			continue;
		gather_places(&places, view, span, (enum series_id)s);
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
		format_rate(out, (double)value);
}

static float latest(const struct status_page_view *view, enum series_id series)
{
	const size_t count = series_count(view->series);

	return count > 0 ? series_point(view->series, count - 1)->values[series] : NAN;
}

static void add_series(struct buf *lines, struct buf *legend, const struct status_page *page,
	const struct span *span, enum series_id series, int number, float highest)
{
	struct places places;
	struct fill fill = {0};

	gather_places(&places, page->view, span, series);
	buf_printf(fill_into(&fill, "number"), "%d", number);
	add_path(fill_into(&fill, "path"), &places, span, highest);
	fill_text(&fill, "name", series_legend(series));
	add_number(fill_into(&fill, "now"), latest(page->view, series));
	template_add(lines, page->source, "line", &fill);
	template_end(legend, page->source, "legend", &fill);
}

/* Names, and what a listener is told of them: "Latency, ms, over the last 59 min. Now: ..." */
static void describe(struct fill *fill, const struct status_page *page, const struct span *span,
	enum series_chart chart)
{
	struct buf names = {0};
	struct buf *told = fill_into(fill, "told");

	buf_printf(told, "%s, %s, over the last ", series_chart_title(chart),
		series_chart_unit(chart));
	format_span(told, span->length_s * CLOCK_S);
	buf_str(told, ". Now:");
	for (int i = 0; i < SERIES_COUNT; i++) {
		const enum series_id series = (enum series_id)i;

		if (series_chart_of(series) != chart)
			continue;
		buf_printf(told, " %s ", series_legend(series));
		add_number(told, latest(page->view, series));
		buf_char(told, ';');
		buf_printf(&names, "%s%s", names.len > 0 ? "," : "", series_name(series));
	}
	fill_text(fill, "names", buf_cstr(&names));
	buf_free(&names);
}

static void add_chart(struct buf *out, const struct status_page *page, enum series_chart chart)
{
	const struct span span = span_of(page->view);
	const float highest = highest_of(page->view, &span, chart);
	struct buf lines = {0};
	struct buf legend = {0};
	struct fill fill = {0};
	int number = 0;

	describe(&fill, page, &span, chart);
	fill_text(&fill, "title", series_chart_title(chart));
	fill_text(&fill, "unit", series_chart_unit(chart));
	format_span(fill_into(&fill, "length"), span.length_s * CLOCK_S);
	add_number(fill_into(&fill, "highest"), highest);
	for (int i = 0; i < SERIES_COUNT; i++)
		if (series_chart_of((enum series_id)i) == chart)
			add_series(
				&lines, &legend, page, &span, (enum series_id)i, ++number, highest);
	fill_markup(&fill, "lines", &lines);
	fill_markup(&fill, "legend", &legend);
	template_end(out, page->source, "chart", &fill);
	buf_free(&lines);
	buf_free(&legend);
}

void status_page_charts(struct buf *out, const struct status_page *page)
{
	for (int i = 0; i < SERIES_CHART_COUNT; i++)
		add_chart(out, page, (enum series_chart)i);
}
