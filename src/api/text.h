/*
 * Words that people typed. Pure, thread-safe (each thread opens its own
 * transliterator on first use and keeps it).
 */
#ifndef API_TEXT_H
#define API_TEXT_H

#include <stddef.h>

#include "base/mem.h"

#define TEXT_SLUG_MAX   80   /* characters before the suffix */
#define TEXT_POINTS_MAX 2048 /* no field may be longer: it bounds what is ever normalised */
#define TEXT_RUN_MAX    30   /* marks on one letter: the stream-safe format of UAX #15 */
#define TEXT_NFC_BYTES  4096 /* most that text_nfc takes */

enum text_status {
	TEXT_OK,
	TEXT_EMPTY,    /* nothing is left after trimming */
	TEXT_TOO_LONG, /* more code points than allowed */
	TEXT_CONTROL,  /* a control character (line breaks are one, unless allowed) */
	TEXT_MARKS,    /* more than TEXT_RUN_MAX marks on one letter */
	TEXT_UNSEEN,   /* nothing in it can be seen */
};

enum text_lines {
	TEXT_ONE_LINE,
	TEXT_LINES, /* line feeds, carriage returns and tabs may stand inside */
};

/*
 * Trims white space of any script, normalises to NFC, and checks. `text` is valid UTF-8 without
 * NUL; *ret_text lives in `arena`. The length is counted in code points, after normalising; max_points
 * is at most TEXT_POINTS_MAX. Takes time by the length of `text` and no more: what is normalised was
 * bounded before.
 *
 * A text must have something to see, as a name in a list is there to be clicked: a letter, digit or
 * sign, as opposed to marks, blanks and what Unicode calls ignorable. Beside that such characters stay,
 * as some scripts need them.
 */
MUST_CHECK enum text_status text_clean(const char *text, size_t len, size_t max_points,
	enum text_lines lines, struct mem_arena *arena, const char **ret_text);

/* Normalises to NFC and nothing else: `text` of at most TEXT_NFC_BYTES, valid UTF-8 without NUL. The
 * answer is `text` itself where that is NFC already, else it lives in `arena`; no other copy is left. */
const char *text_nfc(const char *text, size_t len, struct mem_arena *arena, size_t *ret_len);

/*
 * The slug rule: transliterated to ASCII, lower case, words of [a-z0-9] joined by one dash, at most
 * TEXT_SLUG_MAX characters (cut at a dash where one stands in the last third, never ending in one);
 * "card" where nothing is left. Quotes and apostrophes vanish (O'Brien is obrien), and so do letters
 * without a reading; every other sign parts words. A slug's slug is itself. `text` is valid UTF-8; the answer lives in `arena`, or for
 * ever. Reserved words are the database's business.
 */
const char *text_slug(const char *text, size_t len, struct mem_arena *arena);

/* Opens this thread's transliterator and loads the tables of the commonest scripts: a fifth of a
 * second once a process, some milliseconds in each further thread. Never needed, but better spent
 * before a thread's first request than during it. */
void text_warm(void);

#endif
