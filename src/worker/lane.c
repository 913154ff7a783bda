/* The slow lane: where calls wait that may take the database long. */
#include "worker/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* Lines are found by the number of a caller; two that share one take turns as if they were one. */
#define LINES 1024

struct line {
	struct job_queue jobs;
	size_t running;    /* calls under way */
	struct line *next; /* in the round, while it has jobs */
};

struct lane {
	struct lane_limits limits;
	int fd; /* eventfd: counts returned jobs */

	pthread_mutex_t lock;   /* guards all below */
	pthread_cond_t waiting; /* a job came, or a caller may have its next one */
	struct line lines[LINES];
	struct line *first; /* the round: lines with jobs, the next to have its turn first */
	struct line **last;
	size_t count; /* jobs in all lines */
	struct job_queue back;
};

struct lane *lane_new(const struct lane_limits *limits)
{
	struct lane *lane = mem_zero(sizeof(*lane));
	pthread_condattr_t attr;

	MUST(limits->threads > 0);
	lane->limits = *limits;
	lane->last = &lane->first;
	lane->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(lane->fd >= 0);
	MUST_ZERO(pthread_mutex_init(&lane->lock, NULL));
	MUST_ZERO(pthread_condattr_init(&attr));
	MUST_ZERO(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
	MUST_ZERO(pthread_cond_init(&lane->waiting, &attr));
	MUST_ZERO(pthread_condattr_destroy(&attr));
	return lane;
}

static void drop_all(struct job_queue *queue)
{
	struct job *job;

	while ((job = job_pop(queue)) != NULL) {
		fcgi_close(job->conn);
		job_free(&job);
	}
}

void lane_free(struct lane **ptr)
{
	struct lane *lane = *ptr;

	if (lane == NULL)
		return;
	for (size_t i = 0; i < LINES; i++)
		drop_all(&lane->lines[i].jobs);
	drop_all(&lane->back);
	close(lane->fd);
	MUST_ZERO(pthread_cond_destroy(&lane->waiting));
	MUST_ZERO(pthread_mutex_destroy(&lane->lock));
	free(lane);
	*ptr = NULL;
}

static void append(struct lane *lane, struct line *line)
{
	line->next = NULL;
	*lane->last = line;
	lane->last = &line->next;
}

static struct line *line_of(struct lane *lane, size_t caller)
{
	return &lane->lines[caller % LINES];
}

static void put(struct lane *lane, struct line *line, struct job *job, int64_t now_us)
{
	job->queued_us = now_us;
	job_push(&line->jobs, job);
	lane->count++;
	if (line->jobs.count == 1)
		append(lane, line);
	MUST_ZERO(pthread_cond_signal(&lane->waiting));
}

enum lane_verdict lane_submit(struct lane *lane, struct job *job, int64_t now_us)
{
	struct line *line = line_of(lane, job->caller);
	enum lane_verdict verdict = LANE_TAKEN;

	MUST_ZERO(pthread_mutex_lock(&lane->lock));
	if (line->jobs.count >= lane->limits.caller_waits)
		verdict = LANE_CALLER_FULL;
	else if (lane->count >= lane->limits.waiting)
		verdict = LANE_FULL;
	if (verdict == LANE_TAKEN)
		put(lane, line, job, now_us);
	MUST_ZERO(pthread_mutex_unlock(&lane->lock));
	return verdict;
}

void lane_put_back(struct lane *lane, struct job *job, int64_t now_us)
{
	MUST_ZERO(pthread_mutex_lock(&lane->lock));
	put(lane, line_of(lane, job->caller), job, now_us);
	MUST_ZERO(pthread_mutex_unlock(&lane->lock));
}

/* One thread is left for others. */
static bool may_run(const struct lane *lane, const struct line *line)
{
	return line->running + 1 < lane->limits.threads || line->running == 0;
}

/* The first in the round that may run, taken out of it; NULL when none may. */
static struct line *take_line(struct lane *lane)
{
	for (struct line **at = &lane->first; *at != NULL; at = &(*at)->next) {
		struct line *line = *at;

		if (!may_run(lane, line))
			continue;
		*at = line->next;
		if (lane->last == &line->next)
			lane->last = at;
		return line;
	}
	return NULL;
}

static struct job *take(struct lane *lane)
{
	struct line *line = take_line(lane);
	struct job *job;

