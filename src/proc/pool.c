/* The pool: the supervisor as a process. */
#include "config.h" /* _GNU_SOURCE */

#include "proc/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/text.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/listen.h"
#include "proc/alarms.h"
#include "proc/audit.h"
#include "proc/disk.h"
#include "proc/logfile.h"
#include "proc/notify.h"
#include "proc/sandbox.h"
#include "proc/signals.h"
#include "proc/spawn.h"
#include "proc/statusd.h"
#include "proc/supervisor.h"
#include "proc/title.h"
#include "proc/worker.h"
#include "stats/history.h"
#include "stats/procfs.h"
#include "stats/segment.h"
#include "stats/snapshot.h"
#include "stats/window.h"

#define BEAT_US CLOCK_S /* so often the supervisor says that it lives */

/* The process in one slot. */
struct member {
	struct child child;
	bool stalled;  /* it said so before it aborted */
	bool too_slow; /* killed because it did not become ready */
	bool asked;    /* to end */
};

struct pool {
	const struct settings_source *source;
	struct settings settings;
	struct segment *segment;
	struct window *window;   /* of the segment; the status process starts with a copy */
	struct history *history; /* likewise */
	struct tries *tries;     /* wrong passwords; shared with the workers */
	struct alarms *alarms;
	struct disk disk;
	int listen_fds[ROLE_COUNT];
	struct listen_mark marks[ROLE_COUNT]; /* of those sockets that are ours to remove */
	int signal_fd;
	int64_t beat_due_us;
	int64_t watchdog_us; /* between two words to systemd's watchdog */
	int64_t watchdog_due_us;
	bool ended;
	struct supervisor supervisor;
	struct member members[ROLE_COUNT][SUPERVISOR_SLOTS_MAX];
};

static child_main_fn *const mains[] = {[ROLE_WORKER] = worker_main, [ROLE_STATUS] = statusd_main};

/* ---- opening --------------------------------------------------------------------------------- */

static const char *socket_path(const struct pool *pool, enum role role)
{
	return role == ROLE_WORKER ? pool->settings.conf.listen : pool->settings.status_listen;
}

static bool open_socket(
	struct pool *pool, enum role role, const char *name, char *why, size_t why_size)
{
	pool->listen_fds[role] = notify_socket(name);
	if (pool->listen_fds[role] >= 0) {
		log_info("socket handed over name=%s", name);
		return true;
	}
	pool->listen_fds[role] =
		listen_unix(socket_path(pool, role), pool->settings.group, why, why_size);
	if (pool->listen_fds[role] < 0)
		return false;
	pool->marks[role] = listen_mark(socket_path(pool, role));
	return true;
}

static bool open_segment(struct pool *pool, char *why, size_t why_size)
{
	const struct segment_shape shape = {
		.workers = (uint32_t)pool->settings.workers,
		.processes = (uint32_t)(2 * pool->settings.workers),
		.threads =
			(uint32_t)(pool->settings.conf.threads + pool->settings.conf.slow_threads),
		.slow_threads = (uint32_t)pool->settings.conf.slow_threads,
		.version = PACKAGE_VERSION,
	};
	enum segment_status status = segment_create(pool->settings.segment, &shape, &pool->segment);

	if (status == SEGMENT_OK)
		return true;
	snprintf(why, why_size, "%s: %s", pool->settings.segment,
		status == SEGMENT_IO ? strerror(errno) : segment_status_text(status));
	return false;
}

/* The workers write it; where they could not, nobody would notice before it is wanted. */
static bool try_audit(const struct pool *pool, char *why, size_t why_size)
{
	struct audit *audit;

	why[0] = '\0';
	audit = audit_new(pool->settings.conf.security_log, pool->tries, why, why_size);
	audit_free(&audit);
	return why[0] == '\0';
}

/* The log last: until then whoever starts the service is told what is wrong. */
static bool open_all(struct pool *pool, char *why, size_t why_size)
{
	return open_socket(pool, ROLE_WORKER, "app", why, why_size) &&
	       open_socket(pool, ROLE_STATUS, "status", why, why_size) &&
	       open_segment(pool, why, why_size) && try_audit(pool, why, why_size) &&
	       disk_try(pool->settings.conf.disk_path, why, why_size) &&
	       logfile_open(pool->settings.conf.log_file, why, why_size);
}

