/*
 * The sandbox: what a worker and the status process can still do, and what they cannot, tried by
 * processes that are bound as those are.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "proc/landlock.h"
#include "proc/sandbox.h"
#include "stats/procfs.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static char directory[] = "/tmp/cardkeep-t_sandbox-XXXXXX";
static struct conf conf;
static int shared_fd; /* a file that was open before, as the segment's mapping is */

static const char *in_directory(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

/* ---- what is tried: 0 when it worked ------------------------------------------------------- */

static int worked(bool did)
{
	return did ? 0 : errno != 0 ? errno : EIO;
}

static int open_as(const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return worked(fd >= 0);
}

static int opens_socket(int family, int type, int protocol)
{
	const int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd >= 0)
		close(fd);
	return worked(fd >= 0);
}

static int try_execve(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};

	return worked(execve("/bin/true", argv, argv + 1) == 0);
}

static int try_fork(void)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return worked(pid > 0);
}

static int try_ptrace(void)
{
	return worked(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
}
static int try_kill_parent(void)
{
	return worked(kill(getppid(), 0) == 0);
}
static int try_tgkill_parent(void)
{
	return worked(syscall(SYS_tgkill, getppid(), getppid(), 0) == 0);
}
static int try_dumpable(void)
{
	return worked(prctl(PR_SET_DUMPABLE, 1) == 0);
}
static int try_core(void)
{
	return worked(setrlimit(RLIMIT_CORE, &(struct rlimit){1 << 20, RLIM_INFINITY}) == 0);
}
static int try_packet_socket(void)
{
	return opens_socket(AF_PACKET, SOCK_DGRAM, 0);
}
static int try_vsock(void)
{
	return opens_socket(AF_VSOCK, SOCK_STREAM, 0);
}
static int try_audit_netlink(void)
{
	return opens_socket(AF_NETLINK, SOCK_RAW, 9);
}
static int try_listen(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int failed = worked(fd >= 0 && listen(fd, 1) == 0);

	close(fd);
	return failed;
}
static int try_setuid(void)
{
	return worked(syscall(SYS_setuid, 0) == 0);
}
static int try_mount(void)
{
	return worked(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL) == 0);
}
static int try_unshare(void)
{
	return worked(syscall(SYS_unshare, 0x10000000) == 0);
}
static int try_bpf(void)
{
	char attr[64] = {0};

	return worked(syscall(SYS_bpf, 0, attr, sizeof(attr)) >= 0);
}
static int try_userfaultfd(void)
{
	return worked(syscall(SYS_userfaultfd, 0) >= 0);
}
static int try_io_uring(void)
{
	char params[256] = {0};

	return worked(syscall(SYS_io_uring_setup, 1, params) >= 0);
}
static int try_keyctl(void)
{
	return worked(syscall(SYS_keyctl, 0, -3, 0) >= 0);
}
static int try_memory_of_parent(void)
{
	char byte;
	const struct iovec here = {&byte, 1};
	const struct iovec there = {&conf, 1};

	return worked(syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0) == 1);
}
static int try_cut_segment(void)
{
	return worked(ftruncate(shared_fd, 0) == 0);
}
static int try_cut_by_path(void)
{
	return worked(truncate(in_directory("segment"), 0) == 0);
}
static int try_cut_by_open(void)
{
	return open_as(in_directory("segment"), O_WRONLY | O_TRUNC);
}
static int try_punch(void)
{
	return worked(fallocate(shared_fd, 3, 0, 4096) == 0);
}
static int try_chmod(void)
{
	return worked(chmod(in_directory("segment"), 0777) == 0);
}
static int try_unlink(void)
{
	return worked(unlink(in_directory("segment")) == 0);
}
static int try_rename(void)
{
	return worked(rename(in_directory("segment"), "/tmp/cardkeep-t_sandbox") == 0);
}
static int try_read_secret(void)
{
	return open_as(in_directory("secret"), O_RDONLY);
}
static int try_write_secret(void)
{
	return open_as(in_directory("secret"), O_WRONLY);
}
static int try_make_file(void)
{
	return open_as(in_directory("new"), O_WRONLY | O_CREAT);
}
static int try_write_etc(void)
{
	return open_as("/etc/passwd", O_WRONLY);
}
static int try_open_memory(void)
{
	return open_as("/proc/self/mem", O_RDWR);
}
static int try_write_and_run(void)
{
	void *p = mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return worked(p != MAP_FAILED);
}
static int try_run_what_was_written(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return worked(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static int try_thread(void)
{
	pthread_t id;

	errno = pthread_create(&id, NULL, nothing, NULL);
	return errno != 0 ? errno : pthread_join(id, NULL);
}
static int try_memory(void)
{
	char *big = malloc(64 << 20);

	memset(big, 1, 64 << 20);
	big = realloc(big, 96 << 20);
	free(big);
	return 0;
}
static int try_names(void)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	const int failed = getaddrinfo("localhost", "5432", &hints, &found);

	if (found != NULL)
		freeaddrinfo(found);
	return failed;
}
static int try_user(void)
{
	return worked(getpwuid(0) != NULL);
}
static int try_unix_socket(void)
{
	return opens_socket(AF_UNIX, SOCK_STREAM, 0);
}
static int try_inet_socket(void)
{
	return opens_socket(AF_INET, SOCK_STREAM, 0);
}
static int try_route_netlink(void)
{
	return opens_socket(AF_NETLINK, SOCK_RAW, 0);
}
static int try_eventfd(void)
{
	const int fd = eventfd(0, EFD_CLOEXEC);

	close(fd);
	return worked(fd >= 0);
}
static int try_read_passwd(void)
{
	return open_as("/etc/passwd", O_RDONLY);
}
static int try_log(void)
{
	return open_as(conf.log_file, O_WRONLY | O_APPEND | O_CREAT);
}
static int try_descriptors(void)
{
	return worked(procfs_own_descriptors() > 0);
}
static int try_others_stat(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)getppid());
	return open_as(path, O_RDONLY);
}
static int try_raise(void)
{
	signal(SIGUSR1, SIG_IGN);
	return worked(raise(SIGUSR1) == 0);
}
static int try_print(void)
{
	FILE *out = fopen("/dev/null", "ae");

	return worked(out != NULL && fprintf(out, "%f\n", 1.5) > 0 && fclose(out) == 0);
}

