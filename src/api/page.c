/* Keyset pages: `limit` and `after` of the query, and the link to the page that follows. */
#include "api/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/fields.h"

#define ITEMS_MAX    100
#define ITEMS_PRESET 20

int64_t page_limit(struct exchange *x)
{
	const char *text = NULL;
	size_t len;

	switch (request_param(&x->request, "limit", &x->arena, &text)) {
	case REQUEST_PARAM_ABSENT:
		return ITEMS_PRESET;
	case REQUEST_PARAM_BAD:
		break;
	case REQUEST_PARAM_FOUND:
		len = strlen(text);
		if (len == 0 || len > 9 || strspn(text, "0123456789") != len ||
			strtol(text, NULL, 10) < 1)
			break;
		return strtol(text, NULL, 10) < ITEMS_MAX ? strtol(text, NULL, 10) : ITEMS_MAX;
	}
	fields_fault(x, "limit", "must be a whole number from 1");
	return 0;
}

const char *page_after(struct exchange *x)
{
	const char *text = NULL;

	if (request_param(&x->request, "after", &x->arena, &text) == REQUEST_PARAM_BAD)
		page_after_fault(x);
	return text;
}

void page_after_fault(struct exchange *x)
{
	fields_fault(x, "after", "must be the `next` of an earlier page");
}

enum step page_answer(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	reply_start(&x->reply, 200, REPLY_JSON);
	if (row->detail[0] != '\0')
		reply_header(&x->reply, "Link", "<%s?limit=%" PRId64 "&after=%s>; rel=\"next\"",
			x->request.path, page_limit(x), row->detail);
	reply_borrow(&x->reply, row->body, row->body_len);
	return STEP_ANSWER;
}
