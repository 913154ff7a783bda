/*
 * The servers that a connection string names, one by one, as libpq reads them.
 *
 * libpq tries them in turn by itself, but with one thread that it blocks for names, and with no limit
 * of time for each where one does not wait in it. So db/dial tries each by itself, and asks here
 * which there are. Pure but for the environment and the service file, which libpq looks at.
 */
#ifndef DB_HOSTS_H
#define DB_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

#define HOSTS_MAX 32

/* Texts that live as long as their list. */
struct host {
	const char *
		name; /* a name, an address, or the directory of a Unix socket; "" as libpq has it */
	const char *address; /* given, so that no name is looked up; "" where none is */
	const char *port;
};

struct hosts;

/* NULL, with one line in `why` of `why_size` bytes, where libpq would refuse the string. */
MUST_CHECK struct hosts *hosts_new(const char *conninfo, char *why, size_t why_size);
/* Accepts NULL. */
void hosts_free(struct hosts **hosts);
size_t hosts_count(const struct hosts *hosts); /* 1 to HOSTS_MAX */
const struct host *hosts_at(const struct hosts *hosts, size_t at);

/* Whether its name has to be looked up: not for a Unix socket, nor where there is an address. */
bool host_wants_address(const struct host *host);

/* Whether a connection could be made by this string: what hosts_new looks at, and what libpq looks at
 * only when it connects. Without talking to anybody. False with one line in `why`. */
MUST_CHECK bool hosts_check(const char *conninfo, char *why, size_t why_size);

#endif
