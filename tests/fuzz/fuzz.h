/*
 * What the fuzz targets share: libFuzzer's door, and how an input is taken apart.
 *
 * A target is one file: it gives what the fuzzer made up to code that strangers' bytes reach, and
 * holds what comes of it to what the header promises, with MUST. Each target is deterministic, so
 * that what was found can be run again, and keeps nothing from one input to the next.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input that is read from its front. */
struct input {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 at the end. */
static inline uint8_t input_byte(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

/* The next two, the higher one first. */
static inline unsigned input_short(struct input *input)
{
	const unsigned high = input_byte(input);

	return high << 8 | input_byte(input);
}

/* What stands before the next `end`, which is taken too, as a text of its own size: a byte read
 * beyond it is seen. A NUL ends a text of C, so what follows one is left out. */
static inline const char *input_until(struct input *input, char end, struct mem_arena *arena)
{
	const uint8_t *stop = memchr(input->at, end, input->left);
	const size_t len = stop != NULL ? (size_t)(stop - input->at) : input->left;
	const char *text = (const char *)input->at;

	input->at += len;
	input->left -= len;
	if (stop != NULL)
		(void)input_byte(input);
	return mem_arena_copy(arena, text, strnlen(text, len));
}

#endif
