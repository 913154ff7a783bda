/*
 * The configuration: an INI file, overridden key by key by the environment.
 *
 * `conf_load` fills a caller-owned struct; after that it is read-only and may be shared by all
 * threads. The keys, their defaults and bounds stand once, in conf.def.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

#define CONF_TEXT_BYTES  1024 /* longest text value, with its NUL */
#define CONF_PLACE_BYTES 1024 /* likewise the path of a file */

/* How many keys there are. */
enum {
#define CONF_TEXT(name, preset, help)                CONF_COUNTS_##name,
#define CONF_NUMBER(name, preset, least, most, help) CONF_COUNTS_##name,
#include "catalog/conf.def"
#undef CONF_TEXT
#undef CONF_NUMBER
	CONF_KEYS,
};

struct conf {
#define CONF_TEXT(name, preset, help)                char name[CONF_TEXT_BYTES];
#define CONF_NUMBER(name, preset, least, most, help) long name;
#include "catalog/conf.def"
#undef CONF_TEXT
#undef CONF_NUMBER
	/* Where each key was set, in conf.def's order: its line in the file, 0: nowhere, -1: in the
	 * environment. See conf_where. */
	int lines[CONF_KEYS];
};

enum conf_status {
	CONF_OK,
	CONF_UNREADABLE, /* the file cannot be opened: exit status 77 (EX_NOPERM) */
	CONF_INVALID,    /* a key or value is wrong: exit status 78 (EX_CONFIG) */
};

/* Called for each CARDKEEP_ variable that is no key: not an error, as a parent may have set it. */
typedef void conf_warn_fn(const char *variable);

/* Defaults, then the file at `path` (NULL: none; a missing file is CONF_UNREADABLE), then the
 * environment `env` (as environ; NULL: none). On failure `why`, of `why_size` bytes, is one line
 * that names file, line and key (or the variable), and *ret_conf is untouched. */
MUST_CHECK enum conf_status conf_load(const char *path, char *const *env, conf_warn_fn *warn,
	struct conf *ret_conf, char *why, size_t why_size);

/* Whether there is no file at `path`. False where that cannot be told, as for a directory that may not
 * be entered, or where a link leads nowhere: then conf_load says so. */
bool conf_absent(const char *path);

/* Who is to blame for the value of `key`, before what is wrong with it: "PATH:LINE: KEY", the variable,
 * or the key alone where it is the default. */
void conf_where(
	const struct conf *conf, const char *path, const char *key, char *ret_text, size_t size);

/* Where a file of the service lies, in CONF_PLACE_BYTES at `ret_path`: the key `given`, or where
 * that is empty the file `name` beside the service's socket. */
void conf_place(const struct conf *conf, const char *given, const char *name, char *ret_path);

/* Writes the keys with defaults, bounds and help to stdout, for --help and the man page. */
void conf_print_keys(void);

#endif
