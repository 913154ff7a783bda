/* The supervisor's signals. */
#include "config.h" /* _GNU_SOURCE: sigtimedwait */

#include "proc/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <time.h>

static const int orders[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
static const int ends[] = {SIGTERM, SIGINT};
static const int errors[] = {SIGPIPE, SIGXFSZ};

static void add_all(sigset_t *set, const int *signals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		MUST_ZERO(sigaddset(set, signals[i]));
}

static void react(const int *signals, size_t count, void (*reaction)(int))
{
	for (size_t i = 0; i < count; i++)
		MUST(signal(signals[i], reaction) != SIG_ERR);
}

static void all_that_wait(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	add_all(ret_set, orders, ARRAY_LEN(orders));
	add_all(ret_set, ends, ARRAY_LEN(ends));
}

/* First what waits, then what they do: an ignored SIGCHLD would reap the children by itself. */
void signals_begin(void)
{
	sigset_t set;

	sigemptyset(&set);
	add_all(&set, orders, ARRAY_LEN(orders));
	MUST_ZERO(sigprocmask(SIG_SETMASK, &set, NULL));
	react(orders, ARRAY_LEN(orders), SIG_DFL);
	react(ends, ARRAY_LEN(ends), SIG_DFL);
	react(errors, ARRAY_LEN(errors), SIG_IGN);
}

void signals_hold(void)
{
	sigset_t set;

	all_that_wait(&set);
	MUST_ZERO(sigprocmask(SIG_BLOCK, &set, NULL));
}

void signals_pass_on(pid_t child)
{
	const struct timespec now = {0};
	sigset_t set;
	int sig;

	all_that_wait(&set);
	MUST_ZERO(sigdelset(&set, SIGCHLD));
	while ((sig = sigtimedwait(&set, NULL, &now)) > 0)
		if (kill(child, sig) != 0)
			return;
}

int signals_open(void)
{
	sigset_t set;
	int fd;

	signals_hold();
	all_that_wait(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	MUST(fd >= 0);
	return fd;
}
