/* The configuration: defaults, file, environment, and one clear line for each mistake. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"

#define FILL_50   "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
#define FILL_100  FILL_50 FILL_50
#define FILL_500  FILL_100 FILL_100 FILL_100 FILL_100 FILL_100
#define FILL_1000 FILL_500 FILL_500

static char dir[] = "/tmp/t_conf.XXXXXX";
static char file[64]; /* the one configuration file of these tests */
static char why[512];

static int make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/c.conf", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(file);
	return rmdir(dir);
}

static void write_file(const char *bytes, size_t len)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static enum conf_status load_text(const char *text, struct conf *ret_conf)
{
	write_file(text, strlen(text));
	why[0] = '\0';
	return conf_load(file, NULL, NULL, ret_conf, why, sizeof(why));
}

static enum conf_status load_env(const char *variable, struct conf *ret_conf)
{
	char entry[2 * CONF_TEXT_BYTES];
	char *env[] = {entry, NULL};

	snprintf(entry, sizeof(entry), "%s", variable);
	why[0] = '\0';
	return conf_load(NULL, env, NULL, ret_conf, why, sizeof(why));
}

/* The complaint about a file is "PATH:" and the rest that a table names. */
static void assert_complaint(const char *want)
{
	char full[512];

	snprintf(full, sizeof(full), "%s:%s", file, want);
	assert_string_equal(why, full);
}

static void without_file_and_environment_every_key_has_its_default(void **state)
{
	struct conf conf;

	(void)state;
	memset(&conf, 0x55, sizeof(conf));
	assert_int_equal(conf_load(NULL, NULL, NULL, &conf, why, sizeof(why)), CONF_OK);
#define CONF_TEXT(name, preset, help) assert_string_equal(conf.name, preset);
#define CONF_NUMBER(name, preset, least, most, help) \
	assert_int_equal(conf.name, preset);         \
	assert_in_range(conf.name, least, most);
#include "catalog/conf.def"
#undef CONF_TEXT
#undef CONF_NUMBER
}

static void keys_stand_at_top_level_or_in_their_section(void **state)
{
	struct conf conf;

	(void)state;
	assert_int_equal(load_text("\xEF\xBB\xBF# a comment\n"
				   "threads = 3\r\n"
				   "; another\n"
				   "\n"
				   "[cardkeep]\n"
				   "  wave_calls=7\n"
				   "\tdrain_ms : 0\n"
				   "database = host=/run/pg dbname=x ; where it is\n"
				   "socket_group =\n"
				   "log_level = debug",
				 &conf),
		CONF_OK);
	assert_int_equal(conf.threads, 3);
	assert_int_equal(conf.wave_calls, 7);
	assert_int_equal(conf.drain_ms, 0);
	assert_string_equal(conf.database, "host=/run/pg dbname=x");
	assert_string_equal(conf.socket_group, "");
	assert_string_equal(conf.log_level, "debug");
	assert_int_equal(conf.hash_threads, 1);
}