enum {
	NO,
	YES,
	FILES /* refused where the kernel has Landlock */,
	CODE /* refused unless sanitized */
};

static const struct {
	const char *name;
	int (*attempt)(void);
	int worker;
	int status;
} attempts[] = {
#define TRY(name, worker, status)                 \
	{                                         \
#name, try_##name, worker, status \
	}
	TRY(execve, CODE, CODE),
	TRY(fork, CODE, CODE),
	TRY(ptrace, CODE, CODE),
	TRY(kill_parent, CODE, CODE),
	TRY(tgkill_parent, CODE, CODE),
	TRY(dumpable, CODE, CODE),
	TRY(core, CODE, CODE),
	TRY(packet_socket, NO, NO),
	TRY(vsock, NO, NO),
	TRY(audit_netlink, NO, NO),
	TRY(listen, NO, NO),
	TRY(setuid, NO, NO),
	TRY(mount, NO, NO),
	TRY(unshare, NO, NO),
	TRY(bpf, NO, NO),
	TRY(userfaultfd, NO, NO),
	TRY(io_uring, NO, NO),
	TRY(keyctl, NO, NO),
	TRY(memory_of_parent, CODE, CODE),
	TRY(cut_segment, NO, NO),
	TRY(cut_by_path, NO, NO),
	TRY(cut_by_open, NO, NO),
	TRY(punch, NO, NO),
	TRY(chmod, NO, NO),
	TRY(unlink, CODE, CODE),
	TRY(rename, NO, NO),
	TRY(read_secret, FILES, FILES),
	TRY(write_secret, FILES, FILES),
	TRY(make_file, FILES, FILES),
	TRY(write_etc, FILES, FILES),
	TRY(open_memory, FILES, FILES),
	TRY(write_and_run, CODE, CODE),
	TRY(run_what_was_written, CODE, CODE),
	TRY(thread, YES, YES),
	TRY(memory, YES, YES),
	TRY(names, YES, YES),
	TRY(user, YES, YES),
	TRY(unix_socket, YES, NO),
	TRY(inet_socket, YES, NO),
	TRY(route_netlink, YES, NO),
	TRY(eventfd, YES, YES),
	TRY(read_passwd, YES, YES),
	TRY(log, YES, YES),
	TRY(descriptors, YES, YES),
	TRY(others_stat, FILES, YES),
	TRY(raise, YES, YES),
	TRY(print, YES, YES),
};

