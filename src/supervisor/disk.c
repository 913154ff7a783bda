/* The disk guard: looking, judging, telling the workers. */
#include "supervisor/disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/log.h"

/* As df(1) counts for users that are not root, which PostgreSQL never is: what is kept back for root
 * is neither free nor part of the whole. */
static bool measure_disk(const char *path, struct segment_disk *ret)
{
	struct statvfs fs;

	if (statvfs(path, &fs) != 0)
		return false;
	/* As in /proc: nothing that could be full. */
	if (fs.f_blocks == 0) {
		errno = ENODEV;
		return false;
	}
	ret->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	ret->size_bytes = (uint64_t)(fs.f_blocks - fs.f_bfree + fs.f_bavail) * fs.f_frsize;
	return true;
}

bool disk_try(const char *path, char *why, size_t why_size)
{
	struct segment_disk seen;

	if (path[0] == '\0' || measure_disk(path, &seen))
		return true;
	snprintf(why, why_size, "disk_path: %s: %s", path, strerror(errno));
	return false;
}

static double percent_free(const struct segment_disk *seen)
{
	return 100.0 * (double)seen->free_bytes / (double)seen->size_bytes;
}

bool disk_judge(const struct segment_disk *seen, bool was, long percent)
{
	if (percent == 0 || seen->size_bytes == 0)
		return false;
	return percent_free(seen) <= (double)percent ||
	       (was && percent_free(seen) < (double)percent + 1);
}

static void log_mode(const char *path, const struct segment_disk *now)
{
	if (now->read_only)
		log_error("read-only: the disk is nearly full free_percent=%.2f path=%s",
			percent_free(now), LOG_QUOTED(path));
	else
		log_warn("no longer read-only path=%s", LOG_QUOTED(path));
}

/* Once for each time that it begins. */
static void went_blind(struct disk *disk, const char *path)
{
	if (!disk->blind)
		log_error("the disk cannot be looked at path=%s error=%s", LOG_QUOTED(path),
			LOG_QUOTED(strerror(errno)));
	disk->blind = true;
	disk->now.free_bytes = 0;
	disk->now.size_bytes = 0;
}

void disk_tick(struct disk *disk, const char *path, long percent, struct segment *segment)
{
	const bool was = disk->now.read_only;

	if (path[0] == '\0')
		return;
	if (measure_disk(path, &disk->now)) {
		disk->blind = false;
		disk->now.read_only = disk_judge(&disk->now, was, percent);
	} else {
		went_blind(disk, path);
	}
	if (disk->now.read_only != was)
		log_mode(path, &disk->now);
	segment_disk_set(segment, &disk->now);
}
