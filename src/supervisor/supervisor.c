/* The supervisor as a process. */
#include "config.h" /* _GNU_SOURCE */

#include "supervisor/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/listen.h"
#include "proc/logfile.h"
#include "proc/sandbox.h"
#include "proc/signals.h"
#include "proc/spawn.h"
#include "proc/title.h"
#include "stats/procfs.h"
#include "stats/segment.h"
#include "stats/series.h"
#include "stats/snapshot.h"
#include "stats/window.h"
#include "supervisor/alerts.h"
#include "supervisor/disk.h"
#include "supervisor/policy.h"
#include "supervisor/systemd.h"

#define BEAT_US CLOCK_S /* so often the supervisor says that it lives */

/* The process in one slot. */
struct member {
	struct child child;
	bool stalled;  /* it said so before it aborted */
	bool too_slow; /* killed because it did not become ready */
	bool asked;    /* to end */
};

struct supervisor {
	const struct role_def *roles; /* ROLE_COUNT of them */
	const struct settings_source *source;
	struct settings settings;
	struct segment *segment;
	struct window *window; /* of the segment; the status process starts with a copy */
	struct series *series; /* likewise */
	struct tries *tries;   /* wrong passwords; shared with the workers */
	struct alerts *alerts;
	struct disk disk;
	int listen_fds[ROLE_COUNT];
	struct listen_mark marks[ROLE_COUNT]; /* of those sockets that are ours to remove */
	int signal_fd;
	int64_t beat_due_us;
	int64_t watchdog_us; /* between two words to systemd's watchdog */
	int64_t watchdog_due_us;
	bool ended;
	struct policy policy;
	struct member members[ROLE_COUNT][POLICY_SLOTS_MAX];
};

/* ---- opening --------------------------------------------------------------------------------- */

static const char *socket_path(const struct supervisor *sup, enum role role)
{
	return role == ROLE_WORKER ? sup->settings.conf.listen : sup->settings.status_listen;
}

static bool open_socket(struct supervisor *sup, enum role role, char *why, size_t why_size)
{
	const char *name = sup->roles[role].socket;

	sup->listen_fds[role] = systemd_socket(name);
	if (sup->listen_fds[role] >= 0) {
		log_info("socket handed over name=%s", name);
		return true;
	}
	sup->listen_fds[role] =
		listen_unix(socket_path(sup, role), sup->settings.group, why, why_size);
	if (sup->listen_fds[role] < 0)
		return false;
	sup->marks[role] = listen_mark(socket_path(sup, role));
	return true;
}

static bool open_segment(struct supervisor *sup, char *why, size_t why_size)
{
	const struct segment_shape shape = {
		.workers = (uint32_t)sup->settings.workers,
		.processes = (uint32_t)(2 * sup->settings.workers),
		.threads = (uint32_t)(sup->settings.conf.threads + sup->settings.conf.slow_threads),
		.slow_threads = (uint32_t)sup->settings.conf.slow_threads,
		.version = PACKAGE_VERSION,
	};
	enum segment_status status = segment_create(sup->settings.segment, &shape, &sup->segment);

	if (status == SEGMENT_OK)
		return true;
	snprintf(why, why_size, "%s: %s", sup->settings.segment,
		status == SEGMENT_IO ? strerror(errno) : segment_status_text(status));
	return false;
}

/* The log last: until then whoever starts the service is told what is wrong. */
static bool open_all(struct supervisor *sup, char *why, size_t why_size)
{
	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (!open_socket(sup, role, why, why_size))
			return false;
	return open_segment(sup, why, why_size) &&
	       disk_try(sup->settings.conf.disk_path, why, why_size) &&
	       logfile_open(sup->settings.conf.log_file, why, why_size);
}

struct supervisor *supervisor_new(const struct role_def *roles,
	const struct settings_source *source, const struct settings *settings, char *why,
	size_t why_size)
{
	struct supervisor *sup = mem_zero(sizeof(*sup));

	sup->roles = roles;
	sup->source = source;
	sup->settings = *settings;
	sup->signal_fd = -1;
	sup->window = window_of_conf(&settings->conf);
	sup->series = series_new();
	sup->tries = tries_new();
	for (enum role role = 0; role < ROLE_COUNT; role++)
		sup->listen_fds[role] = -1;
	if (open_all(sup, why, why_size))
		sup->alerts = alerts_new(sup->segment);
	else
		supervisor_free(&sup);
	return sup;
}

void supervisor_free(struct supervisor **ptr)
{
	struct supervisor *sup = *ptr;

	if (sup == NULL)
		return;
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		listen_remove(socket_path(sup, role), &sup->marks[role]);
		if (sup->listen_fds[role] >= 0)
			close(sup->listen_fds[role]);
	}
	if (sup->signal_fd >= 0)
		close(sup->signal_fd);
	alerts_free(&sup->alerts);
	window_free(&sup->window);
	series_free(&sup->series);
	tries_free(&sup->tries);
	segment_close(&sup->segment);
	free(sup);
	*ptr = NULL;
}

