/* Well-formed UTF-8, told by the ranges of its first two bytes. */
#include "http/utf8.h"

#include "base/must.h"

/*
 * Every leading byte above ASCII, with the range of the byte after it: that second range is where
 * overlong forms (E0, F0), surrogates (ED) and what lies beyond U+10FFFF (F4) are kept out. All
 * later bytes are 80..BF.
 */
static const struct {
	unsigned char lead_low, lead_high;
	unsigned char next_low, next_high;
	unsigned char bytes;
} forms[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3},
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool tail_valid(const unsigned char *s, size_t bytes)
{
	for (size_t i = 2; i < bytes; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return false;
	return true;
}

size_t utf8_step(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (s[0] < forms[i].lead_low || s[0] > forms[i].lead_high)
			continue;
		if (len < forms[i].bytes || s[1] < forms[i].next_low || s[1] > forms[i].next_high)
			return 0;
		return tail_valid(s, forms[i].bytes) ? forms[i].bytes : 0;
	}
	return 0;
}

bool utf8_valid(const char *s, size_t len)
{
	for (size_t step; len > 0; s += step, len -= step) {
		step = utf8_step(s, len);
		if (step == 0)
			return false;
	}
	return true;
}
