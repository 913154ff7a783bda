/* The windows in the JSON of /status.json: what was counted in the last minutes, and ever. */
#include "report/windows_json.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "stats/cells.h"
#include "stats/indicator.h"

/* ---- indicators ---------------------------------------------------------------------------- */

void windows_json_judgement(struct buf *out, const struct indicator *indicator)
{
	json_text_number(out, "value", indicator->known, indicator->value);
	buf_printf(out, ",\"ok\":%s", indicator->ok ? "true" : "false");
}

static void add_indicators(struct buf *out, const struct window_sums *sums)
{
	bool first = true;

	buf_str(out, ",\"indicators\":{");
	for (int i = 0; i < INDICATOR_COUNT; i++) {
		enum indicator_id id = (enum indicator_id)i;
		struct indicator indicator = indicator_of(id, sums);

		json_text_comma(out, &first);
		buf_printf(out, "\"%s\":{", indicator_name(id));
		windows_json_judgement(out, &indicator);
		buf_char(out, '}');
	}
	buf_char(out, '}');
}

static void add_conflicts(struct buf *out, const struct window_sums *sums)
{
	bool first = true;

	buf_str(out, ",\"version_conflict_rate_by_entity\":{");
	for (int i = 0; i < STATS_ENTITY_COUNT; i++) {
		enum stats_entity entity = (enum stats_entity)i;
		struct indicator indicator = indicator_conflicts_of(entity, sums);

		json_text_comma(out, &first);
		buf_printf(out, "\"%s\":{", metrics_value(STATS_LABEL_ENTITY, entity));
		windows_json_judgement(out, &indicator);
		buf_char(out, '}');
	}
	buf_char(out, '}');
}

/* ---- figures ------------------------------------------------------------------------------- */

void windows_json_figures(struct buf *out, const uint64_t *cells)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(indicator_figures); i++) {
		json_text_comma(out, &first);
		buf_printf(out, "\"%s\":%" PRIu64, indicator_figures[i].name,
			cells_sum(cells, indicator_figures[i].metric));
	}
}

void windows_json_spread(struct buf *out, const uint64_t *cells, enum stats_unit unit)
{
	static const struct {
		const char *name;
		double share;
	} percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
	const bool any = histogram_count(cells) > 0;
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(percentiles); i++) {
		uint64_t value = histogram_percentile(cells, percentiles[i].share);

		json_text_comma(out, &first);
		if (!any)
			buf_printf(out, "\"%s\":null", percentiles[i].name);
		else if (unit == STATS_UNIT_SECONDS)
			buf_printf(out, "\"%s\":%.3f", percentiles[i].name, (double)value / 1000);
		else
			buf_printf(out, "\"%s\":%" PRIu64, percentiles[i].name, value);
	}
}

static void add_histogram_object(
	struct buf *out, const char *name, const uint64_t *cells, enum stats_unit unit)
{
	buf_printf(out, "\"%s\":{\"count\":%" PRIu64 ",", name, histogram_count(cells));
	windows_json_spread(out, cells, unit);
	buf_char(out, '}');
}

/* All values of the label together, then each that occurred. */
static void add_spread(
	struct buf *out, const struct indicator_item *spread, const struct window_sums *sums)
{
	const struct metrics_entry *entry = metrics_entry(spread->metric);
	uint64_t all[HISTOGRAM_CELLS];

	cells_histogram(sums->cells, spread->metric, all);
	buf_printf(out, ",\"%s\":{", spread->name);
	add_histogram_object(out, "all", all, entry->unit);
	for (size_t i = 0; i < metrics_value_count(entry->labels[0]); i++) {
		const uint64_t *cells = cells_histogram_of(sums->cells, spread->metric, i);

		if (entry->labels[0] == STATS_LABEL_NO || histogram_count(cells) == 0)
			continue;
		buf_char(out, ',');
		add_histogram_object(out, metrics_value(entry->labels[0], i), cells, entry->unit);
	}
	buf_char(out, '}');
}

/* ---- windows ------------------------------------------------------------------------------- */

/* `length_us` 0: since the service's start. */
static void add_window(struct buf *out, const struct window_sums *sums, int64_t length_us)
{
	if (length_us > 0)
		buf_printf(out, "{\"window_seconds\":%" PRId64, length_us / CLOCK_S);
	else
		buf_str(out, "{\"window_seconds\":null");
	buf_printf(out, ",\"span_seconds\":%.3f,\"requests_per_second\":%.3f",
		clock_seconds(sums->span_us),
		window_rate(sums, cells_sum(sums->cells, STATS_REQUESTS_FINISHED)));
	add_indicators(out, sums);
	add_conflicts(out, sums);
	buf_str(out, ",\"figures\":{");
	windows_json_figures(out, sums->cells);
	buf_char(out, '}');
	for (size_t i = 0; i < ARRAY_LEN(indicator_spreads); i++)
		add_spread(out, &indicator_spreads[i], sums);
	buf_char(out, '}');
}

void windows_json(struct buf *out, const struct snapshot *snapshot, const struct window *window)
{
	struct window_sums sums;

	buf_char(out, '[');
	for (int i = 0; window != NULL && i < WINDOW_COUNT; i++) {
		enum window_id id = (enum window_id)i;

		window_recent(window, id, snapshot, &sums);
		add_window(out, &sums, window_length_us(window, id));
		buf_char(out, ',');
	}
	window_since_start(snapshot, &sums);
	add_window(out, &sums, 0);
	buf_char(out, ']');
}
