/* The segment: many writers and readers at once, replaced workers, killed workers, bad files. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/cells.h"
#include "stats/snapshot.h"
#include "stats_fixture.h"

/* ---- making and attaching ------------------------------------------------------------------ */

static struct segment *attach(const struct fixture *fixture)
{
	struct segment *reader = NULL;

	assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_OK);
	return reader;
}

static void a_reader_sees_what_a_writer_counts(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 3, 2);
	struct segment *reader = attach(fixture);
	const struct stats_slot *seen;

	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_ME, STATS_CODE_200);
	stats_add(slot, STATS_OPERATION_ATTEMPTS, 3);
	seen = segment_thread(reader, 3, 2);
	assert_ptr_not_equal(slot, seen);
	assert_int_equal(
		seen->cells[STATS_AT_REQUESTS + STATS_ROUTE_ME * STATS_CODE_COUNT + STATS_CODE_200],
		1);
	assert_int_equal(seen->cells[STATS_AT_OPERATION_ATTEMPTS], 3);
	assert_string_equal(segment_header(reader)->version, "1.2.3");
	assert_int_equal(segment_header(reader)->workers, 2);
	segment_close(&reader);
	assert_null(reader);
}

static void a_fresh_segment_leaves_readers_of_the_old_one_alone(void **state)
{
	struct fixture *fixture = *state;
	struct segment *reader = attach(fixture);

	stats_inc(segment_slot(fixture->segment, 0, 0), STATS_BUSY_WAITS);
	segment_close(&fixture->segment);
	fixture_make(fixture);
	assert_int_equal(segment_thread(reader, 0, 0)->cells[STATS_AT_BUSY_WAITS], 1);
	segment_close(&reader);
	reader = attach(fixture);
	assert_int_equal(segment_thread(reader, 0, 0)->cells[STATS_AT_BUSY_WAITS], 0);
	segment_close(&reader);
}

static void whoever_made_it_and_with_what_umask_its_group_may_look(void **state)
{
	struct fixture *fixture = *state;
	const mode_t before = umask(0777);
	struct stat st;

	segment_close(&fixture->segment);
	fixture_make(fixture);
	(void)umask(before);
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void a_segment_that_cannot_be_made_says_why_and_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct segment_shape shape = {1, 1, 1, "1", 0};
	struct segment *segment = NULL;
	char inside[160];

	snprintf(inside, sizeof(inside), "%s/no/such/place", fixture->dir);
	assert_int_equal(segment_create(inside, &shape, &segment), SEGMENT_IO);
	assert_int_equal(errno, ENOENT);
	/* A directory cannot be replaced by a file. */
	snprintf(inside, sizeof(inside), "%s/taken", fixture->dir);
	assert_int_equal(mkdir(inside, 0700), 0);
	assert_int_equal(segment_create(inside, &shape, &segment), SEGMENT_IO);
	assert_null(segment);
	assert_int_equal(rmdir(inside), 0);
	snprintf(inside, sizeof(inside), "%s/taken.new", fixture->dir);
	assert_int_equal(access(inside, F_OK), -1);
}

/* What a reader was given is its own: the file knows nothing of it. */
static void an_attached_segment_cannot_be_written(void **state)
{
	struct fixture *fixture = *state;
	struct segment *reader = attach(fixture);

	stats_inc((struct stats_slot *)(uintptr_t)segment_thread(reader, 0, 0), STATS_BUSY_WAITS);
	assert_int_equal(segment_thread(fixture->segment, 0, 0)->cells[STATS_AT_BUSY_WAITS], 0);
	assert_int_equal(segment_thread(reader, 0, 0)->cells[STATS_AT_BUSY_WAITS], 0);
	segment_close(&reader);
}

/* The status process: its parent writes on, and it looks. */
static void a_process_that_only_looks_cannot_write(void **state)
{
	struct fixture *fixture = *state;
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		segment_only_look(fixture->segment);
		if (segment_thread(fixture->segment, 0, 0)->cells[STATS_AT_BUSY_WAITS] == 0)
			stats_inc((struct stats_slot *)(uintptr_t)segment_thread(
					  fixture->segment, 0, 0),
				STATS_BUSY_WAITS);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(segment_thread(fixture->segment, 0, 0)->cells[STATS_AT_BUSY_WAITS], 0);
	stats_inc(segment_slot(fixture->segment, 0, 0), STATS_BUSY_WAITS);
}

