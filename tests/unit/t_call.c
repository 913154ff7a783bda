/* Calls: arguments in order, statements as calls.def lists them, results released once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/call.h"
#include "db/pq.h"

static int freed;

/* In place of pq.c, so that no libpq is needed: counts what is given back. */
void pq_result_free(struct pq_result **result)
{
	if (*result != NULL)
		freed++;
	*result = NULL;
}

static void arguments_stand_in_the_order_they_were_given(void **state)
{
	static const unsigned char token[32] = {1, 0, 2};
	struct uuid id;
	struct mem_arena arena = {0};
	struct call call = {0};

	(void)state;
	assert_true(uuid_parse("6f9619ff8b86d011b42d00c04fc964ff", 32, &id));
	call_start(&call, CALL_CREATE_CARD);
	call_bytes(&call, token, sizeof(token));
	call_uuid(&call, &arena, &id);
	call_text(&call, "My card");
	call_text(&call, NULL);
	call_integer(&call, &arena, INT64_MIN);
	call_text(&call, NULL);
	call_text(&call, "false");
	call_text(&call, "true");
	call_uuid(&call, &arena, &id);
	assert_int_equal(call.nargs, call_arity(CALL_CREATE_CARD));
	assert_ptr_equal(call.values[0], token);
	assert_true(call.binary[0]);
	assert_int_equal(call.lengths[0], 32);
	assert_string_equal(call.values[1], "6f9619ff-8b86-d011-b42d-00c04fc964ff");
	assert_string_equal(call.values[2], "My card");
	assert_false(call.binary[2]);
	assert_null(call.values[3]);
	assert_string_equal(call.values[4], "-9223372036854775808");
	assert_null(call.values[5]);
	assert_string_equal(call.values[6], "false");
	assert_string_equal(call.values[7], "true");
	call_release(&call);
	mem_arena_free(&arena);
}

/* With a disk nearly full these alone are taken, of all that write. */
static void what_writes_adds_but_for_deletions_sign_ins_and_passwords(void **state)
{
	static const enum call_id kept[] = {CALL_OPEN_SESSION, CALL_END_SESSION, CALL_END_SESSIONS,
		CALL_CHANGE_PASSWORD, CALL_DELETE_ACCOUNT, CALL_DELETE_CARD};
	size_t adding = 0;
	size_t writing = 0;

	(void)state;
	for (int id = 0; id < CALL_COUNT; id++) {
		const bool writes = call_kind((enum call_id)id) == CALL_WRITE;

		writing += writes;
		adding += call_adds((enum call_id)id);
		assert_true(writes || !call_adds((enum call_id)id));
	}
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		assert_false(call_adds(kept[i]));
	assert_int_equal(adding, writing - ARRAY_LEN(kept));
	assert_true(call_adds(CALL_REGISTER) && call_adds(CALL_CREATE_CARD));
}

static void a_row_is_released_once_however_often_it_is_asked(void **state)
{
	static char result[1];
	struct call call = {0};

	(void)state;
	freed = 0;
	call_release(&call);
	assert_int_equal(freed, 0);
	call_start(&call, CALL_READ_USER);
	call.result = (struct pq_result *)(void *)result;
	call.result_free = pq_result_free;
	call.row.status = 200;
	call.row.body = result;
	call_release(&call);
	assert_int_equal(freed, 1);
	assert_null(call.result);
	assert_null(call.row.body);
	assert_int_equal(call.row.status, 0);
	call_release(&call);
	assert_int_equal(freed, 1);
}

static void a_call_started_anew_gives_back_its_earlier_row_and_arguments(void **state)
{
	static char result[1];
	struct call call = {0};

	(void)state;
	freed = 0;
	call_start(&call, CALL_FIND_ACCOUNT);
	call_text(&call, "ann@example.org");
	call.result = (struct pq_result *)(void *)result;
	call.result_free = pq_result_free;
	call_start(&call, CALL_READ_CARD);
	assert_int_equal(freed, 1);
	assert_int_equal(call.id, CALL_READ_CARD);
	assert_int_equal(call.nargs, 0);
	assert_null(call.values[0]);
}

