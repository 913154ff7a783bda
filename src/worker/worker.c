/*
 * A worker process: its threads, its signals, its end.
 *
 * The first thread takes the signals and keeps watch; it never serves. So it turns while every other
 * thread is blocked, and the process's own heartbeat in the segment tells a stopped process from a
 * blocked thread.
 */
#include "worker/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/logfile.h"
#include "proc/sandbox.h"
#include "proc/title.h"
#include "stats/procfs.h"
#include "stats/segment.h"
#include "worker/balance.h"
#include "worker/loop.h"
#include "worker/stall.h"

#define WATCH_MS 500 /* so often the first thread looks after the others */

struct thread;

struct worker {
	const struct inherit *inherit;
	struct loop_shared shared;
	struct balance balance;
	size_t thread_count;
	struct thread *threads;
	struct stall *stalls;      /* one a thread; the first thread's own */
	pthread_barrier_t all_run; /* the serving threads and the first */
	_Atomic size_t running;    /* serving threads that have not returned */
};

/* Takes these from all threads: only the first one asks for them. */
static void block_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGUSR1);
	sigaddset(ret_set, SIGUSR2);
	MUST_ZERO(pthread_sigmask(SIG_SETMASK, ret_set, NULL));
}

static struct lane *new_lane(const struct conf *conf)
{
	const struct lane_limits limits = {
		.threads = (size_t)conf->slow_threads,
		.waiting = (size_t)conf->slow_queue,
		.caller_waits = (size_t)conf->caller_slow_queue,
	};

	return lane_new(&limits);
}

static struct fair *new_fair(const struct conf *conf)
{
	const struct fair_limits limits = {
		.in_flight = (size_t)conf->caller_in_flight,
		.burst_us = conf->caller_time_ms * CLOCK_MS,
		.percent = (int)conf->caller_time_percent,
	};

	return fair_new(&limits);
}

/* The supervisor has opened it once, at the start; without it the service goes on, and counts. */
static struct audit *open_audit(const struct inherit *inherit)
{
	char why[512] = "";
	struct audit *audit =
		audit_new(inherit->settings->conf.security_log, inherit->tries, why, sizeof(why));

	if (why[0] != '\0')
		log_error("cannot open the security log error=%s", LOG_QUOTED(why));
	return audit;
}

static void shared_init(
	struct loop_shared *shared, struct balance *balance, const struct inherit *inherit)
{
	const struct settings *settings = inherit->settings;
	const struct fcgi_options options = {
		.peers = settings->peers,
		.peer_count = settings->peer_count,
		.io_timeout_ms = settings->conf.io_timeout_ms,
		.counted = balance_tell,
		.counted_arg = balance,
	};

	*shared = (struct loop_shared){.conf = &settings->conf};
	shared->gate = fcgi_gate_new(inherit->listen_fd, &options);
	shared->hasher = hasher_new(&settings->conf, inherit->tries);
	shared->audit = open_audit(inherit);
	shared->api = api_new(&settings->conf);
	shared->lane = new_lane(&settings->conf);
	shared->fair = new_fair(&settings->conf);
	shared->segment = inherit->segment;
	shared->canceller = canceller_new();
	shared->dialler =
		dialler_new(settings->conf.database, settings->conf.connect_timeout_ms * CLOCK_MS);
	shared->budget =
		retry_budget_new((int)settings->conf.retry_budget_percent, clock_mono_us());
	shared->breaker = retry_breaker_new();
	fcgi_gate_watch(shared->gate, hasher_fd(shared->hasher));
	fcgi_gate_watch(shared->gate, lane_fd(shared->lane));
}

static void shared_fini(struct loop_shared *shared)
{
	hasher_free(&shared->hasher);
	api_free(&shared->api);
	lane_free(&shared->lane);
	fair_free(&shared->fair);
	dialler_free(&shared->dialler);
	canceller_free(&shared->canceller);
	audit_free(&shared->audit);
	retry_breaker_free(&shared->breaker);
	retry_budget_free(&shared->budget);
	fcgi_gate_free(&shared->gate);
}

/* What one thread is started with. Those of the slow lane come after the wave threads. */
struct thread {
	struct worker *worker;
	struct stats_slot *slot;
	bool slow;
	pthread_t id;
};

static void *run_thread(void *arg)
{
	struct thread *thread = arg;
	struct worker *worker = thread->worker;

	(void)pthread_barrier_wait(&worker->all_run);
	loop_run(&worker->shared, thread->slot, thread->slow);
	atomic_fetch_sub(&worker->running, 1);
	return NULL;
}

static void start_threads(struct worker *worker)
{
	MUST_ZERO(pthread_barrier_init(&worker->all_run, NULL, (unsigned)worker->thread_count + 1));
	atomic_store(&worker->running, worker->thread_count);
	for (size_t i = 0; i < worker->thread_count; i++) {
		struct thread *thread = &worker->threads[i];

		thread->worker = worker;
		thread->slow = i >= (size_t)worker->shared.conf->threads;
		thread->slot = segment_slot(worker->inherit->segment, worker->inherit->slot, i);
		MUST_ZERO(pthread_create(&thread->id, NULL, run_thread, thread));
	}
	(void)pthread_barrier_wait(&worker->all_run);
}

