/* The configuration as the service uses it: the keys, and what they name on this machine, looked up. */
#include "config.h" /* _GNU_SOURCE: sched_getaffinity */

#include "proc/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/hosts.h"
#include "proc/role.h"

/* Where the one line goes that says what is wrong, and of which file it speaks. */
struct complaint {
	const char *path;
	char *why;
	size_t size;
};

extern char **environ;

static void warn_unknown(const char *variable)
{
	log_warn("unknown environment variable name=%s", variable);
}

/* "FILE:LINE: KEY: ..." */
PRINTF_LIKE(4, 5)
static bool blame(const struct settings *settings, const char *key, struct complaint *complaint,
	const char *fmt, ...)
{
	char where[CONF_TEXT_BYTES];
	char what[CONF_TEXT_BYTES];
	va_list ap;

	conf_where(&settings->conf, complaint->path, key, where, sizeof(where));
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(complaint->why, complaint->size, "%s: %s", where, what);
	return false;
}

static bool find_group(struct settings *settings, struct complaint *complaint)
{
	const char *name = settings->conf.socket_group;
	const struct group *group;

	settings->group = (gid_t)-1;
	if (name[0] == '\0')
		return true;
	group = getgrnam(name);
	if (group == NULL)
		return blame(settings, "socket_group", complaint, "there is no group '%s'", name);
	settings->group = group->gr_gid;
	return true;
}

static bool find_peers(struct settings *settings, struct complaint *complaint)
{
	char *names = mem_strdup(settings->conf.allowed_peers);
	char *save = NULL;
	bool found = true;

	for (char *name = strtok_r(names, " ,", &save); name != NULL && found;
		name = strtok_r(NULL, " ,", &save)) {
		const struct passwd *user = getpwnam(name);

		if (user == NULL)
			found = blame(settings, "allowed_peers", complaint, "there is no user '%s'",
				name);
		else if (settings->peer_count == SETTINGS_PEERS_MAX)
			found = blame(settings, "allowed_peers", complaint, "more than %d users",
				SETTINGS_PEERS_MAX);
		else
			settings->peers[settings->peer_count++] = user->pw_uid;
	}
	free(names);
	return found;
}

/* ---- what the keys name ---------------------------------------------------------------------- */

static bool check_database(const struct settings *settings, const char *key, const char *text,
	struct complaint *complaint)
{
	char why[256];

	if (text[0] == '\0' || hosts_check(text, why, sizeof(why)))
		return true;
	return blame(settings, key, complaint, "%s", why);
}

/* Sockets' paths end at 107 bytes. */
static bool check_socket(const struct settings *settings, const char *key, const char *path,
	struct complaint *complaint)
{
	const size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (strlen(path) <= most)
		return true;
	return blame(
		settings, key, complaint, "a socket's path has at most %zu bytes: %s", most, path);
}

/* The key that says where the status process listens: `listen`, where it says nothing itself. */
static const char *status_key(const struct settings *settings)
{
	return settings->conf.status_listen[0] != '\0' ? "status_listen" : "listen";
}

static bool check_apart(const struct settings *settings, struct complaint *complaint)
{
	const char *listen = settings->conf.listen;

	if (strcmp(settings->status_listen, listen) == 0)
		return blame(settings, status_key(settings), complaint,
			"%s is where nginx reaches the service, and the status process another",
			listen);
	if (strcmp(settings->segment, listen) == 0 ||
		strcmp(settings->segment, settings->status_listen) == 0)
		return blame(settings, "segment", complaint, "%s is a socket's place",
			settings->segment);
	return true;
}

/* Whether something can be made there. */
static bool check_directory(const struct settings *settings, const char *key, const char *path,
	struct complaint *complaint)
{
	const char *slash = strrchr(path, '/');
	char directory[CONF_PLACE_BYTES];

