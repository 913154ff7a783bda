/* Runs alert_command for alerts, and never waits for it. */
#include "config.h" /* _GNU_SOURCE: clearenv */

#include "supervisor/alert_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/spawn.h"
#include "stats/alert.h"

#define ARGS_MAX        64
#define EXIT_NO_COMMAND 127 /* as a shell says it */

/* What runs for one alert, and what waits until that has ended. */
struct run {
	pid_t pid; /* 0: nothing runs */
	int64_t began_us;
	bool killed;
	bool waiting;
	struct alert_notice notice;
};

struct alert_command {
	struct run runs[STATS_ALERT_COUNT];
};

struct alert_command *alert_command_new(void)
{
	return mem_zero(sizeof(struct alert_command));
}

static void kill_group(const struct run *run)
{
	/* Gone already and not reaped yet is as good as killed; one that took other rights on is
	 * beyond our reach. */
	if (kill(-run->pid, SIGKILL) != 0 && errno != ESRCH)
		log_warn("cannot kill alert_command name=%s child=%d error=\"%s\"",
			alert_name(run->notice.alert), (int)run->pid, strerror(errno));
}

void alert_command_free(struct alert_command **alert_command)
{
	for (size_t i = 0; *alert_command != NULL && i < STATS_ALERT_COUNT; i++)
		if ((*alert_command)->runs[i].pid != 0)
			kill_group(&(*alert_command)->runs[i]);
	free(*alert_command);
	*alert_command = NULL;
}

/* ---- the child ------------------------------------------------------------------------------- */

/* Of its own: standard input and output that lead nowhere, no other descriptor, no signal blocked or
 * ignored. */
static void leave_the_supervisor(pid_t supervisor)
{
	sigset_t none;
	int null;

	spawn_end_with(supervisor);
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	sigemptyset(&none);
	MUST_ZERO(sigprocmask(SIG_SETMASK, &none, NULL));
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		_exit(EXIT_FAILURE);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		MUST(dup2(null, fd) == fd);
	spawn_close_from(STDERR_FILENO + 1);
}

/* The rest may hold secrets, such as libpq's password, which are no business of the command's. */
static void keep_little_of_the_environment(void)
{
	static const char *const kept[] = {
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"};
	char *values[ARRAY_LEN(kept)];

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const char *value = getenv(kept[i]);

		values[i] = value != NULL ? mem_strdup(value) : NULL;
	}
	MUST_ZERO(clearenv());
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (values[i] != NULL)
			MUST_ZERO(setenv(kept[i], values[i], 1));
}

static void tell_by_environment(const struct alert_notice *notice)
{
	const char *const variables[][2] = {
		{"CARDKEEP_ALERT_NAME", alert_name(notice->alert)},
		{"CARDKEEP_ALERT_STATE", metrics_value(STATS_LABEL_ALERT_STATE, notice->state)},
		{"CARDKEEP_ALERT_VALUE", notice->value},
		{"CARDKEEP_ALERT_THRESHOLD", notice->threshold},
		{"CARDKEEP_ALERT_SINCE", notice->since},
		{"CARDKEEP_ALERT_SUMMARY", alert_summary(notice->alert)},
		{"CARDKEEP_ALERT_RUNBOOK", notice->runbook},
	};

	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		MUST_ZERO(setenv(variables[i][0], variables[i][1], 1));
}

NO_RETURN static void be_command(
	const char *command, const struct alert_notice *notice, pid_t supervisor)
{
	char words[CONF_TEXT_BYTES];
	char *args[ARGS_MAX + 1] = {NULL};
	char *save = NULL;
	size_t count = 0;

	strcpy(words, command);
	for (char *word = strtok_r(words, " \t", &save); word != NULL && count < ARGS_MAX;
		word = strtok_r(NULL, " \t", &save))
		args[count++] = word;
	if (count == 0)
		_exit(EXIT_NO_COMMAND);
	leave_the_supervisor(supervisor);
	keep_little_of_the_environment();
	tell_by_environment(notice);
	execvp(args[0], args);
	_exit(EXIT_NO_COMMAND);
}

/* ---- the supervisor -------------------------------------------------------------------------- */

static void start_command(struct run *run, const char *command)
{
	const pid_t supervisor = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		(void)setpgid(0, 0);
		be_command(command, &run->notice, supervisor);
	}
	if (pid < 0) {
		log_error("cannot run alert_command name=%s error=\"%s\"",
			alert_name(run->notice.alert), strerror(errno));
		return;
	}
	/* Here too: whoever comes first. It may have gone on to its program by now, which is fine. */
	(void)setpgid(pid, pid);
	run->pid = pid;
	run->killed = false;
	run->began_us = clock_mono_us();
}

void alert_command_tell(
	struct alert_command *alert_command, const char *command, const struct alert_notice *notice)
{
	struct run *run = &alert_command->runs[notice->alert];

	if (command[0] == '\0')
		return;
	run->notice = *notice;
	run->waiting = run->pid != 0;
	if (!run->waiting)
		start_command(run, command);
}

static void kill_late_command(struct run *run, int64_t limit_us)
{
	if (run->pid == 0 || run->killed || clock_mono_us() - run->began_us < limit_us)
		return;
	run->killed = true;
	kill_group(run);
}

void alert_command_turn(struct alert_command *alert_command, const char *command, int64_t limit_us)
{
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++) {
		struct run *run = &alert_command->runs[i];

		kill_late_command(run, limit_us);
		if (!run->waiting || run->pid != 0)
			continue;
		run->waiting = false;
		if (command[0] != '\0')
			start_command(run, command);
	}
}

static void log_command_end(enum stats_alert alert, const struct run *run, int status)
{
	const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	log_write(well ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		"alert_command ended name=%s child=%d %s=%d ms=%lld%s", alert_name(alert),
		(int)run->pid, WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		(long long)((clock_mono_us() - run->began_us) / CLOCK_MS),
		run->killed ? " reason=\"its time was up\"" : "");
}

bool alert_command_reaped(struct alert_command *alert_command, pid_t pid, int status)
{
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++) {
		struct run *run = &alert_command->runs[i];

		if (run->pid != pid)
			continue;
		log_command_end((enum stats_alert)i, run, status);
		run->pid = 0;
		return true;
	}
	return false;
}