static struct window *new_window(const struct conf *conf)
{
	const int64_t lengths_us[WINDOW_COUNT] = {
		[WINDOW_SHORT] = conf->window_short_s * CLOCK_S,
		[WINDOW_MAIN] = conf->window_s * CLOCK_S,
		[WINDOW_LONG] = conf->window_long_s * CLOCK_S,
	};

	return window_new(lengths_us);
}

struct pool *pool_new(const struct settings_source *source, const struct settings *settings,
	char *why, size_t why_size)
{
	struct pool *pool = mem_zero(sizeof(*pool));

	pool->source = source;
	pool->settings = *settings;
	pool->signal_fd = -1;
	pool->window = new_window(&settings->conf);
	pool->history = history_new();
	pool->tries = tries_new();
	for (enum role role = 0; role < ROLE_COUNT; role++)
		pool->listen_fds[role] = -1;
	if (open_all(pool, why, why_size))
		pool->alarms = alarms_new(pool->segment);
	else
		pool_free(&pool);
	return pool;
}

void pool_free(struct pool **ptr)
{
	struct pool *pool = *ptr;

	if (pool == NULL)
		return;
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		listen_remove(socket_path(pool, role), &pool->marks[role]);
		if (pool->listen_fds[role] >= 0)
			close(pool->listen_fds[role]);
	}
	if (pool->signal_fd >= 0)
		close(pool->signal_fd);
	alarms_free(&pool->alarms);
	window_free(&pool->window);
	history_free(&pool->history);
	tries_free(&pool->tries);
	segment_close(&pool->segment);
	free(pool);
	*ptr = NULL;
}

/* By its configuration one service is told from another, where the number of its process was lost. */
static void set_title(const struct pool *pool, const char *what)
{
	title_set("supervisor (%s)%s", pool->source->path, what);
}

/* ---- doing what was decided ------------------------------------------------------------------ */

static void happened(struct pool *pool, struct supervisor_event event);

/* The segment's supervisor block, after anything in it changed. */
static void publish(struct pool *pool)
{
	int32_t status_pid = 0;

	for (size_t i = 0; i < SUPERVISOR_SLOTS_MAX; i++) {
		const struct slot *slot = &pool->supervisor.crews[ROLE_STATUS].slots[i];

		if (slot->state == SLOT_STARTING || slot->state == SLOT_READY)
			status_pid = pool->members[ROLE_STATUS][i].child.pid;
	}
	segment_supervisor_set(pool->segment, getpid(), status_pid, pool->supervisor.generation);
}

static void start(struct pool *pool, const struct supervisor_action *action)
{
	struct member *member = &pool->members[action->role][action->slot];
	struct inherit inherit = {
		.settings = &pool->settings,
		.segment = pool->segment,
		.window = pool->window,
		.history = pool->history,
		.tries = pool->tries,
		.role = action->role,
		.slot = action->slot,
		.generation = action->generation,
		.listen_fd = pool->listen_fds[action->role],
	};

	*member = (struct member){.child.news_fd = -1};
	if (action->role == ROLE_WORKER)
		segment_worker_start(
			pool->segment, action->slot, action->generation, clock_mono_us());
	if (!spawn(inherit, mains[action->role], &member->child)) {
		log_error("cannot start a process role=%s slot=%zu error=\"%s\"",
			role_name(action->role), action->slot, strerror(errno));
		happened(pool, (struct supervisor_event){EVENT_EXITED, action->role, action->slot});
		return;
	}
	if (action->role == ROLE_WORKER)
		segment_worker_pid(pool->segment, action->slot, member->child.pid);
	log_info("started role=%s slot=%zu child=%d generation=%u", role_name(action->role),
		action->slot, (int)member->child.pid, action->generation);
}

/* It cannot be another's pid: only we reap it. */
static void pass_on(struct pool *pool, const struct supervisor_action *action, int sig)
{
	const struct member *member = &pool->members[action->role][action->slot];

	if (member->child.pid != 0)
		MUST_ZERO(kill(member->child.pid, sig));
}

