/* The servers that a connection string names, one by one, as libpq reads them. */
#include "db/hosts.h"

#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db/message.h"

#define PORT_MAX     65535
#define PORT_DEFAULT "5432"

/* An element that is left empty among several; alone, libpq is left to it. */
#define SOCKETS "/var/run/postgresql"

struct hosts {
	size_t count;
	struct host list[HOSTS_MAX];
	/* What `list` points into; its commas have become NULs. */
	char *names;
	char *addresses;
	char *ports;
};

/* ---- what libpq makes of it ------------------------------------------------------------------ */

/* Where it cannot be read at all, libpq tells a part of it, and in it may be a password. */
static bool may_hold_secret(const char *conninfo)
{
	return strstr(conninfo, "password") != NULL || strstr(conninfo, "://") != NULL;
}

/* What is no list of options, nor a URL, is the name of a database. */
static bool can_be_read(const char *conninfo, char *why, size_t why_size)
{
	const bool name = strchr(conninfo, '=') == NULL && strstr(conninfo, "://") == NULL;
	char *told = NULL;
	PQconninfoOption *options = name ? NULL : PQconninfoParse(conninfo, &told);
	const bool read = name || options != NULL;

	if (!read && may_hold_secret(conninfo))
		message_line(why, why_size,
			"it cannot be read; what is wrong is not told, as there may be a password "
			"in it");
	else if (!read)
		message_line(why, why_size, told != NULL ? told : "out of memory");
	PQconninfoFree(options);
	PQfreemem(told);
	return read;
}

/*
 * libpq takes a whole string apart, with the service, the environment and the defaults that belong to
 * it, only on the way to a connection. This is a way that ends before that: the last thing which it
 * looks at is given a value that it does not know, so it connects to nobody and says so. (From 16 on it
 * looks at load_balance_hosts after that, which means nothing here: the hosts are tried one by one.)
 */
#define LAST_OPTION "target_session_attrs"
#define NO_VALUE    "nobody"

static PGconn *take_apart(const char *conninfo)
{
	const char *const keywords[] = {"dbname", LAST_OPTION, NULL};
	const char *const values[] = {conninfo, NO_VALUE, NULL};

	return PQconnectStartParams(keywords, values, 1);
}

/* The options, for PQconninfoFree; NULL, with `why`, where something else is wrong with them. */
static PQconninfoOption *effective(const char *conninfo, char *why, size_t why_size)
{
	PGconn *pg;
	PQconninfoOption *options = NULL;

	if (!can_be_read(conninfo, why, why_size))
		return NULL;
	pg = take_apart(conninfo);
	if (pg != NULL && strstr(PQerrorMessage(pg), LAST_OPTION) != NULL &&
		strstr(PQerrorMessage(pg), "\"" NO_VALUE "\"") != NULL)
		options = PQconninfo(pg);
	if (options == NULL)
		message_line(why, why_size, pg != NULL ? PQerrorMessage(pg) : "out of memory");
	PQfinish(pg);
	return options;
}

/* "" where there is none. */
static const char *value_of(const PQconninfoOption *options, const char *name)
{
	for (; options->keyword != NULL; options++)
		if (strcmp(options->keyword, name) == 0)
			return options->val != NULL ? options->val : "";
	return "";
}

/* ---- the list -------------------------------------------------------------------------------- */

static size_t count_elements(const char *list)
{
	size_t count = 1;

	for (const char *p = list; *p != '\0'; p++)
		count += *p == ',';
	return count;
}

/* Moves *list behind its first element, which it ends. */
static const char *next_element(char **list)
{
	char *element = *list;
	const size_t len = strcspn(element, ",");

	*list = element + len;
	if (**list == ',')
		*(*list)++ = '\0';
	return element;
}

static const char *or_default(const char *text, const char *preset)
{
	return text[0] != '\0' ? text : preset;
}

/* That each list has one element, or as many as there are hosts, libpq has seen to. */
static void fill_in(struct hosts *hosts)
{
	char *names = hosts->names;
	char *addresses = hosts->addresses;
	char *ports = hosts->ports;
	const bool one_port = count_elements(ports) == 1;

	for (size_t i = 0; i < hosts->count; i++) {
		struct host *host = &hosts->list[i];

		host->name = next_element(&names);
		host->address = next_element(&addresses);
		host->port = one_port && i > 0 ? hosts->list[0].port : next_element(&ports);
		host->port = or_default(host->port, PORT_DEFAULT);
		if (host->name[0] == '\0')
			host->name = or_default(host->address, hosts->count > 1 ? SOCKETS : "");
	}
}

/* An absolute path, or a name in Linux's abstract name space. */
static bool is_socket(const struct host *host)
{
	return host->name[0] == '/' || host->name[0] == '@' || host->name[0] == '\0';
}

/* libpq is told of one server at a time, and an empty address would leave the whole list in force. */
static bool has_socket(const struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		if (hosts->list[i].address[0] == '\0' && is_socket(&hosts->list[i]))
			return true;
	return false;
}