/* By its configuration one service is told from another, where the number of its process was lost. */
static void set_title(const struct supervisor *sup, const char *what)
{
	title_set("supervisor (%s)%s", sup->source->path, what);
}

/* ---- doing what was decided ------------------------------------------------------------------ */

static void tell_policy(struct supervisor *sup, struct policy_event event);

/* The segment's supervisor block, after anything in it changed. */
static void publish(struct supervisor *sup)
{
	int32_t status_pid = 0;

	for (size_t i = 0; i < POLICY_SLOTS_MAX; i++) {
		const struct slot *slot = &sup->policy.crews[ROLE_STATUS].slots[i];

		if (slot->state == SLOT_STARTING || slot->state == SLOT_READY)
			status_pid = sup->members[ROLE_STATUS][i].child.pid;
	}
	segment_supervisor_set(sup->segment, getpid(), status_pid, sup->policy.generation);
}

static void start_process(struct supervisor *sup, const struct policy_action *action)
{
	struct member *member = &sup->members[action->role][action->slot];
	struct inherit inherit = {
		.settings = &sup->settings,
		.segment = sup->segment,
		.window = sup->window,
		.series = sup->series,
		.tries = sup->tries,
		.role = action->role,
		.slot = action->slot,
		.generation = action->generation,
		.listen_fd = sup->listen_fds[action->role],
	};

	*member = (struct member){.child.message_fd = -1};
	if (action->role == ROLE_WORKER)
		segment_worker_start(
			sup->segment, action->slot, action->generation, clock_mono_us());
	if (!spawn(inherit, sup->roles[action->role].main, &member->child)) {
		log_error("cannot start a process role=%s slot=%zu error=\"%s\"",
			role_name(action->role), action->slot, strerror(errno));
		tell_policy(sup, (struct policy_event){EVENT_EXITED, action->role, action->slot});
		return;
	}
	if (action->role == ROLE_WORKER)
		segment_worker_pid(sup->segment, action->slot, member->child.pid);
	log_info("started role=%s slot=%zu child=%d generation=%u", role_name(action->role),
		action->slot, (int)member->child.pid, action->generation);
}

/* It cannot be another's pid: only we reap it. */
static void pass_on(struct supervisor *sup, const struct policy_action *action, int sig)
{
	const struct member *member = &sup->members[action->role][action->slot];

	if (member->child.pid != 0)
		MUST_ZERO(kill(member->child.pid, sig));
}

static void end(struct supervisor *sup, const struct policy_action *action, int sig)
{
	struct member *member = &sup->members[action->role][action->slot];

	if (member->child.pid == 0)
		return;
	log_info("ending role=%s slot=%zu child=%d signal=%d reason=\"%s\"",
		role_name(action->role), action->slot, (int)member->child.pid, sig, action->why);
	member->too_slow = sig == SIGKILL && !member->asked;
	member->asked = true;
	if (action->role == ROLE_WORKER)
		segment_worker_state(sup->segment, action->slot, STATS_WORKER_DRAINING);
	pass_on(sup, action, sig);
}

static void carry_out(struct supervisor *sup, const struct policy_action *action)
{
	switch (action->kind) {
	case ACTION_START:
		start_process(sup, action);
		break;
	case ACTION_TERM:
		end(sup, action, SIGTERM);
		break;
	case ACTION_KILL:
		end(sup, action, SIGKILL);
		break;
	case ACTION_REOPEN:
		pass_on(sup, action, SIGUSR1);
		break;
	case ACTION_LEVEL:
		pass_on(sup, action, SIGUSR2);
		break;
	case ACTION_TELL_READY:
		log_info("ready workers=%zu generation=%u", sup->settings.workers,
			sup->policy.generation);
		systemd_ready();
		break;
	case ACTION_TELL_STOPPING:
		set_title(sup, " stopping");
		systemd_stopping();
		break;
	case ACTION_END:
		sup->ended = true;
		break;
	}
}

static void tell_policy(struct supervisor *sup, struct policy_event event)
{
	struct policy_actions actions;

	policy_step(&sup->policy, event, clock_mono_us(), &actions);
	for (size_t i = 0; i < actions.count; i++)
		carry_out(sup, &actions.list[i]);
	if (actions.count > 0)
		publish(sup);
}

/* ---- what happens: children ------------------------------------------------------------------ */