static const struct {
	const char *text;
	const char *complaint; /* after the path and a colon */
} mistakes[] = {
	{"\n\nthread = 2\n", "3: thread: no such key"},
	{"Threads = 2\n", "1: Threads: no such key"},
	{"= 2\n", "1: : no such key"},
	{"threads = two\n", "1: threads: 'two' is not a whole number"},
	{"threads =\n", "1: threads: '' is not a whole number"},
	{"threads = 2 3\n", "1: threads: '2 3' is not a whole number"},
	{"threads = 2.5\n", "1: threads: '2.5' is not a whole number"},
	{"threads = +2\n", "1: threads: '+2' is not a whole number"},
	{"threads = 0x2\n", "1: threads: '0x2' is not a whole number"},
	{"threads = -\n", "1: threads: '-' is not a whole number"},
	{"threads = 0\n", "1: threads: 0 is out of bounds: 1 to 64"},
	{"threads = -1\n", "1: threads: -1 is out of bounds: 1 to 64"},
	{"# one\nthreads = 65\n", "2: threads: 65 is out of bounds: 1 to 64"},
	{"threads = 99999999999999999999\n",
		"1: threads: 99999999999999999999 is out of bounds: 1 to 64"},
	{"threads = 2\n\nthreads = 2\n", "3: threads: given twice, first in line 1"},
	{"threads = 2\n[cardkeep]\nthreads = 3\n", "3: threads: given twice, first in line 1"},
	{"alert_shed = sometimes\n",
		"1: alert_shed: 'sometimes' is not off, or like: above 5% clear 3% for 60s"},
	{"cors_origins = *\n",
		"1: cors_origins: '*' is not a list of origins, by blanks, each like "
		"https://app.example.org"},
	{"log_level = loud\n", "1: log_level: 'loud' is not error, warn, info or debug"},
	{"log_level = Info\n", "1: log_level: 'Info' is not error, warn, info or debug"},
	{"[server]\n# here\nthreads = 2\n",
		"3: threads: in section [server]; there is only [cardkeep]"},
	{"threads 2\n", "1: neither KEY = VALUE nor [cardkeep]"},
	{"threads = 2\n[cardkeep\nwave_calls = 0\n", "2: neither KEY = VALUE nor [cardkeep]"},
	{"retry_base_ms = 3000\n", "1: retry_base_ms: 3000 is above retry_max_ms, which is 2000"},
	{"\nretry_max_ms = 50\n", "2: retry_max_ms: 50 is below retry_base_ms, which is 100"},
	{"retry_max_ms = 50\nretry_base_ms = 51\n",
		"2: retry_base_ms: 51 is above retry_max_ms, which is 50"},
	{"wave_calls = 99\nthreads = 99\nnonsense\n",
		"1: wave_calls: 99 is out of bounds: 1 to 64"},
	{"threads = \x1b[2J\n", "1: threads: '?[2J' is not a whole number"},
	{"\ndatabase = " FILL_1000 FILL_50 "\n", "2: database: longer than 1023 bytes"},
	{FILL_100 FILL_100 "\n", "1: neither KEY = VALUE nor [cardkeep]"},
	{"[" FILL_100 FILL_100 "\nthreads = 0\n", "1: neither KEY = VALUE nor [cardkeep]"},
	{FILL_1000 " = 1\n", "1: neither KEY = VALUE nor [cardkeep]"},
	{"thread = " FILL_1000 "\n", "1: thread: no such key"},
	{"listen =\n", "1: listen: '' is not to be left empty"},
	{"\ndatabase = ; nothing\n", "2: database: '' is not to be left empty"},
	{"public_url = not a url\n", "1: public_url: 'not a url' is not an origin, like "
				     "https://cards.example.org, without a path"},
	{"public_url = https://a.example/\n",
		"1: public_url: 'https://a.example/' is not an origin, like "
		"https://cards.example.org, without a path"},
	{"public_url = https://a.example https://b.example\n",
		"1: public_url: 'https://a.example https://b.example' is not an origin, like "
		"https://cards.example.org, without a path"},
};

static void every_mistake_is_one_line_with_file_line_and_key(void **state)
{
	struct conf conf = {.threads = -77};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		assert_int_equal(load_text(mistakes[i].text, &conf), CONF_INVALID);
		assert_complaint(mistakes[i].complaint);
		assert_int_equal(conf.threads, -77);
	}
}

static void a_nul_in_the_file_is_a_mistake_and_not_the_end_of_a_line(void **state)
{
	static const char bytes[] = "threads = 2\nwave_calls = 3\0000\n";
	struct conf conf;

	(void)state;
	write_file(bytes, sizeof(bytes) - 1);
	assert_int_equal(conf_load(file, NULL, NULL, &conf, why, sizeof(why)), CONF_INVALID);
	assert_complaint("2: a NUL byte");
}

/* Lines end where they end, whatever inih's buffer: values of every length around its 200 bytes. */
static void a_line_of_any_length_is_read_whole(void **state)
{
	static const char *const spellings[][2] = {
		{"database=", "\n"}, {" database = ", "\r\n"}, {"database:", " ; a comment\n"}};
	struct conf conf;
	char text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		for (int len = 170; len <= 1000; len += len < 210 ? 1 : 79) {
			snprintf(text, sizeof(text), "%s%.*s%sthreads = 4\n", spellings[i][0], len,
				FILL_1000, spellings[i][1]);
			assert_int_equal(load_text(text, &conf), CONF_OK);
			assert_int_equal(strlen(conf.database), len);
			assert_int_equal(strspn(conf.database, "y"), len);
			assert_int_equal(conf.threads, 4);
		}
	}
}

static void a_comment_of_any_length_is_none_of_its_business(void **state)
{
	struct conf conf;

	(void)state;
	assert_int_equal(
		load_text("# " FILL_1000 "\n; x = " FILL_1000 "\nthreads = 4\n", &conf), CONF_OK);
	assert_int_equal(conf.threads, 4);
}

