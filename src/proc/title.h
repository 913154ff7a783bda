/*
 * What ps shows of a process: its role, its slot and what it is at.
 */
#ifndef PROC_TITLE_H
#define PROC_TITLE_H

#include "base/must.h"

/* Makes room: moves the environment away from behind the arguments. First thing in main, before
 * anybody keeps a pointer into either; from then on the arguments are gone with the first title. */
void title_init(int argc, char **argv);
/* "cardkeepd: " and the text, cut where there is no room. Without title_init it does nothing.
 * One thread at a time. */
void title_set(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