static void overwrite(const char *path, off_t at, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	assert_int_equal(close(fd), 0);
}

static void what_is_not_understood_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		enum segment_status want;
	} cases[] = {
		{offsetof(struct segment_header, magic), 0, SEGMENT_FOREIGN},
		{offsetof(struct segment_header, major), SEGMENT_MAJOR + 1, SEGMENT_VERSION},
		{offsetof(struct segment_header, minor), SEGMENT_MINOR + 1, SEGMENT_OK},
		{offsetof(struct segment_header, schema), 1, SEGMENT_SCHEMA},
		{offsetof(struct segment_header, cells), STATS_CELLS - 1, SEGMENT_SCHEMA},
		{offsetof(struct segment_header, header_bytes), 64, SEGMENT_SIZE},
		{offsetof(struct segment_header, supervisor_bytes), 128, SEGMENT_SIZE},
		{offsetof(struct segment_header, process_bytes), 128, SEGMENT_SIZE},
		{offsetof(struct segment_header, slot_bytes), 64, SEGMENT_SIZE},
		{offsetof(struct segment_header, processes), 0, SEGMENT_SIZE},
		{offsetof(struct segment_header, processes), 3, SEGMENT_SIZE},
		{offsetof(struct segment_header, processes), UINT32_MAX, SEGMENT_SIZE},
		{offsetof(struct segment_header, threads), 0, SEGMENT_SIZE},
		{offsetof(struct segment_header, threads), UINT32_MAX, SEGMENT_SIZE},
		{offsetof(struct segment_header, workers), 5, SEGMENT_SIZE},
		{offsetof(struct segment_header, ready), 0, SEGMENT_NOT_READY},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct segment *reader = NULL;

		segment_close(&fixture->segment);
		fixture_make(fixture);
		overwrite(
			fixture->path, (off_t)cases[i].at, &cases[i].value, sizeof(cases[i].value));
		assert_int_equal(segment_attach(fixture->path, &reader), cases[i].want);
		assert_int_equal(reader != NULL, cases[i].want == SEGMENT_OK);
		assert_true(strlen(segment_status_text(cases[i].want)) > 0);
		segment_close(&reader);
	}
}

static void what_is_cut_short_or_no_file_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct segment *reader = NULL;
	struct stat st;

	assert_int_equal(segment_attach(fixture->dir, &reader), SEGMENT_FOREIGN);
	assert_int_equal(stat(fixture->path, &st), 0);
	segment_close(&fixture->segment);
	assert_int_equal(truncate(fixture->path, st.st_size + 1), 0);
	assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_SIZE);
	assert_int_equal(truncate(fixture->path, st.st_size - 1), 0);
	assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_SIZE);
	assert_int_equal(truncate(fixture->path, 0), 0);
	assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_SIZE);
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_ABSENT);
	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_FOREIGN);
	assert_null(reader);
}

/* ---- at once ------------------------------------------------------------------------------- */

enum { WRITERS = 12 };

struct writer {
	struct stats_slot *slot;
	struct stats_slot *other; /* where requests are finished */
	uint64_t rounds;          /* done when it has ended */
	pthread_t thread;
};

static atomic_bool stop;

/* Every word of the record follows from one number, so that a reader can tell a torn one. */
static void write_activity(struct stats_slot *slot, unsigned n)
{
	struct uuid id;

	memset(id.bytes, (int)n, sizeof(id.bytes));
	stats_activity(slot, (enum stats_thread)(n % STATS_THREAD_COUNT), (enum stats_route)n, &id,
		(int64_t)n);
}

static void *write_much(void *arg)
{
	struct writer *writer = arg;
	struct stats_slot *slot = writer->slot;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		unsigned n = (unsigned)(writer->rounds % STATS_ROUTE_COUNT);

		stats_inc(slot, STATS_REQUESTS_STARTED);
		write_activity(slot, n);
		stats_count2(slot, STATS_REQUESTS, n, STATS_CODE_200);
		stats_observe(slot, STATS_REQUEST_DURATION, n, (int64_t)n);
		stats_inc(writer->other, STATS_REQUESTS_FINISHED);
		writer->rounds++;
	}
	return NULL;
}

