/*
 * Birth and death of the service's processes: fork, what a child keeps, and what became of it.
 *
 * A child must not outlive the supervisor: nobody would replace it, and it would hold the socket
 * against the next service. PR_SET_PDEATHSIG makes the kernel see to that, even when the supervisor
 * was killed or the child is stopped. It counts from when it is set, so a supervisor that died
 * before is looked for afterwards.
 */
#include "config.h" /* _GNU_SOURCE: pipe2, close_range */

#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void spawn_end_with(pid_t parent)
{
	MUST_ZERO(prctl(PR_SET_PDEATHSIG, SIGKILL));
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
}

void spawn_close_from(int fd)
{
	MUST_ZERO(close_range((unsigned)fd, UINT_MAX, 0));
}

/* Keeps the standard descriptors and these two; whatever else the supervisor has open is its own. */
static void discard_descriptors(int one, int other)
{
	const unsigned low = (unsigned)(one < other ? one : other);
	const unsigned high = (unsigned)(one < other ? other : one);
	const unsigned first = STDERR_FILENO + 1;

	MUST(low >= first && low < high);
	if (low > first)
		MUST_ZERO(close_range(first, low - 1, 0));
	if (high > low + 1)
		MUST_ZERO(close_range(low + 1, high - 1, 0));
	spawn_close_from((int)high + 1);
}

static void default_actions(void)
{
	static const int signals[] = {SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		MUST(signal(signals[i], SIG_DFL) != SIG_ERR);
	/* A peer that hangs up must not end the process: the write tells of it. */
	MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	/* A terminal sends these to the whole group; what they mean is the supervisor's business. */
	MUST(signal(SIGINT, SIG_IGN) != SIG_ERR);
	MUST(signal(SIGHUP, SIG_IGN) != SIG_ERR);
}

NO_RETURN static void be_child(
	const struct inherit *inherit, child_main_fn *child_main, pid_t supervisor)
{
	spawn_end_with(supervisor);
	discard_descriptors(inherit->listen_fd, inherit->message_fd);
	default_actions();
	child_main(inherit);
	exit(EXIT_SUCCESS);
}

bool spawn(struct inherit inherit, child_main_fn *child_main, struct child *ret_child)
{
	const pid_t supervisor = getpid();
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	inherit.message_fd = ends[1];
	pid = fork();
	if (pid == 0)
		be_child(&inherit, child_main, supervisor);
	close(ends[1]);
	if (pid < 0) {
		int error = errno;

		close(ends[0]);
		errno = error;
		return false;
	}
	*ret_child = (struct child){.pid = pid, .message_fd = ends[0]};
	return true;
}

pid_t spawn_reap(int *ret_status)
{
	pid_t pid = waitpid(-1, ret_status, WNOHANG);

	return pid > 0 ? pid : 0;
}

void spawn_tell(const struct inherit *inherit, enum message message)
{
	const char byte = (char)message;

	/* A supervisor that is gone takes this process with it. */
	if (write(inherit->message_fd, &byte, 1) < 0)
		return;
}

bool spawn_hear(const struct child *child, enum message *ret_message)
{
	char byte;

	if (read(child->message_fd, &byte, 1) != 1)
		return false;
	*ret_message = (enum message)byte;
	return true;
}

void spawn_forget(struct child *child)
{
	close(child->message_fd);
	*child = (struct child){.message_fd = -1};
}