static void hear(struct supervisor *sup, enum role role, size_t slot)
{
	struct member *member = &sup->members[role][slot];
	enum message message;

	while (member->child.pid != 0 && spawn_hear(&member->child, &message)) {
		if (message == MESSAGE_STALLED)
			member->stalled = true;
		if (message != MESSAGE_READY)
			continue;
		if (role == ROLE_WORKER && !member->asked)
			segment_worker_state(sup->segment, slot, STATS_WORKER_READY);
		tell_policy(sup, (struct policy_event){EVENT_READY, role, slot});
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

static void bury(struct supervisor *sup, enum role role, size_t slot, int status)
{
	struct member *member = &sup->members[role][slot];
	const bool serving = sup->policy.state == POLICY_SERVING;
	enum stats_restart restart;

	/* Read its last message first: it may say why it ended. */
	hear(sup, role, slot);
	restart = restart_reason(member, status);
	log_end(member, role, slot, status,
		serving ? metrics_value(STATS_LABEL_RESTART, restart) : NULL);
	if (role == ROLE_WORKER) {
		segment_worker_end(sup->segment, slot);
		if (serving)
			segment_worker_restart(sup->segment, slot, restart);
		segment_worker_free(sup->segment, slot);
	}
	spawn_forget(&member->child);
	tell_policy(sup, (struct policy_event){EVENT_EXITED, role, slot});
}

static bool find_member(
	const struct supervisor *sup, pid_t pid, enum role *ret_role, size_t *ret_slot)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		for (size_t i = 0; i < POLICY_SLOTS_MAX; i++) {
			if (sup->members[role][i].child.pid == pid) {
				*ret_role = role;
				*ret_slot = i;
				return true;
			}
		}
	}
	return false;
}

static void reap(struct supervisor *sup)
{
	enum role role;
	size_t slot;
	int status;
	pid_t pid;

	while ((pid = spawn_reap(&status)) != 0)
		if (!alerts_reaped(sup->alerts, pid, status) && find_member(sup, pid, &role, &slot))
			bury(sup, role, slot, status);
}

/* ---- what happens: signals ------------------------------------------------------------------- */

/* Of every process: those that start inherit it, the others look when they are told to. */
static void set_level(struct supervisor *sup, enum log_level level)
{
	log_set_level(level);
	segment_log_level_set(sup->segment, level);
}

/* To debug, and back to what is configured (which may be debug itself). */
static void turn_level(struct supervisor *sup)
{
	const enum log_level configured = sup->settings.log_level;
	enum log_level level = LOG_LEVEL_DEBUG;

	if (log_level() == LOG_LEVEL_DEBUG)
		level = configured != LOG_LEVEL_DEBUG ? configured : LOG_LEVEL_INFO;
	set_level(sup, level);
	log_warn("log level set level=%s", log_level_name(level));
	tell_policy(sup, (struct policy_event){.kind = EVENT_LEVEL});
}

/* Windows of another length begin anew: what the old ones kept is no measure for them. */
static void adopt_windows(struct supervisor *sup, const struct conf *conf)
{
	const struct conf *old = &sup->settings.conf;

	if (conf->window_short_s == old->window_short_s && conf->window_s == old->window_s &&
		conf->window_long_s == old->window_long_s)
		return;
	window_free(&sup->window);
	sup->window = window_of_conf(conf);
}

/* Takes the new configuration; the processes that follow start with it. */
static void adopt_settings(struct supervisor *sup, struct settings *settings)
{
	settings_keep_fixed(settings, &sup->settings);
	adopt_windows(sup, &settings->conf);
	sup->settings = *settings;
	set_level(sup, settings->log_level);
	logfile_reopen(sup->settings.conf.log_file);
	policy_set_drain(&sup->policy, settings->conf.drain_ms * CLOCK_MS);
	tell_policy(sup, (struct policy_event){.kind = EVENT_RELOAD});
	log_info("reloaded generation=%u", sup->policy.generation);
}

static void reload_settings(struct supervisor *sup)
{
	struct settings settings;
	char why[512];

	if (sup->policy.state != POLICY_SERVING)
		return;
	systemd_reloading();
	if (settings_load(sup->source, &settings, why, sizeof(why)) == CONF_OK &&
		settings_can_log(sup->source, &settings, why, sizeof(why))) {
		adopt_settings(sup, &settings);
		return;
	}
	log_error("reload refused, the configuration in force stays error=%s", LOG_QUOTED(why));
	systemd_ready();
}

static void take_signal(struct supervisor *sup, int sig)
{
	switch (sig) {
	case SIGCHLD:
		reap(sup);
		break;
	case SIGHUP:
		reload_settings(sup);
		break;
	case SIGUSR1:
		logfile_reopen(sup->settings.conf.log_file);
		tell_policy(sup, (struct policy_event){.kind = EVENT_REOPEN});
		break;
	case SIGUSR2:
		turn_level(sup);
		break;
	default:
		log_info("stopping signal=%d", sig);
		tell_policy(sup, (struct policy_event){.kind = EVENT_STOP});
	}
}

