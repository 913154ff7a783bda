/* Everything the segment says, at one moment. */
#include "stats/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/cells.h"
#include "stats/procfs.h"

/* ---- totals -------------------------------------------------------------------------------- */

static uint64_t sum_finished(const struct snapshot *snapshot, const struct segment *segment)
{
	uint64_t sum = 0;

	for (size_t p = 0; p < snapshot->process_count; p++)
		for (size_t t = 0; t < snapshot->thread_count; t++)
			sum += segment_cell(segment, p, t, STATS_AT_REQUESTS_FINISHED);
	return sum;
}

static void add_slot(uint64_t cells[STATS_CELLS], const struct stats_slot *slot)
{
	for (size_t i = 0; i < STATS_CELLS; i++)
		cells[i] += atomic_load_explicit(&slot->cells[i], memory_order_relaxed);
}

static uint64_t sum_lost(const struct snapshot *snapshot, const struct segment *segment)
{
	uint64_t sum = 0;

	for (size_t p = 0; p < snapshot->process_count; p++)
		sum += atomic_load_explicit(
			&segment_process(segment, p)->lost, memory_order_acquire);
	return sum;
}

/* ---- processes and threads ----------------------------------------------------------------- */

/* Text from a file: what is not plain becomes a question mark, so that no format is broken. */
static void copy_plain(char *to, size_t size, const char *from, size_t from_bytes)
{
	size_t len = strnlen(from, from_bytes);

	if (len > size - 1)
		len = size - 1;
	for (size_t i = 0; i < len; i++) {
		bool plain = from[i] >= ' ' && from[i] < 0x7f && from[i] != '"' && from[i] != '\\';

		to[i] = plain ? from[i] : '?';
	}
	to[len] = '\0';
}

/* UNUSED where it has none, and since its process began has not asked for one. */
static enum stats_connection connection_of(const struct stats_slot *slot, int64_t started_us)
{
	if (atomic_load_explicit(&slot->connection, memory_order_acquire) == STATS_CONNECTION_OPEN)
		return STATS_CONNECTION_OPEN;
	return stats_time_of(&slot->db_since_us) > started_us ? STATS_CONNECTION_CLOSED
							      : STATS_CONNECTION_UNUSED;
}

static uint64_t time_spent(const struct stats_slot *slot)
{
	const struct stats_shape *shape = &stats_shapes[STATS_REQUEST_DURATION];
	uint64_t sum = 0;

	for (size_t route = 0; route < shape->counts[0]; route++)
		sum += atomic_load_explicit(
			&slot->cells[shape->at + route * HISTOGRAM_CELLS + HISTOGRAM_SUM],
			memory_order_relaxed);
	return sum;
}

static void read_thread(
	struct snapshot_thread *ret, const struct stats_slot *slot, int64_t started_us)
{
	uint64_t sqlstate = atomic_load_explicit(&slot->db_sqlstate, memory_order_relaxed);
	char text[sizeof(sqlstate)];

	memcpy(text, &sqlstate, sizeof(text));
	copy_plain(ret->db_sqlstate, sizeof(ret->db_sqlstate), text, sizeof(text));
	ret->connection = connection_of(slot, started_us);
	ret->beat_us = stats_time_of(&slot->beat_us);
	ret->in_flight = atomic_load_explicit(&slot->in_flight, memory_order_relaxed);
	ret->activity_known = stats_activity_read(slot, &ret->activity);
	ret->answered = atomic_load_explicit(
		&slot->cells[STATS_AT_REQUESTS_FINISHED], memory_order_relaxed);
	ret->spent_us = time_spent(slot);
}

static void read_process(
	struct snapshot_process *ret, const struct segment *segment, size_t process)
{
	const struct segment_process *from = segment_process(segment, process);
	uint32_t state = atomic_load_explicit(&from->state, memory_order_acquire);

	ret->state = state < STATS_WORKER_COUNT ? (enum stats_worker)state : STATS_WORKER_DEAD;
	ret->pid = atomic_load_explicit(&from->pid, memory_order_relaxed);
	ret->generation = atomic_load_explicit(&from->generation, memory_order_relaxed);
	ret->started_us = stats_time_of(&from->started_us);
	ret->heartbeat_us = stats_time_of(&from->heartbeat_us);
	ret->connections = atomic_load_explicit(&from->connections, memory_order_relaxed);
	ret->descriptors = atomic_load_explicit(&from->descriptors, memory_order_relaxed);
	ret->sandbox = atomic_load_explicit(&from->sandbox, memory_order_relaxed);
	ret->lost = atomic_load_explicit(&from->lost, memory_order_relaxed);
	for (size_t i = 0; i < STATS_RESTART_COUNT; i++)
		ret->restarts[i] = atomic_load_explicit(&from->restarts[i], memory_order_relaxed);
	procfs_read(0, ret->usage);
}

/* ---- events -------------------------------------------------------------------------------- */

