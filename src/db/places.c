/* Which files libpq reads to sign in. */
#include "db/places.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Parameters of a connection that are paths. */
static const char *const parameters[] = {
	"passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"};

/* Variables of libpq and Kerberos that are paths, some with a kind in front (FILE:/path). */
static const char *const variables[] = {"PGSERVICEFILE", "PGSYSCONFDIR", "KRB5_CONFIG",
	"KRB5_KTNAME", "KRB5_CLIENT_KTNAME", "KRB5CCNAME"};

/* Below the user's home; the last stands for the directory it is in. */
static const char *const in_home[] = {".pgpass", ".pg_service.conf", ".postgresql/postgresql.crt"};

static const char *value_or_null(const PQconninfoOption *options, const char *name)
{
	for (; options != NULL && options->keyword != NULL; options++)
		if (strcmp(options->keyword, name) == 0)
			return options->val != NULL && options->val[0] != '\0' ? options->val
									       : NULL;
	return NULL;
}

/* What holds where the string says nothing: libpq looks a service up for its defaults only, and only
 * where the environment names it. */
static PQconninfoOption *defaults_with(const char *service)
{
	const char *before = getenv("PGSERVICE");
	char *kept = before != NULL ? mem_strdup(before) : NULL;
	PQconninfoOption *defaults;

	if (service != NULL)
		MUST_ZERO(setenv("PGSERVICE", service, 1));
	defaults = PQconndefaults();
	if (service != NULL)
		MUST_ZERO(kept != NULL ? setenv("PGSERVICE", kept, 1) : unsetenv("PGSERVICE"));
	free(kept);
	return defaults;
}

/* Words such as `system` are no paths, and paths without a slash are none that libpq would take. */
static void tell_path(places_fn *place, void *arg, const char *path)
{
	const char *slash = path != NULL ? strchr(path, '/') : NULL;

	if (slash != NULL)
		place(arg, slash > path && slash[-1] == ':' ? slash : path);
}

static void tell_home(places_fn *place, void *arg)
{
	const char *home = getenv("HOME");
	const struct passwd *user = home != NULL ? NULL : getpwuid(geteuid());
	char path[4096];

	if (user != NULL)
		home = user->pw_dir;
	for (size_t i = 0; home != NULL && i < ARRAY_LEN(in_home); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", home, in_home[i]) <
				sizeof(path) &&
			access(path, F_OK) == 0)
			place(arg, path);
	snprintf(path, sizeof(path), "/tmp/krb5cc_%lu", (unsigned long)geteuid());
	if (access(path, F_OK) == 0)
		place(arg, path);
}

void places_tell(const char *conninfo, places_fn *place, void *arg)
{
	PQconninfoOption *given = PQconninfoParse(conninfo, NULL);
	PQconninfoOption *defaults = defaults_with(value_or_null(given, "service"));

	for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
		tell_path(place, arg, value_or_null(given, parameters[i]));
		tell_path(place, arg, value_or_null(defaults, parameters[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		tell_path(place, arg, getenv(variables[i]));
	tell_home(place, arg);
	PQconninfoFree(given);
	PQconninfoFree(defaults);
}
