/* What becomes of a request whose password is not hashed. The hasher and the door to nginx are scripted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker/in_flight.h"

/* ---- what is scripted -------------------------------------------------------------------------- */

static enum hasher_answer answer;
static bool crowded;
static int told; /* the status that went out; 0: none did */

enum hasher_answer hasher_submit(struct hasher *hasher, struct job *job, int *ret_wait_s)
{
	(void)hasher;
	job->x.hash.done = false;
	*ret_wait_s = 7;
	return answer;
}

bool hasher_crowded(const struct job *job)
{
	(void)job;
	return crowded;
}

void hasher_learn(struct hasher *hasher, const struct job *job)
{
	(void)hasher;
	(void)job;
}

void fcgi_reply(struct fcgi_conn *conn, const struct request *request, const struct reply *reply)
{
	(void)conn;
	(void)request;
	told = reply->status;
}

void fcgi_close(struct fcgi_conn *conn)
{
	(void)conn;
}

static enum step went_on(struct exchange *x)
{
	reply_start(&x->reply, x->hash.done ? 200 : 201, REPLY_JSON);
	return STEP_ANSWER;
}

/* ---- requests ---------------------------------------------------------------------------------- */

static struct conf conf;

/* Asks for a hash, and tells the status that came of it. */
static int hash(bool maybe_applied, bool optional)
{
	const struct fair_limits limits = {.in_flight = 10, .burst_us = CLOCK_S, .percent = 50};
	char why[100] = "";
	struct in_flight in_flight = {.fair = fair_new(&limits),
		.audit = audit_new("", NULL, why, sizeof(why)),
		.slot = stats_nobody(),
		.jobs.slot = stats_nobody()};
	struct api *api = api_new(&conf);
	struct job *job = job_new(NULL);

	api_start(&job->x, api);
	told = 0;
	job->caller = FAIR_NOBODY;
	job->deadline_us = clock_mono_us() + CLOCK_S;
	job->try.maybe_applied = maybe_applied;
	job->try.attempts = 2;
	job->x.hash.optional = optional;
	job->x.resume = went_on;
	job_set_state(&in_flight.jobs, job, JOB_HANDLED);
	in_flight_step(&in_flight, job, STEP_HASH);
	assert_int_equal(in_flight.jobs.count, 0);
	fair_free(&in_flight.fair);
	audit_free(&in_flight.audit);
	api_free(&api);
	return told;
}

static void what_may_have_been_applied_is_unknown_whatever_keeps_its_password_from_being_hashed(
	void **state)
{
	static const struct {
		enum hasher_answer answer;
		bool crowded;
		int status; /* where nothing was */
	} cases[] = {
		{HASHER_FULL, false, 503},
		{HASHER_FULL, true, 429},
		{HASHER_EARLY, false, 429},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		answer = cases[i].answer;
		crowded = cases[i].crowded;
		assert_int_equal(hash(false, false), cases[i].status);
		assert_int_equal(hash(true, false), 504);
	}
}

static void a_request_goes_on_without_a_hash_that_it_can_do_without(void **state)
{
	(void)state;
	answer = HASHER_FULL;
	for (int i = 0; i < 2; i++) {
		crowded = i > 0;
		assert_int_equal(hash(false, true), 201);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_may_have_been_applied_is_unknown_whatever_keeps_its_password_from_being_hashed),
		cmocka_unit_test(a_request_goes_on_without_a_hash_that_it_can_do_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
