/*
 * A fault that is there on purpose, a comparison deep: tests/fuzz/run must find it, tell it and fail,
 * or what it says of the other targets is worth nothing.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char wrong[] = "planted";

	MUST(size != sizeof(wrong) - 1 || memcmp(data, wrong, size) != 0);
	return 0;
}