/* Writer i starts requests in slot i and finishes them in another, as when a request came back from
 * the hasher to another thread: each slot still has one writer for each of its cells. */
static void start_writers(struct fixture *fixture, struct writer writers[WRITERS], size_t count)
{
	atomic_store(&stop, false);
	for (size_t i = 0; i < count; i++) {
		size_t j = WRITERS - 1 - i;

		writers[i] = (struct writer){.slot = segment_slot(fixture->segment, i / 3, i % 3),
			.other = segment_slot(fixture->segment, j / 3, j % 3)};
		write_activity(writers[i].slot, 0);
		MUST_ZERO(pthread_create(&writers[i].thread, NULL, write_much, &writers[i]));
	}
}

static uint64_t end_writers(struct writer writers[WRITERS], size_t count)
{
	uint64_t rounds = 0;

	atomic_store(&stop, true);
	for (size_t i = 0; i < count; i++) {
		MUST_ZERO(pthread_join(writers[i].thread, NULL));
		rounds += writers[i].rounds;
	}
	return rounds;
}

static void check_meanwhile(const struct snapshot *now, const struct snapshot *before)
{
	/* Unsigned, so a negative number would be huge; a reader that is late sees some more. */
	assert_true(snapshot_sum(now, STATS_REQUESTS_IN_FLIGHT) <= INT32_MAX);
	for (size_t i = 0; before != NULL && i < STATS_AT_WORKERS; i++)
		if (i != STATS_AT_REQUESTS_IN_FLIGHT && i != STATS_AT_DB_CONNECTIONS)
			assert_true(now->cells[i] >= before->cells[i]);
}

static void nothing_is_lost_between_many_writers_and_readers(void **state)
{
	struct fixture *fixture = *state;
	struct segment *reader = attach(fixture);
	struct snapshot *before = NULL;
	struct writer writers[WRITERS];
	uint64_t cells[HISTOGRAM_CELLS];
	uint64_t rounds;

	start_writers(fixture, writers, WRITERS);
	for (int i = 0; i < 500; i++) {
		struct snapshot *now = snapshot_take(reader, clock_mono_us());

		check_meanwhile(now, before);
		snapshot_free(&before);
		before = now;
	}
	rounds = end_writers(writers, WRITERS);
	snapshot_free(&before);
	before = snapshot_take(reader, clock_mono_us());
	assert_true(rounds > 0);
	assert_int_equal(snapshot_sum(before, STATS_REQUESTS), rounds);
	assert_int_equal(snapshot_sum(before, STATS_REQUESTS_FINISHED), rounds);
	assert_int_equal(snapshot_sum(before, STATS_REQUESTS_IN_FLIGHT), 0);
	cells_histogram(before->cells, STATS_REQUEST_DURATION, cells);
	assert_int_equal(histogram_count(cells), rounds);
	snapshot_free(&before);
	segment_close(&reader);
}

/* True when the record was got and is whole. */
static bool whole_activity(const struct stats_slot *slot)
{
	struct stats_activity seen;
	unsigned n;

	if (!stats_activity_read(slot, &seen))
		return false;
	n = (unsigned)seen.since_us;
	assert_int_equal(seen.route, n);
	assert_int_equal(seen.state, n % STATS_THREAD_COUNT);
	for (size_t i = 0; i < sizeof(seen.request.bytes); i++)
		assert_int_equal(seen.request.bytes[i], n);
	return true;
}

static void no_reader_sees_a_torn_activity_record(void **state)
{
	struct fixture *fixture = *state;
	struct segment *reader = attach(fixture);
	struct writer writers[WRITERS];
	int64_t end_us = clock_mono_us() + 200 * CLOCK_MS;
	int whole = 0;

	start_writers(fixture, writers, 1);
	while (clock_mono_us() < end_us)
		whole += whole_activity(segment_thread(reader, 0, 0));
	assert_true(end_writers(writers, 1) > 0);
	assert_true(whole > 0);
	segment_close(&reader);
}

static void a_writer_that_died_amid_writing_is_told_and_its_successor_heals_it(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 0, 0);
	struct stats_activity seen = {.since_us = -1};

	stats_activity(slot, STATS_THREAD_READING, STATS_ROUTE_ME, NULL, 5);
	atomic_fetch_add(&slot->change, 1);
	assert_false(stats_activity_read(slot, &seen));
	assert_int_equal(seen.since_us, -1);
	segment_worker_start(fixture->segment, 0, 1, 7);
	assert_true(stats_activity_read(slot, &seen));
	assert_int_equal(seen.state, STATS_THREAD_IDLE);
	assert_int_equal(seen.since_us, 7);
}

