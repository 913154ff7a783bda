/*
 * The gateway to nginx: the only door to libfcgi.
 *
 * How a connection lives. fcgi_gather accepts it and puts it into the process's epoll set with
 * EPOLLONESHOT. When it has something to say, the kernel hands it to one epoll_wait and disarms it
 * in the same step, hang-ups included: from then on no other thread can be told of it. So the
 * thread that gathered it owns it alone, without a lock, and may close and free it; no event for
 * it can be on its way to anybody else. Re-arming is the last touch: after it, another thread may
 * own the connection already, and may even have freed it.
 *
 * What of libfcgi is used. A request is read and judged by http/record, within bounds; libfcgi, which
 * a peer's lengths can make abort, never sees a byte of a parameter or a body. It is told that a
 * request began, by the record that began it and an end of its parameters, 24 bytes through a pipe of
 * the gate: FCGX_Accept_r reads them from `ipcFd`, which is then set to the connection, for the
 * answer. `keepConnection` says that it may stay open; with `listen_sock` at -1 libfcgi fails where
 * it would otherwise wait for another connection. `detached` keeps its close from lingering up to two
 * seconds for the peer's. These members are marked private but have been stable for twenty years;
 * configure looks for them, and this file alone knows them. libfcgi has no timeouts: those are set on
 * the socket. It takes a short write for a whole one; but it writes 8 KiB at most, and a Unix
 * socket takes that whole or not at all when half its send buffer holds it (Linux gives 208 KiB).
 *
 * Who may speak to it. The socket is a Unix one with mode 0660, and every peer's user is checked
 * before a byte is read.
 *
 * Secrets. A request may hold a password or a token, an answer a new one: what was read, and libfcgi's
 * buffer for the answer, are wiped before their memory goes back.
 */
#include "config.h" /* _GNU_SOURCE: accept4, SO_PEERCRED */

#include "http/fcgi.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fastcgi.h>
#include <fcgiapp.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/record.h"

#define EVENTS_MAX      64 /* taken from the kernel at a time */
#define ACCEPTS_A_TURN  64 /* then others, and other processes, have a go */
#define ACCEPT_PAUSE_US (100 * CLOCK_MS)
#define LOOK_US         (10 * CLOCK_MS)
#define GRACE_US        (5 * CLOCK_MS) /* for others to take what a process with its share does not */
#define READ_BYTES      (16 * 1024)

struct fcgi_conn {
	struct fcgi_gate *gate;
	struct fcgi_conn *prev; /* these two: in the gate's list, guarded by its mutex */
	struct fcgi_conn *next;
	bool held; /* a thread has it in flight; guarded by the mutex as well */
	int fd;
	FCGX_Request fcgi;
	char *answer; /* libfcgi's buffer for the answer, while there is a request */
	size_t answer_bytes;
};

enum accept_state {
	ACCEPT_ON,     /* the listener is in the epoll set */
	ACCEPT_PAUSED, /* out of it until resume_us: short of descriptors, or holding back */
	ACCEPT_OFF,    /* out of it for good: draining */
};

struct fcgi_gate {
	int epoll_fd;
	int listen_fd;
	char watched; /* its address stands for whatever is watched */
	struct timeval io_timeout;
	uid_t *peers;
	size_t peer_count;
	bool (*counted)(void *arg, size_t connections);
	void *counted_arg;

	pthread_mutex_t
		relay_mutex; /* guards the pipe; nothing is locked or waited for while it is held */
	int relay[2];        /* read by libfcgi */

	pthread_mutex_t mutex; /* guards everything below; nothing is locked while it is held */
	struct fcgi_conn *conns;
	size_t conn_count;
	bool sated; /* has more than its share, when last counted */
	enum accept_state accept_state;
	int64_t resume_us;
	int64_t look_us;    /* when to look at the listener unasked */
	bool shortage_told; /* one log line a shortage, not ten a second */
};

/* ---- the gate -------------------------------------------------------------------------- */

