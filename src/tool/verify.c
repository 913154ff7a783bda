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
#include "base/json_text.h"
#include "report/format.h"
#include "tool/database.h"
#include "tool/tool.h"

/* Of each promise that is broken, so many examples are shown. */
#define EXAMPLES "20"

/* Of sql/checks, by scripts/gen-checks. */
static const struct check {
	const char *name;
	const char *promise;
	const char *sql;
} checks[] = {
#define CHECK(name, promise, sql) {#name, promise, sql},
#include "tool/verify.def"
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

static int open_snapshot(struct client *client)
{
	for (size_t i = 0; i < ARRAY_LEN(opening); i++)
		if (client_run(client, opening[i], NULL, 0, NULL) != CLIENT_OK)
			return database_fail(client);
	return EX_OK;
}

/* Whether there is anything to verify, and by whom it may be looked at. */
static int may_look(struct client *client)
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
static int look_for(struct client *client, const struct check *check, struct finding *ret)
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

static void tell_json(const struct check *check, const struct finding *finding, bool first)
{
	struct buf out = {0};

	buf_str(&out, first ? "\n {" : ",\n {");
	json_text_member(&out, "name", check->name);
	buf_char(&out, ',');
	json_text_member(&out, "promise", check->promise);
	buf_printf(&out, ",\"findings\":%s,", finding->count);
	json_text_member(&out, "failure", finding->failure);
	buf_str(&out, ",\"examples\":[");
	for (size_t i = 0; finding->rows != NULL && i < client_count(finding->rows); i++) {
		buf_str(&out, i > 0 ? ",{" : "{");
		json_text_member(&out, "subject", client_value(finding->rows, i, 0));
		buf_char(&out, ',');
		json_text_member(&out, "detail", client_value(finding->rows, i, 1));
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
		int status = look_for(client, &checks[i], &finding);

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
	int status = open_snapshot(client);

	if (status == EX_OK)
		status = may_look(client);
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
			clock_seconds(clock_mono_us() - began_us));
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
