/*
 * cardkeepd: the service. Reads its options and configuration, opens what it needs, serves.
 *
 * Exit status: 0 after a stop, 64 wrong usage, 73 a socket, the segment or the log cannot be made,
 * 77 the configuration cannot be read, 78 the configuration is wrong (sysexits.h).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/detach.h"
#include "proc/sandbox.h"
#include "proc/settings.h"
#include "proc/signals.h"
#include "proc/spawn.h"
#include "proc/title.h"
#include "statusd/statusd.h"
#include "supervisor/supervisor.h"
#include "supervisor/systemd.h"
#include "worker/worker.h"

/* For the group that may read the log and the segment; the sockets' modes are set as such. */
#define UMASK 027

struct options {
	const char *conf_path; /* NULL: the default, where it exists */
	bool test;
	bool foreground;
};

static void usage(FILE *out)
{
	fputs("usage: cardkeepd [-c FILE] [-t] [-f] [-V] [--help]\n"
	      "  -c FILE  configuration (default: " CARDKEEP_CONF ", where it exists)\n"
	      "  -t       test the configuration and exit\n"
	      "  -f       stay in the foreground\n"
	      "  -V       print the version and exit\n"
	      "  --help   print this and the configuration keys\n",
		out);
}

/* Reads the options; exits for those that only print. */
static struct options options_of(int argc, char **argv)
{
	static const struct option longs[] = {
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
	struct options options = {0};
	int c;

	while ((c = getopt_long(argc, argv, "c:tfV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			options.conf_path = optarg;
			break;
		case 't':
			options.test = true;
			break;
		case 'f':
			options.foreground = true;
			break;
		case 'V':
			puts("cardkeepd " PACKAGE_VERSION);
			exit(EX_OK);
		case 'h':
			usage(stdout);
			putchar('\n');
			conf_print_keys();
			exit(EX_OK);
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(EX_USAGE);
	}
	return options;
}

/* The configuration; exits with the one line that says what is wrong with it. */
static void load_settings(const struct settings_source *source, struct settings *settings)
{
	char why[512];

	switch (settings_load(source, settings, why, sizeof(why))) {
	case CONF_OK:
		break;
	case CONF_UNREADABLE:
		fprintf(stderr, "cardkeepd: %s\n", why);
		exit(EX_NOPERM);
	case CONF_INVALID:
		fprintf(stderr, "cardkeepd: %s\n", why);
		exit(EX_CONFIG);
	}
	if (!settings_can_log(source, settings, why, sizeof(why))) {
		fprintf(stderr, "cardkeepd: %s\n", why);
		exit(EX_CANTCREAT);
	}
	log_set_level(settings->log_level);
}

/* Of what whoever started it has open it keeps the standard descriptors, and those that were handed over
 * by protocol; the others may lead anywhere, and its children would have them too. The first three are
 * there even where they were not: what is opened next must not get into their place. */
static void keep_own_descriptors(void)
{
	int null;

	spawn_close_from(STDERR_FILENO + 1 + systemd_count());
	do
		null = open("/dev/null", O_RDWR);
	while (null >= 0 && null <= STDERR_FILENO);
	MUST(null >= 0);
	close(null);
}

/* A connection from nginx is a descriptor, and the usual soft limit of 1,024 is there for select(),
 * which nothing here uses. The children inherit it. Going without is no reason not to serve. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn("cannot raise the limit of descriptors error=\"%s\"", strerror(errno));
}

/* The processes of the service, but for the supervisor. */
static const struct role_def roles[ROLE_COUNT] = {
	[ROLE_WORKER] = {worker_main, .socket = "app", .prepare = worker_prepare},
	[ROLE_STATUS] = {statusd_main, .socket = "status", .wanted = 1},
};

/* What a start would come to with this configuration; the exit status. */
static int test(const struct settings_source *source, const struct settings *settings)
{
	char why[512];

	/* Sockets that a service manager hands over are made already. */
	if (systemd_count() == 0 && !settings_can_start(source, settings, why, sizeof(why))) {
		fprintf(stderr, "cardkeepd: %s\n", why);
		return EX_CANTCREAT;
	}
	puts("cardkeepd: the configuration is sound");
	return EX_OK;
}

/* Opens, detaches unless told not to, and serves; the exit status. */
static int supervise(const struct settings_source *source, const struct options *options)
{
	struct settings settings;
	struct supervisor *sup;
	char why[512];

	load_settings(source, &settings);
	if (options->test)
		return test(source, &settings);
	if (settings.conf.sandbox != 0)
		sandbox_hide();
	signals_hold();
	sup = supervisor_new(roles, source, &settings, why, sizeof(why));
	if (sup == NULL) {
		fprintf(stderr, "cardkeepd: %s\n", why);
		return EX_CANTCREAT;
	}
	if (!options->foreground && !detach(settings.conf.log_file)) {
		log_error("cannot detach error=\"%s\"", strerror(errno));
		supervisor_free(&sup);
		return EX_OSERR;
	}
	raise_descriptor_limit();
	supervisor_run(sup);
	supervisor_free(&sup);
	return EX_OK;
}

int main(int argc, char **argv)
{
	struct settings_source source;
	struct options options;
	char *path;
	int status;

	signals_begin();
	options = options_of(argc, argv);
	source.optional = options.conf_path == NULL;
	path = mem_strdup(source.optional ? CARDKEEP_CONF : options.conf_path);
	source.path = path;
	keep_own_descriptors();
	(void)umask(UMASK);
	log_share();
	log_look();
	/* The arguments give way to titles. */
	title_init(argc, argv);
	MUST(sodium_init() >= 0);
	status = supervise(&source, &options);
	free(path);
	return status;
}