static void who_set_a_key_can_be_told_afterwards(void **state)
{
	char threads[] = "CARDKEEP_THREADS=5";
	char *env[] = {threads, NULL};
	struct conf conf;
	char where[128];
	char want[128];

	(void)state;
	write_file("\nthreads = 3\nlisten = /x\n", 25);
	assert_int_equal(conf_load(file, env, NULL, &conf, why, sizeof(why)), CONF_OK);
	conf_where(&conf, file, "listen", where, sizeof(where));
	snprintf(want, sizeof(want), "%s:3: listen", file);
	assert_string_equal(where, want);
	conf_where(&conf, file, "threads", where, sizeof(where));
	assert_string_equal(where, "CARDKEEP_THREADS");
	conf_where(&conf, file, "workers", where, sizeof(where));
	assert_string_equal(where, "workers");
}

static void only_a_file_that_is_not_there_is_absent(void **state)
{
	char link_to_nothing[64];
	char below_link[80];
	char loop[64];
	char below_file[80];
	struct conf conf;

	(void)state;
	write_file("", 0);
	snprintf(link_to_nothing, sizeof(link_to_nothing), "%s/nothing", dir);
	snprintf(below_link, sizeof(below_link), "%s/nothing/c.conf", dir);
	snprintf(loop, sizeof(loop), "%s/loop", dir);
	snprintf(below_file, sizeof(below_file), "%s/c", file);
	assert_int_equal(symlink("/nonexistent/at/all", link_to_nothing), 0);
	assert_int_equal(symlink(loop, loop), 0);
	assert_true(conf_absent("/nonexistent/cardkeep.conf"));
	assert_true(conf_absent("no-such.conf"));
	assert_false(conf_absent(file));
	assert_false(conf_absent(link_to_nothing));
	assert_false(conf_absent(below_link));
	assert_false(conf_absent(loop));
	assert_false(conf_absent(below_file));
	assert_int_equal(conf_load(loop, NULL, NULL, &conf, why, sizeof(why)), CONF_UNREADABLE);
	assert_int_equal(unlink(loop), 0);
	assert_int_equal(unlink(link_to_nothing), 0);
}

static void what_cannot_be_read_is_told_from_what_is_wrong(void **state)
{
	struct conf conf = {.threads = -77};
	char want[128];

	(void)state;
	assert_int_equal(
		conf_load("/nonexistent/cardkeep.conf", NULL, NULL, &conf, why, sizeof(why)),
		CONF_UNREADABLE);
	assert_string_equal(why, "/nonexistent/cardkeep.conf: No such file or directory");
	assert_int_equal(conf_load(dir, NULL, NULL, &conf, why, sizeof(why)), CONF_UNREADABLE);
	snprintf(want, sizeof(want), "%s: %s", dir, strerror(EISDIR));
	assert_string_equal(why, want);
	assert_int_equal(conf.threads, -77);
}

