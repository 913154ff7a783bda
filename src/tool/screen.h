/*
 * A terminal that shows one page at a time: the only door to ncurses.
 *
 * Only what changed is sent, so nothing flickers, also over a slow line. One thread.
 */
#ifndef TOOL_SCREEN_H
#define TOOL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "tool/page.h"

/* Not characters, so never mistaken for one. */
enum screen_key {
	SCREEN_NOTHING = -1, /* the time is over */
	SCREEN_RESIZED = -2,
};

/* Takes the terminal over. False where there is none that it knows how to use. */
MUST_CHECK bool screen_open(void);
/* Gives it back as it was. */
void screen_close(void);
size_t screen_rows(void);
/* Shows the page; lines are cut at the right, and at the bottom. */
void screen_show(const struct page *page);
/* A key, waited for up to `wait_ms`; or one of enum screen_key. */
int screen_key(int wait_ms);

#endif