/* The only place that moves the listener in and out of the epoll set. EPOLLEXCLUSIVE wakes one of
 * the processes that share it, not all; it cannot be combined with one-shot or modified. False,
 * with nothing changed, when the kernel has no room for one more watch. */
static bool set_accept_state(struct fcgi_gate *gate, enum accept_state state)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &gate->listen_fd};

	if (gate->accept_state == ACCEPT_ON && state != ACCEPT_ON)
		MUST_ZERO(epoll_ctl(gate->epoll_fd, EPOLL_CTL_DEL, gate->listen_fd, NULL));
	if (gate->accept_state != ACCEPT_ON && state == ACCEPT_ON &&
		epoll_ctl(gate->epoll_fd, EPOLL_CTL_ADD, gate->listen_fd, &event) != 0)
		return false;
	gate->accept_state = state;
	return true;
}

/* libfcgi installs handlers of its own when it starts. */
static void init_libfcgi(void)
{
	static const int signals[] = {SIGPIPE, SIGTERM, SIGUSR1};
	struct sigaction found[ARRAY_LEN(signals)];

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		MUST_ZERO(sigaction(signals[i], NULL, &found[i]));
	MUST_ZERO(FCGX_Init());
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		MUST_ZERO(sigaction(signals[i], &found[i], NULL));
}

struct fcgi_gate *fcgi_gate_new(int listen_fd, const struct fcgi_options *options)
{
	struct fcgi_gate *gate = mem_zero(sizeof(*gate));

	MUST(options->io_timeout_ms > 0);
	init_libfcgi();
	gate->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	MUST(gate->epoll_fd >= 0);
	gate->listen_fd = listen_fd;
	gate->io_timeout.tv_sec = options->io_timeout_ms / 1000;
	gate->io_timeout.tv_usec = options->io_timeout_ms % 1000 * 1000;
	gate->peers = mem_zero((options->peer_count + 1) * sizeof(*gate->peers));
	for (size_t i = 0; i < options->peer_count; i++)
		gate->peers[i] = options->peers[i];
	gate->peer_count = options->peer_count;
	gate->counted = options->counted;
	gate->counted_arg = options->counted_arg;
	MUST_ZERO(pthread_mutex_init(&gate->relay_mutex, NULL));
	MUST_ZERO(pipe2(gate->relay, O_CLOEXEC | O_NONBLOCK));
	MUST_ZERO(pthread_mutex_init(&gate->mutex, NULL));
	gate->accept_state = ACCEPT_PAUSED;
	MUST(set_accept_state(gate, ACCEPT_ON));
	return gate;
}

void fcgi_gate_free(struct fcgi_gate **gate_ptr)
{
	struct fcgi_gate *gate = *gate_ptr;

	if (gate == NULL)
		return;
	while (gate->conns != NULL)
		fcgi_close(gate->conns);
	close(gate->epoll_fd);
	close(gate->listen_fd);
	close(gate->relay[0]);
	close(gate->relay[1]);
	MUST_ZERO(pthread_mutex_destroy(&gate->relay_mutex));
	MUST_ZERO(pthread_mutex_destroy(&gate->mutex));
	free(gate->peers);
	free(gate);
	*gate_ptr = NULL;
}

void fcgi_gate_watch(struct fcgi_gate *gate, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &gate->watched};

	MUST_ZERO(epoll_ctl(gate->epoll_fd, EPOLL_CTL_ADD, fd, &event));
}

/* Asks nginx to close a connection that it keeps for later: an empty record of FCGI_STDERR, which
 * means nothing. On a connection at rest nginx takes any byte for a reason to close it; behind an
 * answer it takes the connection for one that cannot be kept; and when it has just put a request on
 * it, the record is the answer's harmless beginning. So no request is lost, whoever was first. */
