/* The servers that a connection string names, and strings that cannot work. No server is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "db/hosts.h"

static char why[256];

/* Nothing of whoever runs the test. */
static int forget_environment(void **state)
{
	static const char *const variables[] = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE",
		"PGSERVICEFILE", "PGTARGETSESSIONATTRS", "PGSSLMODE", "PGDATABASE"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		unsetenv(variables[i]);
	return 0;
}

/* "name address port, ..." */
static const char *told(const char *conninfo)
{
	static char text[1024];
	struct hosts *hosts = hosts_new(conninfo, why, sizeof(why));
	size_t len = 0;

	if (hosts == NULL)
		return "refused";
	text[0] = '\0';
	for (size_t i = 0; i < hosts_count(hosts); i++) {
		const struct host *host = hosts_at(hosts, i);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s[%s]:%s%s",
			i > 0 ? " " : "", host->name, host->address, host->port,
			host_wants_address(host) ? "?" : "");
	}
	hosts_free(&hosts);
	return text;
}

static void every_host_is_told_with_its_port(void **state)
{
	(void)state;
	assert_string_equal(told("host=a"), "a[]:5432?");
	assert_string_equal(told("host=a,b port=1,2"), "a[]:1? b[]:2?");
	assert_string_equal(told("host=a,b,c port=7"), "a[]:7? b[]:7? c[]:7?");
	assert_string_equal(told("host=a,b port=,2"), "a[]:5432? b[]:2?");
	assert_string_equal(
		told("host=a,b hostaddr=127.0.0.1,::1"), "a[127.0.0.1]:5432 b[::1]:5432");
	assert_string_equal(told("hostaddr=127.0.0.1,127.0.0.2"),
		"127.0.0.1[127.0.0.1]:5432 127.0.0.2[127.0.0.2]:5432");
	assert_string_equal(told("host=/run/pg,b"), "/run/pg[]:5432 b[]:5432?");
	assert_string_equal(told("host=@abstract"), "@abstract[]:5432");
	assert_string_equal(told("host=a,"), "a[]:5432? /var/run/postgresql[]:5432");
	assert_string_equal(
		told("postgresql://u@a:1,b:2/d?target_session_attrs=any"), "a[]:1? b[]:2?");
	assert_string_equal(told("dbname=x"), "[]:5432");
	assert_string_equal(told("x"), "[]:5432");
}

static void the_environment_says_what_the_string_does_not(void **state)
{
	(void)state;
	setenv("PGHOST", "e,f", 1);
	setenv("PGPORT", "9", 1);
	assert_string_equal(told("dbname=x"), "e[]:9? f[]:9?");
	assert_string_equal(told("host=a"), "a[]:9?");
	unsetenv("PGHOST");
	unsetenv("PGPORT");
}

static void a_service_says_what_the_string_does_not(void **state)
{
	char file[] = "/tmp/t_hosts.XXXXXX";
	FILE *out = fdopen(mkstemp(file), "w");

	(void)state;
	assert_non_null(out);
	fputs("[cards]\nhost=s,t\nport=3\n", out);
	assert_int_equal(fclose(out), 0);
	setenv("PGSERVICEFILE", file, 1);
	assert_string_equal(told("service=cards"), "s[]:3? t[]:3?");
	assert_string_equal(told("service=cards host=a"), "a[]:3?");
	unsetenv("PGSERVICEFILE");
	assert_int_equal(remove(file), 0);
}

static const struct {
	const char *conninfo;
	const char *why; /* a part of it; NULL: it is sound */
} strings[] = {
	{"dbname=cardkeep user=cardkeep_runtime", NULL},
	{"host=a,b,c port=1,2,3 target_session_attrs=read-write", NULL},
	{"host=a target_session_attrs=any keepalives_idle=30 tcp_user_timeout=5000", NULL},
	{"host=a connect_timeout=2 sslmode=verify-full", NULL},
	{"host=a target_session_attrs=prefer-standby", NULL},
	{"dbname=x usr=y", "usr"},
	{"dbname", NULL}, /* a name */
	{"dbname=x user", "missing \"=\""},
	{"dbname='x", "unterminated"},
	{"postgresql://a:b:c/", "what it has for a port is none"},
	{"sslmode=reqire", "sslmode"},
	{"channel_binding=maybe", "channel_binding"},
	{"gssencmode=no", "gssencmode"},
	{"target_session_attrs=primery", "target_session_attrs"},
	{"host=a,b,c port=1,2", "match"},
	{"host=a,b hostaddr=1.2.3.4", "match"},
	{"port=notaport", "'notaport' is not a port"},
	{"host=a,b port=1,65536", "'65536' is not a port"},
	{"port=0", "'0' is not a port"},
	{"connect_timeout=soon", "connect_timeout: 'soon' is not a whole number"},
	{"keepalives_idle=3x", "keepalives_idle: '3x' is not a whole number"},
	{"connect_timeout=-1 tcp_user_timeout=-1", NULL}, /* no limit */
	{"connect_timeout='2 '", NULL},
	{"keepalives_idle=99999999999", "keepalives_idle: '99999999999' is not a whole number"},
	{"target_session_attrss=read-write", "target_session_attrss"},
	{"host=/run/postgresql,db2 hostaddr=,10.0.0.2", "a Unix socket cannot be among the hosts"},
	{"host=db1,db2 hostaddr=,10.0.0.2", NULL},
	{"user=x password=my secret", "may be a password"},
	{"postgresql://u:p@ss:w@[h/", "what it has for a port is none"},
	{"postgresql://u:p@[ss/", "may be a password"},
	{"service=nowhere", "nowhere"},
	{"service=nobody", "nobody"},
	{"host=a sslmode=nobody", "sslmode"},
};

static void what_libpq_would_refuse_is_told_beforehand(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		bool sound;

		why[0] = '\0';
		sound = hosts_check(strings[i].conninfo, why, sizeof(why));
		if (sound != (strings[i].why == NULL) ||
			(!sound && strstr(why, strings[i].why) == NULL))
			fail_msg("%s: %s", strings[i].conninfo, sound ? "sound" : why);
		assert_null(strchr(why, '\n'));
	}
}

static void too_many_hosts_are_refused(void **state)
{
	char text[512] = "host=a";

	(void)state;
	for (int i = 1; i < HOSTS_MAX; i++)
		strcat(text, ",a");
	assert_string_not_equal(told(text), "refused");
	strcat(text, ",a");
	assert_string_equal(told(text), "refused");
	assert_string_equal(why, "33 hosts, which is more than 32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_host_is_told_with_its_port),
		cmocka_unit_test(the_environment_says_what_the_string_does_not),
		cmocka_unit_test(a_service_says_what_the_string_does_not),
		cmocka_unit_test(what_libpq_would_refuse_is_told_beforehand),
		cmocka_unit_test(too_many_hosts_are_refused),
	};

	return cmocka_run_group_tests_name("hosts", tests, forget_environment, NULL);
}
