/*
 * A snapshot as Prometheus reads it.
 *
 * The two formats differ where it matters: OpenMetrics names a counter's family without `_total`,
 * has a type `info`, tells units, and ends in a line of its own. They must not differ in the text
 * of `le`, or a series would split in two when the negotiated format changes.
 */
#include "report/prometheus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "stats/procfs.h"

#define LABELS_BYTES 128

/* Bounds told outside: a choice among the buckets, as at most 20 are worth their series. */
static const uint64_t second_bounds[] = {256, 512, 1024, 2048, 3072, 4096, 6144, 8192, 12288, 16384,
	32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4194304, 8388608};
static const uint64_t plain_bounds[] = {1, 2, 4, 8, 16, 32, 64};

const char *prometheus_content_type(enum prometheus_format format)
{
	return format == PROMETHEUS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- numbers ------------------------------------------------------------------------------- */

/* Microseconds as seconds: all digits that count, and always a point. */
static void format_seconds(uint64_t us, char *text, size_t size)
{
	int len = snprintf(text, size, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);

	while (text[len - 1] == '0' && text[len - 2] != '.')
		text[--len] = '\0';
}

static void add_value(struct buf *out, enum stats_unit unit, uint64_t value)
{
	char text[32];

	if (unit == STATS_UNIT_SECONDS) {
		format_seconds(value, text, sizeof(text));
		buf_printf(out, " %s\n", text);
	} else {
		buf_printf(out, " %" PRIu64 "\n", value);
	}
}

static void format_bound(enum stats_unit unit, uint64_t bound, char *text, size_t size)
{
	if (unit == STATS_UNIT_SECONDS)
		format_seconds(bound, text, size);
	else
		snprintf(text, size, "%" PRIu64 ".0", bound);
}

/* ---- families ------------------------------------------------------------------------------ */

static bool is_counter(enum stats_kind kind)
{
	return kind == STATS_KIND_COUNTER || kind == STATS_KIND_TALLY;
}

static const char *type_name(enum stats_kind kind, enum prometheus_format format)
{
	if (is_counter(kind))
		return "counter";
	if (kind == STATS_KIND_HISTOGRAM)
		return "histogram";
	return kind == STATS_KIND_INFO && format == PROMETHEUS_OPENMETRICS ? "info" : "gauge";
}

/* Length of the family's name: in OpenMetrics without the suffix that its samples carry. */
static int family_len(const struct metrics_entry *entry, enum prometheus_format format)
{
	size_t len = strlen(entry->name);

	if (format == PROMETHEUS_OPENMETRICS && is_counter(entry->kind))
		len -= strlen("_total");
	if (format == PROMETHEUS_OPENMETRICS && entry->kind == STATS_KIND_INFO)
		len -= strlen("_info");
	return (int)len;
}

static void add_family(
	struct buf *out, const struct metrics_entry *entry, enum prometheus_format format)
{
	static const char *const units[] = {NULL, "seconds", "bytes"};
	int len = family_len(entry, format);

	buf_printf(out, "# HELP %.*s %s\n", len, entry->name, entry->help);
	buf_printf(out, "# TYPE %.*s %s\n", len, entry->name, type_name(entry->kind, format));
	if (format == PROMETHEUS_OPENMETRICS && units[entry->unit] != NULL)
		buf_printf(out, "# UNIT %.*s %s\n", len, entry->name, units[entry->unit]);
}

/* The labels of one sample without braces, "" for none. False for values that are not told. */
static bool format_labels(
	const struct metrics_entry *entry, const size_t values[2], char text[LABELS_BYTES])
{
	int len = 0;

	text[0] = '\0';
	for (int i = 0; i < 2; i++) {
		const char *value = metrics_value(entry->labels[i], values[i]);

		if (entry->labels[i] == STATS_LABEL_NO)
			continue;
		if (value[0] == '\0')
			return false;
		len += snprintf(text + len, LABELS_BYTES - (size_t)len, "%s%s=\"%s\"",
			i > 0 ? "," : "", metrics_label(entry->labels[i]), value);
	}
	return true;
}

static void add_sample(
	struct buf *out, const char *name, const char *labels, enum stats_unit unit, uint64_t value)
{
	if (labels[0] != '\0')
		buf_printf(out, "%s{%s}", name, labels);
	else
		buf_str(out, name);
	add_value(out, unit, value);
}

static void add_bucket(
	struct buf *out, const char *name, const char *labels, const char *le, uint64_t count)
{
	buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name, labels,
		labels[0] != '\0' ? "," : "", le, count);
}

