/*
 * Where lines go that nobody waits for: a descriptor whose reader may stand still, or be gone.
 *
 * A log must cost its service nothing but lines, so no call here waits for a reader. How that is had
 * depends on what the descriptor is, and on who else holds it: O_NONBLOCK belongs to what was opened, not
 * to the descriptor, so on one that was inherited it would be set for whoever started us as well.
 *
 *   SINK_FILE     write(2). A disk is not waited for by its reader's leave.
 *   SINK_OWN      a pipe or a terminal, opened by ourselves and non-blocking
 *   SINK_SOCKET   send(2) has a flag for the one call
 *   SINK_SPLICED  a pipe that another user made and does not let us open: splice(2) has such a flag too,
 *                 and takes from a pipe of ours
 *   SINK_POLLED   another user's terminal, which has to do with a look before
 *
 * Lines are not torn by that: anything but a file is given whole lines of at most PIPE_BUF bytes in all,
 * which a pipe takes as they are or not at all. The caller ignores SIGPIPE and SIGXFSZ. Thread-safe.
 */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

enum sink_way {
	SINK_FILE,
	SINK_OWN,
	SINK_SOCKET,
	SINK_SPLICED,
	SINK_POLLED,
};

/* Opens the file or pipe at `path` to append lines to, created with mode 0640, without waiting for
 * anything. -1 with `why`: it cannot be opened, or is a pipe that nobody reads. The caller closes it. */
MUST_CHECK int sink_open(const char *path, char *why, size_t why_size);

/* How to write to the descriptor. One that can be opened anew is replaced by that, in one step and
 * under its number; a pipe gets room for a burst. */
MUST_CHECK enum sink_way sink_look(int fd);

/* Writes whole lines. Returns how many of them were lost; *torn is set where a part of the first of those
 * was written all the same, as on a full disk, and is left alone elsewhere. */
MUST_CHECK size_t sink_put(int fd, enum sink_way way, const char *lines, size_t len, bool *torn);

/* How many lines end in these bytes. */
size_t sink_count(const char *bytes, size_t len);

#endif