static void end(struct pool *pool, const struct supervisor_action *action, int sig)
{
	struct member *member = &pool->members[action->role][action->slot];

	if (member->child.pid == 0)
		return;
	log_info("ending role=%s slot=%zu child=%d signal=%d reason=\"%s\"",
		role_name(action->role), action->slot, (int)member->child.pid, sig, action->why);
	member->too_slow = sig == SIGKILL && !member->asked;
	member->asked = true;
	if (action->role == ROLE_WORKER)
		segment_worker_state(pool->segment, action->slot, STATS_WORKER_DRAINING);
	pass_on(pool, action, sig);
}

static void carry_out(struct pool *pool, const struct supervisor_action *action)
{
	switch (action->kind) {
	case ACTION_START:
		start(pool, action);
		break;
	case ACTION_TERM:
		end(pool, action, SIGTERM);
		break;
	case ACTION_KILL:
		end(pool, action, SIGKILL);
		break;
	case ACTION_REOPEN:
		pass_on(pool, action, SIGUSR1);
		break;
	case ACTION_LEVEL:
		pass_on(pool, action, SIGUSR2);
		break;
	case ACTION_TELL_READY:
		log_info("ready workers=%zu generation=%u", pool->settings.workers,
			pool->supervisor.generation);
		notify_ready();
		break;
	case ACTION_TELL_STOPPING:
		set_title(pool, " stopping");
		notify_stopping();
		break;
	case ACTION_END:
		pool->ended = true;
		break;
	}
}

static void happened(struct pool *pool, struct supervisor_event event)
{
	struct supervisor_actions actions;

	supervisor_step(&pool->supervisor, event, clock_mono_us(), &actions);
	for (size_t i = 0; i < actions.count; i++)
		carry_out(pool, &actions.list[i]);
	if (actions.count > 0)
		publish(pool);
}

/* ---- what happens: children ------------------------------------------------------------------ */

static void hear(struct pool *pool, enum role role, size_t slot)
{
	struct member *member = &pool->members[role][slot];
	enum news news;

	while (member->child.pid != 0 && spawn_hear(&member->child, &news)) {
		if (news == NEWS_STALLED)
			member->stalled = true;
		if (news != NEWS_READY)
			continue;
		if (role == ROLE_WORKER && !member->asked)
			segment_worker_state(pool->segment, slot, STATS_WORKER_READY);
		happened(pool, (struct supervisor_event){EVENT_READY, role, slot});
	}
}

/* Why it has to be replaced. */
static enum stats_restart restart_reason(const struct member *member, int status)
{
	if (member->stalled || member->too_slow)
		return STATS_RESTART_STALLED;
	if (member->asked)
		return STATS_RESTART_RELOAD;
	if (!WIFSIGNALED(status))
		return STATS_RESTART_EXIT;
	return WTERMSIG(status) == SIGKILL ? STATS_RESTART_KILLED : STATS_RESTART_CRASH;
}

/* `reason` is why it has to be replaced; NULL when it has not. */
static void log_end(
	const struct member *member, enum role role, size_t slot, int status, const char *reason)
{
	const bool signaled = WIFSIGNALED(status);
	const bool expected = !signaled && (member->asked || reason == NULL);

	log_write(expected ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		"ended role=%s slot=%zu child=%d %s=%d reason=%s", role_name(role), slot,
		(int)member->child.pid, signaled ? "signal" : "status",
		signaled ? WTERMSIG(status) : WEXITSTATUS(status),
		reason != NULL ? reason : "stop");
}

static void bury(struct pool *pool, enum role role, size_t slot, int status)
{
	struct member *member = &pool->members[role][slot];
	const bool serving = pool->supervisor.state == SUPERVISOR_SERVING;
	enum stats_restart restart;

	/* What it said last came before its end, and may be the reason. */
	hear(pool, role, slot);
	restart = restart_reason(member, status);
	log_end(member, role, slot, status,
		serving ? metrics_value(STATS_LABEL_RESTART, restart) : NULL);
	if (role == ROLE_WORKER) {
		segment_worker_end(pool->segment, slot);
		if (serving)
			segment_worker_restart(pool->segment, slot, restart);
		segment_worker_free(pool->segment, slot);
	}
	spawn_forget(&member->child);
	happened(pool, (struct supervisor_event){EVENT_EXITED, role, slot});
}

