/*
 * The segment: made whole before it has its name, read only by those who understand it.
 *
 * What is attached was written by another process, perhaps of another version, perhaps cut short by
 * a full disk, perhaps by somebody who means harm: the file belongs to the service's user, and root
 * reads it. So an attached segment is never mapped. A mapping would end its reader by SIGBUS when the
 * file is cut, and hold another number at the second look than at the first. Its header is read once
 * and judged; from then on places and counts follow from that copy alone. Whatever else is asked for
 * is copied by pread(2) when it is asked for, and what cannot be read is zeros.
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
#include "stats/seqlock.h"

#define FILE_MODE 0640 /* the run directory's group may look */

/* What others write, as it was when it was last asked for. */
struct copy {
	struct segment_supervisor supervisor;
	struct segment_process process;
	struct stats_slot slot;
	struct stats_slot again; /* to compare with */
	bool cut;                /* something could not be read: the file is shorter than it was */
};

struct segment {
	struct segment_header header; /* as it was made, or as it was judged: never read again */
	size_t bytes;
	bool writable;
	char *base;        /* the mapping; NULL when attached */
	int fd;            /* of the file, when attached; -1 else */
	struct copy *copy; /* when attached */
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

static size_t process_at(const struct segment *segment, size_t process)
{
	MUST(process < segment->header.processes);
	return processes_at() + process * sizeof(struct segment_process);
}

static size_t slot_at(const struct segment *segment, size_t process, size_t thread)
{
	const size_t index = process * segment->header.threads + thread;

	MUST(process < segment->header.processes && thread < segment->header.threads);
	return slots_at(segment->header.processes) + index * sizeof(struct stats_slot);
}

/* These three are of the mapping. */

static struct segment_supervisor *supervisor_of(const struct segment *segment)
{
	MUST(segment->base != NULL);
	return (void *)(segment->base + sizeof(struct segment_header));
}

static struct segment_process *process_of(const struct segment *segment, size_t process)
{
	MUST(segment->base != NULL);
	return (void *)(segment->base + process_at(segment, process));
}

static struct stats_slot *slot_of(const struct segment *segment, size_t process, size_t thread)
{
	MUST(segment->base != NULL);
	return (void *)(segment->base + slot_at(segment, process, thread));
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
	header->slow_threads = shape->slow_threads;
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

static struct segment *handle_new(const struct segment_header *header, size_t bytes)
{
	struct segment *segment = mem_zero(sizeof(*segment));

