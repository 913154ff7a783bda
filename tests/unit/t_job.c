/* A job's states: every move that is allowed, and that no other is. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/job.h"

/* ---- jobs without a request -------------------------------------------------------------------- */

void exchange_fini(struct exchange *x)
{
	(void)x;
}

static struct job_lists nothing(void)
{
	return (struct job_lists){.slot = stats_nobody()};
}

/* A way to each state that begins with NEW. */
static const enum job_state ways[JOB_STATE_COUNT][4] = {
	[JOB_NEW] = {JOB_NEW},
	[JOB_HANDLED] = {JOB_HANDLED},
	[JOB_READY] = {JOB_HANDLED, JOB_READY},
	[JOB_RIDING] = {JOB_HANDLED, JOB_READY, JOB_RIDING},
	[JOB_PARKED] = {JOB_HANDLED, JOB_READY, JOB_RIDING, JOB_PARKED},
	[JOB_HASHING] = {JOB_HANDLED, JOB_HASHING},
	[JOB_QUEUED] = {JOB_HANDLED, JOB_QUEUED},
	[JOB_DONE] = {JOB_HANDLED, JOB_DONE},
};

static struct job *job_in(struct job_lists *lists, enum job_state state)
{
	struct job *job = job_new(NULL);

	for (size_t i = 0; job->state != state; i++)
		job_set_state(lists, job, ways[state][i]);
	return job;
}

/* Takes it out of the list that holds it. */
static void end(struct job_lists *lists, struct job *job)
{
	static const enum job_state next[JOB_STATE_COUNT] = {
		[JOB_NEW] = JOB_HANDLED,
		[JOB_HANDLED] = JOB_DONE,
		[JOB_READY] = JOB_DONE,
		[JOB_RIDING] = JOB_DONE,
		[JOB_PARKED] = JOB_READY,
		[JOB_HASHING] = JOB_HANDLED,
		[JOB_QUEUED] = JOB_DONE,
	};

	while (job->state != JOB_DONE)
		job_set_state(lists, job, next[job->state]);
	job_free(&job);
}

/* ---- states ------------------------------------------------------------------------------------ */

static const char *const allowed[JOB_STATE_COUNT] = {
	[JOB_NEW] = "handled",
	[JOB_HANDLED] = "ready hashing queued done",
	[JOB_READY] = "riding queued done",
	[JOB_RIDING] = "handled ready parked queued done",
	[JOB_PARKED] = "ready queued",
	[JOB_HASHING] = "handled",
	[JOB_QUEUED] = "ready done",
	[JOB_DONE] = "",
};

static bool has_word(const char *words, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = strstr(words, word); at != NULL; at = strstr(at + len, word))
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

/* In another process, for it ends there. */
static bool aborts(enum job_state from, enum job_state to)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct job_lists lists = nothing();
		struct job *job = job_in(&lists, from);

		(void)signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		job_set_state(&lists, job, to);
		_exit(EXIT_SUCCESS);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void every_move_is_allowed_or_refused(void **state)
{
	(void)state;
	for (enum job_state from = 0; from < JOB_STATE_COUNT; from++)
		for (enum job_state to = 0; to < JOB_STATE_COUNT; to++) {
			struct job_lists lists = nothing();

			if (job_may_become(from, to) != has_word(allowed[from], job_state_name(to)))
				fail_msg("from %s to %s", job_state_name(from), job_state_name(to));
			if (!job_may_become(from, to)) {
				assert_true(aborts(from, to));
				continue;
			}
			struct job *job = job_in(&lists, from);

			job_set_state(&lists, job, to);
			assert_int_equal(job->state, to);
			end(&lists, job);
			assert_int_equal(lists.count, 0);
		}
}

static void a_state_says_which_list_has_the_job_and_whether_it_is_counted(void **state)
{
	static const struct {
		size_t ready, parked, count;
	} want[JOB_STATE_COUNT] = {
		[JOB_HANDLED] = {0, 0, 1},
		[JOB_READY] = {1, 0, 1},
		[JOB_RIDING] = {0, 0, 1},
		[JOB_PARKED] = {0, 1, 1},
	};

	(void)state;
	for (enum job_state in = 0; in < JOB_STATE_COUNT; in++) {
		struct job_lists lists = nothing();
		struct stats_slot *slot = lists.slot;
		struct job *other = job_in(&lists, JOB_HANDLED);
		struct job *job = job_in(&lists, in);

		assert_int_equal(lists.ready.count, want[in].ready);
		assert_ptr_equal(lists.ready.first, want[in].ready > 0 ? job : NULL);
		assert_int_equal(lists.parked.count, want[in].parked);
		assert_ptr_equal(lists.parked.first, want[in].parked > 0 ? job : NULL);
		assert_int_equal(lists.count, 1 + want[in].count);
		assert_int_equal(atomic_load(&slot->in_flight), lists.count);
		end(&lists, job);
		end(&lists, other);
		assert_int_equal(atomic_load(&slot->in_flight), 0);
	}
}

/* ---- lists ------------------------------------------------------------------------------------- */

static void ready_jobs_keep_their_order_whichever_of_them_leaves(void **state)
{
	for (size_t leaves = 0; leaves < 4; leaves++) {
		struct job_lists lists = nothing();
		struct job *jobs[4];

		(void)state;
		for (size_t i = 0; i < 4; i++)
			jobs[i] = job_in(&lists, JOB_READY);
		end(&lists, jobs[leaves]);
		for (size_t i = 0; i < 4; i++) {
			if (i == leaves)
				continue;
			assert_ptr_equal(lists.ready.first, jobs[i]);
			end(&lists, jobs[i]);
		}
		assert_null(lists.ready.first);
		assert_null(lists.ready.last);
	}
}

static void parked_jobs_stand_by_when_they_are_due_the_older_first(void **state)
{
	static const int64_t due_us[] = {30, 10, 20, 10, 40, 5};
	static const size_t order[] = {5, 1, 3, 2, 0, 4};
	struct job_lists lists = nothing();
	struct job *jobs[ARRAY_LEN(due_us)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(due_us); i++) {
		jobs[i] = job_in(&lists, JOB_RIDING);
		jobs[i]->due_us = due_us[i];
		job_set_state(&lists, jobs[i], JOB_PARKED);
	}
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		assert_ptr_equal(lists.parked.first, jobs[order[i]]);
		end(&lists, jobs[order[i]]);
	}
	assert_int_equal(lists.parked.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_move_is_allowed_or_refused),
		cmocka_unit_test(a_state_says_which_list_has_the_job_and_whether_it_is_counted),
		cmocka_unit_test(ready_jobs_keep_their_order_whichever_of_them_leaves),
		cmocka_unit_test(parked_jobs_stand_by_when_they_are_due_the_older_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
