/*
 * Landlock: rules for files, by the kernel's own numbers.
 *
 * libc has no functions for it, and the header of the kernel that this was built on may know less
 * than the kernel that runs it. So rights of later versions stand here by their number, and are asked
 * for where the running kernel says that it knows them.
 */
#include "config.h" /* _GNU_SOURCE: O_PATH */

#include "proc/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/places.h"

#define READS       (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES      (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

/* Numbers are the kernel's: rights by the version that brought them. */
#define FIRST_RIGHTS ((UINT64_C(1) << 13) - 1)
static const struct {
	int version;
	uint64_t right;
} later_rights[] = {
	{2, UINT64_C(1) << 13}, /* to link and rename across directories */
	{3, UINT64_C(1) << 14}, /* to cut files short */
	{5, UINT64_C(1) << 15}, /* ioctl on devices */
};

#define NET_VERSION   4
#define NET_BIND_TCP  (UINT64_C(1) << 0)
#define SCOPE_VERSION 6
#define SCOPE_SIGNAL  (UINT64_C(1) << 1) /* to processes outside, the supervisor among them */

/* As the kernel has it now; an older one wants it shorter. */
struct ruleset {
	uint64_t files;
	uint64_t net;
	uint64_t scoped;
};

int landlock_version(void)
{
	const long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

static int ruleset_new(void)
{
	const int version = landlock_version();
	struct ruleset ruleset = {.files = FIRST_RIGHTS};
	size_t bytes = sizeof(ruleset.files);

	for (size_t i = 0; i < ARRAY_LEN(later_rights); i++)
		if (version >= later_rights[i].version)
			ruleset.files |= later_rights[i].right;
	if (version >= NET_VERSION) {
		ruleset.net = NET_BIND_TCP;
		bytes = offsetof(struct ruleset, scoped);
	}
	if (version >= SCOPE_VERSION) {
		ruleset.scoped = SCOPE_SIGNAL;
		bytes = sizeof(ruleset);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &ruleset, bytes, 0);
}

/* ---- rules --------------------------------------------------------------------------------- */

/* Allows `rights` at `path` and below it. What is not there cannot be opened either way. */
static bool allow(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights};
	struct stat st;
	bool done;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return true;
	/* A file has no directory's rights. */
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FILE_RIGHTS;
	done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return done;
}

/* The same for the directory that a file lies in. */
static bool allow_around(int ruleset, const char *path, uint64_t rights)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (slash == NULL)
		return allow(ruleset, ".", rights);
	/* The root directory keeps its slash. */
	if ((size_t)snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path),
		    path) >= sizeof(dir))
		return true;
	return allow(ruleset, dir, rights);
}

static bool allow_log(int ruleset, const char *path)
{
	return path[0] == '\0' || allow_around(ruleset, path, WRITES);
}

/* Name servers may be named where a link leads. */
static bool allow_behind(int ruleset, const char *link)
{
	char path[PATH_MAX];

	return realpath(link, path) == NULL || allow_around(ruleset, path, READS);
}

/* ---- profiles ------------------------------------------------------------------------------ */

/* Programs' data, and how this machine is set up: users, hosts, certificates. */
static const char *const common_reads[] = {"/usr", "/lib", "/lib32", "/lib64", "/etc",
	"/dev/urandom", "/dev/random", "/sys/devices/system/cpu", "/proc/sys"};

/* Where daemons that know users and hosts leave what they know. */
static const char *const name_reads[] = {
	"/run/nscd", "/run/systemd/resolve", "/var/cache/nscd", "/var/lib/sss", "/proc/self"};

static bool allow_reads(int ruleset, const char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!allow(ruleset, paths[i], READS))
			return false;
	return true;
}

struct places {
	int ruleset;
	bool done;
};

static void allow_place(void *arg, const char *path)
{
	struct places *places = arg;

	places->done = places->done && allow_around(places->ruleset, path, READS);
}

static bool rules_of_worker(int ruleset, const struct conf *conf)
{
	struct places places = {ruleset, true};

	places_tell(conf->database, allow_place, &places);
	return places.done && allow_log(ruleset, conf->security_log) &&
	       allow_reads(ruleset, name_reads, ARRAY_LEN(name_reads)) &&
	       allow_behind(ruleset, "/etc/resolv.conf");
}

/* How much of the machine each process of the service takes. */
static bool rules_of_status(int ruleset, const struct conf *conf)
{
	(void)conf;
	return allow(ruleset, "/proc", READS);
}

/* Takes the rules of a profile together and binds by them. */
static bool bind_by(const struct conf *conf, bool (*rules)(int, const struct conf *))
{
	const int ruleset = ruleset_new();
	bool done;
	int error;

	if (ruleset < 0)
		return false;
	done = allow_reads(ruleset, common_reads, ARRAY_LEN(common_reads)) &&
	       allow(ruleset, "/dev/null", READS | WRITES) && allow_log(ruleset, conf->log_file) &&
	       rules(ruleset, conf) && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	error = errno;
	close(ruleset);
	errno = error;
	return done;
}

bool landlock_worker(const struct conf *conf)
{
	return bind_by(conf, rules_of_worker);
}

bool landlock_status(const struct conf *conf)
{
	return bind_by(conf, rules_of_status);
}
