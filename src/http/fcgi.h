/*
 * The gateway to nginx: the only door to libfcgi.
 *
 * FCGX_Accept_r accepts and reads in one blocking step, which pins a thread to an idle kept
 * connection (measured: tails of seconds, and starvation). So the accept loop is ours: one epoll
 * set for the process holds the listening socket and every idle connection; a connection that has
 * something to say is handed to one thread, which reads one request from it through libfcgi,
 * answers, and gives it back. Kept connections cost no thread.
 *
 * A gate is shared by all threads of a process. A connection belongs to the thread that gathered
 * it until fcgi_reply or fcgi_close.
 */
#ifndef HTTP_FCGI_H
#define HTTP_FCGI_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "http/reply.h"
#include "http/request.h"

struct fcgi_gate;
struct fcgi_conn;

struct fcgi_options {
	const uid_t *peers; /* who may connect besides root and the process's own user */
	size_t peer_count;
	long io_timeout_ms; /* a peer that sends or takes nothing for this long is cut off */
	/* Told the number of connections when one comes or goes; true lets the other processes that
	 * listen be woken first for the next one. Called under the gate's lock, so it must be quick and must
	 * not call the gate. NULL: all are welcome. */
	bool (*counted)(void *counted_arg, size_t connections);
	void *counted_arg;
};

/* Calls FCGX_Init, so: once a process, before its threads. Signals are handled as before; the process has
 * to ignore SIGPIPE, as a peer may hang up at any time. The gate closes listen_fd when freed. */
MUST_CHECK struct fcgi_gate *fcgi_gate_new(int listen_fd, const struct fcgi_options *options);
void fcgi_gate_free(struct fcgi_gate **gate);
/* Lets fcgi_gather wake up for a descriptor that is not a connection (an eventfd): level-triggered;
 * the caller reads it empty. There may be several, of which it is not told apart who is. */
void fcgi_gate_watch(struct fcgi_gate *gate, int fd);
/* Stops accepting, and asks nginx to close what it keeps, now and after each answer. Connections
 * live on until it does: a draining worker never closes first, or a request that nginx just put on
 * a kept connection would be lost. */
void fcgi_gate_drain(struct fcgi_gate *gate);
/* Connections open now, gathered ones included. */
size_t fcgi_gate_connections(struct fcgi_gate *gate);

/*
 * Accepts what waits, and returns up to `max` connections with something to read, waiting at most
 * timeout_ms (-1: for ever) for the first. *ret_woken says whether the watched descriptor is
 * readable. A signal ends the wait early with 0.
 */
size_t fcgi_gather(struct fcgi_gate *gate, struct fcgi_conn **conns, size_t max, int timeout_ms,
	bool *ret_woken);

/*
 * Reads one request. False when the peer closed, stalled past the I/O timeout or spoke nonsense:
 * the connection is closed and gone then. Blocks at most for the I/O timeout each time the peer
 * pauses, in practice not at all: nginx sends a request in one go. A request that misses what nginx
 * always sends (a request id, a method, a URI), or whose CONTENT_LENGTH contradicts what came,
 * counts as nonsense; a warning in the log says what it was.
 */
MUST_CHECK bool fcgi_read(
	struct fcgi_conn *conn, struct mem_arena *arena, struct request *ret_request);

/* Writes the answer to the request last read, ends that request and gives the connection back to
 * the gate (or closes it where the peer is gone; nobody is there to be told). */
void fcgi_reply(struct fcgi_conn *conn, const struct request *request, const struct reply *reply);

/* Closes a gathered connection without an answer (shutdown only: nginx answers 502 for it). */
void fcgi_close(struct fcgi_conn *conn);

#endif