	memcpy(&segment->header, header, sizeof(*header));
	segment->bytes = bytes;
	segment->fd = -1;
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
	/* Whatever the umask. */
	error = fchmod(fd, FILE_MODE) == 0 ? posix_fallocate(fd, 0, (off_t)bytes) : errno;
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
	*ret = handle_new(base, bytes);
	(*ret)->base = base;
	(*ret)->writable = true;
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

/* `bytes` bytes from `at` on; false when not all of them are there. A file gives what it has. */
static bool read_at(int fd, void *to, size_t bytes, size_t at)
{
	return pread(fd, to, bytes, (off_t)at) == (ssize_t)bytes;
}

/* Keeps the descriptor only where all is well. */
static enum segment_status attach_fd(int fd, struct segment **ret)
{
	struct segment_header header;
	enum segment_status status;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return SEGMENT_IO;
	if (!S_ISREG(st.st_mode))
		return SEGMENT_FOREIGN;
	if (!read_at(fd, &header, sizeof(header), 0))
		return SEGMENT_SIZE;
	status = judge_header(&header, (size_t)st.st_size);
	if (status != SEGMENT_OK)
		return status;
	header.made_us = stats_time(header.made_us);
	header.made_wall_us = stats_time(header.made_wall_us);
	*ret = handle_new(&header, (size_t)st.st_size);
	(*ret)->fd = fd;
	(*ret)->copy = mem_zero(sizeof(*(*ret)->copy));
	return SEGMENT_OK;
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
	if (status == SEGMENT_OK)
		return status;
	error = errno;
	(void)close(fd);
	errno = error;
	return status;
}

void segment_close(struct segment **ptr)
{
	struct segment *segment = *ptr;

	if (segment == NULL)
		return;
	if (segment->base != NULL)
		(void)munmap(segment->base, segment->bytes);
	if (segment->fd >= 0)
		(void)close(segment->fd);
	free(segment->copy);
	free(segment);
	*ptr = NULL;
}

void segment_only_look(struct segment *segment)
{
	MUST(segment->base != NULL);
	MUST_ZERO(mprotect(segment->base, segment->bytes, PROT_READ));
	segment->writable = false;
}

/* ---- looking ------------------------------------------------------------------------------- */

#define READ_TRIES 100 /* at a record that changes meanwhile */
#define COPY_TRIES 10  /* likewise, where each costs system calls */

/* A copy of what is at `at` now; zeros where it cannot be had. */
static void copy_now(const struct segment *segment, void *to, size_t bytes, size_t at)
{
	if (read_at(segment->fd, to, bytes, at))
		return;
	memset(to, 0, bytes);
	segment->copy->cut = true;
}

/*
 * Copies records under their change counts as they were at one time. A copy goes up the file, so it
 * holds a record's count from before its words; where a second copy has the same even count, nothing
 * was written in between. A record that would not hold keeps an odd count in the copy, by which its
 * reader knows.
 */
static void copy_records(const struct segment *segment, void *to, void *again, size_t bytes,
	size_t at, bool (*settle)(void *to, const void *again))
{
	copy_now(segment, to, bytes, at);
	for (int i = 0; i < COPY_TRIES; i++) {
		copy_now(segment, again, bytes, at);
		if (settle(to, again))
			return;
		if (i + 1 < COPY_TRIES)
			memcpy(to, again, bytes);
	}
}

/* Whether a record held; its copy's count is made odd where it did not. */
static bool held(_Atomic uint32_t *count, const _Atomic uint32_t *again)
{
	const uint32_t first = atomic_load_explicit(count, memory_order_relaxed);

	if (seqlock_read_whole(again, first))
		return true;
	atomic_store_explicit(count, first | 1, memory_order_relaxed);
	return false;
}

static bool check_state(void *to, const void *again)
{
	struct segment_supervisor *supervisor = to;
	const struct segment_supervisor *other = again;
	bool all = true;

	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		all &= held(&supervisor->alerts[i].change, &other->alerts[i].change);
	return all;
}

static bool check_slot(void *to, const void *again)
{
	struct stats_slot *slot = to;
	const struct stats_slot *other = again;
	bool all = held(&slot->change, &other->change);

	for (size_t i = 0; i < EVENT_RING; i++)
		all &= held(&slot->events.ring[i].change, &other->events.ring[i].change);
	return all;
}

const struct segment_header *segment_header(const struct segment *segment)
{
	return &segment->header;
}

bool segment_whole(const struct segment *segment)
{
	return segment->copy == NULL || !segment->copy->cut;
}

const struct segment_supervisor *segment_supervisor(const struct segment *segment)
{
	struct segment_supervisor again;

	if (segment->base != NULL)
		return supervisor_of(segment);
	copy_records(segment, &segment->copy->supervisor, &again, sizeof(again),
		sizeof(struct segment_header), check_state);
	return &segment->copy->supervisor;
}

const struct segment_process *segment_process(const struct segment *segment, size_t process)
{
	if (segment->base != NULL)
		return process_of(segment, process);
	copy_now(segment, &segment->copy->process, sizeof(segment->copy->process),
		process_at(segment, process));
	return &segment->copy->process;
}

const struct stats_slot *segment_thread(
	const struct segment *segment, size_t process, size_t thread)
{
	const size_t records = offsetof(struct stats_slot, cells);
	struct stats_slot *slot;
	size_t at;

	if (segment->base != NULL)
		return slot_of(segment, process, thread);
	slot = &segment->copy->slot;
	at = slot_at(segment, process, thread);
	copy_records(segment, slot, &segment->copy->again, records, at, check_slot);
	copy_now(segment, slot->cells, sizeof(slot->cells), at + records);
	return slot;
}

uint64_t segment_cell(const struct segment *segment, size_t process, size_t thread, size_t cell)
{
	uint64_t value;

	MUST(cell < STATS_CELLS);
	if (segment->base != NULL)
		return atomic_load_explicit(
			&slot_of(segment, process, thread)->cells[cell], memory_order_acquire);
	copy_now(segment, &value, sizeof(value),
		slot_at(segment, process, thread) + offsetof(struct stats_slot, cells) +
			cell * sizeof(value));
	return value;
}

bool segment_worker_serves(
	const struct segment *segment, size_t process, int64_t now_us, uint32_t *ret_connections)
{
	const struct segment_process *worker = segment_process(segment, process);
	const int64_t beat_us = stats_time_of(&worker->heartbeat_us);

	if (atomic_load_explicit(&worker->state, memory_order_relaxed) != STATS_WORKER_READY ||
		now_us - beat_us > SEGMENT_HEARTBEAT_FRESH_US)
		return false;
	*ret_connections = atomic_load_explicit(&worker->connections, memory_order_relaxed);
	return true;
}

int64_t segment_thread_beat_us(const struct segment *segment, size_t process, size_t thread)
{
	const int64_t beat_us = stats_time_of(&segment_thread(segment, process, thread)->beat_us);
	const int64_t started_us = stats_time_of(&segment_process(segment, process)->started_us);

	return beat_us > started_us ? beat_us : 0;
}

enum log_level segment_log_level(const struct segment *segment)
{
	const uint32_t level =
		atomic_load_explicit(&segment_supervisor(segment)->log_level, memory_order_relaxed);