static bool find_member(const struct pool *pool, pid_t pid, enum role *ret_role, size_t *ret_slot)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		for (size_t i = 0; i < SUPERVISOR_SLOTS_MAX; i++) {
			if (pool->members[role][i].child.pid == pid) {
				*ret_role = role;
				*ret_slot = i;
				return true;
			}
		}
	}
	return false;
}

static void reap(struct pool *pool)
{
	enum role role;
	size_t slot;
	int status;
	pid_t pid;

	while ((pid = spawn_reap(&status)) != 0)
		if (!alarms_reaped(pool->alarms, pid, status) &&
			find_member(pool, pid, &role, &slot))
			bury(pool, role, slot, status);
}

/* ---- what happens: signals ------------------------------------------------------------------- */

static void reopen_log(const struct pool *pool)
{
	char why[512];

	if (!logfile_open(pool->settings.conf.log_file, why, sizeof(why)))
		log_error("cannot open the log anew error=%s", LOG_QUOTED(why));
}

/* Of every process: those that start inherit it, the others look when they are told to. */
static void set_level(struct pool *pool, enum log_level level)
{
	log_set_level(level);
	segment_log_level_set(pool->segment, level);
}

/* To debug, and back to what is configured (which may be debug itself). */
static void turn_level(struct pool *pool)
{
	const enum log_level configured = pool->settings.log_level;
	enum log_level level = LOG_LEVEL_DEBUG;

	if (log_level() == LOG_LEVEL_DEBUG)
		level = configured != LOG_LEVEL_DEBUG ? configured : LOG_LEVEL_INFO;
	set_level(pool, level);
	log_warn("log level set level=%s", log_level_name(level));
	happened(pool, (struct supervisor_event){.kind = EVENT_LEVEL});
}

/* Windows of another length begin anew: what the old ones kept is no measure for them. */
static void adopt_windows(struct pool *pool, const struct conf *conf)
{
	const struct conf *old = &pool->settings.conf;

	if (conf->window_short_s == old->window_short_s && conf->window_s == old->window_s &&
		conf->window_long_s == old->window_long_s)
		return;
	window_free(&pool->window);
	pool->window = new_window(conf);
}

/* Takes the new configuration; the processes that follow start with it. */
static void adopt(struct pool *pool, struct settings *settings)
{
	settings_keep_fixed(settings, &pool->settings);
	adopt_windows(pool, &settings->conf);
	pool->settings = *settings;
	set_level(pool, settings->log_level);
	reopen_log(pool);
	supervisor_set_drain(&pool->supervisor, settings->conf.drain_ms * CLOCK_MS);
	happened(pool, (struct supervisor_event){.kind = EVENT_RELOAD});
	log_info("reloaded generation=%u", pool->supervisor.generation);
}

static void reload(struct pool *pool)
{
	struct settings settings;
	char why[512];

	if (pool->supervisor.state != SUPERVISOR_SERVING)
		return;
	notify_reloading();
	if (settings_load(pool->source, &settings, why, sizeof(why)) == CONF_OK &&
		settings_can_log(pool->source, &settings, why, sizeof(why))) {
		adopt(pool, &settings);
		return;
	}
	log_error("reload refused, the configuration in force stays error=%s", LOG_QUOTED(why));
	notify_ready();
}

static void take_signal(struct pool *pool, int sig)
{
	switch (sig) {
	case SIGCHLD:
		reap(pool);
		break;
	case SIGHUP:
		reload(pool);
		break;
	case SIGUSR1:
		reopen_log(pool);
		happened(pool, (struct supervisor_event){.kind = EVENT_REOPEN});
		break;
	case SIGUSR2:
		turn_level(pool);
		break;
	default:
		log_info("stopping signal=%d", sig);
		happened(pool, (struct supervisor_event){.kind = EVENT_STOP});
	}
}

