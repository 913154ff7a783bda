/*
 * The mapped file: made whole before it has its name, read only by those who understand it.
 *
 * What is attached was written by another process, perhaps of another version, perhaps cut short by
 * a full disk: every measure is checked before a single word past the header is read.
 */
#include "stats/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define FILE_MODE 0640 /* the run directory's group may look */

struct segment {
	char *base;
	size_t bytes;
	bool writable;
	uint32_t processes;
	uint32_t threads;
};

const char *segment_status_text(enum segment_status status)
{
	static const char *const texts[] = {
		[SEGMENT_OK] = "is good",
		[SEGMENT_ABSENT] = "is not there: the service was never started here",
		[SEGMENT_IO] = "cannot be used",
		[SEGMENT_FOREIGN] = "is not a segment of cardkeepd",
		[SEGMENT_VERSION] = "has another layout: reader and service differ in version",
		[SEGMENT_SCHEMA] = "has other metrics: reader and service differ in version",
		[SEGMENT_SIZE] = "has not the size it says",
		[SEGMENT_NOT_READY] = "is not ready: the service is starting, or died doing so",
	};

	MUST((size_t)status < ARRAY_LEN(texts));
	return texts[status];
}

/* ---- where things are ---------------------------------------------------------------------- */

static size_t processes_at(void)
{
	return sizeof(struct segment_header) + sizeof(struct segment_supervisor);
}

static size_t slots_at(size_t processes)
{
	return processes_at() + processes * sizeof(struct segment_process);
}

static size_t total_bytes(size_t processes, size_t threads)
{
	return slots_at(processes) + processes * threads * sizeof(struct stats_slot);
}

static struct segment_header *header_of(const struct segment *segment)
{
	return (struct segment_header *)(void *)segment->base;
}

static struct segment_supervisor *supervisor_of(const struct segment *segment)
{
	return (void *)(segment->base + sizeof(struct segment_header));
}

static struct segment_process *process_of(const struct segment *segment, size_t process)
{
	MUST(process < segment->processes);
	return (void *)(segment->base + processes_at() + process * sizeof(struct segment_process));
}

static struct stats_slot *slot_of(const struct segment *segment, size_t process, size_t thread)
{
	size_t index = process * segment->threads + thread;

	MUST(process < segment->processes && thread < segment->threads);
	return (void *)(segment->base + slots_at(segment->processes) +
			index * sizeof(struct stats_slot));
}

/* ---- making -------------------------------------------------------------------------------- */

static void write_header(struct segment_header *header, const struct segment_shape *shape)
{
	header->magic = SEGMENT_MAGIC;
	header->major = SEGMENT_MAJOR;
	header->minor = SEGMENT_MINOR;
	header->header_bytes = sizeof(struct segment_header);
	header->supervisor_bytes = sizeof(struct segment_supervisor);
	header->process_bytes = sizeof(struct segment_process);
	header->slot_bytes = sizeof(struct stats_slot);
	header->workers = shape->workers;
	header->processes = shape->processes;
	header->threads = shape->threads;
	header->cells = STATS_CELLS;
	header->schema = metrics_hash();
	header->made_us = clock_mono_us();
	header->made_wall_us = clock_wall_us();
	snprintf(header->version, sizeof(header->version), "%s", shape->version);
	atomic_store_explicit(&header->ready, 1, memory_order_release);
}

/* Nothing has been judged yet. */
static void write_alerts(struct segment_supervisor *supervisor)
{
	const int64_t now_us = clock_mono_us();
	const int64_t wall_us = clock_wall_us();

	for (size_t i = 0; i < STATS_ALERT_COUNT; i++) {
		struct segment_alert *alert = &supervisor->alerts[i];

		atomic_init(&alert->since_us, now_us);
		atomic_init(&alert->since_wall_us, wall_us);
		atomic_init(&alert->value, SEGMENT_NO_VALUE);
		atomic_init(&alert->threshold, SEGMENT_NO_VALUE);
	}
}

static struct segment *handle_new(void *base, size_t bytes, bool writable)
{
	struct segment *segment = mem_zero(sizeof(*segment));

	segment->base = base;
	segment->bytes = bytes;
	segment->writable = writable;
	segment->processes = header_of(segment)->processes;
	segment->threads = header_of(segment)->threads;
	return segment;
}