	return level < LOG_LEVEL_COUNT ? (enum log_level)level : LOG_LEVEL_INFO;
}

/* ---- the disk -------------------------------------------------------------------------------- */

struct segment_disk segment_disk(const struct segment *segment)
{
	const struct segment_supervisor *supervisor = segment_supervisor(segment);
	const uint64_t size = atomic_load_explicit(&supervisor->disk_size, memory_order_relaxed);
	const uint64_t left = atomic_load_explicit(&supervisor->disk_free, memory_order_relaxed);

	return (struct segment_disk){
		.free_bytes = left < size ? left : size,
		.size_bytes = size,
		.read_only =
			atomic_load_explicit(&supervisor->read_only, memory_order_relaxed) == 1,
	};
}

bool segment_read_only(const struct segment *segment)
{
	return atomic_load_explicit(
		       &segment_supervisor(segment)->read_only, memory_order_relaxed) == 1;
}

void segment_disk_set(struct segment *segment, const struct segment_disk *disk)
{
	struct segment_supervisor *supervisor = supervisor_of(segment);

	MUST(segment->writable);
	atomic_store_explicit(&supervisor->disk_free, disk->free_bytes, memory_order_relaxed);
	atomic_store_explicit(&supervisor->disk_size, disk->size_bytes, memory_order_relaxed);
	atomic_store_explicit(&supervisor->read_only, disk->read_only, memory_order_relaxed);
}

/* ---- alerts ---------------------------------------------------------------------------------- */

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
	uint32_t odd;

	MUST(segment->writable && id < STATS_ALERT_COUNT);
	odd = seqlock_write_begin(&alert->change);
	atomic_store_explicit(&alert->state, (uint32_t)record->state, memory_order_release);
	atomic_store_explicit(&alert->since_us, record->since_us, memory_order_release);
	atomic_store_explicit(&alert->since_wall_us, record->since_wall_us, memory_order_release);
	atomic_store_explicit(
		&alert->value, to_millionths(record->known, record->value), memory_order_release);
	atomic_store_explicit(&alert->threshold, to_millionths(record->on, record->threshold),
		memory_order_release);
	atomic_store_explicit(&alert->fired, record->fired, memory_order_release);
	seqlock_write_end(&alert->change, odd);
}

static struct segment_alert_record alert_words(const struct segment_alert *alert)
{
	const uint32_t state = atomic_load_explicit(&alert->state, memory_order_acquire);
	struct segment_alert_record record = {.state = STATS_ALERT_STATE_OK};

