/* What the kernel knows about a process. */
#include "stats/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define PATH_BYTES 64

/* A whole small file of /proc as a string; false when it cannot be read. */
static bool read_proc_file(int32_t pid, const char *name, char *text, size_t size)
{
	char path[PATH_BYTES];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, size - 1);
	(void)close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* When the machine was started, in seconds since 1970; as the kernel says it, so that it is the same
 * at every look. */
static bool boot_seconds(uint64_t *ret)
{
	FILE *stat = fopen("/proc/stat", "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	if (stat == NULL)
		return false;
	while (!found && getline(&line, &size, stat) > 0)
		found = sscanf(line, "btime %" SCNu64, ret) == 1;
	free(line);
	(void)fclose(stat);
	return found;
}

static uint64_t ticks_to_us(uint64_t ticks)
{
	return ticks * (uint64_t)CLOCK_S / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* proc(5): field 2 is the name in parentheses, which may hold anything; fields from 3 on follow. */
static void read_stat(int32_t pid, uint64_t usage[STATS_USAGE_COUNT])
{
	char text[1024];
	const char *at;
	uint64_t user, system, start, virtual;
	uint64_t boot;
	int64_t resident;

	if (!read_proc_file(pid, "stat", text, sizeof(text)))
		return;
	at = strrchr(text, ')');
	if (at == NULL ||
		sscanf(at + 1,
			" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
			" %*d %*d %*d %*d %*d %*d %" SCNu64 " %" SCNu64 " %" SCNd64,
			&user, &system, &start, &virtual, &resident) != 5)
		return;
	usage[STATS_USAGE_CPU] = ticks_to_us(user + system);
	usage[STATS_USAGE_VIRTUAL] = virtual;
	usage[STATS_USAGE_RESIDENT] = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
	if (boot_seconds(&boot))
		usage[STATS_USAGE_START] = boot * (uint64_t)CLOCK_S + ticks_to_us(start);
}

static uint64_t count_in(const char *path)
{
	const struct dirent *entry;
	uint64_t count = 0;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return PROCFS_UNKNOWN;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

static uint64_t count_fds(int32_t pid)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/fd", pid);
	return count_in(path);
}

uint32_t procfs_own_descriptors(void)
{
	const uint64_t count = count_in("/proc/self/fd");

	/* The one by which it was looked at is not counted. */
	return count == PROCFS_UNKNOWN || count == 0 ? 0 : (uint32_t)(count - 1);
}

static uint64_t max_fds(int32_t pid)
{
	char text[4096];
	const char *at;
	uint64_t most;

	if (!read_proc_file(pid, "limits", text, sizeof(text)))
		return PROCFS_UNKNOWN;
	at = strstr(text, "Max open files");
	if (at == NULL || sscanf(at, "Max open files %" SCNu64, &most) != 1)
		return PROCFS_UNKNOWN;
	return most;
}

void procfs_read(int32_t pid, uint64_t usage[STATS_USAGE_COUNT])
{
	for (size_t i = 0; i < STATS_USAGE_COUNT; i++)
		usage[i] = PROCFS_UNKNOWN;
	if (pid <= 0)
		return;
	read_stat(pid, usage);
	usage[STATS_USAGE_OPEN_FDS] = count_fds(pid);
	usage[STATS_USAGE_MAX_FDS] = max_fds(pid);
}
