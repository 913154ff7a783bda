/* Listening sockets: what lies in their way, who may use them, and what is said when it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "fcgi_client.h"
#include "http/listen.h"

static char directory[] = "/tmp/cardkeep-t_listen-XXXXXX";
static char path[64];

static void a_stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
	char why[200] = "";
	struct stat st;
	int first = listen_unix(path, getgid(), why, sizeof(why));
	int again;
	int fd;

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(listen_unix(path, (gid_t)-1, why, sizeof(why)), -1);
	assert_non_null(strstr(why, path));
	assert_non_null(strstr(why, "a running service listens there"));
	close(first);
	again = listen_unix(path, (gid_t)-1, why, sizeof(why));
	assert_true(again >= 0);
	fd = client_connect(path);
	assert_true(fd >= 0);
	close(fd);
	close(again);
	unlink(path);
}

static void only_the_socket_that_was_made_is_removed(void **state)
{
	char why[200] = "";
	int first = listen_unix(path, (gid_t)-1, why, sizeof(why));
	const struct listen_mark mark = listen_mark(path);
	struct listen_mark others;
	int second;

	(void)state;
	assert_true(first >= 0);
	/* Somebody cleans up, and another service comes. */
	assert_int_equal(unlink(path), 0);
	second = listen_unix(path, (gid_t)-1, why, sizeof(why));
	assert_true(second >= 0);
	listen_remove(path, &mark);
	assert_int_equal(access(path, F_OK), 0);
	others = listen_mark(path);
	listen_remove(path, &others);
	assert_int_equal(access(path, F_OK), -1);
	/* What is not there was not ours either. */
	others = listen_mark(path);
	listen_remove(path, &others);
	close(first);
	close(second);
}

/* Tries for the socket when `go` ends, says whether it got it, and keeps it until `end` ends. */
static void start_at_once(const int go[2], const int said[2], const int end[2])
{
	char why[200] = "";
	char byte;
	bool got;

	close(go[1]);
	close(end[1]);
	(void)!read(go[0], &byte, 1);
	got = listen_unix(path, (gid_t)-1, why, sizeof(why)) >= 0;
	(void)!write(said[1], got ? "y" : "n", 1);
	(void)!read(end[0], &byte, 1);
	_exit(0);
}

/* Each looks, and takes the place where nobody listens: between the two nobody else may. */
static void of_services_that_start_at_once_one_gets_the_socket(void **state)
{
	enum { STARTERS = 8, ROUNDS = 20 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		int go[2];
		int said[2];
		int end[2];
		int served = 0;

		assert_int_equal(pipe(go) + pipe(said) + pipe(end), 0);
		for (int i = 0; i < STARTERS; i++)
			if (fork() == 0)
				start_at_once(go, said, end);
		close(go[1]);
		for (int i = 0; i < STARTERS; i++) {
			char answer = '\0';

			assert_int_equal(read(said[0], &answer, 1), 1);
			served += answer == 'y';
		}
		close(end[1]);
		for (int i = 0; i < STARTERS; i++)
			assert_true(wait(NULL) > 0);
		assert_int_equal(served, 1);
		assert_int_equal(unlink(path), 0);
		for (int i = 0; i < 2; i++)
			close(said[i]);
		close(go[0]);
		close(end[0]);
	}
}

/* Whoever may read the directory may lock it. What is tried again waits no second time for that. */
static void who_keeps_the_directory_locked_holds_nobody_up_for_long(void **state)
{
	char why[200] = "";
	const int lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t began_us = clock_mono_us();
	int fd;

	(void)state;
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	fd = listen_unix(path, (gid_t)-1, why, sizeof(why));
	assert_true(fd >= 0);
	assert_true(clock_mono_us() - began_us < 5 * CLOCK_S);
	began_us = clock_mono_us();
	assert_int_equal(listen_unix(path, (gid_t)-1, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "a running service listens there"));
	assert_true(clock_mono_us() - began_us < 8 * CLOCK_S);
	close(fd);
	close(lock);
	unlink(path);
}

static void a_path_that_cannot_be_bound_is_explained(void **state)
{
	char why[400] = "";
	char long_path[200];
	char inside[100];
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	fclose(file);
	assert_int_equal(listen_unix(path, (gid_t)-1, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "no socket"));
	assert_int_equal(access(path, F_OK), 0);
	snprintf(inside, sizeof(inside), "%s/below", path);
	assert_int_equal(listen_unix(inside, (gid_t)-1, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "Not a directory"));
	unlink(path);
	snprintf(inside, sizeof(inside), "%s/nowhere/app.sock", directory);
	assert_int_equal(listen_unix(inside, (gid_t)-1, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "No such file"));
	memset(long_path, 'a', sizeof(long_path));
	long_path[0] = '/';
	long_path[108] = '\0';
	assert_int_equal(listen_unix(long_path, (gid_t)-1, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "1 to 107 bytes"));
	assert_int_equal(listen_unix("", (gid_t)-1, why, sizeof(why)), -1);
}

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/app.sock", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stale_socket_is_replaced_and_a_live_one_is_not),
		cmocka_unit_test(only_the_socket_that_was_made_is_removed),
		cmocka_unit_test(of_services_that_start_at_once_one_gets_the_socket),
		cmocka_unit_test(who_keeps_the_directory_locked_holds_nobody_up_for_long),
		cmocka_unit_test(a_path_that_cannot_be_bound_is_explained),
	};

	return cmocka_run_group_tests_name("listen", tests, make_directory, remove_directory);
}