/* An empty file of `bytes` bytes, mapped; NULL with errno. */
static void *map_new_file(const char *path, size_t bytes)
{
	void *base = MAP_FAILED;
	int error;
	int fd;

	if (unlink(path) != 0 && errno != ENOENT)
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0)
		return NULL;
	error = posix_fallocate(fd, 0, (off_t)bytes);
	if (error == 0)
		base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		error = error != 0 ? error : errno;
		(void)unlink(path);
	}
	(void)close(fd);
	errno = error;
	return base != MAP_FAILED ? base : NULL;
}

enum segment_status segment_create(
	const char *path, const struct segment_shape *shape, struct segment **ret)
{
	size_t bytes = total_bytes(shape->processes, shape->threads);
	char fresh[PATH_MAX];
	void *base;

	MUST(shape->workers >= 1 && shape->workers <= shape->processes);
	MUST(shape->processes <= SEGMENT_PROCESSES_MAX);
	MUST(shape->threads >= 1 && shape->threads <= SEGMENT_THREADS_MAX);
	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return SEGMENT_IO;
	}
	base = map_new_file(fresh, bytes);
	if (base == NULL)
		return SEGMENT_IO;
	write_alerts((void *)((char *)base + sizeof(struct segment_header)));
	write_header(base, shape);
	if (rename(fresh, path) != 0) {
		int error = errno;

		(void)unlink(fresh);
		(void)munmap(base, bytes);
		errno = error;
		return SEGMENT_IO;
	}
	*ret = handle_new(base, bytes, true);
	return SEGMENT_OK;
}

/* ---- attaching ----------------------------------------------------------------------------- */

static enum segment_status judge_header(const struct segment_header *header, size_t bytes)
{
	if (header->magic != SEGMENT_MAGIC)
		return SEGMENT_FOREIGN;
	if (atomic_load_explicit(&header->ready, memory_order_acquire) != 1)
		return SEGMENT_NOT_READY;
	if (header->major != SEGMENT_MAJOR)
		return SEGMENT_VERSION;
	if (header->schema != metrics_hash() || header->cells != STATS_CELLS)
		return SEGMENT_SCHEMA;
	if (header->header_bytes != sizeof(struct segment_header) ||
		header->supervisor_bytes != sizeof(struct segment_supervisor) ||
		header->process_bytes != sizeof(struct segment_process) ||
		header->slot_bytes != sizeof(struct stats_slot))
		return SEGMENT_SIZE;
	if (header->processes < 1 || header->processes > SEGMENT_PROCESSES_MAX ||
		header->threads < 1 || header->threads > SEGMENT_THREADS_MAX ||
		header->workers > header->processes)
		return SEGMENT_SIZE;
	return bytes == total_bytes(header->processes, header->threads) ? SEGMENT_OK : SEGMENT_SIZE;
}

static enum segment_status attach_fd(int fd, struct segment **ret)
{
	enum segment_status status;
	struct stat st;
	void *base;

	if (fstat(fd, &st) != 0)
		return SEGMENT_IO;
	if (!S_ISREG(st.st_mode))
		return SEGMENT_FOREIGN;
	if ((size_t)st.st_size < sizeof(struct segment_header))
		return SEGMENT_SIZE;
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return SEGMENT_IO;
	status = judge_header(base, (size_t)st.st_size);
	if (status == SEGMENT_OK)
		*ret = handle_new(base, (size_t)st.st_size, false);
	else
		(void)munmap(base, (size_t)st.st_size);
	return status;
}

enum segment_status segment_attach(const char *path, struct segment **ret)
{
	/* Non-blocking, so that a fifo of that name does not hold anybody up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum segment_status status;
	int error;

	if (fd < 0)
		return errno == ENOENT ? SEGMENT_ABSENT : SEGMENT_IO;
	status = attach_fd(fd, ret);
	error = errno;
	(void)close(fd);
	errno = error;
	return status;
}

void segment_close(struct segment **segment)
{
	if (*segment == NULL)
		return;
	(void)munmap((*segment)->base, (*segment)->bytes);
	free(*segment);
	*segment = NULL;
}

/* ---- looking ------------------------------------------------------------------------------- */

const struct segment_header *segment_header(const struct segment *segment)
{
	return header_of(segment);
}

const struct segment_supervisor *segment_supervisor(const struct segment *segment)
{
	return supervisor_of(segment);
}

const struct segment_process *segment_process(const struct segment *segment, size_t process)
{
	return process_of(segment, process);
}

const struct stats_slot *segment_thread(
	const struct segment *segment, size_t process, size_t thread)
{
	return slot_of(segment, process, thread);
}

enum log_level segment_log_level(const struct segment *segment)
{
	const uint32_t level =
		atomic_load_explicit(&supervisor_of(segment)->log_level, memory_order_relaxed);

