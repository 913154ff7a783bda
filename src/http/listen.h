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
 * 4096. A stale socket there is replaced, a live one is not. -1 with `why` on failure.
 */
MUST_CHECK int listen_unix(const char *path, gid_t gid, char *why, size_t why_size);

#endif