static void ask_to_close(const struct fcgi_conn *conn)
{
	static const FCGI_Header nothing = {
		.version = FCGI_VERSION_1, .type = FCGI_STDERR, .requestIdB0 = 1};

	/* A peer that is gone, or that reads so slowly, need not be asked. */
	if (send(conn->fd, &nothing, sizeof(nothing), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

void fcgi_gate_drain(struct fcgi_gate *gate)
{
	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	(void)set_accept_state(gate, ACCEPT_OFF);
	for (const struct fcgi_conn *conn = gate->conns; conn != NULL; conn = conn->next)
		if (!conn->held)
			ask_to_close(conn);
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
}

size_t fcgi_gate_connections(struct fcgi_gate *gate)
{
	size_t count;

	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	count = gate->conn_count;
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
	return count;
}

/* ---- accepting ------------------------------------------------------------------------- */

/* Ends a pause, or goes on with it where the kernel has no room. */
static void resume_accepting(struct fcgi_gate *gate, int64_t now_us)
{
	if (!set_accept_state(gate, ACCEPT_ON))
		gate->resume_us = now_us + ACCEPT_PAUSE_US;
}

/* Tells the number of connections, and hears whether the next one is for others. */
static void recount(struct fcgi_gate *gate)
{
	gate->sated = gate->counted != NULL && gate->counted(gate->counted_arg, gate->conn_count);
}

/* With EPOLLEXCLUSIVE a connection wakes the first in the listener's queue who waits, and is noted for
 * those before it, who will see it when they next wait. A process that has its share goes to the end
 * of that queue, so that the others are woken, or know, before it. */
static void let_others_first(struct fcgi_gate *gate)
{
	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	if (gate->sated && gate->accept_state == ACCEPT_ON) {
		(void)set_accept_state(gate, ACCEPT_PAUSED);
		resume_accepting(gate, clock_mono_us());
	}
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
}

/* Whether a connection is left to the others for a moment, by a process that has its share and nothing
 * else to do: those before it in the queue are about to wait again. What is there when the moment is
 * over is taken, and for as long again nothing is left: nobody waits longer for them. */
static bool hold_back(struct fcgi_gate *gate)
{
	const int64_t now_us = clock_mono_us();
	bool held;

	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	recount(gate);
	held = gate->sated && gate->accept_state == ACCEPT_ON &&
	       now_us >= gate->resume_us + GRACE_US;
	if (held) {
		(void)set_accept_state(gate, ACCEPT_PAUSED);
		gate->resume_us = now_us + GRACE_US;
	}
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
	return held;
}

static void conn_enlist(struct fcgi_gate *gate, struct fcgi_conn *conn)
{
	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	conn->next = gate->conns;
	if (conn->next != NULL)
		conn->next->prev = conn;
	gate->conns = conn;
	gate->conn_count++;
	recount(gate);
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
}

/* Forgets a connection whose descriptor is closed already (which took it out of the epoll set). */
static void conn_forget(struct fcgi_conn *conn)
{
	struct fcgi_gate *gate = conn->gate;

	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		gate->conns = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	gate->conn_count--;
	recount(gate);
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
	free(conn);
}

static bool peer_welcome(const struct fcgi_gate *gate, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		log_warn("peer refused reason=\"%s\"", strerror(errno));
		return false;
	}
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	for (size_t i = 0; i < gate->peer_count; i++)
		if (peer.uid == gate->peers[i])
			return true;
	log_warn("peer refused uid=%lu pid=%ld", (unsigned long)peer.uid, (long)peer.pid);
	return false;
}

/* From now on a drain leaves the connection to whoever holds it: its record must not land amid an
 * answer. */
static void take_in_hand(struct fcgi_gate *gate, struct fcgi_conn *const *conns, int count)
{
	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	for (int i = 0; i < count; i++)
		conns[i]->held = true;
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
}

/* Takes an accepted descriptor in; 0, or the errno of a kernel that has no room for it. */
static int admit_peer(struct fcgi_gate *gate, int fd)
{
	const struct timeval *wait = &gate->io_timeout;
	struct fcgi_conn *conn = mem_zero(sizeof(*conn));
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = conn};

	MUST_ZERO(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, wait, sizeof(*wait)));
	MUST_ZERO(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, wait, sizeof(*wait)));
	MUST_ZERO(FCGX_InitRequest(&conn->fcgi, -1, 0));
	conn->gate = gate;
	conn->fd = fd;
	conn_enlist(gate, conn);
	if (epoll_ctl(gate->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		const int error = errno;

		take_in_hand(gate, &conn, 1);
		fcgi_close(conn);
		return error;
	}
	return 0;
}

