/*
 * Windows and figures within /status.json, and what its parts share. Only *_json.c include it.
 *
 * Names and values of the catalogue need no escapes.
 */
#ifndef REPORT_WINDOWS_JSON_H
#define REPORT_WINDOWS_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "stats/indicator.h"
#include "stats/window.h"

/* "value" and "ok" of an indicator. */
void windows_json_judgement(struct buf *out, const struct indicator *indicator);
/* Every figure of indicators.def, as members. */
void windows_json_figures(struct buf *out, const uint64_t *cells);
/* Percentiles of a histogram, as members: milliseconds where its unit is seconds, null without
 * values. */
void windows_json_spread(struct buf *out, const uint64_t *cells, enum stats_unit unit);
/* Every window (none where that is NULL), then what was counted since the service's start: an array. */
void windows_json(struct buf *out, const struct snapshot *snapshot, const struct window *window);

#endif
