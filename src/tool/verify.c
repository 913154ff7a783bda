/*
 * cardkeep verify: does a database keep every promise that it makes?
 *
 * All checks see one moment: a repeatable-read transaction that can only read. A check that fails by
 * itself (a table is gone, say) is a finding like others, and the rest goes on from a savepoint.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "http/json.h"
#include "report/format.h"
#include "tool/database.h"
#include "tool/installed.def"
#include "tool/tool.h"

/* Of each promise that is broken, so many examples are shown. */
#define EXAMPLES "20"

#define INSTALLED_FUNCTIONS_TEXT   "'" INSTALLED_FUNCTIONS "'"
#define INSTALLED_TRIGGERS_TEXT    "'" INSTALLED_TRIGGERS "'"
#define INSTALLED_CONSTRAINTS_TEXT "'" INSTALLED_CONSTRAINTS "'"
#define INSTALLED_GRANTS_TEXT      "'" INSTALLED_GRANTS "'"
#define INSTALLED_SETTINGS_TEXT    "'" INSTALLED_SETTINGS "'"

/* Whether what a version keeps of a field is what the field held after it: the next image, or what
 * the card holds now. */
#define CARD_IMAGE(image, field)                                               \
	"(h." image " is not null and h." image " = coalesce((select n." image \
	" from cardkeep.business_card_versions n where n.card_id = h.card_id"  \
	"	and n.version > h.version and n." image " is not null"         \
	" order by n.version limit 1), b." field "))"

/* Whether a history begins at a later version than 1 by right: rows from before Cardkeep came with the
 * version that others had counted to, under a write id that says so (cardkeep_legacy.write_of). */
#define CARRIED(kind, id, version, write) \
	"(" write " = md5('" kind ":' || " id " || ':' || " version ")::uuid)"

/* A profile that was adopted came under the id of whoever waited. */
#define CARRIED_PROFILE(table)                                                       \
	"exists (select from cardkeep." table "_versions o"                          \
	" left join cardkeep.upgrade_changes c on c.kind = '" table "'"              \
	"	and c.entity_id = o.user_id and c.field = 'user_id'"                       \
	"	and c.reason = 'adopted'"                                                  \
	" where o.user_id = h.user_id and o.version = h.first and (" CARRIED(        \
		table, "o.user_id", "o.version", "o.write_id") " or " CARRIED(table, \
		"(c.was #>> '{}')", "o.version", "o.write_id") "))"

/* What a closed account has is being erased, the oldest history first. */
#define CLOSED(user) \
	"exists (select from cardkeep.users u where u.id = " user " and u.closed_at is not null)"