static void ids_out_of_range_are_read_as_none(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 0, 0);
	struct stats_activity seen;

	atomic_store(&slot->state, 9999);
	atomic_store(&slot->route, 9999);
	assert_true(stats_activity_read(slot, &seen));
	assert_int_equal(seen.state, STATS_THREAD_IDLE);
	assert_int_equal(seen.route, STATS_ROUTE_NONE);
}

/* ---- alerts ---------------------------------------------------------------------------------- */

static int64_t millionths(double value)
{
	return (int64_t)(value * 1e6 + 0.5);
}

static void an_alert_is_read_as_it_was_written(void **state)
{
	static const struct segment_alert_record records[] = {
		{.state = STATS_ALERT_STATE_FIRING,
			.since_us = 5,
			.since_wall_us = 7,
			.known = true,
			.value = 0.123456,
			.on = true,
			.threshold = 0.05,
			.fired = 3},
		{.state = STATS_ALERT_STATE_OK, .since_us = 9},
		{.state = STATS_ALERT_STATE_PENDING, .known = true, .value = 1e30, .on = true},
	};
	struct fixture *fixture = *state;
	struct segment *reader = attach(fixture);

	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		const struct segment_alert_record *want = &records[i];
		struct segment_alert_record got;

		segment_alert_set(fixture->segment, STATS_ALERT_WAVE_SPLITS, want);
		got = segment_alert_read(reader, STATS_ALERT_WAVE_SPLITS);
		assert_int_equal(got.state, want->state);
		assert_int_equal(got.since_us, want->since_us);
		assert_int_equal(got.since_wall_us, want->since_wall_us);
		assert_int_equal(got.known, want->known);
		assert_int_equal(got.on, want->on);
		assert_true(millionths(got.threshold) == millionths(want->threshold));
		assert_int_equal(got.fired, want->fired);
		assert_true(millionths(got.value) ==
			    millionths(want->value > 1e12 ? 1e12 : want->value));
	}
	assert_int_equal(
		segment_alert_read(reader, STATS_ALERT_CALLS_FAILING).state, STATS_ALERT_STATE_OK);
	segment_close(&reader);
}

static void an_alert_whose_writer_died_amid_writing_is_still_read(void **state)
{
	struct fixture *fixture = *state;
	const struct segment_alert_record record = {
		.state = STATS_ALERT_STATE_FIRING, .since_us = 5};
	struct segment_supervisor *supervisor =
		(void *)(uintptr_t)segment_supervisor(fixture->segment);

	segment_alert_set(fixture->segment, STATS_ALERT_WAVE_SPLITS, &record);
	atomic_fetch_add(&supervisor->alerts[STATS_ALERT_WAVE_SPLITS].change, 1);
	assert_int_equal(segment_alert_read(fixture->segment, STATS_ALERT_WAVE_SPLITS).since_us, 5);
	atomic_store(&supervisor->alerts[STATS_ALERT_WAVE_SPLITS].state, 9999);
	assert_int_equal(segment_alert_read(fixture->segment, STATS_ALERT_WAVE_SPLITS).state,
		STATS_ALERT_STATE_OK);
}

/* ---- workers come and go ------------------------------------------------------------------- */

static uint64_t sum(const struct fixture *fixture, enum stats_metric metric)
{
	struct snapshot *snapshot = snapshot_take(fixture->segment, clock_mono_us());
	uint64_t value = snapshot_sum(snapshot, metric);

	snapshot_free(&snapshot);
	return value;
}