/* ---- trying -------------------------------------------------------------------------------- */

static uint32_t everything(void)
{
	uint32_t parts = 1 << STATS_SANDBOX_NO_NEW_PRIVS | 1 << STATS_SANDBOX_SECCOMP;

	if (landlock_version() > 0)
		parts |= 1 << STATS_SANDBOX_LANDLOCK;
	return parts;
}

/* Its errno, or 200 when the process was not bound. By way of a pipe: an exit would run what the
 * sanitizers run. */
static int attempt_as(enum sandbox_profile profile, int (*attempt)(void))
{
	const uint32_t parts = everything();
	int ends[2];
	int said = 201;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		said = 200;
		sandbox_hide();
		if (sandbox_enter(profile, &conf) == parts) {
			errno = 0;
			said = attempt();
		}
		if (write(ends[1], &said, sizeof(said)) < 0)
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	/* One that ran another program, or died, said nothing. */
	if (read(ends[0], &said, sizeof(said)) != (ssize_t)sizeof(said))
		said = 0;
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return said;
}

static bool is_allowed(int expected)
{
	switch (expected) {
	case FILES:
		return landlock_version() == 0;
	case CODE:
		return SANITIZED != 0;
	default:
		return expected == YES;
	}
}

static void try_all(enum sandbox_profile profile)
{
	conf.sandbox = 1;
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		const int expected =
			profile == SANDBOX_WORKER ? attempts[i].worker : attempts[i].status;
		const int failed = attempt_as(profile, attempts[i].attempt);

		/* What sanitizers need may fail for other reasons. */
		if (expected == CODE && SANITIZED)
			continue;
		if ((failed == 0) != is_allowed(expected) || failed >= 200)
			fail_msg("%s: %d (%s)", attempts[i].name, failed, strerror(failed));
	}
}

static void a_worker_can_do_its_work_and_nothing_else(void **state)
{
	(void)state;
	try_all(SANDBOX_WORKER);
}

static void the_status_process_can_do_its_work_and_nothing_else(void **state)
{
	(void)state;
	try_all(SANDBOX_STATUS);
}

/* Each attempt must be one that works by itself, or its refusal would show nothing. */
static void what_is_refused_works_without_a_sandbox(void **state)
{
	static int (*const sure[])(void) = {try_execve, try_fork, try_ptrace, try_kill_parent,
		try_tgkill_parent, try_dumpable, try_listen, try_memory_of_parent, try_cut_by_open,
		try_chmod, try_read_secret, try_write_secret, try_make_file, try_open_memory,
		try_write_and_run, try_run_what_was_written, try_others_stat};

	(void)state;
	conf.sandbox = 0;
	for (size_t i = 0; i < ARRAY_LEN(sure); i++) {
		int status;
		const pid_t pid = fork();

		if (pid == 0) {
			MUST(sandbox_enter(SANDBOX_WORKER, &conf) == 0);
			_exit(sure[i]() == 0 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("attempt %zu does not work by itself", i);
	}
}

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL || mkdir(in_directory("log"), 0700) != 0)
		return -1;
	snprintf(conf.log_file, sizeof(conf.log_file), "%s/log/cardkeepd.log", directory);
	shared_fd = open(in_directory("segment"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return open_as(in_directory("secret"), O_WRONLY | O_CREAT);
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"segment", "secret", "new", "log/cardkeepd.log"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlink(in_directory(names[i]));
	(void)rmdir(in_directory("log"));
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused_works_without_a_sandbox),
		cmocka_unit_test(a_worker_can_do_its_work_and_nothing_else),
		cmocka_unit_test(the_status_process_can_do_its_work_and_nothing_else),
	};

	return cmocka_run_group_tests_name("sandbox", tests, make_directory, remove_directory);
}
