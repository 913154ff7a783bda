/* UUIDs as 16 bytes and as text. */
#include "base/uuid.h"

#include <string.h>

#include "base/hex.h"

/* Whether the 36-character form has a dash before byte i. */
static bool dash_before(size_t i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

bool uuid_parse(const char *text, size_t len, struct uuid *ret_uuid)
{
	struct uuid uuid;
	const bool dashed = len == 36;

	if (len != 36 && len != 32)
		return false;
	for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
		int high;
		int low;

		if (dashed && dash_before(i) && *text++ != '-')
			return false;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		uuid.bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	*ret_uuid = uuid;
	return true;
}

void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		if (dash_before(i))
			*text++ = '-';
		*text++ = digits[uuid->bytes[i] >> 4];
		*text++ = digits[uuid->bytes[i] & 15];
	}
	*text = '\0';
}