static void join_threads(struct worker *worker)
{
	for (size_t i = 0; i < worker->thread_count; i++)
		MUST_ZERO(pthread_join(worker->threads[i].id, NULL));
	MUST_ZERO(pthread_barrier_destroy(&worker->all_run));
}

static void drain(struct worker *worker)
{
	struct loop_shared *shared = &worker->shared;

	if (atomic_load(&shared->draining))
		return;
	log_info("draining slot=%zu", worker->inherit->slot);
	title_set("worker %zu draining", worker->inherit->slot);
	atomic_store(&shared->drain_end_us, clock_mono_us() + shared->conf->drain_ms * CLOCK_MS);
	atomic_store(&shared->draining, true);
	fcgi_gate_drain(shared->gate);
}

static void reopen_logs(const struct worker *worker)
{
	char why[512];

	logfile_reopen(worker->inherit->settings->conf.log_file);
	if (!audit_reopen(worker->shared.audit, why, sizeof(why)))
		log_error("cannot open the security log anew error=%s", LOG_QUOTED(why));
}

/* A thread that hangs holds its requests for ever; without the process they are at least over. */
static void look_after_threads(struct worker *worker)
{
	const struct inherit *inherit = worker->inherit;
	const int limit = (int)(worker->shared.conf->stall_limit_ms / WATCH_MS) + 1;

	for (size_t i = 0; i < worker->thread_count; i++) {
		const int64_t beat_us = segment_thread_beat_us(inherit->segment, inherit->slot, i);

		if (!stall_look(&worker->stalls[i], beat_us, limit))
			continue;
		log_error("a thread is stalled, aborting slot=%zu thread=%zu limit_ms=%ld",
			inherit->slot, i, worker->shared.conf->stall_limit_ms);
		spawn_tell(inherit, MESSAGE_STALLED);
		abort();
	}
}

/* As nobody else of this user may count them. */
static void tell_descriptors(const struct worker *worker)
{
	segment_worker_descriptors(
		worker->inherit->segment, worker->inherit->slot, procfs_own_descriptors());
}

/* Takes signals and keeps watch until the drain is over. */
static void watch(struct worker *worker, const sigset_t *signals)
{
	const struct timespec pause = {.tv_nsec = WATCH_MS * 1000000L};
	const struct timespec short_pause = {.tv_nsec = 20 * 1000000L};

	while (atomic_load(&worker->running) > 0) {
		bool draining = atomic_load(&worker->shared.draining);
		int sig = sigtimedwait(signals, NULL, draining ? &short_pause : &pause);

		segment_worker_beat(
			worker->inherit->segment, worker->inherit->slot, clock_mono_us());
		if (!draining)
			tell_descriptors(worker);
		if (sig == SIGTERM)
			drain(worker);
		else if (sig == SIGUSR1)
			reopen_logs(worker);
		else if (sig == SIGUSR2)
			log_set_level(segment_log_level(worker->inherit->segment));
		else if (!draining)
			look_after_threads(worker);
	}
}

void worker_prepare(const struct settings *settings)
{
	api_prepare();
	audit_share(settings->conf.security_log);
}

void worker_main(const struct inherit *inherit)
{
	struct worker worker = {.inherit = inherit};
	struct window *window = inherit->window;
	struct series *series = inherit->series;
	sigset_t signals;

	title_set("worker %zu starting", inherit->slot);
	/* Megabytes that the supervisor writes on; a worker would keep each page as it was. */
	window_free(&window);
	series_free(&series);
	block_signals(&signals);
	worker.thread_count =
		(size_t)(inherit->settings->conf.threads + inherit->settings->conf.slow_threads);
	worker.threads = mem_zero(worker.thread_count * sizeof(*worker.threads));
	worker.stalls = mem_zero(worker.thread_count * sizeof(*worker.stalls));
	worker.balance = (struct balance){.segment = inherit->segment,
		.processes = segment_header(inherit->segment)->processes,
		.slot = inherit->slot};
	/* Before there are threads, which would not be bound. */
	segment_worker_sandbox(inherit->segment, inherit->slot,
		sandbox_enter(SANDBOX_WORKER, &inherit->settings->conf));
	shared_init(&worker.shared, &worker.balance, inherit);
	start_threads(&worker);
	segment_worker_beat(inherit->segment, inherit->slot, clock_mono_us());
	tell_descriptors(&worker);
	title_set("worker %zu serving", inherit->slot);
	log_info("serving slot=%zu generation=%u threads=%zu", inherit->slot, inherit->generation,
		worker.thread_count);
	spawn_tell(inherit, MESSAGE_READY);
	watch(&worker, &signals);
	join_threads(&worker);
	shared_fini(&worker.shared);
	free(worker.stalls);
	free(worker.threads);
	log_info("stopped slot=%zu", inherit->slot);
}
