/*
 * What ps shows of a process: its role, its slot and what it is at.
 *
 * The kernel shows the bytes between the first argument and the last one's end; behind them lies
 * the environment. Both together are the room for a title. When the last byte of the arguments is
 * no longer NUL, the kernel takes it that somebody did what is done here, and reads on to the first
 * NUL.
 */
#include "proc/title.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

extern char **environ;

static char *room;
static size_t room_size;
static size_t args_size; /* of the room, what the arguments took */

/* The end of `strings` where they follow `end` in memory without a gap. */
static char *adjoining(char **strings, char *end)
{
	for (; *strings != NULL && *strings == end; strings++)
		end += strlen(end) + 1;
	return end;
}

static void move_environment(void)
{
	size_t count = 0;
	char **copy;

	while (environ[count] != NULL)
		count++;
	copy = mem_zero((count + 1) * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = mem_strdup(environ[i]);
	environ = copy;
}

void title_init(int argc, char **argv)
{
	char *args_end;
	char *end;

	if (argc < 1)
		return;
	args_end = adjoining(argv, argv[0]);
	end = adjoining(environ, args_end);
	move_environment();
	room = argv[0];
	room_size = (size_t)(end - argv[0]);
	args_size = (size_t)(args_end - argv[0]);
}

void title_set(const char *fmt, ...)
{
	char title[1024] = "cardkeepd: ";
	const size_t start = strlen(title);
	size_t len;
	va_list ap;

	if (room == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(title + start, sizeof(title) - start, fmt, ap);
	va_end(ap);
	len = strlen(title) < room_size ? strlen(title) : room_size - 1;
	memset(room, 0, room_size);
	memcpy(room, title, len);
	/* Where the title is the shorter one, the rest of the arguments is NULs, which ps skips. */
	if (len >= args_size)
		room[args_size - 1] = title[args_size - 1];
}
