/*
 * The configuration as the service uses it: the keys, and what they name on this machine, looked up.
 *
 * It is loaded as one thing or refused as one thing: at the start, for -t and at a reload alike.
 */
#ifndef PROC_SETTINGS_H
#define PROC_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/rule.h"
#include "stats/metrics.h"

#define SETTINGS_PEERS_MAX 16

struct settings {
	struct conf conf;
	enum log_level log_level;
	struct rule rules[STATS_ALERT_COUNT];
	size_t workers;    /* the key, or the number of cores where that is 0 */
	gid_t group;       /* of the sockets; (gid_t)-1: the process's own */
	size_t peer_count; /* the users of allowed_peers */
	uid_t peers[SETTINGS_PEERS_MAX];
	char status_listen[CONF_PLACE_BYTES]; /* the key, or status.sock beside `listen` */
	char segment[CONF_PLACE_BYTES];       /* the key, or segment beside `listen` */
};

struct settings_source {
	const char *path;
	bool optional; /* no file there is no mistake */
};

/* Reads the file and the environment, and looks whether what they name could be used: connection strings,
 * groups, users, places, programs. As conf_load: on failure `why` is one line that names file, line and
 * key, and *ret_settings is untouched. */
MUST_CHECK enum conf_status settings_load(const struct settings_source *source,
	struct settings *ret_settings, char *why, size_t why_size);

/* Whether the log files are there and may be written, or could be made, by whoever asks; nothing is made.
 * False with one line in `why`, that names file, line and key. */
MUST_CHECK bool settings_can_log(const struct settings_source *source,
	const struct settings *settings, char *why, size_t why_size);

/* Whether the sockets and the segment could be made where they are to lie, by whoever asks. False with one
 * line in `why`. */
MUST_CHECK bool settings_can_start(const struct settings_source *source,
	const struct settings *settings, char *why, size_t why_size);

/* Puts what only a restart can change back to what is in force, `old`, and logs each such key. */
void settings_keep_fixed(struct settings *settings, const struct settings *old);

#endif