	snprintf(directory, sizeof(directory), "%.*s", slash != NULL ? (int)(slash - path) + 1 : 0,
		path);
	if (faccessat(AT_FDCWD, slash != NULL ? directory : ".", W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	return blame(settings, key, complaint, "%s: %s", path, strerror(errno));
}

/* Whether the file can be appended to, or made. It is not made: whoever only looks may be another user. */
static bool check_log(const struct settings *settings, const char *key, const char *path,
	struct complaint *complaint)
{
	struct stat st;

	if (path[0] == '\0')
		return true;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		errno = EISDIR;
	else if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
		return true;
	if (errno != ENOENT)
		return blame(settings, key, complaint, "%s: %s", path, strerror(errno));
	return check_directory(settings, key, path, complaint);
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* As execvp finds it. */
static bool program_exists(const char *name)
{
	const char *path = getenv("PATH");
	char *places = mem_strdup(path != NULL ? path : "/bin:/usr/bin");
	char *save = NULL;
	bool found = strchr(name, '/') != NULL && is_program(name);

	if (strchr(name, '/') == NULL)
		for (char *place = strtok_r(places, ":", &save); place != NULL && !found;
			place = strtok_r(NULL, ":", &save)) {
			char file[PATH_MAX];

			snprintf(file, sizeof(file), "%s/%s", place, name);
			found = is_program(file);
		}
	free(places);
	return found;
}

static bool check_command(const struct settings *settings, struct complaint *complaint)
{
	char *words = mem_strdup(settings->conf.alert_command);
	char *save = NULL;
	const char *program = strtok_r(words, " \t", &save);
	bool found = program == NULL || program_exists(program);

	if (!found)
		(void)blame(
			settings, "alert_command", complaint, "there is no program '%s'", program);
	free(words);
	return found;
}

/* What would only be noticed when it is used. */
static bool check(const struct settings *settings, struct complaint *complaint)
{
	const struct conf *conf = &settings->conf;

	return check_database(settings, "database", conf->database, complaint) &&
	       check_database(settings, "admin_database", conf->admin_database, complaint) &&
	       check_socket(settings, "listen", conf->listen, complaint) &&
	       check_socket(settings, status_key(settings), settings->status_listen, complaint) &&
	       check_apart(settings, complaint) && check_command(settings, complaint);
}

/* Where a process may run, which in a container is less than what the machine has. */
static size_t cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < ROLE_PROCESSES_MAX ? (size_t)n : ROLE_PROCESSES_MAX;
}

/* Their texts were checked when they were read. */
static void read_rules(struct settings *settings)
{
	const struct conf *conf = &settings->conf;
#define ALERT(id, name, kind, key, summary) \
	MUST(rule_parse(conf->key, &settings->rules[STATS_ALERT_##id]));
#include "catalog/alerts.def"
}

enum conf_status settings_load(const struct settings_source *source, struct settings *ret_settings,
	char *why, size_t why_size)
{
	const bool absent = source->optional && conf_absent(source->path);
	struct complaint complaint = {source->path, why, why_size};
	struct settings settings = {0};
	const struct conf *conf = &settings.conf;
	enum conf_status status = conf_load(
		absent ? NULL : source->path, environ, warn_unknown, &settings.conf, why, why_size);

	if (status != CONF_OK)
		return status;
	conf_place(conf, conf->status_listen, "status.sock", settings.status_listen);
	conf_place(conf, conf->segment, "segment", settings.segment);
	if (!find_group(&settings, &complaint) || !find_peers(&settings, &complaint) ||
		!check(&settings, &complaint))
		return CONF_INVALID;
	read_rules(&settings);
	MUST(log_level_parse(conf->log_level, &settings.log_level));
	settings.workers = conf->workers > 0 ? (size_t)conf->workers : cores();
	*ret_settings = settings;
	return CONF_OK;
}

/* ---- what a start would make ----------------------------------------------------------------- */

bool settings_can_log(const struct settings_source *source, const struct settings *settings,
	char *why, size_t why_size)
{
	struct complaint complaint = {source->path, why, why_size};
	const struct conf *conf = &settings->conf;

	return check_log(settings, "log_file", conf->log_file, &complaint) &&
	       check_log(settings, "security_log", conf->security_log, &complaint);
}

bool settings_can_start(const struct settings_source *source, const struct settings *settings,
	char *why, size_t why_size)
{
	struct complaint complaint = {source->path, why, why_size};

	return check_directory(settings, "listen", settings->conf.listen, &complaint) &&
	       check_directory(
		       settings, status_key(settings), settings->status_listen, &complaint) &&
	       check_directory(settings, settings->conf.segment[0] != '\0' ? "segment" : "listen",
		       settings->segment, &complaint);
}

/* ---- what only a restart can change ---------------------------------------------------------- */

static void keep_text(const char *key, char *text, const char *old, size_t size)
{
	if (strcmp(text, old) == 0)
		return;
	log_warn("changing this needs a restart key=%s", key);
	snprintf(text, size, "%s", old);
}

static void keep_number(const char *key, long *number, long old)
{
	if (*number == old)
		return;
	log_warn("changing this needs a restart key=%s in_force=%ld wanted=%ld", key, old, *number);
	*number = old;
}

void settings_keep_fixed(struct settings *settings, const struct settings *old)
{
	struct conf *conf = &settings->conf;
	long workers = (long)settings->workers;

	keep_text("listen", conf->listen, old->conf.listen, sizeof(conf->listen));
	keep_text("socket_group", conf->socket_group, old->conf.socket_group,
		sizeof(conf->socket_group));
	keep_text("status_listen", settings->status_listen, old->status_listen,
		sizeof(settings->status_listen));
	keep_text("segment", settings->segment, old->segment, sizeof(settings->segment));
	keep_text("disk_path", conf->disk_path, old->conf.disk_path, sizeof(conf->disk_path));
	keep_number("workers", &workers, (long)old->workers);
	keep_number("sandbox", &conf->sandbox, old->conf.sandbox);
	keep_number("threads", &conf->threads, old->conf.threads);
	keep_number("slow_threads", &conf->slow_threads, old->conf.slow_threads);
	settings->workers = (size_t)workers;
	settings->group = old->group;
}