static void take_signals(struct supervisor *sup)
{
	struct signalfd_siginfo info;

	while (read(sup->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take_signal(sup, (int)info.ssi_signo);
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* Somebody waits for the answer of those that start; the others' is heard when they end. */
static size_t listen_to(const struct supervisor *sup, struct pollfd *fds)
{
	size_t count = 0;

	fds[count++] = (struct pollfd){.fd = sup->signal_fd, .events = POLLIN};
	for (enum role role = 0; role < ROLE_COUNT; role++)
		for (size_t i = 0; i < sup->policy.crews[role].slot_count; i++)
			if (sup->policy.crews[role].slots[i].state == SLOT_STARTING)
				fds[count++] = (struct pollfd){
					.fd = sup->members[role][i].child.message_fd,
					.events = POLLIN};
	return count;
}

static void hear_all(struct supervisor *sup)
{
	for (enum role role = 0; role < ROLE_COUNT; role++)
		for (size_t i = 0; i < sup->policy.crews[role].slot_count; i++)
			if (sup->policy.crews[role].slots[i].state == SLOT_STARTING)
				hear(sup, role, i);
}

/* Until when it may sleep. */
static int tick_wait_ms(const struct supervisor *sup, int64_t now_us)
{
	int64_t due_us = policy_due_us(&sup->policy);

	if (sup->beat_due_us < due_us)
		due_us = sup->beat_due_us;
	if (sup->watchdog_due_us < due_us)
		due_us = sup->watchdog_due_us;
	return clock_wait_ms(now_us, due_us);
}

static void feed_watchdog(struct supervisor *sup, int64_t now_us)
{
	if (now_us < sup->watchdog_due_us)
		return;
	systemd_watchdog();
	sup->watchdog_due_us = now_us + sup->watchdog_us;
}

/* Who reads the log may be back, with nobody else who has anything to say. */
static void settle_log(struct supervisor *sup)
{
	(void)log_tell();
	segment_log_lost_set(sup->segment, log_lost());
}

/* Says that it lives, keeps the window up, and judges by it. */
static void beat(struct supervisor *sup, int64_t now_us)
{
	struct snapshot *snapshot;

	segment_supervisor_beat(sup->segment, now_us, procfs_own_descriptors());
	settle_log(sup);
	disk_tick(&sup->disk, sup->settings.conf.disk_path,
		sup->settings.conf.disk_read_only_percent, sup->segment);
	snapshot = snapshot_take(sup->segment, now_us);
	window_add(sup->window, snapshot);
	series_add(sup->series, snapshot, clock_wall_us());
	alerts_tick(sup->alerts, &sup->settings, sup->window, snapshot);
	snapshot_free(&snapshot);
}

static void make_round(struct supervisor *sup)
{
	struct pollfd fds[1 + ROLE_COUNT * POLICY_SLOTS_MAX];
	const size_t count = listen_to(sup, fds);
	int64_t now_us = clock_mono_us();

	if (poll(fds, count, tick_wait_ms(sup, now_us)) < 0)
		MUST(errno == EINTR);
	now_us = clock_mono_us();
	if (now_us >= sup->beat_due_us) {
		beat(sup, now_us);
		sup->beat_due_us = now_us + BEAT_US;
	}
	feed_watchdog(sup, now_us);
	hear_all(sup);
	take_signals(sup);
	tell_policy(sup, (struct policy_event){.kind = EVENT_TIME});
}

static void prepare_roles(const struct supervisor *sup)
{
	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (sup->roles[role].prepare != NULL)
			sup->roles[role].prepare(&sup->settings);
}

static void init_policy(struct supervisor *sup)
{
	size_t wanted[ROLE_COUNT];

	for (enum role role = 0; role < ROLE_COUNT; role++)
		wanted[role] = sup->roles[role].wanted > 0 ? sup->roles[role].wanted
							   : sup->settings.workers;
	policy_init(&sup->policy, wanted, sup->settings.conf.drain_ms * CLOCK_MS);
}

void supervisor_run(struct supervisor *sup)
{
	set_title(sup, "");
	sup->signal_fd = signals_open();
	prepare_roles(sup);
	sandbox_announce(&sup->settings.conf);
	sup->watchdog_us = systemd_watchdog_us();
	sup->watchdog_due_us = sup->watchdog_us == INT64_MAX ? INT64_MAX : 0;
	set_level(sup, sup->settings.log_level);
	init_policy(sup);
	beat(sup, clock_mono_us());
	tell_policy(sup, (struct policy_event){.kind = EVENT_TIME});
	while (!sup->ended)
		make_round(sup);
	/* Who reads what is left behind need not guess whether anybody is there. */
	segment_supervisor_set(sup->segment, 0, 0, sup->policy.generation);
	log_info("stopped");
	settle_log(sup);
}
