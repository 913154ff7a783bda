/*
 * What the kernel knows about a process: the figures of the `process_*` metrics, read from /proc.
 *
 * Read from outside, so that they are there for a process that hangs as well. Thread-safe.
 */
#ifndef STATS_PROCFS_H
#define STATS_PROCFS_H

#include <stdint.h>

#include "stats/metrics.h"

#define PROCFS_UNKNOWN UINT64_MAX

/* Fills in what can be known of `pid`, in the units of metrics.def; the rest is PROCFS_UNKNOWN:
 * all of it when there is no such process, the descriptors when it belongs to somebody else. */
void procfs_read(int32_t pid, uint64_t usage[STATS_USAGE_COUNT]);

#endif