	if (state < STATS_ALERT_STATE_COUNT)
		record.state = (enum stats_alert_state)state;
	record.since_us = stats_time_of(&alert->since_us);
	record.since_wall_us = stats_time_of(&alert->since_wall_us);
	record.known = from_millionths(
		atomic_load_explicit(&alert->value, memory_order_acquire), &record.value);
	record.on = from_millionths(
		atomic_load_explicit(&alert->threshold, memory_order_acquire), &record.threshold);
	record.fired = atomic_load_explicit(&alert->fired, memory_order_acquire);
	return record;
}

struct segment_alert_record segment_alert_read(const struct segment *segment, enum stats_alert id)
{
	const struct segment_alert *alert;
	struct segment_alert_record record;
	uint32_t before;
	int tries = 0;

	MUST(id < STATS_ALERT_COUNT);
	alert = &segment_supervisor(segment)->alerts[id];
	do {
		before = seqlock_read_begin(&alert->change);
		record = alert_words(alert);
	} while (!seqlock_read_whole(&alert->change, before) && ++tries < READ_TRIES);
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

void segment_supervisor_beat(struct segment *segment, int64_t now_us, uint32_t descriptors)
{
	MUST(segment->writable);
	atomic_store_explicit(
		&supervisor_of(segment)->descriptors, descriptors, memory_order_relaxed);
	atomic_store_explicit(&supervisor_of(segment)->heartbeat_us, now_us, memory_order_relaxed);
}

void segment_log_lost_set(struct segment *segment, uint64_t lines)
{
	MUST(segment->writable);
	atomic_store_explicit(&supervisor_of(segment)->log_lost, lines, memory_order_relaxed);
}

/* The former tenant's thread is gone and the next is not there yet: the slot is the supervisor's. */
static void wipe_activity(struct stats_slot *slot, int64_t now_us)
{
	stats_activity(slot, STATS_THREAD_IDLE, STATS_ROUTE_NONE, NULL, now_us);
	stats_beat(slot, now_us);
	stats_in_flight(slot, 0);
	stats_connection(slot, STATS_CONNECTION_CLOSED, "", now_us);
}

void segment_worker_start(
	struct segment *segment, size_t process, uint32_t generation, int64_t now_us)
{
	struct segment_process *p = process_to_write(segment, process);

	for (size_t i = 0; i < segment->header.threads; i++)
		wipe_activity(slot_of(segment, process, i), now_us);
	atomic_store_explicit(&p->pid, 0, memory_order_relaxed);
	atomic_store_explicit(&p->generation, generation, memory_order_relaxed);
	atomic_store_explicit(&p->started_us, now_us, memory_order_relaxed);
	atomic_store_explicit(&p->heartbeat_us, now_us, memory_order_relaxed);
	atomic_store_explicit(&p->connections, 0, memory_order_relaxed);
	atomic_store_explicit(&p->descriptors, 0, memory_order_relaxed);
	atomic_store_explicit(&p->sandbox, 0, memory_order_relaxed);
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

	for (size_t i = 0; i < segment->header.threads; i++)
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

void segment_worker_descriptors(struct segment *segment, size_t process, uint32_t descriptors)
{
	atomic_store_explicit(&process_to_write(segment, process)->descriptors, descriptors,
		memory_order_relaxed);
}

void segment_worker_sandbox(struct segment *segment, size_t process, uint32_t parts)
{
	atomic_store_explicit(
		&process_to_write(segment, process)->sandbox, parts, memory_order_relaxed);
}