	if (line == NULL)
		return NULL;
	job = job_pop(&line->jobs);
	lane->count--;
	line->running++;
	if (line->jobs.count > 0)
		append(lane, line);
	return job;
}

struct job *lane_next(struct lane *lane, int wait_ms, int64_t *ret_waited_us)
{
	const int64_t until_us = clock_mono_us() + wait_ms * CLOCK_MS;
	const struct timespec until = {.tv_sec = (time_t)(until_us / CLOCK_S),
		.tv_nsec = (long)(until_us % CLOCK_S) * 1000};
	struct job *job;

	MUST_ZERO(pthread_mutex_lock(&lane->lock));
	while ((job = take(lane)) == NULL && wait_ms > 0) {
		int failed = pthread_cond_timedwait(&lane->waiting, &lane->lock, &until);

		MUST(failed == 0 || failed == ETIMEDOUT);
		if (failed != 0)
			break;
	}
	MUST_ZERO(pthread_mutex_unlock(&lane->lock));
	if (job != NULL)
		*ret_waited_us = clock_mono_us() - job->queued_us;
	return job;
}

/* Of one line; true when nothing is left of it. */
static bool drop_late(struct line *line, int64_t until_us, struct job_queue *queue)
{
	struct job_queue rest = {0};
	struct job *job;

	while ((job = job_pop(&line->jobs)) != NULL)
		job_push(job->deadline_us <= until_us ? queue : &rest, job);
	line->jobs = rest;
	return rest.count == 0;
}

void lane_collect_late(struct lane *lane, int64_t until_us, struct job_queue *queue)
{
	struct line **at = &lane->first;
	const size_t before = queue->count;

	MUST_ZERO(pthread_mutex_lock(&lane->lock));
	while (*at != NULL) {
		struct line *line = *at;

		if (drop_late(line, until_us, queue))
			*at = line->next;
		else
			at = &line->next;
	}
	lane->last = at;
	lane->count -= queue->count - before;
	MUST_ZERO(pthread_mutex_unlock(&lane->lock));
}

void lane_done(struct lane *lane, size_t caller)
{
	struct line *line = line_of(lane, caller);

	MUST_ZERO(pthread_mutex_lock(&lane->lock));
	MUST(line->running > 0);
	line->running--;
	/* Who asks next takes it anyway; another thread may wait because this caller had its share. */
	if (line->jobs.count > 0)
		MUST_ZERO(pthread_cond_signal(&lane->waiting));
	MUST_ZERO(pthread_mutex_unlock(&lane->lock));
}

void lane_return(struct lane *lane, struct job *job)
{
	const uint64_t one = 1;

	MUST_ZERO(pthread_mutex_lock(&lane->lock));
	job_push(&lane->back, job);
	MUST_ZERO(pthread_mutex_unlock(&lane->lock));
	MUST(write(lane->fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

void lane_collect(struct lane *lane, struct job_queue *queue)
{
	uint64_t count;
	struct job *job;

	/* Another thread may have been quicker: then there is nothing to read, and no job. */
	if (read(lane->fd, &count, sizeof(count)) < 0)
		return;
	MUST_ZERO(pthread_mutex_lock(&lane->lock));
	while ((job = job_pop(&lane->back)) != NULL)
		job_push(queue, job);
	MUST_ZERO(pthread_mutex_unlock(&lane->lock));
}

int lane_fd(const struct lane *lane)
{
	return lane->fd;
}