static void add_histogram(struct buf *out, const struct metrics_entry *entry, const char *labels,
	const uint64_t *cells)
{
	bool seconds = entry->unit == STATS_UNIT_SECONDS;
	const uint64_t *bounds = seconds ? second_bounds : plain_bounds;
	size_t count = seconds ? ARRAY_LEN(second_bounds) : ARRAY_LEN(plain_bounds);
	char name[64];

	for (size_t i = 0; i < count; i++) {
		char le[32];

		format_bound(entry->unit, bounds[i], le, sizeof(le));
		add_bucket(out, entry->name, labels, le, histogram_count_upto(cells, bounds[i]));
	}
	add_bucket(out, entry->name, labels, "+Inf", histogram_count(cells));
	snprintf(name, sizeof(name), "%s_sum", entry->name);
	add_sample(out, name, labels, entry->unit, cells[HISTOGRAM_SUM]);
	snprintf(name, sizeof(name), "%s_count", entry->name);
	add_sample(out, name, labels, STATS_UNIT_NONE, histogram_count(cells));
}

/* ---- metrics of the segment ---------------------------------------------------------------- */

static void add_cell(struct buf *out, const struct metrics_entry *entry, const size_t values[2],
	const uint64_t *cells)
{
	char labels[LABELS_BYTES];

	if (!format_labels(entry, values, labels))
		return;
	/* Of all pairs of two labels, most never occur. */
	if (entry->labels[1] != STATS_LABEL_NO && *cells == 0)
		return;
	if (entry->kind == STATS_KIND_HISTOGRAM)
		add_histogram(out, entry, labels, cells);
	else
		add_sample(out, entry->name, labels, entry->unit, *cells);
}

static void add_metric(struct buf *out, const struct snapshot *snapshot, enum stats_metric metric,
	enum prometheus_format format)
{
	const struct metrics_entry *entry = metrics_entry(metric);
	const struct stats_shape *shape = &stats_shapes[metric];
	const uint64_t *cells = &snapshot->cells[shape->at];
	size_t at[2];

	add_family(out, entry, format);
	if (entry->kind == STATS_KIND_INFO) {
		buf_printf(out, "%s{version=\"%s\"} 1\n", entry->name, snapshot->version);
		return;
	}
	for (at[0] = 0; at[0] < shape->counts[0]; at[0]++)
		for (at[1] = 0; at[1] < shape->counts[1]; at[1]++) {
			add_cell(out, entry, at, cells);
			cells += shape->width;
		}
}

/* ---- metrics of processes ------------------------------------------------------------------ */

/* By slot, never by process id: a series for each of those would be new after every restart. */
static void add_usage(
	struct buf *out, const struct metrics_entry *entry, const char *worker, uint64_t value)
{
	char labels[LABELS_BYTES];

	if (value == PROCFS_UNKNOWN)
		return;
	snprintf(labels, sizeof(labels), "worker=\"%s\"", worker);
	add_sample(out, entry->name, labels, entry->unit, value);
}

static void add_usages(struct buf *out, const struct snapshot *snapshot, enum stats_usage usage,
	enum prometheus_format format)
{
	const struct metrics_entry *entry = metrics_usage(usage);

	add_family(out, entry, format);
	add_usage(out, entry, "supervisor", snapshot->supervisor_usage[usage]);
	add_usage(out, entry, "status", snapshot->status_usage[usage]);
	for (size_t p = 0; p < snapshot->process_count; p++) {
		char worker[24];

		snprintf(worker, sizeof(worker), "%zu", p);
		add_usage(out, entry, worker, snapshot->processes[p].usage[usage]);
	}
}

void prometheus_write(
	struct buf *out, const struct snapshot *snapshot, enum prometheus_format format)
{
	for (int m = 0; m < STATS_METRIC_COUNT; m++)
		add_metric(out, snapshot, (enum stats_metric)m, format);
	for (int u = 0; u < STATS_USAGE_COUNT; u++)
		add_usages(out, snapshot, (enum stats_usage)u, format);
	if (format == PROMETHEUS_OPENMETRICS)
		buf_str(out, "# EOF\n");
}