struct hosts *hosts_new(const char *conninfo, char *why, size_t why_size)
{
	PQconninfoOption *options = effective(conninfo, why, why_size);
	struct hosts *hosts;
	size_t names;
	bool addressed;

	if (options == NULL)
		return NULL;
	hosts = mem_zero(sizeof(*hosts));
	hosts->names = mem_strdup(value_of(options, "host"));
	hosts->addresses = mem_strdup(value_of(options, "hostaddr"));
	hosts->ports = mem_strdup(value_of(options, "port"));
	PQconninfoFree(options);
	names = count_elements(hosts->names);
	hosts->count = count_elements(hosts->addresses);
	if (names > hosts->count)
		hosts->count = names;
	if (hosts->count > HOSTS_MAX) {
		snprintf(
			why, why_size, "%zu hosts, which is more than %d", hosts->count, HOSTS_MAX);
		hosts_free(&hosts);
		return NULL;
	}
	addressed = hosts->addresses[0] != '\0';
	fill_in(hosts);
	if (addressed && has_socket(hosts)) {
		message_line(why, why_size,
			"hostaddr names addresses, so a Unix socket cannot be among the hosts");
		hosts_free(&hosts);
	}
	return hosts;
}

void hosts_free(struct hosts **ptr)
{
	struct hosts *hosts = *ptr;

	*ptr = NULL;
	if (hosts == NULL)
		return;
	free(hosts->names);
	free(hosts->addresses);
	free(hosts->ports);
	free(hosts);
}

size_t hosts_count(const struct hosts *hosts)
{
	return hosts->count;
}

const struct host *hosts_at(const struct hosts *hosts, size_t at)
{
	MUST(at < hosts->count);
	return &hosts->list[at];
}

bool host_wants_address(const struct host *host)
{
	return host->address[0] == '\0' && !is_socket(host);
}

/* ---- what libpq looks at late ---------------------------------------------------------------- */

/* Options that are numbers. libpq reads them when a connection is under way, or stands. */
static const char *const numbers[] = {"connect_timeout", "keepalives", "keepalives_idle",
	"keepalives_interval", "keepalives_count", "tcp_user_timeout"};

/* As libpq reads it: with blanks about it. Less than nothing means none, or no limit. */
static bool is_number(const char *text, long least, long most)
{
	char *end;
	const long number = strtol(text, &end, 10);

	return end != text && end[strspn(end, " \t\n\r\f\v")] == '\0' && number >= least &&
	       number <= most;
}

static bool numbers_are(const PQconninfoOption *options, char *why, size_t why_size)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const char *value = value_of(options, numbers[i]);

		if (value[0] == '\0' || is_number(value, INT_MIN, INT_MAX))
			continue;
		snprintf(why, why_size, "%s: '%s' is not a whole number", numbers[i], value);
		return false;
	}
	return true;
}

/* In a URL what was meant as a password may have become a port. */
static bool ports_are(const struct hosts *hosts, const char *conninfo, char *why, size_t why_size)
{
	for (size_t i = 0; i < hosts->count; i++) {
		const char *port = hosts->list[i].port;

		if (is_number(port, 1, PORT_MAX))
			continue;
		if (may_hold_secret(conninfo))
			message_line(why, why_size, "what it has for a port is none");
		else
			snprintf(why, why_size, "'%s' is not a port", port);
		return false;
	}
	return true;
}

/* As the list of words is libpq's, and it names none of them, it is asked about this one: for an address
 * that is none, so that it talks to nobody. */
#define NO_PLACE "nowhere"

static bool session_is(const char *attributes, char *why, size_t why_size)
{
	const char *const keywords[] = {"host", "hostaddr", "port", LAST_OPTION, "sslmode", NULL};
	const char *const values[] = {
		NO_PLACE, NO_PLACE, PORT_DEFAULT, attributes, "disable", NULL};
	PGconn *pg = PQconnectStartParams(keywords, values, 0);
	const bool known = pg != NULL && strstr(PQerrorMessage(pg), LAST_OPTION) == NULL;

	if (!known)
		message_line(why, why_size, pg != NULL ? PQerrorMessage(pg) : "out of memory");
	PQfinish(pg);
	return known;
}

/* The value in the string itself: in the list that libpq gave us it is ours. */
static bool check_session(const char *conninfo, char *why, size_t why_size)
{
	PQconninfoOption *given = PQconninfoParse(conninfo, NULL);
	bool known = true;

	if (given != NULL && value_of(given, LAST_OPTION)[0] != '\0')
		known = session_is(value_of(given, LAST_OPTION), why, why_size);
	PQconninfoFree(given);
	return known;
}

bool hosts_check(const char *conninfo, char *why, size_t why_size)
{
	PQconninfoOption *options = effective(conninfo, why, why_size);
	struct hosts *hosts;
	bool sound;

	if (options == NULL)
		return false;
	hosts = hosts_new(conninfo, why, why_size);
	sound = hosts != NULL && numbers_are(options, why, why_size) &&
		ports_are(hosts, conninfo, why, why_size) && check_session(conninfo, why, why_size);
	hosts_free(&hosts);
	PQconninfoFree(options);
	return sound;
}
