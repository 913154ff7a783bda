/* The configuration as the pool uses it: the keys, and what they name on this machine, looked up. */
#include "config.h" /* _GNU_SOURCE: sched_getaffinity */

#include "proc/settings.h"

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "proc/supervisor.h"

extern char **environ;

static void warn_unknown(const char *variable)
{
	log_warn("unknown environment variable name=%s", variable);
}

static bool find_group(struct settings *settings, char *why, size_t why_size)
{
	const char *name = settings->conf.socket_group;
	const struct group *group;

	settings->group = (gid_t)-1;
	if (name[0] == '\0')
		return true;
	group = getgrnam(name);
	if (group == NULL) {
		snprintf(why, why_size, "socket_group: no group %s", name);
		return false;
	}
	settings->group = group->gr_gid;
	return true;
}

static bool find_peers(struct settings *settings, char *why, size_t why_size)
{
	char *names = mem_strdup(settings->conf.allowed_peers);
	char *save = NULL;
	bool found = true;

	for (char *name = strtok_r(names, " ,", &save); name != NULL && found;
		name = strtok_r(NULL, " ,", &save)) {
		const struct passwd *user = getpwnam(name);

		found = user != NULL && settings->peer_count < SETTINGS_PEERS_MAX;
		if (found)
			settings->peers[settings->peer_count++] = user->pw_uid;
		else
			snprintf(why, why_size, "allowed_peers: %s %s", name,
				user == NULL ? "is no user" : "is one too many");
	}
	free(names);
	return found;
}

/* Where a process may run, which in a container is less than what the machine has. */
static size_t cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < SUPERVISOR_WORKERS_MAX ? (size_t)n : SUPERVISOR_WORKERS_MAX;
}

/* Their texts were checked when they were read. */
static void read_rules(struct settings *settings)
{
	const struct conf *conf = &settings->conf;
#define ALERT(id, name, kind, key, summary) \
	MUST(rule_parse(conf->key, &settings->rules[STATS_ALERT_##id]));
#include "stats/alert.def"
}

enum conf_status settings_load(const struct settings_source *source, struct settings *ret_settings,
	char *why, size_t why_size)
{
	const bool absent = source->optional && access(source->path, F_OK) != 0;
	struct settings settings = {0};
	const struct conf *conf = &settings.conf;
	enum conf_status status = conf_load(
		absent ? NULL : source->path, environ, warn_unknown, &settings.conf, why, why_size);

	if (status != CONF_OK)
		return status;
	if (!find_group(&settings, why, why_size) || !find_peers(&settings, why, why_size))
		return CONF_INVALID;
	read_rules(&settings);
	MUST(log_level_parse(conf->log_level, &settings.log_level));
	settings.workers = conf->workers > 0 ? (size_t)conf->workers : cores();
	conf_place(conf, conf->status_listen, "status.sock", settings.status_listen);
	conf_place(conf, conf->segment, "segment", settings.segment);
	*ret_settings = settings;
	return CONF_OK;
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
