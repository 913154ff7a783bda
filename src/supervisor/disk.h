/*
 * The disk guard: how full the file system is that the database fills, and whether it is time to
 * refuse what would add to it.
 *
 * A database whose disk is full stops for everybody, those who only read included, and PostgreSQL may
 * not even start again. So writes that add something are refused before that (call_adds), while
 * reads, sign-ins and deletions go on. The mode begins at a share of free room and ends one point
 * above it, so that it does not flap while a little is freed and used up again.
 *
 * The supervisor looks, on its tick; the workers read what it found in the segment. Not thread-safe.
 */
#ifndef SUPERVISOR_DISK_H
#define SUPERVISOR_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "stats/segment.h"

struct disk {
	bool blind; /* the last look failed, and that was said */
	struct segment_disk now;
};

/* Whether the room at `path` can be told; `why` is one line where it cannot. An empty path is none to
 * look at. */
MUST_CHECK bool disk_try(const char *path, char *why, size_t why_size);

/* Looks, judges, logs what changed, and writes it to the segment. What cannot be seen any more leaves
 * the mode as it is. */
void disk_tick(struct disk *disk, const char *path, long percent, struct segment *segment);

/* Whether it is to be read-only with so much free room, when it `was` so far: from `percent` down,
 * until there is one point more. 0: never. */
bool disk_judge(const struct segment_disk *seen, bool was, long percent);

#endif
