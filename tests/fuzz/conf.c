/*
 * The configuration file and the environment: what is taken is within its bounds, what is not is told
 * in one line, and then nothing was taken.
 */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/conf.h"

#define VARIABLES_MAX 8
#define UNTOUCHED     0xa5

/* A file that has no name but that of its descriptor. */
static int make_file(const char *bytes, size_t len, char *ret_path, size_t path_size)
{
	const int fd = memfd_create("conf", MFD_CLOEXEC);

	MUST(fd >= 0);
	MUST(write(fd, bytes, len) == (ssize_t)len);
	snprintf(ret_path, path_size, "/proc/self/fd/%d", fd);
	return fd;
}

static void is_bounded(const struct conf *conf)
{
#define CONF_TEXT(name, preset, help) MUST(memchr(conf->name, '\0', CONF_TEXT_BYTES) != NULL);
#define CONF_NUMBER(name, preset, least, most, help) \
	MUST(conf->name >= (least) && conf->name <= (most));
#include "catalog/conf.def"
#undef CONF_TEXT
#undef CONF_NUMBER
}

static void is_untouched(const struct conf *conf)
{
	const unsigned char *bytes = (const unsigned char *)conf;

	for (size_t i = 0; i < sizeof(*conf); i++)
		MUST(bytes[i] == UNTOUCHED);
}

static void is_one_line(const char *why, size_t size)
{
	MUST(why[0] != '\0' && memchr(why, '\0', size) != NULL);
	for (const char *p = why; *p != '\0'; p++)
		MUST((unsigned char)*p >= 0x20 && *p != 0x7f);
}

/* The environment stands before the first empty line, the file after it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf conf;
	struct input input = {data, size};
	struct mem_arena arena = {0};
	char *env[VARIABLES_MAX + 1] = {NULL};
	char path[32];
	char why[256] = "";
	size_t count = 0;
	int fd;

	while (count < VARIABLES_MAX && input.left > 0 && input.at[0] != '\n') {
		const char *variable = input_until(&input, '\n', &arena);

		env[count++] = mem_arena_printf(&arena, "CARDKEEP_%s", variable);
	}
	fd = make_file((const char *)input.at, input.left, path, sizeof(path));
	memset(&conf, UNTOUCHED, sizeof(conf));
	if (conf_load(path, env, NULL, &conf, why, sizeof(why)) == CONF_OK) {
		is_bounded(&conf);
	} else {
		is_one_line(why, sizeof(why));
		is_untouched(&conf);
	}
	(void)close(fd);
	mem_arena_free(&arena);
	return 0;
}
