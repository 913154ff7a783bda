/*
 * cardkeepd: the service. Reads its options and configuration, opens its socket, serves.
 *
 * Exit status: 0 after a stop, 64 wrong usage, 73 the socket cannot be made, 77 the configuration
 * cannot be read, 78 the configuration is wrong (sysexits.h).
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/fcgi.h"
#include "proc/worker.h"

#define PEERS_MAX 16

extern char **environ;

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
static struct options read_options(int argc, char **argv)
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

static void warn_unknown(const char *variable)
{
	log_warn("unknown environment variable name=%s", variable);
}

static void load_conf(const struct options *options, struct conf *conf)
{
	const char *path = options->conf_path;
	char why[512];
	enum log_level level = LOG_LEVEL_INFO;

	if (path == NULL && access(CARDKEEP_CONF, F_OK) == 0)
		path = CARDKEEP_CONF;
	switch (conf_load(path, environ, warn_unknown, conf, why, sizeof(why))) {
	case CONF_OK:
		break;
	case CONF_UNREADABLE:
		fprintf(stderr, "cardkeepd: %s\n", why);
		exit(EX_NOPERM);
	case CONF_INVALID:
		fprintf(stderr, "cardkeepd: %s\n", why);
		exit(EX_CONFIG);
	}
	MUST(log_level_parse(conf->log_level, &level));
	log_set_level(level);
}

static gid_t socket_group(const struct conf *conf)
{
	const struct group *group;

	if (conf->socket_group[0] == '\0')
		return (gid_t)-1;
	group = getgrnam(conf->socket_group);
	if (group == NULL) {
		fprintf(stderr, "cardkeepd: socket_group: no group %s\n", conf->socket_group);
		exit(EX_CONFIG);
	}
	return group->gr_gid;
}

/* The users of allowed_peers, by number. */
static size_t read_peers(const struct conf *conf, uid_t peers[PEERS_MAX])
{
	char *names = mem_strdup(conf->allowed_peers);
	char *save = NULL;
	size_t count = 0;

	for (char *name = strtok_r(names, " ,", &save); name != NULL;
		name = strtok_r(NULL, " ,", &save)) {
		const struct passwd *user = getpwnam(name);

		if (user == NULL || count == PEERS_MAX) {
			fprintf(stderr, "cardkeepd: allowed_peers: %s %s\n", name,
				user == NULL ? "is no user" : "is one too many");
			exit(EX_CONFIG);
		}
		peers[count++] = user->pw_uid;
	}
	free(names);
	return count;
}

int main(int argc, char **argv)
{
	struct options options = read_options(argc, argv);
	uid_t peers[PEERS_MAX];
	struct fcgi_options gate = {.peers = peers};
	struct conf conf;
	char why[512];
	int listen_fd;
	gid_t group;

	MUST(sodium_init() >= 0);
	load_conf(&options, &conf);
	gate.io_timeout_ms = conf.io_timeout_ms;
	gate.peer_count = read_peers(&conf, peers);
	group = socket_group(&conf);
	if (options.test) {
		puts("cardkeepd: the configuration is sound");
		return EX_OK;
	}
	listen_fd = fcgi_listen(conf.listen, group, why, sizeof(why));
	if (listen_fd < 0) {
		fprintf(stderr, "cardkeepd: %s\n", why);
		return EX_CANTCREAT;
	}
	if (!options.foreground && daemon(0, 1) != 0) {
		fprintf(stderr, "cardkeepd: cannot detach: %s\n", strerror(errno));
		return EX_OSERR;
	}
	worker_run(&conf, listen_fd, &gate);
	unlink(conf.listen);
	return EX_OK;
}
