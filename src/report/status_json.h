/*
 * A snapshot as /status.json has it.
 *
 * Pure: from a snapshot (and a window) into a buffer. Thread-safe.
 */
#ifndef REPORT_STATUS_JSON_H
#define REPORT_STATUS_JSON_H

#include "base/buf.h"
#include "stats/snapshot.h"
#include "stats/window.h"

/* The body; `application/json`. Without a window (NULL) what needs one is null. */
void status_json(struct buf *out, const struct snapshot *snapshot, const struct window *window);
/* The array of alerts in it, by itself. */
void status_json_alerts(struct buf *out, const struct snapshot *snapshot);

#endif