/* Puts it in its place by time; of more than fit the oldest falls off. */
static void insert_event(struct snapshot *snapshot, const struct event *event)
{
	struct event *events = snapshot->events;
	size_t at = snapshot->event_count;

	while (at > 0 && events[at - 1].at_wall_us < event->at_wall_us)
		at--;
	if (at == SNAPSHOT_EVENTS)
		return;
	if (snapshot->event_count < SNAPSHOT_EVENTS)
		snapshot->event_count++;
	memmove(&events[at + 1], &events[at], (snapshot->event_count - 1 - at) * sizeof(*events));
	events[at] = *event;
}

static void read_events(struct snapshot *snapshot, const struct stats_events *events)
{
	struct event event;

	for (size_t i = 0; i < EVENT_RING; i++)
		if (event_read(events, i, &event))
			insert_event(snapshot, &event);
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* Each slot is looked at once: of an attached segment a look is a copy. */
static void read_slots(
	struct snapshot *snapshot, const struct segment *segment, struct snapshot_process *process)
{
	for (size_t t = 0; t < snapshot->thread_count; t++) {
		const struct stats_slot *slot =
			segment_thread(segment, (size_t)(process - snapshot->processes), t);

		read_thread(&process->threads[t], slot, process->started_us);
		read_events(snapshot, &slot->events);
		add_slot(snapshot->cells, slot);
	}
}

/* Finished first, then lost, then started with all the rest: whatever happens in between can only
 * make the number in flight too high. It is below zero only when a writer lies, and then 0. */
static void read_workers(struct snapshot *snapshot, const struct segment *segment)
{
	const uint64_t finished = sum_finished(snapshot, segment);
	const uint64_t lost = sum_lost(snapshot, segment);
	uint64_t *cells = snapshot->cells;
	uint64_t started;

	for (size_t p = 0; p < snapshot->process_count; p++) {
		read_process(&snapshot->processes[p], segment, p);
		read_slots(snapshot, segment, &snapshot->processes[p]);
	}
	started = cells[STATS_AT_REQUESTS_STARTED];
	cells[STATS_AT_REQUESTS_FINISHED] = finished;
	cells[STATS_AT_REQUESTS_LOST] = lost;
	cells[STATS_AT_REQUESTS_IN_FLIGHT] =
		started - finished - lost <= started ? started - finished - lost : 0;
}

static void read_supervisor(struct snapshot *snapshot, const struct segment *segment)
{
	const struct segment_supervisor *supervisor = segment_supervisor(segment);

	snapshot->generation = atomic_load_explicit(&supervisor->generation, memory_order_relaxed);
	snapshot->supervisor_pid = atomic_load_explicit(&supervisor->pid, memory_order_relaxed);
	snapshot->supervisor_beat_us = stats_time_of(&supervisor->heartbeat_us);
	snapshot->supervisor_descriptors =
		atomic_load_explicit(&supervisor->descriptors, memory_order_relaxed);
	snapshot->status_pid = atomic_load_explicit(&supervisor->status_pid, memory_order_relaxed);
	snapshot->log_level = segment_log_level(segment);
	snapshot->disk = segment_disk(segment);
	snapshot->log_lost = atomic_load_explicit(&supervisor->log_lost, memory_order_relaxed);
	procfs_read(0, snapshot->supervisor_usage);
	procfs_read(0, snapshot->status_usage);
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		snapshot->alerts[i] = segment_alert_read(segment, (enum stats_alert)i);
}

/* ---- what follows from them ---------------------------------------------------------------- */

static void derive_threads(struct snapshot *snapshot, const struct snapshot_process *process)
{
	uint64_t *cells = snapshot->cells;

	for (size_t t = 0; t < snapshot->thread_count; t++) {
		const struct snapshot_thread *thread = &process->threads[t];
		const bool busy = snapshot_busy(thread);

		cells[STATS_AT_DB_CONNECTIONS + thread->connection]++;
		if (snapshot_slow(snapshot, t)) {
			cells[STATS_AT_SLOW_THREADS]++;
			cells[STATS_AT_SLOW_THREADS_BUSY] += busy;
			continue;
		}
		cells[STATS_AT_THREADS]++;
		cells[STATS_AT_THREADS_BUSY] += busy;
		if (process->state == STATS_WORKER_READY && snapshot_hangs(snapshot, thread))
			cells[STATS_AT_THREADS_HELD]++;
	}
}

static void derive_cells(struct snapshot *snapshot, const struct segment_header *header)
{
	uint64_t *cells = snapshot->cells;

	for (size_t p = 0; p < snapshot->process_count; p++) {
		const struct snapshot_process *process = &snapshot->processes[p];

		cells[STATS_AT_WORKERS + process->state]++;
		for (size_t i = 0; i < STATS_RESTART_COUNT; i++)
			cells[STATS_AT_WORKER_RESTARTS + i] += process->restarts[i];
		if (snapshot_alive(process->state))
			derive_threads(snapshot, process);
	}
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		cells[STATS_AT_ALERT_FIRING + i] =
			snapshot->alerts[i].state == STATS_ALERT_STATE_FIRING;
	cells[STATS_AT_DB_CONNECTIONS_MAX] = snapshot->process_count * snapshot->thread_count;
	cells[STATS_AT_LOG_LINES_LOST] = snapshot->log_lost;
	cells[STATS_AT_DISK_FREE] = snapshot->disk.free_bytes;
	cells[STATS_AT_DISK_SIZE] = snapshot->disk.size_bytes;
	cells[STATS_AT_READ_ONLY] = snapshot->disk.read_only;
	cells[STATS_AT_START_TIME] = (uint64_t)header->made_wall_us;
	cells[STATS_AT_BUILD_INFO] = 1;
}

/* ---- taking one ---------------------------------------------------------------------------- */

static struct snapshot *snapshot_new(size_t processes, size_t threads)
{
	struct snapshot *snapshot = mem_zero(sizeof(*snapshot));
	struct snapshot_thread *all = mem_zero(processes * threads * sizeof(*all));

	snapshot->process_count = processes;
	snapshot->thread_count = threads;
	snapshot->processes = mem_zero(processes * sizeof(*snapshot->processes));
	for (size_t p = 0; p < processes; p++)
		snapshot->processes[p].threads = all + p * threads;
	return snapshot;
}

struct snapshot *snapshot_take(const struct segment *segment, int64_t now_us)
{
	const struct segment_header *header = segment_header(segment);
	struct snapshot *snapshot = snapshot_new(header->processes, header->threads);

	/* A header that makes no sense names none of them. */
	snapshot->slow_count = header->slow_threads < header->threads ? header->slow_threads : 0;
	snapshot->taken_us = now_us;
	snapshot->made_us = header->made_us;
	copy_plain(snapshot->version, sizeof(snapshot->version), header->version,
		sizeof(header->version));
	read_supervisor(snapshot, segment);
	read_workers(snapshot, segment);
	derive_cells(snapshot, header);
	return snapshot;
}

/* What no other process of the same user may look at, a process tells itself. */
static void add_told(uint64_t usage[STATS_USAGE_COUNT], uint32_t descriptors)
{
	if (usage[STATS_USAGE_OPEN_FDS] == PROCFS_UNKNOWN && descriptors > 0)
		usage[STATS_USAGE_OPEN_FDS] = descriptors;
}

void snapshot_measure(struct snapshot *snapshot)
{
	procfs_read(snapshot->supervisor_pid, snapshot->supervisor_usage);
	add_told(snapshot->supervisor_usage, snapshot->supervisor_descriptors);
	procfs_read(snapshot->status_pid, snapshot->status_usage);
	for (size_t p = 0; p < snapshot->process_count; p++) {
		struct snapshot_process *process = &snapshot->processes[p];

		if (!snapshot_alive(process->state))
			continue;
		procfs_read(process->pid, process->usage);
		add_told(process->usage, process->descriptors);
	}
}

void snapshot_free(struct snapshot **snapshot)
{
	if (*snapshot == NULL)
		return;
	free((*snapshot)->processes[0].threads);
	free((*snapshot)->processes);
	free(*snapshot);
	*snapshot = NULL;
}

/* ---- reading one --------------------------------------------------------------------------- */

bool snapshot_comparable(const struct snapshot *newer, const struct snapshot *older)
{
	return newer->made_us == older->made_us && newer->process_count == older->process_count &&
	       newer->thread_count == older->thread_count;
}

bool snapshot_slow(const struct snapshot *snapshot, size_t thread)
{
	return thread >= snapshot->thread_count - snapshot->slow_count;
}

bool snapshot_alive(enum stats_worker state)
{
	return state == STATS_WORKER_STARTING || state == STATS_WORKER_READY ||
	       state == STATS_WORKER_DRAINING;
}

bool snapshot_runs(const struct snapshot *snapshot, const struct snapshot_process *process)
{
	return process->state == STATS_WORKER_READY &&
	       snapshot->taken_us - process->heartbeat_us <= SEGMENT_HEARTBEAT_FRESH_US;
}

/* An idle thread turns five times a second. */
#define HELD_US CLOCK_S

bool snapshot_hangs(const struct snapshot *snapshot, const struct snapshot_thread *thread)
{
	return snapshot->taken_us - thread->beat_us > HELD_US;
}

bool snapshot_busy(const struct snapshot_thread *thread)
{
	const enum stats_thread state = thread->activity.state;

	/* A record that would not hold still belongs to a thread that works. */
	return !thread->activity_known ||
	       (state != STATS_THREAD_IDLE && state != STATS_THREAD_WAITING);
}

bool snapshot_has_request(const struct snapshot_thread *thread)
{
	static const struct uuid none;

	return thread->activity_known &&
	       memcmp(&thread->activity.request, &none, sizeof(none)) != 0;
}

uint64_t snapshot_restarts(const struct snapshot_process *process)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < STATS_RESTART_COUNT; i++)
		sum += process->restarts[i];
	return sum;
}

uint64_t snapshot_value(
	const struct snapshot *snapshot, enum stats_metric metric, size_t label1, size_t label2)
{
	return cells_value(snapshot->cells, metric, label1, label2);
}

uint64_t snapshot_sum(const struct snapshot *snapshot, enum stats_metric metric)
{
	return cells_sum(snapshot->cells, metric);
}
