/* The lane for passwords, with real hashes: which turn a request's further hashes have. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/clock.h"
#include "worker/hasher.h"

void fcgi_close(struct fcgi_conn *conn)
{
	(void)conn;
}

/* One takes a few tenths of a second. */
static const struct conf conf = {
	.hash_memory_kib = 16384,
	.hash_passes = 16,
	.hash_threads = 1,
	.hash_queue = 4,
	.request_deadline_ms = 60000,
};

static const char password[] = "correct horse";

static struct job *sign_in(void)
{
	struct job *job = job_new(NULL);

	job->deadline_us = clock_mono_us() + conf.request_deadline_ms * CLOCK_MS;
	job->x.hash.whose.address = "ada@example.org";
	job->x.request.remote_address = "192.0.2.1";
	job->x.hash.kind = HASH_DECOY;
	job->x.hash.password = password;
	job->x.hash.password_len = strlen(password);
	return job;
}

static enum hasher_answer submit(struct hasher *hasher, struct job *job, bool optional)
{
	int wait_s = 0;

	job->x.hash.optional = optional;
	return hasher_submit(hasher, job, &wait_s);
}

static void collect(struct hasher *hasher, struct job *want)
{
	struct job_queue done = {0};

	while (done.first == NULL) {
		struct pollfd fd = {.fd = hasher_fd(hasher), .events = POLLIN};

		assert_true(poll(&fd, 1, 60000) >= 0);
		hasher_collect(hasher, &done);
	}
	assert_ptr_equal(job_pop(&done), want);
	assert_null(done.first);
	assert_true(want->x.hash.done);
}

static void another_hash_of_a_request_is_no_further_turn(void **state)
{
	struct tries *tries = tries_new();
	struct hasher *hasher = hasher_new(&conf, tries);
	struct job *job = sign_in();
	struct job *other = sign_in();

	(void)state;
	assert_int_equal(submit(hasher, job, false), HASHER_TAKEN);
	collect(hasher, job);
	assert_false(hasher_crowded(job));
	assert_int_equal(submit(hasher, job, false), HASHER_TAKEN);
	assert_false(hasher_crowded(job));
	collect(hasher, job);
	/* Another request of the same network is one. */
	assert_int_equal(submit(hasher, other, false), HASHER_TAKEN);
	assert_true(hasher_crowded(other));
	collect(hasher, other);
	job_free(&job);
	job_free(&other);
	hasher_free(&hasher);
	tries_free(&tries);
}

static void a_hash_that_a_request_can_do_without_takes_nobodys_place(void **state)
{
	struct tries *tries = tries_new();
	struct hasher *hasher = hasher_new(&conf, tries);
	struct job *jobs[] = {sign_in(), sign_in(), sign_in()};
	struct job *renewal = sign_in();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		assert_int_equal(submit(hasher, jobs[i], false), HASHER_TAKEN);
	/* At most one of them is under way. */
	assert_int_equal(submit(hasher, renewal, true), HASHER_FULL);
	assert_false(renewal->x.hash.done);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		collect(hasher, jobs[i]);
	assert_int_equal(submit(hasher, renewal, true), HASHER_TAKEN);
	collect(hasher, renewal);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		job_free(&jobs[i]);
	job_free(&renewal);
	hasher_free(&hasher);
	tries_free(&tries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_hash_of_a_request_is_no_further_turn),
		cmocka_unit_test(a_hash_that_a_request_can_do_without_takes_nobodys_place),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