/* What holds for both profiles. */
#define PROFILE_CHECKS(table)                                                                   \
	CHECK(table##_versions,                                                                 \
		"a profile's history has each version from its first to its own once",          \
		"select p.user_id::text, case when h.user_id is null then 'has no history'"     \
		"	when h.last <> p.version"                                                     \
		"		then 'is at version ' || p.version"                                          \
		"			|| ', and its history at ' || h.last"                                       \
		"	when h.first <> k.first"                                                      \
		"		then 'begins at version ' || h.first"                                        \
		"			|| ', and was pruned to ' || k.first"                                       \
		"	else 'has ' || h.kinds || ' of the versions ' || h.first"                     \
		"		|| ' to ' || h.last || ' in ' || h.rows || ' rows' end"                      \
		" from cardkeep." #table " p"                                                   \
		" left join (select v.user_id, count(*) as rows,"                               \
		"		count(distinct v.version) as kinds, min(v.version) as first,"                \
		"		max(v.version) as last"                                                      \
		"	from cardkeep." #table "_versions v group by v.user_id) h"              \
		"	on h.user_id = p.user_id"                                                     \
		" left join cardkeep.pruned_histories k"                                        \
		"	on k.kind = '" #table "' and k.id = p.user_id"                          \
		" where (h.user_id is null or h.kinds <> h.last - h.first + 1"                  \
		"	or h.rows <> h.kinds or h.last <> p.version"                                  \
		"	or h.first <> k.first or (k.id is null and h.first <> 1"                      \
		"		and not " CARRIED_PROFILE(#table) "))"                          \
								  "	and not " CLOSED(       \
									  "p.user_id"))         \
	CHECK(table##_writes,                                                                   \
		"its latest version in history is of the write, and the time, of the profile",  \
		"select p.user_id::text, 'version ' || p.version || ' is of another write'"     \
		"	|| ' or time in history'"                                                     \
		" from cardkeep." #table " p join cardkeep." #table "_versions h"               \
		"	on h.user_id = p.user_id and h.version = p.version"                           \
		" where h.write_id is distinct from p.last_write"                               \
		"	or h.at is distinct from p.updated_at")                                 \
	CHECK(table##_images, "what a version says was before it differs from what came after", \
		"select h.user_id::text, 'version ' || h.version || ', ' || e.key"              \
		"	|| ': what was before is what came after'"                                    \
		" from cardkeep." #table "_versions h cross join jsonb_each(h.before) e"        \
		" join cardkeep." #table " p on p.user_id = h.user_id"                          \
		" where e.value = coalesce((select n.before -> e.key"                           \
		"	from cardkeep." #table "_versions n where n.user_id = h.user_id"        \
		"		and n.version > h.version and n.before ? e.key"                              \
		"	order by n.version limit 1), to_jsonb(p) -> e.key)")

static const struct check {
	const char *name;
	const char *promise;
	const char *sql;
} checks[] = {
#define CHECK(name, promise, sql) {#name, promise, sql},
#include "tool/checks.def"
};

/* What a check came to. */
struct finding {
	const char *count;        /* a number as text; "1" where the check itself failed */
	const char *failure;      /* why it could not be made, or NULL */
	struct client_rows *rows; /* subject, detail, and the number of all of them in each */
};

/* ---- looking --------------------------------------------------------------------------------- */

/* One snapshot that nothing can be written in, and no limit of time but the operator's patience. */
static const char *const opening[] = {
	"begin isolation level repeatable read, read only",
	"set local search_path = pg_catalog, pg_temp",
	"set local statement_timeout = 0",
	"set local lock_timeout = '10s'",
	"set local work_mem = '64MB'",
	"set local jit = off",
	"savepoint before_check",
};

static int begin(struct client *client)
{
	for (size_t i = 0; i < ARRAY_LEN(opening); i++)
		if (client_run(client, opening[i], NULL, 0, NULL) != CLIENT_OK)
			return database_fail(client);
	return EX_OK;
}

/* Whether there is anything to verify, and by whom it may be looked at. */
static int admit(struct client *client)
{
	struct client_rows *rows;
	const char *answer;
	int status;

	if (client_run(client,
		    "select case when to_regnamespace('cardkeep') is null then 'absent'"
		    " when not has_schema_privilege('cardkeep', 'usage')"
		    "	or not coalesce(has_table_privilege("
		    "		to_regclass('cardkeep.business_cards'), 'select'), true)"
		    "	then 'closed' else '' end",
		    NULL, 0, &rows) != CLIENT_OK)
		return database_fail(client);
	answer = client_value(rows, 0, 0);
	if (strcmp(answer, "absent") == 0)
		status = tool_fail(EX_UNAVAILABLE,
			"this database has no schema cardkeep; see cardkeep migrate");
	else if (answer[0] != '\0')
		status = tool_fail(EX_NOPERM,
			"this role may not read the tables; connect as an administrator");
	else
		status = EX_OK;
	client_free(&rows);
	return status;
}

/* Makes one check. On anything but EX_OK the connection is gone, which has been said. */
static int look(struct client *client, const struct check *check, struct finding *ret)
{
	struct buf sql = {0};
	enum client_status status;

	*ret = (struct finding){.count = "0"};
	buf_printf(&sql,
		"with found(subject, detail) as (%s) select subject, detail, count(*) over ()"
		" from found order by subject, detail limit " EXAMPLES,
		check->sql);
	status = client_run(client, buf_cstr(&sql), NULL, 0, &ret->rows);
	buf_free(&sql);
	if (status == CLIENT_OK) {
		if (client_count(ret->rows) > 0)
			ret->count = client_value(ret->rows, 0, 2);
		return EX_OK;
	}
	if (status == CLIENT_LOST)
		return database_fail(client);
	ret->count = "1";
	ret->failure = client_error(client);
	return EX_OK;
}

/* After a check that failed; harmless after others. */
static int recover(struct client *client)
{
	return client_run(client, "rollback to savepoint before_check", NULL, 0, NULL) == CLIENT_OK
		       ? EX_OK
		       : database_fail(client);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell_text(const struct check *check, const struct finding *finding)
{
	struct buf line = {0};

	buf_str(&line, strcmp(finding->count, "0") == 0 ? "ok" : "BROKEN");
	format_pad(&line, 0, 8, 1);
	buf_str(&line, check->name);
	format_pad(&line, 0, 36, 1);
	printf("%s%s\n", buf_cstr(&line), check->promise);
	if (finding->failure != NULL)
		printf("        it could not be looked at: %s\n", finding->failure);
	for (size_t i = 0; finding->rows != NULL && i < client_count(finding->rows); i++)
		printf("        %s: %s\n", client_value(finding->rows, i, 0),
			client_value(finding->rows, i, 1));
	if (finding->rows != NULL &&
		strtoul(finding->count, NULL, 10) > client_count(finding->rows))
		printf("        ... %s in all\n", finding->count);
	buf_free(&line);
	(void)fflush(stdout);
}

static void add_text(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\":", name);
	json_quote(out, text, strlen(text));
}

static void tell_json(const struct check *check, const struct finding *finding, bool first)
{
	struct buf out = {0};

	buf_str(&out, first ? "\n {" : ",\n {");
	add_text(&out, "name", check->name);
	buf_char(&out, ',');
	add_text(&out, "promise", check->promise);
	buf_printf(&out, ",\"findings\":%s,\"failure\":", finding->count);
	if (finding->failure != NULL)
		json_quote(&out, finding->failure, strlen(finding->failure));
	else
		buf_str(&out, "null");
	buf_str(&out, ",\"examples\":[");
	for (size_t i = 0; finding->rows != NULL && i < client_count(finding->rows); i++) {
		buf_str(&out, i > 0 ? ",{" : "{");
		add_text(&out, "subject", client_value(finding->rows, i, 0));
		buf_char(&out, ',');
		add_text(&out, "detail", client_value(finding->rows, i, 1));
		buf_char(&out, '}');
	}
	buf_str(&out, "]}");
	fputs(buf_cstr(&out), stdout);
	buf_free(&out);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Makes every check and tells what it found; counts the promises that are broken. */
static int check_all(struct client *client, bool json, size_t *broken)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		struct finding finding;
		int status = look(client, &checks[i], &finding);

		if (status != EX_OK)
			return status;
		*broken += strcmp(finding.count, "0") != 0;
		if (json)
			tell_json(&checks[i], &finding, i == 0);
		else
			tell_text(&checks[i], &finding);
		client_free(&finding.rows);
		status = recover(client);
		if (status != EX_OK)
			return status;
	}
	return EX_OK;
}

static int verify(struct client *client, bool json)
{
	const int64_t began_us = clock_mono_us();
	size_t broken = 0;
	int status = begin(client);

	if (status == EX_OK)
		status = admit(client);
	if (status != EX_OK)
		return status;
	if (json)
		fputs("{\"checks\":[", stdout);
	status = check_all(client, json, &broken);
	if (status != EX_OK)
		return status;
	if (json)
		printf("\n],\"broken\":%zu,\"clean\":%s}\n", broken,
			broken == 0 ? "true" : "false");
	else
		printf("%zu promises, %zu broken, %.1f s\n", ARRAY_LEN(checks), broken,
			(double)(clock_mono_us() - began_us) / (double)CLOCK_S);
	return broken == 0 ? EX_OK : TOOL_FINDING;
}

int tool_verify(const struct tool *tool)
{
	struct client *client;
	int status = database_open(tool, &client);

	if (status != EX_OK)
		return status;
	status = verify(client, (tool->given & TOOL_JSON) != 0);
	client_close(&client);
	return status;
}
