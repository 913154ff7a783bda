/* Where a client comes from, as far as it counts: its network, not its address. */
#include "base/place.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { FAMILY_NONE, FAMILY_4, FAMILY_6 };

static struct place of_4(const uint8_t address[4])
{
	if (address[0] == 127)
		return (struct place){.local = true};
	return (struct place){.bytes = {FAMILY_4, address[0], address[1], address[2]}};
}

static struct place of_6(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t loopback[16] = {[15] = 1};
	struct place place = {.bytes = {FAMILY_6}};

	if (memcmp(address, mapped, sizeof(mapped)) == 0)
		return of_4(address + sizeof(mapped));
	if (memcmp(address, loopback, sizeof(loopback)) == 0)
		return (struct place){.local = true};
	memcpy(place.bytes + 1, address, PLACE_BYTES - 1);
	return place;
}

struct place place_of(const char *address)
{
	uint8_t bytes[16];

	if (address != NULL && inet_pton(AF_INET, address, bytes) == 1)
		return of_4(bytes);
	if (address != NULL && inet_pton(AF_INET6, address, bytes) == 1)
		return of_6(bytes);
	return (struct place){.local = true};
}

bool place_is_local(const char *address)
{
	uint8_t bytes[16];

	return (inet_pton(AF_INET, address, bytes) == 1 ||
		       inet_pton(AF_INET6, address, bytes) == 1) &&
	       place_of(address).local;
}

void place_text(const struct place *place, char ret_text[PLACE_TEXT_BYTES])
{
	const uint8_t *b = place->bytes;
	uint8_t whole[16] = {0};
	char text[INET6_ADDRSTRLEN];

	if (place->local) {
		snprintf(ret_text, PLACE_TEXT_BYTES, "local");
	} else if (b[0] == FAMILY_4) {
		snprintf(ret_text, PLACE_TEXT_BYTES, "%d.%d.%d.0/24", b[1], b[2], b[3]);
	} else {
		memcpy(whole, b + 1, PLACE_BYTES - 1);
		(void)inet_ntop(AF_INET6, whole, text, sizeof(text));
		snprintf(ret_text, PLACE_TEXT_BYTES, "%s/64", text);
	}
}
