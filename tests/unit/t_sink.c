/* Lines for a reader that stands still, is gone, or has no disk left: none waits, none is torn. */
#include "config.h" /* _GNU_SOURCE: F_SETPIPE_SZ, close_range */

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sink.h"

#define WAIT_S 20 /* whoever waits longer hangs */

static char directory[] = "/tmp/cardkeep-t_sink-XXXXXX";

/* "line NUMBER xxx...\n", as long as a line of the log. */
static size_t make_line(char *line, size_t size, int number)
{
	const int start = snprintf(line, size, "line %06d ", number);
	const size_t len = (size_t)(150 + number % 200);

	memset(line + start, 'x', len - (size_t)start);
	line[len - 1] = '\n';
	return len;
}

/* As a thread hands them over that has gathered some: more than a pipe takes at once. */
static size_t make_lines(char *lines, size_t size, int first, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += make_line(lines + len, size - len, first + i);
	return len;
}

/* Takes all that is there. Returns the number of lines, each of which is whole. */
static int drain(int fd)
{
	static char bytes[2 << 20];
	char want[512];
	size_t len = 0;
	ssize_t got;
	int count = 0;

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while ((got = read(fd, bytes + len, sizeof(bytes) - len)) > 0)
		len += (size_t)got;
	for (char *at = bytes; at < bytes + len; count++) {
		const size_t line = make_line(want, sizeof(want), atoi(at + strlen("line ")));

		assert_memory_equal(at, want, line);
		at += line;
	}
	return count;
}

/* Puts batches until some were lost; all are there or lost, and afterwards lines get through again. */
static void fill_and_go_on(int to, int from, enum sink_way way)
{
	char lines[64 * 1024];
	bool torn = false;
	size_t lost = 0;
	int put = 0;

	(void)alarm(WAIT_S);
	while (lost == 0) {
		lost = sink_put(to, way, lines, make_lines(lines, sizeof(lines), put, 60), &torn);
		put += 60;
	}
	assert_int_equal(
		sink_put(to, way, lines, make_lines(lines, sizeof(lines), put, 60), &torn), 60);
	assert_int_equal(drain(from), put - (int)lost);
	assert_false(torn);
	assert_int_equal(
		sink_put(to, way, lines, make_lines(lines, sizeof(lines), 7, 3), &torn), 0);
	assert_int_equal(drain(from), 3);
	(void)alarm(0);
}

static void a_full_pipe_loses_whole_lines_and_waits_for_nobody(void **state)
{
	int ends[2];
	int inherited;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	inherited = dup(ends[1]);
	assert_int_equal(sink_look(ends[1]), SINK_OWN);
	assert_int_equal(fcntl(inherited, F_GETFL) & O_NONBLOCK, 0);
	assert_int_not_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	fill_and_go_on(ends[1], ends[0], SINK_OWN);
	close(ends[0]);
	close(ends[1]);
	close(inherited);
}

/* The pipe that it inherited is a blocking one, and stays that for whoever else has it. */
static void so_does_a_pipe_that_cannot_be_opened_anew(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fill_and_go_on(ends[1], ends[0], SINK_SPLICED);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	close(ends[0]);
	close(ends[1]);
}

static void so_does_a_socket(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(sink_look(ends[1]), SINK_SOCKET);
	fill_and_go_on(ends[1], ends[0], SINK_SOCKET);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	close(ends[0]);
	close(ends[1]);
}

/* Another user's terminal; a pipe stands in for it. */
static void what_can_only_be_looked_at_is_not_waited_for_either(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fill_and_go_on(ends[1], ends[0], SINK_POLLED);
	close(ends[0]);
	close(ends[1]);
}

static void a_reader_that_is_gone_costs_its_lines(void **state)
{
	static const enum sink_way ways[] = {SINK_OWN, SINK_SPLICED, SINK_POLLED};
	char line[512];
	bool torn = false;
	int ends[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		assert_int_equal(pipe(ends), 0);
		close(ends[0]);
		assert_int_equal(
			sink_put(ends[1], ways[i], line, make_line(line, sizeof(line), 1), &torn),
			1);
		close(ends[1]);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	close(ends[0]);
	assert_int_equal(
		sink_put(ends[1], SINK_SOCKET, line, make_line(line, sizeof(line), 1), &torn), 1);
	close(ends[1]);
	assert_false(torn);
}

/* What the parent holds between two pipes is under the same numbers something else in a child. */
static void a_child_carries_in_a_pipe_of_its_own(void **state)
{
	char path[100];
	char line[512];
	bool torn = false;
	struct stat st;
	int ends[2];
	int status = -1;
	pid_t child;

	(void)state;
	snprintf(path, sizeof(path), "%s/other", directory);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(
		sink_put(ends[1], SINK_SPLICED, line, make_line(line, sizeof(line), 1), &torn), 0);
	child = fork();
	if (child == 0) {
		int to = dup2(ends[1], STDIN_FILENO);

		(void)close_range(STDERR_FILENO + 1, UINT_MAX, 0);
		for (int i = 0; i < 8; i++)
			if (open(path, O_RDWR | O_CREAT, 0600) < 0)
				_exit(2);
		_exit((int)sink_put(
			to, SINK_SPLICED, line, make_line(line, sizeof(line), 2), &torn));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(drain(ends[0]), 2);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(unlink(path), 0);
	close(ends[0]);
	close(ends[1]);
}

/* As on a full disk: a part of the second line gets in. */
static void a_file_that_may_not_grow_says_that_a_line_was_torn(void **state)
{
	struct rlimit before;
	struct rlimit limit;
	char lines[2048];
	char path[100];
	bool torn = false;
	char why[200] = "";
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/log", directory);
	fd = sink_open(path, why, sizeof(why));
	assert_true(fd >= 0);
	assert_int_equal(sink_look(fd), SINK_FILE);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(
		sink_put(fd, SINK_FILE, lines, make_lines(lines, sizeof(lines), 0, 4), &torn), 3);
	assert_true(torn);
	torn = false;
	assert_int_equal(
		sink_put(fd, SINK_FILE, lines, make_lines(lines, sizeof(lines), 4, 2), &torn), 2);
	assert_false(torn);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	close(fd);
	assert_int_equal(unlink(path), 0);
}

static void a_pipe_that_nobody_reads_is_refused_at_once(void **state)
{
	char path[100];
	char why[200] = "";

	(void)state;
	snprintf(path, sizeof(path), "%s/fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(WAIT_S);
	assert_int_equal(sink_open(path, why, sizeof(why)), -1);
	(void)alarm(0);
	assert_non_null(strstr(why, path));
	assert_non_null(strstr(why, "a pipe that nobody reads"));
	assert_int_equal(unlink(path), 0);
}

static int make_directory(void **state)
{
	(void)state;
	/* As every process of the service has it. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_pipe_loses_whole_lines_and_waits_for_nobody),
		cmocka_unit_test(so_does_a_pipe_that_cannot_be_opened_anew),
		cmocka_unit_test(so_does_a_socket),
		cmocka_unit_test(what_can_only_be_looked_at_is_not_waited_for_either),
		cmocka_unit_test(a_reader_that_is_gone_costs_its_lines),
		cmocka_unit_test(a_child_carries_in_a_pipe_of_its_own),
		cmocka_unit_test(a_file_that_may_not_grow_says_that_a_line_was_torn),
		cmocka_unit_test(a_pipe_that_nobody_reads_is_refused_at_once),
	};

	return cmocka_run_group_tests_name("sink", tests, make_directory, remove_directory);
}
