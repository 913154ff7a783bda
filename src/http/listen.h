/*
 * A listening Unix socket, for the requests of nginx and for the status pages alike. For one process
 * at a time; the caller owns the descriptor.
 */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

#include "base/must.h"

/*
 * Binds a Unix stream socket at `path` (mode 0660, group `gid` unless (gid_t)-1) with a backlog of
 * 4096. A stale socket there is replaced, a live one is not, however many are started at a time: one
 * after the other looks, as long as they may lock the directory. -1 with `why` on failure.
 */
MUST_CHECK int listen_unix(const char *path, gid_t gid, char *why, size_t why_size);

/* Which file a socket is, so that another's at the same path is told from it. Good as long as the socket
 * is open: until then no other file gets its number. */
struct listen_mark {
	dev_t device;
	ino_t inode; /* 0: none */
};

struct listen_mark listen_mark(const char *path);
/* Removes what is at `path` where it is still that socket. Before the socket is closed. */
void listen_remove(const char *path, const struct listen_mark *mark);

#endif