static void statements_name_the_function_and_every_argument_once(void **state)
{
	/* Of a call of a function that serves several, that one. */
	static const char *const functions[] = {
#define CALL(id, kind, cost, counts, function, args, nargs)          function,
#define CALL_OF(id, kind, cost, counts, name, function, args, nargs) function,
#include "catalog/calls.def"
	};

	(void)state;
	for (enum call_id id = 0; id < CALL_COUNT; id++) {
		const char *statement = call_statement(id);
		char want[64];

		snprintf(want, sizeof(want), " from cardkeep_api.%s(", functions[id]);
		assert_non_null(strstr(statement, want));
		assert_in_range(call_arity(id), 1, CALL_ARGS_MAX);
		for (size_t arg = 1; arg <= call_arity(id) + 1; arg++) {
			snprintf(want, sizeof(want), "$%zu::", arg);
			if (arg <= call_arity(id))
				assert_non_null(strstr(statement, want));
			else
				assert_null(strstr(statement, want));
		}
	}
	assert_string_equal(call_statement(CALL_CHECK_CARD),
		"select 1, status, version, replayed, detail, body "
		"from cardkeep_api.check_card($1::bytea, $2::uuid)");
	assert_string_equal(call_name(CALL_CHECK_CARD), "check_card");
	assert_string_equal(call_statement(CALL_READ_PERSONAL),
		"select 1, status, version, replayed, detail, body "
		"from cardkeep_api.read_own_profile('personal_info', $1::bytea)");
	assert_string_equal(call_name(CALL_READ_PERSONAL), "read_personal_info");
}

/* Every write id is a uuid argument; a read has no use for one beyond the id of what it reads. */
/* What may take the database long never rides in a wave: for what it is, or for its size. */
static void slow_calls_are_told_by_kind_and_by_size(void **state)
{
	static const enum call_id slow[] = {CALL_DELETE_ACCOUNT, CALL_MERGE_CARD, CALL_PATCH_CARD,
		CALL_MERGE_PERSONAL, CALL_MERGE_PROFESSIONAL, CALL_CARD_HISTORY, CALL_REVERT_CARD,
		CALL_PERSONAL_HISTORY, CALL_REVERT_PERSONAL, CALL_PROFESSIONAL_HISTORY,
		CALL_REVERT_PROFESSIONAL, CALL_RPC_SLUG, CALL_RPC_CREATE, CALL_RPC_UPDATE,
		CALL_RPC_PERSONAL, CALL_RPC_PROFESSIONAL, CALL_READ_ROWS};
	static char big[CALL_HOT_BYTES + 2];
	struct call call = {0};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		assert_int_equal(call_cost(slow[i]), CALL_SLOW);
	for (enum call_id id = 0; id < CALL_COUNT; id++)
		count += call_cost(id) == CALL_SLOW;
	assert_int_equal(count, ARRAY_LEN(slow));

	memset(big, 'x', CALL_HOT_BYTES);
	call_start(&call, CALL_UPDATE_CARD);
	call_text(&call, big);
	call_text(&call, NULL);
	assert_int_equal(call_size(&call), CALL_HOT_BYTES);
	assert_false(call_is_slow(&call));
	call_bytes(&call, "1", 1);
	assert_true(call_is_slow(&call));
	call_start(&call, CALL_READ_ROWS);
	assert_true(call_is_slow(&call));
	call_start(&call, CALL_READ_CARD);
	assert_false(call_is_slow(&call));
}

static void reads_and_writes_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(call_kind(CALL_CHECK_SESSION), CALL_READ);
	assert_int_equal(call_kind(CALL_LIST_CARDS), CALL_READ);
	for (enum call_id id = 0; id < CALL_COUNT; id++)
		if (call_kind(id) == CALL_WRITE)
			assert_non_null(strstr(call_statement(id), "::uuid"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_stand_in_the_order_they_were_given),
		cmocka_unit_test(what_writes_adds_but_for_deletions_sign_ins_and_passwords),
		cmocka_unit_test(a_row_is_released_once_however_often_it_is_asked),
		cmocka_unit_test(a_call_started_anew_gives_back_its_earlier_row_and_arguments),
		cmocka_unit_test(statements_name_the_function_and_every_argument_once),
		cmocka_unit_test(reads_and_writes_are_told_apart),
		cmocka_unit_test(slow_calls_are_told_by_kind_and_by_size),
	};

	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