	return level < LOG_LEVEL_COUNT ? (enum log_level)level : LOG_LEVEL_INFO;
}

/* ---- alerts ---------------------------------------------------------------------------------- */

#define READ_TRIES 100

static int64_t to_millionths(bool known, double value)
{
	/* Far beyond any share or count, and short of what does not fit. None is negative. */
	const double most = 1e12;

	if (!known)
		return SEGMENT_NO_VALUE;
	return (int64_t)((value < most ? value : most) * 1e6 + 0.5);
}

static bool from_millionths(int64_t millionths, double *ret)
{
	if (millionths == SEGMENT_NO_VALUE)
		return false;
	*ret = (double)millionths / 1e6;
	return true;
}

void segment_alert_set(
	struct segment *segment, enum stats_alert id, const struct segment_alert_record *record)
{
	struct segment_alert *alert = &supervisor_of(segment)->alerts[id];
	const uint32_t odd = atomic_load_explicit(&alert->change, memory_order_relaxed) | 1;

	MUST(segment->writable && id < STATS_ALERT_COUNT);
	atomic_store_explicit(&alert->change, odd, memory_order_relaxed);
	atomic_store_explicit(&alert->state, (uint32_t)record->state, memory_order_release);
	atomic_store_explicit(&alert->since_us, record->since_us, memory_order_release);
	atomic_store_explicit(&alert->since_wall_us, record->since_wall_us, memory_order_release);
	atomic_store_explicit(
		&alert->value, to_millionths(record->known, record->value), memory_order_release);
	atomic_store_explicit(&alert->threshold, to_millionths(record->on, record->threshold),
		memory_order_release);
	atomic_store_explicit(&alert->fired, record->fired, memory_order_release);
	atomic_store_explicit(&alert->change, odd + 1, memory_order_release);
}

static struct segment_alert_record alert_words(const struct segment_alert *alert)
{
	const uint32_t state = atomic_load_explicit(&alert->state, memory_order_acquire);
	struct segment_alert_record record = {.state = STATS_ALERT_STATE_OK};

	if (state < STATS_ALERT_STATE_COUNT)
		record.state = (enum stats_alert_state)state;
	record.since_us = atomic_load_explicit(&alert->since_us, memory_order_acquire);
	record.since_wall_us = atomic_load_explicit(&alert->since_wall_us, memory_order_acquire);
	record.known = from_millionths(
		atomic_load_explicit(&alert->value, memory_order_acquire), &record.value);
	record.on = from_millionths(
		atomic_load_explicit(&alert->threshold, memory_order_acquire), &record.threshold);
	record.fired = atomic_load_explicit(&alert->fired, memory_order_acquire);
	return record;
}

struct segment_alert_record segment_alert_read(const struct segment *segment, enum stats_alert id)
{
	const struct segment_alert *alert = &supervisor_of(segment)->alerts[id];
	struct segment_alert_record record;
	uint32_t before;
	int tries = 0;

	MUST(id < STATS_ALERT_COUNT);
	do {
		before = atomic_load_explicit(&alert->change, memory_order_acquire);
		record = alert_words(alert);
	} while ((before % 2 != 0 ||
			 atomic_load_explicit(&alert->change, memory_order_relaxed) != before) &&
		 ++tries < READ_TRIES);
	return record;
}

/* ---- the supervisor's part ----------------------------------------------------------------- */

static struct segment_process *process_to_write(struct segment *segment, size_t process)
{
	MUST(segment->writable);
	return process_of(segment, process);
}

void segment_supervisor_set(
	struct segment *segment, int32_t pid, int32_t status_pid, uint32_t generation)
{
	struct segment_supervisor *supervisor = supervisor_of(segment);

