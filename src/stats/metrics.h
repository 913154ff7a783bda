/*
 * The catalogue: enums, shapes and names of everything that is counted, expanded from labels.def
 * and metrics.def. Constant, so thread-safe.
 *
 * All values of all metrics are one array of cells. A metric owns the cells from `at` on: one for
 * each pair of label values, or one histogram for each.
 */
#ifndef STATS_METRICS_H
#define STATS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "stats/histogram.h"

/* clang-format off */
#define LABEL(id, name, prom) enum stats_##name {
#define VALUE(id, value, prom) STATS_##id##_##value,
#define END(id) STATS_##id##_COUNT };
/* clang-format on */
#include "catalog/labels.def"

/* The lists themselves. */
enum stats_label {
#define LABEL(id, name, prom) STATS_LABEL_##id,
#define VALUE(id, value, prom)
#define END(id)
#include "catalog/labels.def"
	STATS_LABEL_COUNT,
};

enum stats_kind {
	STATS_KIND_COUNTER,   /* counted by threads; never goes back */
	STATS_KIND_HISTOGRAM, /* likewise */
	STATS_KIND_TALLY,     /* a counter that the snapshot works out */
	STATS_KIND_GAUGE,     /* worked out by the snapshot */
	STATS_KIND_INFO,      /* always 1 */
};

enum stats_unit {
	STATS_UNIT_NONE,
	STATS_UNIT_SECONDS, /* held as microseconds */
	STATS_UNIT_BYTES,
};

enum stats_metric {
#define METRIC(id, name, kind, unit, label1, label2, help) STATS_##id,
#define PROCESS_METRIC(id, name, kind, unit, help)
#include "catalog/metrics.def"
	STATS_METRIC_COUNT,
};

/* What is measured of each process. */
enum stats_usage {
#define METRIC(id, name, kind, unit, label1, label2, help)
#define PROCESS_METRIC(id, name, kind, unit, help) STATS_USAGE_##id,
#include "catalog/metrics.def"
	STATS_USAGE_COUNT,
};

/* Cells for one pair of label values. */
enum {
	STATS_WIDTH_COUNTER = 1,
	STATS_WIDTH_HISTOGRAM = HISTOGRAM_CELLS,
	STATS_WIDTH_TALLY = 1,
	STATS_WIDTH_GAUGE = 1,
	STATS_WIDTH_INFO = 1,
};

/* Each metric begins where the one before it ended. */
enum {
#define METRIC(id, name, kind, unit, label1, label2, help) \
	STATS_AT_##id,                                     \
		STATS_LAST_##id =                          \
			STATS_AT_##id - 1 +                \
			STATS_WIDTH_##kind * STATS_##label1##_COUNT * STATS_##label2##_COUNT,
#define PROCESS_METRIC(id, name, kind, unit, help)
#include "catalog/metrics.def"
	STATS_CELLS,
};

struct stats_shape {
	uint16_t at;        /* its first cell */
	uint16_t width;     /* cells for one pair of label values */
	uint16_t counts[2]; /* values of its labels; 1 where it has none */
};

static const struct stats_shape stats_shapes[STATS_METRIC_COUNT] = {
#define METRIC(id, name, kind, unit, label1, label2, help) \
	[STATS_##id] = {STATS_AT_##id, STATS_WIDTH_##kind, \
		{STATS_##label1##_COUNT, STATS_##label2##_COUNT}},
#define PROCESS_METRIC(id, name, kind, unit, help)
#include "catalog/metrics.def"
};

struct metrics_entry {
	const char *name; /* as in the exposition, `_total` of a counter included */
	const char *help; /* one sentence, no backslash or newline */
	enum stats_kind kind;
	enum stats_unit unit;
	enum stats_label labels[2]; /* STATS_LABEL_NO where there is none */
};

/* What there is to say about a metric. */
const struct metrics_entry *metrics_entry(enum stats_metric metric);
const struct metrics_entry *metrics_usage(enum stats_usage usage);
/* The name of a label in the exposition, the number of its values, and one of them. */
const char *metrics_label(enum stats_label label);
size_t metrics_value_count(enum stats_label label);
const char *metrics_value(enum stats_label label, size_t value);
/* The value of that label with this text, or -1. */
int metrics_value_find(enum stats_label label, const char *text);
/* Tells two catalogues apart: names, kinds, labels and their order. */
uint64_t metrics_hash(void);

/* The label of an HTTP status. */
enum stats_code stats_code(int status);
/* The label of a SQLSTATE: itself, its class, or other. "" and NULL are other. */
enum stats_sqlstate stats_sqlstate(const char *sqlstate);

#endif