/* Short of descriptors or kernel memory: the listener stays readable, so it leaves the set for a
 * moment rather than spin. Kept connections are served meanwhile, and make room. */
static void accept_pause(struct fcgi_gate *gate, int error)
{
	bool tell = false;

	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	if (gate->accept_state == ACCEPT_ON) {
		(void)set_accept_state(gate, ACCEPT_PAUSED);
		gate->resume_us = clock_mono_us() + ACCEPT_PAUSE_US;
		tell = !gate->shortage_told;
		gate->shortage_told = true;
	}
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
	if (tell)
		log_error("cannot accept connections, trying on reason=\"%s\"", strerror(error));
}

/* Whether more may follow: whatever the share where a turn is full (`busy`), or a rush would wait. */
static bool accept_worked(struct fcgi_gate *gate, bool busy)
{
	bool more;

	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	gate->shortage_told = false;
	more = gate->accept_state == ACCEPT_ON && (busy || !gate->sated);
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
	return more;
}

/* Whether the listener may be used; brings it back when its pause is over. *ret_resume_us is when
 * that will be, or INT64_MAX. */
static bool accept_allowed(struct fcgi_gate *gate, int64_t now_us, int64_t *ret_resume_us)
{
	bool paused;
	bool allowed;

	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	paused = gate->accept_state == ACCEPT_PAUSED;
	if (paused && now_us >= gate->resume_us)
		resume_accepting(gate, now_us);
	allowed = gate->accept_state == ACCEPT_ON;
	*ret_resume_us = paused && !allowed ? gate->resume_us : INT64_MAX;
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
	return allowed;
}

/* One waiting connection; false when there is no use in going on. */
static bool accept_one(struct fcgi_gate *gate, bool busy)
{
	int fd = accept4(gate->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	int error = fd < 0 ? errno : 0;

	if (error == EAGAIN || error == EWOULDBLOCK)
		return false;
	if (error == EINTR || error == ECONNABORTED)
		return true;
	if (error == 0 && !peer_welcome(gate, fd)) {
		close(fd);
		return true;
	}
	if (error == 0)
		error = admit_peer(gate, fd);
	if (error != 0) {
		accept_pause(gate, error);
		return false;
	}
	return accept_worked(gate, busy);
}

/* An event of the listener may reach a thread just after another one began to drain. */
static void accept_some(struct fcgi_gate *gate, bool busy)
{
	int64_t resume_us;

	if (!accept_allowed(gate, clock_mono_us(), &resume_us))
		return;
	for (int taken = 1; taken <= ACCEPTS_A_TURN && accept_one(gate, busy); taken++)
		;
	let_others_first(gate);
}

/* A process that is stopped or hangs may be the one that the kernel woke, and then the only one. And
 * the kernel tells of the listener only once it has told of every connection that is ready, which under
 * load takes many turns. So every process looks now and then, asked or not. */
static void look_at_listener(struct fcgi_gate *gate, int64_t now_us, bool busy)
{
	bool due;

	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	due = now_us >= gate->look_us;
	if (due)
		gate->look_us = now_us + LOOK_US;
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
	if (due)
		accept_some(gate, busy);
}

/* ---- gathering ------------------------------------------------------------------------- */

/* How many events one wait takes; as many tell that there may be more than a turn can serve. */
static int room(size_t max)
{
	return max < EVENTS_MAX ? (int)max : EVENTS_MAX;
}

/* One wait. Connections found, or -1 when a signal ended it. */
static int gather_once(struct fcgi_gate *gate, struct fcgi_conn **conns, size_t max, int timeout_ms,
	bool *ret_woken)
{
	struct epoll_event events[EVENTS_MAX];
	const int n = epoll_wait(gate->epoll_fd, events, room(max), timeout_ms);
	bool waits = false;
	int count = 0;

	MUST(n >= 0 || errno == EINTR);
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == &gate->listen_fd)
			waits = true;
		else if (events[i].data.ptr == &gate->watched)
			*ret_woken = true;
		else
			conns[count++] = events[i].data.ptr;
	}
	if (count > 0)
		take_in_hand(gate, conns, count);
	if (waits && (count > 0 || !hold_back(gate)))
		accept_some(gate, n == room(max));
	return count;
}

