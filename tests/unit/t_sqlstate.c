/* What each SQLSTATE of PostgreSQL means for a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "db/sqlstate.h"

/* Class and every code that a rule singles out, as design and PostgreSQL's appendix A name them. */
static const struct {
	const char *code;
	enum sqlstate_class class;
} plain[] = {
	{"01000", SQLSTATE_FAILED},      /* a warning is never an answer */
	{"02000", SQLSTATE_FAILED},      /* no data */
	{"03000", SQLSTATE_FAILED},      /* statement not yet complete */
	{"08000", SQLSTATE_LOST},        /* connection_exception */
	{"08001", SQLSTATE_UNAVAILABLE}, /* unable to establish */
	{"08003", SQLSTATE_LOST},        /* does not exist */
	{"08004", SQLSTATE_UNAVAILABLE}, /* rejected */
	{"08006", SQLSTATE_LOST},        /* failure */
	{"08007", SQLSTATE_LOST},        /* transaction_resolution_unknown */
	{"08P01", SQLSTATE_LOST},        /* protocol_violation */
	{"09000", SQLSTATE_FAILED},      /* triggered action exception */
	{"0A000", SQLSTATE_FAILED},      /* not supported */
	{"0B000", SQLSTATE_FAILED},      /* invalid transaction initiation */
	{"0F000", SQLSTATE_FAILED},      /* locator */
	{"0L000", SQLSTATE_FAILED},      /* invalid grantor */
	{"0P000", SQLSTATE_FAILED},      /* invalid role */
	{"0Z000", SQLSTATE_FAILED},      /* diagnostics */
	{"20000", SQLSTATE_FAILED},      /* case not found */
	{"21000", SQLSTATE_FAILED},      /* cardinality */
	{"22000", SQLSTATE_INPUT},       /* data exception */
	{"22001", SQLSTATE_INPUT},       /* too long */
	{"22003", SQLSTATE_INPUT},       /* out of range */
	{"22007", SQLSTATE_INPUT},       /* datetime */
	{"22021", SQLSTATE_INPUT},       /* character not in repertoire */
	{"22023", SQLSTATE_INPUT},       /* invalid parameter */
	{"22032", SQLSTATE_INPUT},       /* invalid JSON */
	{"22P02", SQLSTATE_INPUT},       /* invalid text representation */
	{"22P05", SQLSTATE_INPUT},       /* untranslatable character */
	{"23000", SQLSTATE_INPUT},       /* integrity constraint */
	{"23001", SQLSTATE_INPUT},       /* restrict */
	{"23502", SQLSTATE_INPUT},       /* not null */
	{"23503", SQLSTATE_INPUT},       /* foreign key, none named */
	{"23505", SQLSTATE_TAKEN},       /* unique */
	{"23514", SQLSTATE_INPUT},       /* check */
	{"23P01", SQLSTATE_INPUT},       /* exclusion */
	{"24000", SQLSTATE_FAILED},      /* invalid cursor state */
	{"25000", SQLSTATE_FAILED},      /* invalid transaction state */
	{"25001", SQLSTATE_FAILED},      /* active transaction */
	{"25006", SQLSTATE_READ_ONLY},   /* read-only transaction */
	{"25P02", SQLSTATE_FAILED},      /* in failed transaction */
	{"25P03", SQLSTATE_LOST},        /* idle in transaction timeout */
	{"25P04", SQLSTATE_LOST},        /* transaction timeout */
	{"26000", SQLSTATE_STALE},       /* no such prepared statement */
	{"27000", SQLSTATE_FAILED},      /* triggered data change */
	{"28000", SQLSTATE_FAILED},      /* authorization */
	{"28P01", SQLSTATE_FAILED},      /* password */
	{"2B000", SQLSTATE_FAILED},      /* dependent privileges */
	{"2D000", SQLSTATE_FAILED},      /* invalid termination */
	{"2F003", SQLSTATE_FAILED},      /* prohibited statement */
	{"34000", SQLSTATE_FAILED},      /* invalid cursor name */
	{"38000", SQLSTATE_FAILED},      /* external routine */
	{"39000", SQLSTATE_FAILED},      /* external routine invocation */
	{"3B000", SQLSTATE_FAILED},      /* savepoint */
	{"3D000", SQLSTATE_FAILED},      /* no such database */
	{"3F000", SQLSTATE_FAILED},      /* no such schema */
	{"40000", SQLSTATE_FAILED},      /* rollback */
	{"40001", SQLSTATE_TRANSIENT},   /* serialization */
	{"40002", SQLSTATE_FAILED},      /* integrity constraint at commit */
	{"40003", SQLSTATE_LOST},        /* statement completion unknown */
	{"40P01", SQLSTATE_TRANSIENT},   /* deadlock */
	{"42501", SQLSTATE_FAILED},      /* insufficient privilege */
	{"42601", SQLSTATE_FAILED},      /* syntax */
	{"42703", SQLSTATE_FAILED},      /* undefined column */
	{"42883", SQLSTATE_STALE},       /* undefined function */
	{"42P01", SQLSTATE_FAILED},      /* undefined table */
	{"42P05", SQLSTATE_STALE},       /* duplicate prepared statement */
	{"44000", SQLSTATE_FAILED},      /* with check option */
	{"53000", SQLSTATE_FAILED},      /* insufficient resources */
	{"53100", SQLSTATE_FAILED},      /* disk full */
	{"53200", SQLSTATE_FAILED},      /* out of memory */
	{"53300", SQLSTATE_UNAVAILABLE}, /* too many connections */
	{"53400", SQLSTATE_FAILED},      /* configured limit */
	{"54000", SQLSTATE_FAILED},      /* program limit */
	{"55000", SQLSTATE_FAILED},      /* not in prerequisite state */
	{"55006", SQLSTATE_FAILED},      /* object in use */
	{"55P03", SQLSTATE_TRANSIENT},   /* lock not available */
	{"57000", SQLSTATE_FAILED},      /* operator intervention */
	{"57014", SQLSTATE_OVERRUN},     /* query canceled: it ran over its time */
	{"57P01", SQLSTATE_LOST},        /* admin shutdown */
	{"57P02", SQLSTATE_LOST},        /* crash shutdown */
	{"57P03", SQLSTATE_UNAVAILABLE}, /* cannot connect now */
	{"57P04", SQLSTATE_LOST},        /* database dropped */
	{"57P05", SQLSTATE_LOST},        /* idle session timeout */
	{"58000", SQLSTATE_FAILED},      /* system error */
	{"58030", SQLSTATE_FAILED},      /* I/O */
	{"72000", SQLSTATE_FAILED},      /* snapshot too old */
	{"F0000", SQLSTATE_FAILED},      /* configuration file */
	{"HV000", SQLSTATE_FAILED},      /* foreign data wrapper */
	{"P0001", SQLSTATE_FAILED},      /* raise exception */
	{"XX000", SQLSTATE_FAILED},      /* internal error */
	{"XX001", SQLSTATE_FAILED},      /* data corrupted */
	{"ZZZZZ", SQLSTATE_FAILED},      /* no such code */
};

