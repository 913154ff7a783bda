/* Lines for a reader that nobody waits for. */
#include "config.h" /* _GNU_SOURCE: splice, pipe2, memrchr, F_SETPIPE_SZ */

#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_BYTES (1 << 20) /* what anybody may give a pipe, unless the machine says otherwise */

/* ---- opening --------------------------------------------------------------------------------- */

int sink_open(const char *path, char *why, size_t why_size)
{
	const int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	if (fd < 0)
		snprintf(why, why_size, "%s: %s", path,
			errno == ENXIO ? "it is a pipe that nobody reads, or a socket"
				       : strerror(errno));
	return fd;
}

/* The same thing, opened by us alone; false where we may not. */
static bool open_anew(int fd)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (own < 0)
		return false;
	MUST(dup2(own, fd) == fd);
	close(own);
	return true;
}

enum sink_way sink_look(int fd)
{
	struct stat st;
	bool is_pipe;

	if (fstat(fd, &st) != 0)
		return SINK_FILE;
	if (S_ISSOCK(st.st_mode))
		return SINK_SOCKET;
	is_pipe = S_ISFIFO(st.st_mode);
	if (!is_pipe && isatty(fd) == 0)
		return SINK_FILE;
	if (is_pipe)
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	/* One that is non-blocking already may be its starter's, who can change his mind. */
	if (open_anew(fd) || (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0)
		return SINK_OWN;
	return is_pipe ? SINK_SPLICED : SINK_POLLED;
}

/* ---- a pipe that is another user's ----------------------------------------------------------- */

/* Empty but for the piece in passing, which `lock` guards. Each process has its own: after a fork the
 * numbers are the parent's. */
static struct {
	pthread_mutex_t lock;
	int ends[2]; /* to read, to write; -1: not made yet */
} carrier = {.lock = PTHREAD_MUTEX_INITIALIZER, .ends = {-1, -1}};

static void forget_carrier(void)
{
	carrier.ends[0] = carrier.ends[1] = -1;
	MUST_ZERO(pthread_mutex_init(&carrier.lock, NULL));
}

static void tend_carrier(void)
{
	MUST_ZERO(pthread_atfork(NULL, NULL, forget_carrier));
}

static bool have_carrier(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	MUST_ZERO(pthread_once(&once, tend_carrier));
	return carrier.ends[0] >= 0 || pipe2(carrier.ends, O_CLOEXEC | O_NONBLOCK) == 0;
}

static void close_carrier(void)
{
	close(carrier.ends[0]);
	close(carrier.ends[1]);
	carrier.ends[0] = carrier.ends[1] = -1;
}

/* A piece is one page of the carrier, and moves as a whole. What does not is taken out again. */
static ssize_t carry(int fd, const char *bytes, size_t len)
{
	char rest[PIPE_BUF];
	ssize_t moved = -1;

	MUST_ZERO(pthread_mutex_lock(&carrier.lock));
	if (have_carrier() && write(carrier.ends[1], bytes, len) == (ssize_t)len) {
		moved = splice(carrier.ends[0], NULL, fd, NULL, len, SPLICE_F_NONBLOCK);
		if (moved != (ssize_t)len && read(carrier.ends[0], rest, sizeof(rest)) <= 0)
			close_carrier();
	}
	MUST_ZERO(pthread_mutex_unlock(&carrier.lock));
	return moved;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool takes_more(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLOUT};

	return poll(&look, 1, 0) == 1 && (look.revents & POLLOUT) != 0;
}

static ssize_t put_piece(int fd, enum sink_way way, const char *bytes, size_t len)
{
	switch (way) {
	case SINK_SOCKET:
		return send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case SINK_SPLICED:
		return carry(fd, bytes, len);
	case SINK_POLLED:
		return takes_more(fd) ? write(fd, bytes, len) : -1;
	default:
		return write(fd, bytes, len);
	}
}

/* The bytes of as many whole lines as go into one piece. */
static size_t piece_bytes(enum sink_way way, const char *lines, size_t len)
{
	const char *end;

	if (way == SINK_FILE || len <= PIPE_BUF)
		return len;
	end = memrchr(lines, '\n', PIPE_BUF);
	return end != NULL ? (size_t)(end - lines) + 1 : PIPE_BUF;
}

size_t sink_count(const char *bytes, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += bytes[i] == '\n';
	return count;
}

size_t sink_put(int fd, enum sink_way way, const char *lines, size_t len, bool *torn)
{
	while (len > 0) {
		const size_t piece = piece_bytes(way, lines, len);
		const ssize_t put = put_piece(fd, way, lines, piece);
		const size_t done = put > 0 ? (size_t)put : 0;

		if (done < piece) {
			*torn = *torn || (done > 0 && lines[done - 1] != '\n');
			return sink_count(lines + done, len - done);
		}
		lines += piece;
		len -= piece;
	}
	return 0;
}