static void take_signals(struct pool *pool)
{
	struct signalfd_siginfo info;

	while (read(pool->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take_signal(pool, (int)info.ssi_signo);
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* Somebody waits for the answer of those that start; the others' is heard when they end. */
static size_t listen_to(const struct pool *pool, struct pollfd *fds)
{
	size_t count = 0;

	fds[count++] = (struct pollfd){.fd = pool->signal_fd, .events = POLLIN};
	for (enum role role = 0; role < ROLE_COUNT; role++)
		for (size_t i = 0; i < pool->supervisor.crews[role].slot_count; i++)
			if (pool->supervisor.crews[role].slots[i].state == SLOT_STARTING)
				fds[count++] =
					(struct pollfd){.fd = pool->members[role][i].child.news_fd,
						.events = POLLIN};
	return count;
}

static void hear_all(struct pool *pool)
{
	for (enum role role = 0; role < ROLE_COUNT; role++)
		for (size_t i = 0; i < pool->supervisor.crews[role].slot_count; i++)
			if (pool->supervisor.crews[role].slots[i].state == SLOT_STARTING)
				hear(pool, role, i);
}

/* Until when it may sleep. */
static int wait_ms(const struct pool *pool, int64_t now_us)
{
	int64_t due_us = supervisor_due_us(&pool->supervisor);

	if (pool->beat_due_us < due_us)
		due_us = pool->beat_due_us;
	if (pool->watchdog_due_us < due_us)
		due_us = pool->watchdog_due_us;
	return clock_wait_ms(now_us, due_us);
}

static void feed_watchdog(struct pool *pool, int64_t now_us)
{
	if (now_us < pool->watchdog_due_us)
		return;
	notify_watchdog();
	pool->watchdog_due_us = now_us + pool->watchdog_us;
}

/* Who reads the log may be back, with nobody else who has anything to say. */
static void settle_log(struct pool *pool)
{
	(void)log_tell();
	segment_log_lost_set(pool->segment, log_lost());
}

/* Says that it lives, keeps the window up, and judges by it. */
static void beat(struct pool *pool, int64_t now_us)
{
	struct snapshot *snapshot;

	segment_supervisor_beat(pool->segment, now_us, procfs_own_descriptors());
	settle_log(pool);
	disk_tick(&pool->disk, pool->settings.conf.disk_path,
		pool->settings.conf.disk_read_only_percent, pool->segment);
	snapshot = snapshot_take(pool->segment, now_us);
	window_add(pool->window, snapshot);
	history_add(pool->history, snapshot, clock_wall_us());
	alarms_tick(pool->alarms, &pool->settings, pool->window, snapshot);
	snapshot_free(&snapshot);
}

static void turn(struct pool *pool)
{
	struct pollfd fds[1 + ROLE_COUNT * SUPERVISOR_SLOTS_MAX];
	const size_t count = listen_to(pool, fds);
	int64_t now_us = clock_mono_us();

	if (poll(fds, count, wait_ms(pool, now_us)) < 0)
		MUST(errno == EINTR);
	now_us = clock_mono_us();
	if (now_us >= pool->beat_due_us) {
		beat(pool, now_us);
		pool->beat_due_us = now_us + BEAT_US;
	}
	feed_watchdog(pool, now_us);
	hear_all(pool);
	take_signals(pool);
	happened(pool, (struct supervisor_event){.kind = EVENT_TIME});
}

void pool_run(struct pool *pool)
{
	set_title(pool, "");
	pool->signal_fd = signals_open();
	/* ICU's tables take a fifth of a second to read; every worker inherits them, and so a worker
	 * that died is back at once. */
	text_warm();
	sandbox_announce(&pool->settings.conf);
	pool->watchdog_us = notify_watchdog_us();
	pool->watchdog_due_us = pool->watchdog_us == INT64_MAX ? INT64_MAX : 0;
	set_level(pool, pool->settings.log_level);
	supervisor_init(&pool->supervisor, pool->settings.workers, true,
		pool->settings.conf.drain_ms * CLOCK_MS);
	beat(pool, clock_mono_us());
	happened(pool, (struct supervisor_event){.kind = EVENT_TIME});
	while (!pool->ended)
		turn(pool);
	/* Who reads what is left behind need not guess whether anybody is there. */
	segment_supervisor_set(pool->segment, 0, 0, pool->supervisor.generation);
	log_info("stopped");
	settle_log(pool);
}