static void every_class_and_every_exact_code_has_its_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		enum sqlstate_class class = sqlstate_class(plain[i].code, NULL, NULL, true);

		if (class != plain[i].class)
			fail_msg("%s is %s, not %s", plain[i].code, sqlstate_class_name(class),
				sqlstate_class_name(plain[i].class));
	}
}

/* A code that the server sent says more than the state of the connection after it. */
static void a_code_means_the_same_on_a_broken_connection(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		assert_int_equal(sqlstate_class(plain[i].code, NULL, NULL, false), plain[i].class);
}

static void no_code_is_a_lost_connection_or_a_failure_of_libpq(void **state)
{
	(void)state;
	assert_int_equal(sqlstate_class("", NULL, NULL, false), SQLSTATE_LOST);
	assert_int_equal(sqlstate_class("", NULL, "out of memory", true), SQLSTATE_FAILED);
}

static void a_missing_user_is_told_from_other_foreign_keys_by_constraint(void **state)
{
	static const char *const users[] = {"business_cards_user_id_fkey", "user_id_fkey",
		"personal_info_user_id_fkey", "sessions_user_id_fkey"};
	static const char *const others[] = {
		"", "business_cards_card_id_fkey", "user_id_fkey_2", "users_pkey"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		assert_int_equal(
			sqlstate_class("23503", users[i], NULL, true), SQLSTATE_NO_ACCOUNT);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(sqlstate_class("23503", others[i], NULL, true), SQLSTATE_INPUT);
	assert_int_equal(
		sqlstate_class("23505", "business_cards_user_id_fkey", NULL, true), SQLSTATE_TAKEN);
}

static void a_plan_is_stale_only_where_the_message_says_so(void **state)
{
	static const char plan[] = "cached plan must not change result type";
	static const char cache[] = "cache lookup failed for function 16402";

	(void)state;
	assert_int_equal(sqlstate_class("0A000", NULL, plan, true), SQLSTATE_STALE);
	assert_int_equal(sqlstate_class("0A000", NULL, cache, true), SQLSTATE_FAILED);
	assert_int_equal(sqlstate_class("XX000", NULL, cache, true), SQLSTATE_STALE);
	assert_int_equal(sqlstate_class("XX000", NULL, plan, true), SQLSTATE_FAILED);
	assert_int_equal(sqlstate_class("XX001", NULL, cache, true), SQLSTATE_FAILED);
}

static void a_refused_connection_has_its_reason_in_words(void **state)
{
	(void)state;
	assert_string_equal(sqlstate_refusal("28P01"), "wrong password, or none");
	assert_string_equal(
		sqlstate_refusal("28000"), "user unknown, or not let in by pg_hba.conf");
	assert_string_equal(sqlstate_refusal("08006"), "no server answers");
	assert_null(sqlstate_refusal("XX000"));
	assert_null(sqlstate_refusal(""));
	assert_null(sqlstate_refusal("none"));
}

static void every_meaning_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a <= SQLSTATE_FAILED; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(sqlstate_class_name((enum sqlstate_class)a),
				sqlstate_class_name((enum sqlstate_class)b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_and_every_exact_code_has_its_meaning),
		cmocka_unit_test(a_code_means_the_same_on_a_broken_connection),
		cmocka_unit_test(no_code_is_a_lost_connection_or_a_failure_of_libpq),
		cmocka_unit_test(a_missing_user_is_told_from_other_foreign_keys_by_constraint),
		cmocka_unit_test(a_plan_is_stale_only_where_the_message_says_so),
		cmocka_unit_test(a_refused_connection_has_its_reason_in_words),
		cmocka_unit_test(every_meaning_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests_name("sqlstate", tests, NULL, NULL);
}
