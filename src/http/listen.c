/*
 * A listening Unix socket: bound where a stale one may lie, and open to nobody before its group is
 * right.
 */
#include "config.h" /* _GNU_SOURCE: SOCK_CLOEXEC, lchown */

#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define BACKLOG        4096
#define LOCK_WAIT_US   (2 * CLOCK_S) /* for the directory, in all tries together */
#define LOCK_PAUSE_MS  10
#define TAKEN_TRIES    10 /* half a second */
#define TAKEN_PAUSE_MS 50

static const char taken[] = "a running service listens there";

static void pause_ms(long ms)
{
	const struct timespec pause = {.tv_nsec = ms * 1000000L};

	(void)nanosleep(&pause, NULL);
}

/* 1 when somebody accepts connections there, 0 when nobody does (or nothing is there), else -1. */
static int probe(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failed = 0;

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		failed = errno;
	close(fd);
	if (failed == 0 || failed == EAGAIN)
		return 1;
	errno = failed;
	return failed == ECONNREFUSED || failed == ENOENT ? 0 : -1;
}

/* Removes a stale socket; NULL when the way is free, else what is in it. */
static const char *clear_way(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (!S_ISSOCK(st.st_mode))
		return "something that is no socket is there";
	switch (probe(address)) {
	case 1:
		return taken;
	case 0:
		return unlink(address->sun_path) == 0 || errno == ENOENT ? NULL : strerror(errno);
	default:
		return strerror(errno);
	}
}

/* The mode is set on the unbound socket first, so that it is never open to more than its owner
 * before its group is right, whatever the umask. */
static const char *bind_and_listen(int fd, const struct sockaddr_un *address, gid_t gid)
{
	if (fchmod(fd, 0600) != 0 ||
		bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		return strerror(errno);
	if ((gid != (gid_t)-1 && lchown(address->sun_path, (uid_t)-1, gid) != 0) ||
		chmod(address->sun_path, 0660) != 0 || listen(fd, BACKLOG) != 0) {
		const char *wrong = strerror(errno);

		unlink(address->sun_path);
		return wrong;
	}
	return NULL;
}

/* The directory, locked: between a look and a socket that listens there is a moment in which another
 * one that starts would take it for stale. -1 where that cannot be; whoever holds the lock for ever, does
 * not hold us up beyond `until_us`. Closing it lets go. */
static int lock_directory(const char *path, int64_t until_us)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (clock_mono_us() >= until_us) {
			close(fd);
			return -1;
		}
		pause_ms(LOCK_PAUSE_MS);
	}
	return fd;
}

/* Takes the place; NULL with *ret_fd, else what is in the way. */
static const char *take_place(const struct sockaddr_un *address, gid_t gid, int *ret_fd)
{
	const char *wrong = clear_way(address);
	int fd;

	if (wrong != NULL)
		return wrong;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return strerror(errno);
	wrong = bind_and_listen(fd, address, gid);
	if (wrong == NULL)
		*ret_fd = fd;
	else
		close(fd);
	return wrong;
}

/* The same with the directory locked. */
static const char *take_place_alone(
	const struct sockaddr_un *address, gid_t gid, int64_t until_us, int *ret_fd)
{
	const int lock = lock_directory(address->sun_path, until_us);
	const char *wrong = take_place(address, gid, ret_fd);

	if (lock >= 0)
		close(lock);
	return wrong;
}

int listen_unix(const char *path, gid_t gid, char *why, size_t why_size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int64_t until_us = clock_mono_us() + LOCK_WAIT_US;
	const char *wrong;
	int fd = -1;

	if (*path == '\0' || strlen(path) >= sizeof(address.sun_path)) {
		snprintf(why, why_size, "%s: a socket's path has 1 to %zu bytes", path,
			sizeof(address.sun_path) - 1);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	wrong = take_place_alone(&address, gid, until_us, &fd);
	/* Workers of a service that was killed a moment ago may have the socket open yet. */
	for (int i = 1; wrong == taken && i < TAKEN_TRIES; i++) {
		pause_ms(TAKEN_PAUSE_MS);
		wrong = take_place_alone(&address, gid, until_us, &fd);
	}
	if (wrong != NULL)
		snprintf(why, why_size, "%s: %s", path, wrong);
	return fd;
}

struct listen_mark listen_mark(const char *path)
{
	struct listen_mark mark = {0};
	struct stat st;

	if (lstat(path, &st) == 0)
		mark = (struct listen_mark){st.st_dev, st.st_ino};
	return mark;
}

void listen_remove(const char *path, const struct listen_mark *mark)
{
	const struct listen_mark there = listen_mark(path);

	if (mark->inode != 0 && there.inode == mark->inode && there.device == mark->device)
		(void)unlink(path);
}