/* A worker that starts and finishes some requests, and is killed with the others in its hand. */
static void run_and_kill(struct fixture *fixture, size_t process, int started, int finished)
{
	int done[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(done), 0);
	segment_worker_start(fixture->segment, process, 1, clock_mono_us());
	child = fork();
	if (child == 0) {
		/* Started by one thread, finished by another: the hasher's way. */
		for (int i = 0; i < started; i++)
			stats_inc(
				segment_slot(fixture->segment, process, 0), STATS_REQUESTS_STARTED);
		for (int i = 0; i < finished; i++)
			stats_inc(segment_slot(fixture->segment, process, 2),
				STATS_REQUESTS_FINISHED);
		if (write(done[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	segment_worker_pid(fixture->segment, process, child);
	segment_worker_state(fixture->segment, process, STATS_WORKER_READY);
	assert_int_equal(read(done[0], &byte, 1), 1);
	assert_int_equal(sum(fixture, STATS_REQUESTS_IN_FLIGHT), started - finished);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	segment_worker_end(fixture->segment, process);
	assert_int_equal(close(done[0]) + close(done[1]), 0);
}

static void requests_in_a_killed_workers_hand_are_lost_and_no_longer_in_flight(void **state)
{
	struct fixture *fixture = *state;

	run_and_kill(fixture, 0, 5, 3);
	assert_int_equal(sum(fixture, STATS_REQUESTS_LOST), 2);
	assert_int_equal(sum(fixture, STATS_REQUESTS_IN_FLIGHT), 0);
	/* The next one in the slot loses three more; an end told twice changes nothing. */
	run_and_kill(fixture, 0, 10, 7);
	segment_worker_end(fixture->segment, 0);
	assert_int_equal(sum(fixture, STATS_REQUESTS_LOST), 5);
	/* Another slot has its own account. */
	run_and_kill(fixture, 1, 4, 4);
	assert_int_equal(sum(fixture, STATS_REQUESTS_LOST), 5);
	assert_int_equal(sum(fixture, STATS_REQUESTS_STARTED), 19);
	assert_int_equal(sum(fixture, STATS_REQUESTS_FINISHED), 14);
}

/* Kills at any point, also between two words: the account still balances. */
static void kills_at_any_moment_leave_a_balanced_account(void **state)
{
	struct fixture *fixture = *state;
	struct writer worker = {.slot = segment_slot(fixture->segment, 0, 0),
		.other = segment_slot(fixture->segment, 0, 1)};
	uint64_t lost_before = 0;

	atomic_store(&stop, false);
	for (int i = 0; i < 30; i++) {
		pid_t child;
		uint64_t lost;

		segment_worker_start(fixture->segment, 0, 1, clock_mono_us());
		child = fork();
		if (child == 0)
			(void)write_much(&worker);
		usleep((useconds_t)(200 + 137 * i));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		segment_worker_end(fixture->segment, 0);
		lost = sum(fixture, STATS_REQUESTS_LOST);
		assert_true(lost == lost_before || lost == lost_before + 1);
		assert_int_equal(sum(fixture, STATS_REQUESTS_STARTED) -
					 sum(fixture, STATS_REQUESTS_FINISHED),
			lost);
		assert_int_equal(sum(fixture, STATS_REQUESTS_IN_FLIGHT), 0);
		lost_before = lost;
	}
}

static void a_worker_that_miscounted_loses_nothing(void **state)
{
	struct fixture *fixture = *state;

	segment_worker_start(fixture->segment, 0, 1, 0);
	stats_inc(segment_slot(fixture->segment, 0, 0), STATS_REQUESTS_FINISHED);
	segment_worker_end(fixture->segment, 0);
	assert_int_equal(sum(fixture, STATS_REQUESTS_LOST), 0);
}

static void counters_of_a_slot_survive_its_tenants_and_gauges_do_not(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 1, 1);

	segment_worker_start(fixture->segment, 1, 1, 100);
	stats_count(slot, STATS_UPDATES, STATS_ENTITY_CARD);
	stats_connection(slot, STATS_CONNECTION_OPEN, NULL, 100);
	stats_activity(slot, STATS_THREAD_DATABASE, STATS_ROUTE_CARD_UPDATE, NULL, 100);
	stats_in_flight(slot, 9);
	assert_int_equal(sum(fixture, STATS_THREADS), 3);
	assert_int_equal(sum(fixture, STATS_THREADS_BUSY), 1);
	segment_worker_end(fixture->segment, 1);
	segment_worker_restart(fixture->segment, 1, STATS_RESTART_CRASH);
	assert_int_equal(sum(fixture, STATS_THREADS), 0);
	segment_worker_start(fixture->segment, 1, 2, 200);
	assert_int_equal(sum(fixture, STATS_UPDATES), 1);
	assert_int_equal(sum(fixture, STATS_WORKER_RESTARTS), 1);
	assert_int_equal(sum(fixture, STATS_THREADS_BUSY), 0);
	assert_int_equal(slot->in_flight, 0);
	assert_int_equal(slot->connection, STATS_CONNECTION_CLOSED);
	segment_worker_free(fixture->segment, 1);
	assert_int_equal(sum(fixture, STATS_UPDATES), 1);
}

static void the_dead_leave_what_they_last_did_to_be_read(void **state)
{
	struct fixture *fixture = *state;
	struct uuid id = {{1, 2, 3}};
	struct stats_activity seen;
	struct segment *reader;

	segment_worker_start(fixture->segment, 2, 1, 100);
	stats_activity(segment_slot(fixture->segment, 2, 0), STATS_THREAD_DATABASE,
		STATS_ROUTE_CARD_UPDATE, &id, 150);
	segment_worker_end(fixture->segment, 2);
	segment_close(&fixture->segment);
	reader = attach(fixture);
	assert_int_equal(segment_process(reader, 2)->state, STATS_WORKER_DEAD);
	assert_true(stats_activity_read(segment_thread(reader, 2, 0), &seen));
	assert_int_equal(seen.state, STATS_THREAD_DATABASE);
	assert_int_equal(seen.route, STATS_ROUTE_CARD_UPDATE);
	assert_memory_equal(&seen.request, &id, sizeof(id));
	segment_close(&reader);
}

static void nobodys_slot_takes_whatever_is_counted(void **state)
{
	(void)state;
	stats_inc(stats_nobody(), STATS_OPERATIONS);
	stats_observe(stats_nobody(), STATS_QUEUE_WAIT, STATS_NO_LABEL, -5);
	assert_ptr_equal(stats_nobody(), stats_nobody());
	assert_int_equal(stats_nobody()->cells[STATS_AT_QUEUE_WAIT + HISTOGRAM_SUM], 0);
}

/* ---- the drawing --------------------------------------------------------------------------- */

#define FIELD(owner, field)                                    \
	{                                                      \
#owner, #field, offsetof(struct owner, field), \
			sizeof(((struct owner *)NULL)->field)  \
	}

static const struct {
	const char *owner;
	const char *field;
	size_t at;
	size_t bytes;
} drawn[] = {
	FIELD(segment_header, magic),
	FIELD(segment_header, major),
	FIELD(segment_header, minor),
	FIELD(segment_header, header_bytes),
	FIELD(segment_header, supervisor_bytes),
	FIELD(segment_header, process_bytes),
	FIELD(segment_header, slot_bytes),
	FIELD(segment_header, workers),
	FIELD(segment_header, processes),
	FIELD(segment_header, threads),
	FIELD(segment_header, cells),
	FIELD(segment_header, schema),
	FIELD(segment_header, made_us),
	FIELD(segment_header, made_wall_us),
	FIELD(segment_header, version),
	FIELD(segment_header, ready),
	FIELD(segment_header, slow_threads),
	FIELD(segment_supervisor, pid),
	FIELD(segment_supervisor, status_pid),
	FIELD(segment_supervisor, generation),
	FIELD(segment_supervisor, log_level),
	FIELD(segment_supervisor, heartbeat_us),
	FIELD(segment_supervisor, descriptors),
	FIELD(segment_supervisor, read_only),
	FIELD(segment_supervisor, disk_free),
	FIELD(segment_supervisor, disk_size),
	FIELD(segment_supervisor, log_lost),
	FIELD(segment_supervisor, alerts),
	FIELD(segment_alert, change),
	FIELD(segment_alert, state),
	FIELD(segment_alert, since_us),
	FIELD(segment_alert, since_wall_us),
	FIELD(segment_alert, value),
	FIELD(segment_alert, threshold),
	FIELD(segment_alert, fired),
	FIELD(segment_process, pid),
	FIELD(segment_process, state),
	FIELD(segment_process, generation),
	FIELD(segment_process, started_us),
	FIELD(segment_process, lost),
	FIELD(segment_process, restarts),
	FIELD(segment_process, heartbeat_us),
	FIELD(segment_process, descriptors),
	FIELD(segment_process, sandbox),
	FIELD(stats_slot, change),
	FIELD(stats_slot, state),
	FIELD(stats_slot, route),
	FIELD(stats_slot, since_us),
	FIELD(stats_slot, request),
	FIELD(stats_slot, beat_us),
	FIELD(stats_slot, in_flight),
	FIELD(stats_slot, connection),
	FIELD(stats_slot, db_sqlstate),
	FIELD(stats_slot, db_since_us),
	FIELD(stats_slot, events),
	FIELD(stats_slot, cells),
	FIELD(stats_events, written),
	FIELD(stats_events, ring),
	FIELD(stats_event, change),
	FIELD(stats_event, kind),
	FIELD(stats_event, at_wall_us),
	FIELD(stats_event, request),
	FIELD(stats_event, route),
	FIELD(stats_event, attempts),
	FIELD(stats_event, sqlstate),
	FIELD(stats_event, delay_us),
	FIELD(stats_event, version),
};

static void the_drawing_in_doc_names_every_field_with_its_place(void **state)
{
	static char text[65536];
	FILE *doc = fopen(TOP_SRCDIR "/doc/segment.md", "r");

	(void)state;
	assert_non_null(doc);
	text[fread(text, 1, sizeof(text) - 1, doc)] = '\0';
	assert_int_equal(fclose(doc), 0);
	for (size_t i = 0; i < ARRAY_LEN(drawn); i++) {
		char row[160];

		snprintf(row, sizeof(row), "| %s | %s | %zu | %zu |", drawn[i].owner,
			drawn[i].field, drawn[i].at, drawn[i].bytes);
		if (strstr(text, row) == NULL)
			fail_msg("doc/segment.md lacks the row: %s", row);
	}
}

static void the_drawing_in_doc_knows_the_sizes(void **state)
{
	static char text[65536];
	FILE *doc = fopen(TOP_SRCDIR "/doc/segment.md", "r");
	char row[128];

	(void)state;
	assert_non_null(doc);
	text[fread(text, 1, sizeof(text) - 1, doc)] = '\0';
	assert_int_equal(fclose(doc), 0);
	snprintf(row, sizeof(row), "header %zu, supervisor %zu, process %zu, slot %zu bytes",
		sizeof(struct segment_header), sizeof(struct segment_supervisor),
		sizeof(struct segment_process), sizeof(struct stats_slot));
	if (strstr(text, row) == NULL)
		fail_msg("doc/segment.md lacks: %s", row);
	snprintf(row, sizeof(row), "%d cells", STATS_CELLS);
	if (strstr(text, row) == NULL)
		fail_msg("doc/segment.md lacks: %s", row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_reader_sees_what_a_writer_counts),
		FIXTURE_TEST(a_fresh_segment_leaves_readers_of_the_old_one_alone),
		FIXTURE_TEST(whoever_made_it_and_with_what_umask_its_group_may_look),
		FIXTURE_TEST(a_segment_that_cannot_be_made_says_why_and_leaves_nothing),
		FIXTURE_TEST(an_attached_segment_cannot_be_written),
		FIXTURE_TEST(a_process_that_only_looks_cannot_write),
		FIXTURE_TEST(what_is_not_understood_is_refused),
		FIXTURE_TEST(what_is_cut_short_or_no_file_is_refused),
		FIXTURE_TEST(nothing_is_lost_between_many_writers_and_readers),
		FIXTURE_TEST(no_reader_sees_a_torn_activity_record),
		FIXTURE_TEST(a_writer_that_died_amid_writing_is_told_and_its_successor_heals_it),
		FIXTURE_TEST(ids_out_of_range_are_read_as_none),
		FIXTURE_TEST(an_alert_is_read_as_it_was_written),
		FIXTURE_TEST(an_alert_whose_writer_died_amid_writing_is_still_read),
		FIXTURE_TEST(requests_in_a_killed_workers_hand_are_lost_and_no_longer_in_flight),
		FIXTURE_TEST(kills_at_any_moment_leave_a_balanced_account),
		FIXTURE_TEST(a_worker_that_miscounted_loses_nothing),
		FIXTURE_TEST(counters_of_a_slot_survive_its_tenants_and_gauges_do_not),
		FIXTURE_TEST(the_dead_leave_what_they_last_did_to_be_read),
		cmocka_unit_test(nobodys_slot_takes_whatever_is_counted),
		cmocka_unit_test(the_drawing_in_doc_names_every_field_with_its_place),
		cmocka_unit_test(the_drawing_in_doc_knows_the_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
