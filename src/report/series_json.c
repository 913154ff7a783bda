/* The last hour as JSON. */
#include "report/series_json.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>

/* How many of the points are not after that time. */
static size_t points_until(const struct series *series, int64_t after_s)
{
	size_t i = series_count(series);

	while (i > 0 && series_point(series, i - 1)->at_s > after_s)
		i--;
	return i;
}

static void add_column(struct buf *out, const struct series *series, size_t from, enum series_id id)
{
	buf_printf(out, ",\"%s\":[", series_name(id));
	for (size_t i = from; i < series_count(series); i++) {
		const float value = series_point(series, i)->values[id];

		if (i > from)
			buf_char(out, ',');
		if (isnan(value))
			buf_str(out, "null");
		else
			buf_printf(out, "%.4g", (double)value);
	}
	buf_char(out, ']');
}

void series_json(struct buf *out, const struct series *series, int64_t after_s)
{
	const size_t from = points_until(series, after_s);

	buf_printf(out, "{\"step_seconds\":%d,\"at\":[", SERIES_STEP_S);
	for (size_t i = from; i < series_count(series); i++)
		buf_printf(out, "%s%" PRId64, i > from ? "," : "", series_point(series, i)->at_s);
	buf_char(out, ']');
	for (size_t i = 0; i < SERIES_COUNT; i++)
		add_column(out, series, from, (enum series_id)i);
	buf_str(out, "}\n");
}
