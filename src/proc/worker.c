/* A worker process: its threads, its signals, its end. */
#include "proc/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/loop.h"

/* Blocks the signals that end the process, for this thread and all it starts: only wait_for_end
 * takes them. */
static sigset_t block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	MUST_ZERO(pthread_sigmask(SIG_BLOCK, &set, NULL));
	return set;
}

/* libfcgi installs handlers for these when it starts: ours go on top. A peer that hangs up must not
 * kill the process, and writes report it. */
static void own_handlers(void)
{
	MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	MUST(signal(SIGTERM, SIG_DFL) != SIG_ERR);
	MUST(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
}

static void wait_for_end(const sigset_t *set)
{
	int sig;

	while (sigwait(set, &sig) != 0)
		;
	log_info("stopping signal=%d", sig);
	/* From now on the default action is wanted: a second signal ends the process at once. */
	MUST_ZERO(pthread_sigmask(SIG_UNBLOCK, set, NULL));
}

static void *run_thread(void *shared)
{
	loop_run(shared);
	return NULL;
}

static void shared_init(struct loop_shared *shared, const struct conf *conf, int listen_fd,
	const struct fcgi_options *options)
{
	*shared = (struct loop_shared){.conf = conf};
	shared->gate = fcgi_gate_new(listen_fd, options);
	own_handlers();
	shared->hasher = hasher_new(conf);
	shared->budget = retry_budget_new((int)conf->retry_budget_percent, clock_mono_us());
	shared->breaker = retry_breaker_new();
	fcgi_gate_watch(shared->gate, hasher_fd(shared->hasher));
}

static void shared_fini(struct loop_shared *shared)
{
	hasher_free(&shared->hasher);
	retry_breaker_free(&shared->breaker);
	retry_budget_free(&shared->budget);
	fcgi_gate_free(&shared->gate);
}

static void drain(struct loop_shared *shared)
{
	atomic_store(&shared->drain_end_us, clock_mono_us() + shared->conf->drain_ms * CLOCK_MS);
	atomic_store(&shared->draining, true);
	fcgi_gate_drain(shared->gate);
}

void worker_run(const struct conf *conf, int listen_fd, const struct fcgi_options *options)
{
	sigset_t signals = block_signals();
	size_t threads = (size_t)conf->threads;
	pthread_t *ids = mem_zero(threads * sizeof(*ids));
	struct loop_shared shared;

	shared_init(&shared, conf, listen_fd, options);
	for (size_t i = 0; i < threads; i++)
		MUST_ZERO(pthread_create(&ids[i], NULL, run_thread, &shared));
	log_info("serving listen=%s threads=%zu", conf->listen, threads);
	wait_for_end(&signals);
	drain(&shared);
	for (size_t i = 0; i < threads; i++)
		MUST_ZERO(pthread_join(ids[i], NULL));
	shared_fini(&shared);
	free(ids);
	log_info("stopped");
}
