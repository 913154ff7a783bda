/*
 * How letters are read that ICU's transliteration to Latin passes by, or reads as nobody does. Pure and
 * thread-safe.
 */
#ifndef API_READING_H
#define API_READING_H

#include <stdbool.h>
#include <stdint.h>

/* Most characters that one letter is read as, its vowel included. */
#define READING_MAX 6

/*
 * Reads a text of `len` UTF-16 units: what has a reading of its own comes as ASCII, all else as it is.
 * `out` has room for READING_MAX units for each of the text's, and 2 more; the answer is how many came.
 */
int32_t reading_of_text(const uint16_t *text, int32_t len, uint16_t *out);

/* One letter by itself: its reading, into `out` of READING_MAX + 1 bytes; false where it has none. */
bool reading_of_letter(int32_t c, char *out);

#endif