size_t fcgi_gather(struct fcgi_gate *gate, struct fcgi_conn **conns, size_t max, int timeout_ms,
	bool *ret_woken)
{
	int64_t now_us = clock_mono_us();
	const int64_t due_us = timeout_ms < 0 ? INT64_MAX : now_us + timeout_ms * CLOCK_MS;
	int count;

	MUST(max > 0);
	*ret_woken = false;
	do {
		int64_t resume_us;

		(void)accept_allowed(gate, now_us, &resume_us);
		count = gather_once(gate, conns, max,
			clock_wait_ms(now_us, resume_us < due_us ? resume_us : due_us), ret_woken);
		now_us = clock_mono_us();
		look_at_listener(gate, now_us, count == room(max));
	} while (count == 0 && !*ret_woken && now_us < due_us);
	return count < 0 ? 0 : (size_t)count;
}

/* ---- one request ----------------------------------------------------------------------- */

void fcgi_close(struct fcgi_conn *conn)
{
	conn->fcgi.ipcFd = conn->fd;
	conn->fcgi.detached = 1;
	FCGX_Free(&conn->fcgi, 1);
	conn_forget(conn);
}

static const char *lookup_param(void *source, const char *name, size_t nth)
{
	return record_param(source, name, nth);
}

/* All records of a request, also of a body beyond the limit, so that the next request on this
 * connection starts where it should. NULL, or why it is nonsense; "" for a peer that is gone or
 * stalls, in all for no longer than it may pause. */
static const char *receive(const struct fcgi_conn *conn, struct record_reader *reader)
{
	const int64_t due_us = clock_mono_us() + conn->gate->io_timeout.tv_sec * CLOCK_S +
			       conn->gate->io_timeout.tv_usec;
	enum record_state state = RECORD_MORE;
	const char *wrong = NULL;
	char piece[READ_BYTES];
	size_t dirty = 0;

	while (state == RECORD_MORE && wrong == NULL) {
		const ssize_t n = read(conn->fd, piece, sizeof(piece));

		if (n <= 0) {
			wrong = "";
			break;
		}
		dirty = (size_t)n > dirty ? (size_t)n : dirty;
		state = record_feed(reader, piece, (size_t)n, &wrong);
		if (state == RECORD_MORE && clock_mono_us() >= due_us)
			wrong = "it took too long to come";
	}
	explicit_bzero(piece, dirty);
	return wrong;
}

/* Tells libfcgi that a request began, and where its answer goes. What it reads is 24 bytes that are
 * there, so it neither waits nor fails. */
