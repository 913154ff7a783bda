/*
 * The configuration: an INI file, overridden key by key by the environment.
 *
 * inih (the one that Debian ships) tells its handler no line number, cuts lines in silence at
 * INI_MAX_LINE, and takes an indented line for more of the value before it. So the lines are read
 * here: counted, and handed over without their indentation. Of a line that is too long for inih it is
 * given the key alone, and the value is kept meanwhile.
 */
#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/log.h"
#include "base/origins.h"
#include "base/rule.h"

#define ENV_PREFIX     "CARDKEEP_"
#define ENV_NAME_BYTES 64
#define SECTION        "cardkeep"

enum key_id {
#define CONF_TEXT(name, preset, help)                KEY_##name,
#define CONF_NUMBER(name, preset, least, most, help) KEY_##name,
#include "catalog/conf.def"
#undef CONF_TEXT
#undef CONF_NUMBER
	KEY_COUNT,
};

static const struct key {
	const char *name;
	const char *help;
	const char *text; /* the preset of a text; NULL: the key is a number */
	size_t offset;    /* in struct conf */
	long number;      /* the preset of a number */
	long least;
	long most;
} keys[KEY_COUNT] = {
#define CONF_TEXT(name, preset, help) \
	[KEY_##name] = {#name, help, preset, offsetof(struct conf, name), 0, 0, 0},
#define CONF_NUMBER(name, preset, least, most, help) \
	[KEY_##name] = {#name, help, NULL, offsetof(struct conf, name), preset, least, most},
#include "catalog/conf.def"
#undef CONF_TEXT
#undef CONF_NUMBER
};

/* Keys whose text has a form. */
enum form { FORM_ANY, FORM_RULE, FORM_ORIGINS, FORM_ORIGIN, FORM_NEEDED };
static const enum form forms[KEY_COUNT] = {
#define CONF_TEXT(name, preset, help)
#define CONF_NUMBER(name, preset, least, most, help)
#define CONF_RULE(name, preset, help)    [KEY_##name] = FORM_RULE,
#define CONF_ORIGINS(name, preset, help) [KEY_##name] = FORM_ORIGINS,
#define CONF_ORIGIN(name, preset, help)  [KEY_##name] = FORM_ORIGIN,
#define CONF_NEEDED(name, preset, help)  [KEY_##name] = FORM_NEEDED,
#include "catalog/conf.def"
#undef CONF_TEXT
#undef CONF_NUMBER
};

/* Variables of the scripts and of alert_command, which name no key and are no mistake. */
static const char *const other_variables[] = {"CARDKEEP_PORT", "CARDKEEP_STATE", "CARDKEEP_CONF",
	"CARDKEEP_ALERT_NAME", "CARDKEEP_ALERT_STATE", "CARDKEEP_ALERT_VALUE",
	"CARDKEEP_ALERT_THRESHOLD", "CARDKEEP_ALERT_SINCE", "CARDKEEP_ALERT_SUMMARY",
	"CARDKEEP_ALERT_RUNBOOK"};

#define PRESET 0 /* a "line" of a key that is in no file */
#define IN_ENV (-1)

struct loader {
	struct conf conf;
	const char *path;
	FILE *file;
	char *line; /* getline's buffer */
	size_t line_size;
	char *value; /* in `line`, of one that is too long for inih; else NULL */
	int lines;   /* read so far */
	bool failed; /* `why` holds the first thing wrong; the rest is not looked at */
	char *why;
	size_t why_size;
};

/* ---- complaints: one line, the first one wins ------------------------------------------------ */

PRINTF_LIKE(3, 0)
static void complain(struct loader *loader, const char *where, const char *fmt, va_list ap)
{
	int len;

	if (loader->failed)
		return;
	loader->failed = true;
	len = snprintf(loader->why, loader->why_size, "%s: ", where);
	if (len >= 0 && (size_t)len < loader->why_size)
		vsnprintf(loader->why + len, loader->why_size - (size_t)len, fmt, ap);
	for (char *p = loader->why; loader->why_size > 0 && *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
}

/* "FILE:LINE: ..." */
PRINTF_LIKE(3, 4)
static void complain_line(struct loader *loader, int line, const char *fmt, ...)
{
	char where[CONF_TEXT_BYTES];
	va_list ap;

	snprintf(where, sizeof(where), "%s:%d", loader->path, line);
	va_start(ap, fmt);
	complain(loader, where, fmt, ap);
	va_end(ap);
}

static void env_name(enum key_id id, char name[ENV_NAME_BYTES])
{
	snprintf(name, ENV_NAME_BYTES, ENV_PREFIX "%s", keys[id].name);
	for (char *p = name; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
}

static void write_where(
	const struct conf *conf, const char *path, enum key_id id, char *ret_text, size_t size)
{
	char variable[ENV_NAME_BYTES];

	env_name(id, variable);
	if (conf->lines[id] > 0)
		snprintf(ret_text, size, "%s:%d: %s", path, conf->lines[id], keys[id].name);
	else
		snprintf(
			ret_text, size, "%s", conf->lines[id] == IN_ENV ? variable : keys[id].name);
}

/* "FILE:LINE: KEY: ..." or "VARIABLE: ...", by where the key was set last. */
PRINTF_LIKE(3, 4)
static void complain_key(struct loader *loader, enum key_id id, const char *fmt, ...)
{
	char where[CONF_TEXT_BYTES];
	va_list ap;

	write_where(&loader->conf, loader->path, id, where, sizeof(where));
	va_start(ap, fmt);
	complain(loader, where, fmt, ap);
	va_end(ap);
}

/* ---- values ---------------------------------------------------------------------------------- */

static char *text_of(struct conf *conf, enum key_id id)
{
	return (char *)conf + keys[id].offset;
}

static long *number_at(struct conf *conf, enum key_id id)
{
	return (long *)(void *)((char *)conf + keys[id].offset);
}

static void set_presets(struct conf *conf)
{
	for (enum key_id id = 0; id < KEY_COUNT; id++) {
		if (keys[id].text != NULL)
			strcpy(text_of(conf, id), keys[id].text);
		else
			*number_at(conf, id) = keys[id].number;
	}
}

static bool find_key(const char *name, enum key_id *ret_id)
{
	for (enum key_id id = 0; id < KEY_COUNT; id++) {
		if (strcmp(keys[id].name, name) == 0) {
			*ret_id = id;
			return true;
		}
	}
	return false;
}

/* What is wrong with `value`; NULL if nothing is. */
static const char *wanted(enum key_id id, const char *value)
{
	enum log_level level;
	struct rule rule;

	if (id == KEY_log_level && !log_level_parse(value, &level))
		return "error, warn, info or debug";
	if (forms[id] == FORM_RULE && !rule_parse(value, &rule))
		return RULE_SYNTAX;
	if (forms[id] == FORM_ORIGINS && !origins_valid(value))
		return ORIGINS_SYNTAX;
	if (forms[id] == FORM_ORIGIN && (strpbrk(value, " \t") != NULL || !origins_valid(value)))
		return "an origin, like https://cards.example.org, without a path";
	if (forms[id] == FORM_NEEDED && value[0] == '\0')
		return "to be left empty";
	return NULL;
}

static void set_text(struct loader *loader, enum key_id id, const char *value)
{
	const char *form = wanted(id, value);

	if (strlen(value) >= CONF_TEXT_BYTES) {
		complain_key(loader, id, "longer than %d bytes", CONF_TEXT_BYTES - 1);
		return;
	}
	if (form != NULL) {
		complain_key(loader, id, "'%s' is not %s", value, form);
		return;
	}
	strcpy(text_of(&loader->conf, id), value);
}

static void set_number(struct loader *loader, enum key_id id, const char *value)
{
	const struct key *key = &keys[id];
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (!(isdigit((unsigned char)value[0]) || value[0] == '-') || *end != '\0') {
		complain_key(loader, id, "'%s' is not a whole number", value);
		return;
	}
	if (errno == ERANGE || number < key->least || number > key->most) {
		complain_key(loader, id, "%s is out of bounds: %ld to %ld", value, key->least,
			key->most);
		return;
	}
	*number_at(&loader->conf, id) = number;
}

static void set_value(struct loader *loader, enum key_id id, const char *value)
{
	if (keys[id].text != NULL)
		set_text(loader, id, value);
	else
		set_number(loader, id, value);
}

/* What no single key can show. Named is the key that was set, the lower one when both were. */
static void check_together(struct loader *loader)
{
	const struct conf *conf = &loader->conf;

	if (loader->failed || conf->retry_base_ms <= conf->retry_max_ms)
		return;
	if (conf->lines[KEY_retry_base_ms] != PRESET)
		complain_key(loader, KEY_retry_base_ms, "%ld is above retry_max_ms, which is %ld",
			conf->retry_base_ms, conf->retry_max_ms);
	else
		complain_key(loader, KEY_retry_max_ms, "%ld is below retry_base_ms, which is %ld",
			conf->retry_max_ms, conf->retry_base_ms);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* inih's own rules for a value: without the blanks around it, and no further than a `;` after one. */
static char *trim_value(char *value)
{
	size_t len;

	for (char *p = value; *p != '\0'; p++)
		if (*p == ';' && p > value && isspace((unsigned char)p[-1]))
			*p = '\0';
	value += strspn(value, " \t\r\n");
	len = strlen(value);
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		value[--len] = '\0';
	return value;
}

/* Of a line that is too long for inih: nothing of a comment, the key alone of a value; the beginning of
 * anything else, which is no line of the file's kind either way. */
static void shorten(struct loader *loader, char *text, char *into, int size)
{
	const size_t key = strcspn(text, "=:");

	if (text[0] == '#' || text[0] == ';') {
		strcpy(into, "\n");
	} else if (text[0] == '[' || text[key] == '\0' || key + 3 > (size_t)size) {
		snprintf(into, (size_t)size, "%s", text);
	} else {
		snprintf(into, (size_t)size, "%.*s=\n", (int)key, text);
		loader->value = trim_value(text + key + 1);
	}
}

/* inih's fgets: the next line without its indentation, or NULL at the end and after a complaint. */
static char *next_line(char *into, int size, void *stream)
{
	struct loader *loader = stream;
	char *text;
	ssize_t len;

	loader->value = NULL;
	if (loader->failed)
		return NULL;
	len = getline(&loader->line, &loader->line_size, loader->file);
	if (len < 0)
		return NULL;
	loader->lines++;
	if (strlen(loader->line) != (size_t)len) {
		complain_line(loader, loader->lines, "a NUL byte");
		return NULL;
	}
	text = loader->line + strspn(loader->line, " \t");
	if (strlen(text) < (size_t)size)
		strcpy(into, text);
	else
		shorten(loader, text, into, size);
	return into;
}

/* inih's handler: 0 is an error. */
static int take_key(void *user, const char *section, const char *name, const char *value)
{
	struct loader *loader = user;
	enum key_id id;

	if (loader->failed)
		return 0;
	if (section[0] != '\0' && strcmp(section, SECTION) != 0) {
		complain_line(loader, loader->lines, "%s: in section [%s]; there is only [%s]",
			name, section, SECTION);
	} else if (!find_key(name, &id)) {
		complain_line(loader, loader->lines, "%s: no such key", name);
	} else if (loader->conf.lines[id] > 0) {
		complain_line(loader, loader->lines, "%s: given twice, first in line %d", name,
			loader->conf.lines[id]);
	} else {
		loader->conf.lines[id] = loader->lines;
		set_value(loader, id, loader->value != NULL ? loader->value : value);
	}
	return !loader->failed;
}

static enum conf_status unreadable(struct loader *loader)
{
	snprintf(loader->why, loader->why_size, "%s: %s", loader->path, strerror(errno));
	return CONF_UNREADABLE;
}

/* inih tells of a line that is none only at the end; it comes before the complaint that ended the
 * reading, if there was one. */
static void complain_syntax(struct loader *loader, int line)
{
	loader->failed = false;
	complain_line(loader, line, "neither KEY = VALUE nor [%s]", SECTION);
}

static enum conf_status read_file(struct loader *loader)
{
	enum conf_status status = CONF_OK;
	int bad_line;

	loader->file = fopen(loader->path, "re");
	if (loader->file == NULL)
		return unreadable(loader);
	bad_line = ini_parse_stream(next_line, loader, take_key, loader);
	if (ferror(loader->file))
		status = unreadable(loader);
	else if (bad_line > 0 && !(loader->failed && bad_line == loader->lines))
		complain_syntax(loader, bad_line);
	(void)fclose(loader->file);
	free(loader->line);
	return status != CONF_OK ? status : loader->failed ? CONF_INVALID : CONF_OK;
}

/* ---- the environment ------------------------------------------------------------------------- */

static bool find_variable(const char *name, enum key_id *ret_id)
{
	for (enum key_id id = 0; id < KEY_COUNT; id++) {
		char known[ENV_NAME_BYTES];

		env_name(id, known);
		if (strcmp(known, name) == 0) {
			*ret_id = id;
			return true;
		}
	}
	return false;
}

static bool is_other_variable(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(other_variables); i++)
		if (strcmp(other_variables[i], name) == 0)
			return true;
	return false;
}

static void take_variable(struct loader *loader, const char *entry, conf_warn_fn *warn)
{
	size_t len = strcspn(entry, "=");
	char name[ENV_NAME_BYTES];
	enum key_id id;

	if (entry[len] != '=')
		return;
	snprintf(name, sizeof(name), "%.*s", (int)len, entry);
	if (find_variable(name, &id)) {
		loader->conf.lines[id] = IN_ENV;
		set_value(loader, id, entry + len + 1);
	} else if (!is_other_variable(name) && warn != NULL) {
		warn(name);
	}
}

static void read_environment(struct loader *loader, char *const *env, conf_warn_fn *warn)
{
	for (; env != NULL && *env != NULL && !loader->failed; env++)
		if (strncmp(*env, ENV_PREFIX, strlen(ENV_PREFIX)) == 0)
			take_variable(loader, *env, warn);
}

/* ---- outward --------------------------------------------------------------------------------- */

enum conf_status conf_load(const char *path, char *const *env, conf_warn_fn *warn,
	struct conf *ret_conf, char *why, size_t why_size)
{
	struct loader loader = {.path = path, .why = why, .why_size = why_size};
	enum conf_status status;

	set_presets(&loader.conf);
	if (path != NULL) {
		status = read_file(&loader);
		if (status != CONF_OK)
			return status;
	}
	read_environment(&loader, env, warn);
	check_together(&loader);
	if (loader.failed)
		return CONF_INVALID;
	*ret_conf = loader.conf;
	return CONF_OK;
}

/* What a link leads to is there, or it is no link. */
static bool leads_nowhere(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && stat(path, &st) != 0;
}

bool conf_absent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	struct stat st;

	if (lstat(path, &st) == 0 || errno != ENOENT)
		return false;
	snprintf(directory, sizeof(directory), "%.*s", slash != NULL ? (int)(slash - path) : 0,
		path);
	return !leads_nowhere(directory);
}

void conf_where(
	const struct conf *conf, const char *path, const char *key, char *ret_text, size_t size)
{
	enum key_id id = 0;

	MUST(find_key(key, &id));
	write_where(conf, path, id, ret_text, size);
}

void conf_place(const struct conf *conf, const char *given, const char *name, char *ret_path)
{
	const char *slash = strrchr(conf->listen, '/');
	const int directory = slash != NULL ? (int)(slash - conf->listen) + 1 : 0;

	if (given[0] != '\0')
		snprintf(ret_path, CONF_PLACE_BYTES, "%s", given);
	else
		snprintf(ret_path, CONF_PLACE_BYTES, "%.*s%s", directory, conf->listen, name);
}

void conf_print_keys(void)
{
	for (enum key_id id = 0; id < KEY_COUNT; id++) {
		const struct key *key = &keys[id];

		if (key->text != NULL)
			printf("  %-24s %s (default: %s)\n", key->name, key->help,
				key->text[0] != '\0' ? key->text : "empty");
		else
			printf("  %-24s %s (default: %ld; %ld to %ld)\n", key->name, key->help,
				key->number, key->least, key->most);
	}
}