static void a_complaint_is_cut_to_the_room_there_is(void **state)
{
	struct conf conf;
	char small[8];

	(void)state;
	write_file("x = 1\n", 6);
	assert_int_equal(conf_load(file, NULL, NULL, &conf, small, sizeof(small)), CONF_INVALID);
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

static void the_environment_wins_over_the_file(void **state)
{
	char threads[] = "CARDKEEP_THREADS=5";
	char level[] = "CARDKEEP_LOG_LEVEL=warn";
	char other[] = "HOME=/";
	char *env[] = {other, threads, level, NULL};
	struct conf conf;

	(void)state;
	write_file("threads = 3\nwave_calls = 9\n", 27);
	assert_int_equal(conf_load(file, env, NULL, &conf, why, sizeof(why)), CONF_OK);
	assert_int_equal(conf.threads, 5);
	assert_int_equal(conf.wave_calls, 9);
	assert_string_equal(conf.log_level, "warn");
}

static void a_bad_value_in_the_environment_names_its_variable(void **state)
{
	char text[CONF_TEXT_BYTES + 32] = "CARDKEEP_DATABASE=";
	struct conf conf = {.threads = -77};

	(void)state;
	assert_int_equal(load_env("CARDKEEP_THREADS=many", &conf), CONF_INVALID);
	assert_string_equal(why, "CARDKEEP_THREADS: 'many' is not a whole number");
	assert_int_equal(load_env("CARDKEEP_HASH_QUEUE=0", &conf), CONF_INVALID);
	assert_string_equal(why, "CARDKEEP_HASH_QUEUE: 0 is out of bounds: 1 to 65536");
	assert_int_equal(load_env("CARDKEEP_LOG_LEVEL=", &conf), CONF_INVALID);
	assert_string_equal(why, "CARDKEEP_LOG_LEVEL: '' is not error, warn, info or debug");
	assert_int_equal(load_env("CARDKEEP_RETRY_MAX_MS=7", &conf), CONF_INVALID);
	assert_string_equal(why, "CARDKEEP_RETRY_MAX_MS: 7 is below retry_base_ms, which is 100");
	memset(text + strlen(text), 'd', CONF_TEXT_BYTES);
	assert_int_equal(load_env(text, &conf), CONF_INVALID);
	assert_string_equal(why, "CARDKEEP_DATABASE: longer than 1023 bytes");
	assert_int_equal(conf.threads, -77);
	text[strlen(text) - 1] = '\0';
	assert_int_equal(load_env(text, &conf), CONF_OK);
	assert_int_equal(strlen(conf.database), 1023);
}

static char warned[256];

static void note_warning(const char *variable)
{
	strncat(warned, variable, sizeof(warned) - strlen(warned) - 1);
	strncat(warned, " ", sizeof(warned) - strlen(warned) - 1);
}

static void unknown_variables_are_warned_of_but_for_those_of_the_scripts(void **state)
{
	char entries[][40] = {"CARDKEEP_THREAD=2", "CARDKEEP_PORT=8080", "CARDKEEP_STATE=/x",
		"CARDKEEP_CONF=/x", "CARDKEEP_threads=2", "CARDKEEP_=", "CARDKEEP_X",
		"cardkeep_y=1", "CARDKEEPER=1"};
	char *env[ARRAY_LEN(entries) + 1] = {NULL};
	struct conf conf;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		env[i] = entries[i];
	warned[0] = '\0';
	assert_int_equal(conf_load(NULL, env, note_warning, &conf, why, sizeof(why)), CONF_OK);
	assert_string_equal(warned, "CARDKEEP_THREAD CARDKEEP_threads CARDKEEP_ ");
	assert_int_equal(conf.threads, 1);
	assert_int_equal(conf_load(NULL, env, NULL, &conf, why, sizeof(why)), CONF_OK);
}

/* The example, with the mark of a comment taken from before each key, is the defaults. */
static void the_example_names_every_key_with_its_default(void **state)
{
	const char *source = getenv("srcdir");
	char command[1024];
	struct conf example;
	struct conf preset;

	(void)state;
	snprintf(command, sizeof(command),
		"'%s'/scripts/gen-conf | sed 's/^#\\([a-z_]* =\\)/\\1/' > '%s'",
		source != NULL ? source : ".", file);
	assert_int_equal(system(command), 0);
	memset(&example, 0, sizeof(example));
	assert_int_equal(conf_load(NULL, NULL, NULL, &preset, why, sizeof(why)), CONF_OK);
	assert_int_equal(conf_load(file, NULL, NULL, &example, why, sizeof(why)), CONF_OK);
#define CONF_TEXT(name, value, help)                assert_string_equal(example.name, preset.name);
#define CONF_NUMBER(name, value, least, most, help) assert_int_equal(example.name, preset.name);
#include "catalog/conf.def"
#undef CONF_TEXT
#undef CONF_NUMBER
}

static void a_file_without_a_place_of_its_own_lies_beside_the_socket(void **state)
{
	struct conf conf;
	char path[CONF_PLACE_BYTES];

	(void)state;
	assert_int_equal(conf_load(NULL, NULL, NULL, &conf, why, sizeof(why)), CONF_OK);
	conf_place(&conf, conf.segment, "segment", path);
	assert_string_equal(path, "/run/cardkeep/segment");
	conf_place(&conf, "/elsewhere/s", "segment", path);
	assert_string_equal(path, "/elsewhere/s");
	strcpy(conf.listen, "app.sock");
	conf_place(&conf, "", "segment", path);
	assert_string_equal(path, "segment");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_file_and_environment_every_key_has_its_default),
		cmocka_unit_test(keys_stand_at_top_level_or_in_their_section),
		cmocka_unit_test(every_mistake_is_one_line_with_file_line_and_key),
		cmocka_unit_test(a_nul_in_the_file_is_a_mistake_and_not_the_end_of_a_line),
		cmocka_unit_test(a_line_of_any_length_is_read_whole),
		cmocka_unit_test(a_comment_of_any_length_is_none_of_its_business),
		cmocka_unit_test(who_set_a_key_can_be_told_afterwards),
		cmocka_unit_test(only_a_file_that_is_not_there_is_absent),
		cmocka_unit_test(what_cannot_be_read_is_told_from_what_is_wrong),
		cmocka_unit_test(a_complaint_is_cut_to_the_room_there_is),
		cmocka_unit_test(the_environment_wins_over_the_file),
		cmocka_unit_test(a_bad_value_in_the_environment_names_its_variable),
		cmocka_unit_test(unknown_variables_are_warned_of_but_for_those_of_the_scripts),
		cmocka_unit_test(the_example_names_every_key_with_its_default),
		cmocka_unit_test(a_file_without_a_place_of_its_own_lies_beside_the_socket),
	};

	return cmocka_run_group_tests_name("conf", tests, make_dir, remove_dir);
}