static void begin_answer(struct fcgi_conn *conn, const struct record_reader *reader)
{
	struct fcgi_gate *gate = conn->gate;
	unsigned char bytes[RECORD_BEGIN_BYTES + RECORD_HEADER_BYTES];
	const FCGI_Header end = {.version = FCGI_VERSION_1,
		.type = FCGI_PARAMS,
		.requestIdB1 = reader->begin[2],
		.requestIdB0 = reader->begin[3]};
	FCGX_Stream *out;

	memcpy(bytes, reader->begin, RECORD_BEGIN_BYTES);
	memcpy(bytes + RECORD_BEGIN_BYTES, &end, sizeof(end));
	conn->fcgi.keepConnection = 1;
	conn->fcgi.detached = 1;
	conn->fcgi.ipcFd = gate->relay[0];
	MUST_ZERO(pthread_mutex_lock(&gate->relay_mutex));
	MUST(write(gate->relay[1], bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
	MUST_ZERO(FCGX_Accept_r(&conn->fcgi));
	MUST_ZERO(pthread_mutex_unlock(&gate->relay_mutex));
	conn->fcgi.ipcFd = conn->fd;
	/* Nothing is in it yet but the room for a header. */
	out = conn->fcgi.out;
	conn->answer = (char *)out->wrNext - sizeof(FCGI_Header);
	conn->answer_bytes = (size_t)((char *)out->stop - conn->answer);
}

/* NULL, or why the request is nonsense; "" for a peer that is gone, which is nobody's fault. */
static const char *read_request(
	struct fcgi_conn *conn, struct mem_arena *arena, struct request *ret_request)
{
	struct request request = {.body = ""};
	struct record_reader reader;
	const char *wrong;

	record_init(&reader, REQUEST_BODY_MAX);
	wrong = receive(conn, &reader);
	if (wrong == NULL)
		wrong = request_fill(&request, arena, lookup_param, &reader, reader.body_bytes);
	if (wrong == NULL) {
		request.body_too_large = reader.body_bytes > REQUEST_BODY_MAX;
		request.body_len = reader.body.len;
		if (reader.body.len > 0)
			request.body = mem_arena_copy(arena, reader.body.data, reader.body.len);
		begin_answer(conn, &reader);
		*ret_request = request;
	}
	record_fini(&reader);
	return wrong;
}

bool fcgi_read(struct fcgi_conn *conn, struct mem_arena *arena, struct request *ret_request)
{
	const char *wrong = read_request(conn, arena, ret_request);

	if (wrong == NULL)
		return true;
	if (*wrong != '\0')
		log_warn("request refused reason=\"%s\"", wrong);
	fcgi_close(conn);
	return false;
}

/* The last touch. ThreadSanitizer knows that ADD hands over what was written before it, but not
 * that MOD does; for the kernel both do, and MOD is one call where the others are two. */
static void rearm(int epoll_fd, int fd, struct epoll_event *event)
{
#ifdef __SANITIZE_THREAD__
	MUST_ZERO(epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL));
	MUST_ZERO(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, event));
#else
	MUST_ZERO(epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, event));
#endif
}

/* What the holder does last of all to a connection that stays. */
static void let_go(struct fcgi_conn *conn)
{
	struct fcgi_gate *gate = conn->gate;

	MUST_ZERO(pthread_mutex_lock(&gate->mutex));
	if (gate->accept_state == ACCEPT_OFF)
		ask_to_close(conn);
	conn->held = false;
	MUST_ZERO(pthread_mutex_unlock(&gate->mutex));
}

/* Ends the request, and re-arms the connection or forgets it. */
static void give_back(struct fcgi_conn *conn)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = conn};

	/* What it would do itself, but its buffer is still there then. */
	(void)FCGX_FClose(conn->fcgi.err);
	(void)FCGX_FClose(conn->fcgi.out);
	explicit_bzero(conn->answer, conn->answer_bytes);
	FCGX_Finish_r(&conn->fcgi);
	if (conn->fcgi.ipcFd < 0) {
		conn_forget(conn);
		return;
	}
	let_go(conn);
	rearm(conn->gate->epoll_fd, conn->fd, &event);
}

void fcgi_reply(struct fcgi_conn *conn, const struct request *request, const struct reply *reply)
{
	struct buf out = {.secret = true};

	reply_render(reply, request->id_text, request->method == REQUEST_HEAD, &out);
	MUST(out.len < INT32_MAX);
	/* After a failed write libfcgi would still try to write its closing records, and wait for
	 * the peer once more. */
	if (FCGX_PutStr(out.data, (int)out.len, conn->fcgi.out) < 0)
		shutdown(conn->fd, SHUT_RDWR);
	buf_free(&out);
	give_back(conn);
}
