/* The supervisor's signals: what comes before anybody asks for them is not lost. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/signals.h"

static const int all[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT};

/* Whether it comes in time for a busy machine. */
static bool comes(int sig)
{
	const struct timespec wait = {.tv_sec = 5};
	sigset_t set;

	sigemptyset(&set);
	MUST_ZERO(sigaddset(&set, sig));
	return sigtimedwait(&set, NULL, &wait) == sig;
}

static bool all_come(void)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!comes(all[i]))
			return false;
	return true;
}

static bool is_there(int sig)
{
	sigset_t set;

	MUST_ZERO(sigpending(&set));
	return sigismember(&set, sig) == 1;
}

/* The child ends with status 0 where all signals came to it, and none that is its parent's own. */
static pid_t start_child(void)
{
	const pid_t child = fork();

	if (child == 0)
		_exit(all_come() && !is_there(SIGCHLD) ? 0 : 1);
	assert_true(child > 0);
	return child;
}

static int status_of(pid_t child)
{
	int status = -1;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void what_waits_is_handed_to_the_child_that_goes_on(void **state)
{
	pid_t child;

	(void)state;
	signals_begin();
	signals_hold();
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(raise(all[i]), 0);
	assert_int_equal(raise(SIGCHLD), 0);
	child = start_child();
	signals_pass_on(child);
	assert_int_equal(status_of(child), 0);
}

static void what_came_before_the_loop_is_read_there(void **state)
{
	struct signalfd_siginfo info;
	uint32_t seen = 0;
	int fd;

	(void)state;
	signals_begin();
	signals_hold();
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(raise(all[i]), 0);
	fd = signals_open();
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		seen |= UINT32_C(1) << info.ssi_signo;
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_true((seen & UINT32_C(1) << all[i]) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_is_handed_to_the_child_that_goes_on),
		cmocka_unit_test(what_came_before_the_loop_is_read_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
