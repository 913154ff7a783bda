/* Whether an update that is out of date is to be merged. */
#include "api/merge.h"

#include "http/prefer.h"

static bool preferred(const struct exchange *x)
{
	return prefer_has(x->request.prefer, "conflict", "merge");
}

bool merge_asked(const struct exchange *x, const struct field_value *merge)
{
	/* A precondition is about what is there now, which a merge would look past. */
	if (x->by_header || x->request.if_none_match != NULL)
		return false;
	return merge->present ? merge->text[0] == 't' : preferred(x);
}

void merge_answered(struct exchange *x)
{
	const int status = x->call.row.status;

	if ((status == 200 || status == 201 || status == 409) && preferred(x))
		reply_header(&x->reply, "Preference-Applied", "conflict=merge");
}