	MUST(segment->writable);
	atomic_store_explicit(&supervisor->pid, pid, memory_order_relaxed);
	atomic_store_explicit(&supervisor->status_pid, status_pid, memory_order_relaxed);
	atomic_store_explicit(&supervisor->generation, generation, memory_order_relaxed);
}

void segment_log_level_set(struct segment *segment, enum log_level level)
{
	MUST(segment->writable);
	atomic_store_explicit(
		&supervisor_of(segment)->log_level, (uint32_t)level, memory_order_relaxed);
}

void segment_supervisor_beat(struct segment *segment, int64_t now_us)
{
	MUST(segment->writable);
	atomic_store_explicit(&supervisor_of(segment)->heartbeat_us, now_us, memory_order_relaxed);
}

/* The former tenant's thread is gone and the next is not there yet: the slot is the supervisor's. */
static void wipe_activity(struct stats_slot *slot, int64_t now_us)
{
	stats_activity(slot, STATS_THREAD_IDLE, STATS_ROUTE_NONE, NULL, now_us);
	stats_beat(slot, now_us);
	stats_in_hand(slot, 0);
	stats_connection(slot, STATS_CONNECTION_CLOSED, "", now_us);
}

void segment_worker_start(
	struct segment *segment, size_t process, uint32_t generation, int64_t now_us)
{
	struct segment_process *p = process_to_write(segment, process);

	for (size_t i = 0; i < segment->threads; i++)
		wipe_activity(slot_of(segment, process, i), now_us);
	atomic_store_explicit(&p->pid, 0, memory_order_relaxed);
	atomic_store_explicit(&p->generation, generation, memory_order_relaxed);
	atomic_store_explicit(&p->started_us, now_us, memory_order_relaxed);
	atomic_store_explicit(&p->heartbeat_us, now_us, memory_order_relaxed);
	atomic_store_explicit(&p->connections, 0, memory_order_relaxed);
	atomic_store_explicit(&p->state, STATS_WORKER_STARTING, memory_order_release);
}

void segment_worker_pid(struct segment *segment, size_t process, int32_t pid)
{
	atomic_store_explicit(&process_to_write(segment, process)->pid, pid, memory_order_relaxed);
}

void segment_worker_state(struct segment *segment, size_t process, enum stats_worker state)
{
	MUST(state == STATS_WORKER_READY || state == STATS_WORKER_DRAINING);
	atomic_store_explicit(
		&process_to_write(segment, process)->state, (uint32_t)state, memory_order_release);
}

/* What all threads of a process have counted, tenants before included. */
static uint64_t process_sum(const struct segment *segment, size_t process, size_t cell)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < segment->threads; i++)
		sum += atomic_load_explicit(
			&slot_of(segment, process, i)->cells[cell], memory_order_relaxed);
	return sum;
}

void segment_worker_end(struct segment *segment, size_t process)
{
	struct segment_process *p = process_to_write(segment, process);
	uint64_t started = process_sum(segment, process, STATS_AT_REQUESTS_STARTED);
	uint64_t finished = process_sum(segment, process, STATS_AT_REQUESTS_FINISHED);

	/* What is open now will never be finished; with that of earlier tenants it is all that this
	 * slot ever lost. Never less than before: a worker that miscounted must not show here. */
	if (started > finished && started - finished > atomic_load(&p->lost))
		atomic_store_explicit(&p->lost, started - finished, memory_order_release);
	atomic_store_explicit(&p->state, STATS_WORKER_DEAD, memory_order_release);
}

void segment_worker_restart(struct segment *segment, size_t process, enum stats_restart reason)
{
	struct segment_process *p = process_to_write(segment, process);

	MUST(reason < STATS_RESTART_COUNT);
	stats_raise(&p->restarts[reason], 1);
}

void segment_worker_free(struct segment *segment, size_t process)
{
	struct segment_process *p = process_to_write(segment, process);

	atomic_store_explicit(&p->pid, 0, memory_order_relaxed);
	atomic_store_explicit(&p->state, STATS_WORKER_FREE, memory_order_release);
}

/* ---- the worker's part --------------------------------------------------------------------- */

struct stats_slot *segment_slot(struct segment *segment, size_t process, size_t thread)
{
	MUST(segment->writable);
	return slot_of(segment, process, thread);
}

void segment_worker_beat(struct segment *segment, size_t process, int64_t now_us)
{
	atomic_store_explicit(
		&process_to_write(segment, process)->heartbeat_us, now_us, memory_order_relaxed);
}

void segment_worker_connections(struct segment *segment, size_t process, uint32_t connections)
{
	atomic_store_explicit(&process_to_write(segment, process)->connections, connections,
		memory_order_relaxed);
}
