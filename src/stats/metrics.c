/* The catalogue's names, and what tells two catalogues apart. */
#include "stats/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

static const struct metrics_entry entries[] = {
#define METRIC(id, name, kind, unit, label1, label2, help) \
	{name, help, STATS_KIND_##kind, STATS_UNIT_##unit, \
		{STATS_LABEL_##label1, STATS_LABEL_##label2}},
#define PROCESS_METRIC(id, name, kind, unit, help)
#include "catalog/metrics.def"
};

static const struct metrics_entry usages[] = {
#define METRIC(id, name, kind, unit, label1, label2, help)
#define PROCESS_METRIC(id, name, kind, unit, help) \
	{name, help, STATS_KIND_##kind, STATS_UNIT_##unit, {STATS_LABEL_NO, STATS_LABEL_NO}},
#include "catalog/metrics.def"
};

static const struct {
	const char *name;
	size_t count;
} labels[] = {
#define LABEL(id, name, prom) {prom, STATS_##id##_COUNT},
#define VALUE(id, value, prom)
#define END(id)
#include "catalog/labels.def"
};

/* All lists one after another. */
static const char *const values[] = {
#define LABEL(id, name, prom)
#define VALUE(id, value, prom) prom,
#define END(id)
#include "catalog/labels.def"
};

const struct metrics_entry *metrics_entry(enum stats_metric metric)
{
	MUST(metric < STATS_METRIC_COUNT);
	return &entries[metric];
}

const struct metrics_entry *metrics_usage(enum stats_usage usage)
{
	MUST(usage < STATS_USAGE_COUNT);
	return &usages[usage];
}

const char *metrics_label(enum stats_label label)
{
	MUST(label < STATS_LABEL_COUNT);
	return labels[label].name;
}

size_t metrics_value_count(enum stats_label label)
{
	MUST(label < STATS_LABEL_COUNT);
	return labels[label].count;
}

const char *metrics_value(enum stats_label label, size_t value)
{
	size_t before = 0;

	MUST(value < metrics_value_count(label));
	for (size_t i = 0; i < (size_t)label; i++)
		before += labels[i].count;
	return values[before + value];
}

int metrics_value_find(enum stats_label label, const char *text)
{
	for (size_t i = 0; i < metrics_value_count(label); i++)
		if (strcmp(metrics_value(label, i), text) == 0)
			return (int)i;
	return -1;
}

/* ---- the hash ------------------------------------------------------------------------------ */

/* FNV-1a. The terminating NUL counts, so that "ab","c" and "a","bc" differ. */
static uint64_t mix_text(uint64_t hash, const char *text)
{
	do {
		hash ^= (unsigned char)*text;
		hash *= UINT64_C(0x100000001b3);
	} while (*text++ != '\0');
	return hash;
}

uint64_t metrics_hash(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		char kind[] = {(char)('A' + entries[i].kind), (char)('A' + entries[i].unit),
			(char)('A' + entries[i].labels[0]), (char)('A' + entries[i].labels[1]), 0};

		hash = mix_text(mix_text(hash, entries[i].name), kind);
	}
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		hash = mix_text(hash, labels[i].name);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		hash = mix_text(hash, values[i]);
	return hash;
}

/* ---- from what others call it -------------------------------------------------------------- */

enum stats_code stats_code(int status)
{
	switch (status) {
#define LABEL(id, name, prom)
#define CODE(number) \
	case number: \
		return STATS_CODE_##number;
#define VALUE(id, value, prom)
#define END(id)
#include "catalog/labels.def"
	default:
		return STATS_CODE_OTHER;
	}
}

enum stats_sqlstate stats_sqlstate(const char *sqlstate)
{
	for (size_t i = 0; sqlstate != NULL && i < STATS_SQLSTATE_OTHER; i++) {
		const char *prefix = metrics_value(STATS_LABEL_SQLSTATE, i);

		if (strncmp(sqlstate, prefix, strlen(prefix)) == 0)
			return (enum stats_sqlstate)i;
	}
	return STATS_SQLSTATE_OTHER;
}
