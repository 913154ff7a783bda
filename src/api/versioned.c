/*
 * The version a write names, and what is answered when it is out of date.
 *
 * An entity's ETag is its version in quotes, so If-Match and `version` are two spellings of one
 * thing. RFC 9110, section 13.1.1: If-Match compares strongly, so a weak tag never matches, and a
 * list matches when any member does. If-None-Match compares weakly, and is for writes as well: what it
 * names is no version that they are applied to.
 */
#include "api/versioned.h"

#include <stdlib.h>
#include <string.h>

#include "api/refuse.h"
#include "base/log.h"
#include "http/prefer.h"

#define VERSION_MAX  INT32_MAX
#define VERSION_NONE (-1)
#define TAGS_MAX     20 /* in one If-Match; each is looked for in the history of a write */

/* One entity tag of a list. */
struct tag {
	bool weak;
	int64_t version; /* VERSION_NONE when the tag is no version of ours */
};

/* A version as this service writes it: digits without leading zeros, within int32. */
static int64_t parse_version(const char *text, size_t len)
{
	int64_t version = 0;

	if (len == 0 || len > 10 || (len > 1 && text[0] == '0'))
		return VERSION_NONE;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return VERSION_NONE;
		version = version * 10 + (text[i] - '0');
	}
	return version <= VERSION_MAX ? version : VERSION_NONE;
}

bool versioned_is_version(const char *text)
{
	return parse_version(text, strlen(text)) != VERSION_NONE;
}

enum next {
	NEXT_TAG,
	NEXT_END,
	NEXT_BAD, /* bad syntax */
};

/* The next tag of the list that *p stands in. Empty members are passed over (RFC 9110, section
 * 5.6.1.2). */
static enum next next_tag(const char **p, struct tag *tag)
{
	const char *start = *p + strspn(*p, ", \t");
	const char *end;

	if (*start == '\0')
		return NEXT_END;
	tag->weak = strncmp(start, "W/", 2) == 0;
	if (tag->weak)
		start += 2;
	if (*start++ != '"')
		return NEXT_BAD;
	end = strchr(start, '"');
	if (end == NULL)
		return NEXT_BAD;
	tag->version = parse_version(start, (size_t)(end - start));
	end++;
	end += strspn(end, " \t");
	*p = end;
	return *end == '\0' || *end == ',' ? NEXT_TAG : NEXT_BAD;
}

struct match {
	bool star;
	bool names_own; /* a tag, weak or not, holds the version of the body */
	int64_t versions[TAGS_MAX];
	size_t count; /* of the versions, which are those of strong tags */
};

static void match_add(struct match *match, const struct tag *tag, int64_t own)
{
	if (own != VERSION_NONE && tag->version == own)
		match->names_own = true;
	if (tag->weak || tag->version == VERSION_NONE)
		return;
	if (own == VERSION_NONE || tag->version == own)
		match->versions[match->count++] = tag->version;
}

/* False for bad syntax. `own` is the version said elsewhere, or VERSION_NONE. */
static bool read_if_match(const char *header, int64_t own, struct match *match)
{
	struct tag tag;
	enum next next;

	if (strcmp(header, "*") == 0) {
		match->star = true;
		return true;
	}
	for (int count = 0; (next = next_tag(&header, &tag)) == NEXT_TAG; count++) {
		if (count == TAGS_MAX)
			return false;
		match_add(match, &tag, own);
	}
	return next == NEXT_END;
}

enum none {
	NONE_HOLDS,  /* If-None-Match is not there, or names other versions */
	NONE_NAMES,  /* it names the version, by a weak tag too */
	NONE_UNREAD, /* bad syntax */
};

static enum none read_none_match(const char *header, int64_t version)
{
	enum none none = NONE_HOLDS;
	struct tag tag;
	enum next next;

	if (header == NULL)
		return NONE_HOLDS;
	if (strcmp(header, "*") == 0)
		return NONE_NAMES;
	while ((next = next_tag(&header, &tag)) == NEXT_TAG)
		if (tag.version == version)
			none = NONE_NAMES;
	return next == NEXT_END ? none : NONE_UNREAD;
}

/* The version in the body or the query; VERSION_NONE when there is none. False: a fault was added. */
static bool read_own(struct exchange *x, const char *text, int least, int64_t *ret_version)
{
	const struct json_member *member = x->body != NULL ? json_find(x->body, "version") : NULL;
	int64_t version = VERSION_NONE;

	*ret_version = VERSION_NONE;
	if (member == NULL && text == NULL)
		return true;
	if (member != NULL && member->kind == JSON_INTEGER)
		version = member->integer;
	else if (member == NULL)
		version = parse_version(text, strlen(text));
	if (version < least || version > VERSION_MAX) {
		fields_fault(x, "version", "must be the version that was read");
		return false;
	}
	*ret_version = version;
	return true;
}

/* Which versions the write may be applied to, by If-Match and the version said elsewhere. */
static enum versioned_status decide(struct exchange *x, int64_t own, struct match *match)
{
	const char *header = x->request.if_match;

	if (header != NULL && !read_if_match(header, own, match))
		return VERSIONED_BAD_HEADER;
	x->by_header = header != NULL && !match->star;
	if (x->by_header)
		return own != VERSION_NONE && !match->names_own ? VERSIONED_DISAGREE : VERSIONED_OK;
	if (own == VERSION_NONE)
		return VERSIONED_MISSING;
	match->versions[match->count++] = own;
	return VERSIONED_OK;
}

/* Takes out what If-None-Match names: a write that would be applied to nothing else is 412. A profile's
 * version 0 is none that is there, so `*` lets its first write pass. */
static bool drop_named(struct exchange *x, struct match *match)
{
	const char *header = x->request.if_none_match;
	const bool star = header != NULL && strcmp(header, "*") == 0;
	size_t kept = 0;

	if (read_none_match(header, VERSION_NONE) == NONE_UNREAD)
		return false;
	for (size_t i = 0; i < match->count; i++) {
		const int64_t version = match->versions[i];

		if ((star && version == 0) || read_none_match(header, version) == NONE_HOLDS)
			match->versions[kept++] = version;
		else
			x->by_header = true;
	}
	match->count = kept;
	return true;
}

static const char *as_array(struct exchange *x, const struct match *match)
{
	struct buf list = {0};
	const char *text;

	for (size_t i = 0; i < match->count; i++)
		buf_printf(&list, "%s%lld", i > 0 ? "," : "", (long long)match->versions[i]);
	text = mem_arena_printf(&x->arena, "{%s}", buf_cstr(&list));
	buf_free(&list);
	return text;
}

enum versioned_status versioned_read(
	struct exchange *x, const char *text, int least, const char **ret_expected)
{
	struct match match = {.count = 0};
	enum versioned_status status;
	bool sound;
	int64_t own;

	sound = read_own(x, text, least, &own);
	status = decide(x, own, &match);
	if (status != VERSIONED_BAD_HEADER && !drop_named(x, &match))
		status = VERSIONED_BAD_NONE;
	/* Syntax (400) comes before validation (422) in the order of checks. */
	if (!sound && status != VERSIONED_BAD_HEADER && status != VERSIONED_BAD_NONE)
		return VERSIONED_MALFORMED;
	if (status == VERSIONED_OK)
		*ret_expected = as_array(x, &match);
	return status;
}

bool versioned_expects(const char *expected, int version)
{
	char *end = NULL;

	for (const char *p = expected + 1; *p != '\0' && *p != '}'; p = end + 1)
		if (strtoll(p, &end, 10) == version)
			return true;
	return false;
}

enum step versioned_refuse(struct exchange *x, enum versioned_status status)
{
	switch (status) {
	case VERSIONED_BAD_HEADER:
		return refuse(x, PROBLEM_BAD_HEADER,
			"If-Match must be * or a list of quoted entity tags");
	case VERSIONED_BAD_NONE:
		return refuse(x, PROBLEM_BAD_HEADER,
			"If-None-Match must be * or a list of quoted entity tags");
	case VERSIONED_DISAGREE:
		return refuse(x, PROBLEM_BAD_HEADER,
			"If-Match and the version in the request name different versions");
	default:
		return refuse(x, PROBLEM_VERSION_REQUIRED,
			"say which version you saw: \"version\" in the body, or If-Match with its "
			"ETag");
	}
}

static enum step put_entity(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	reply_start(&x->reply, row->status, REPLY_JSON);
	reply_etag(&x->reply, row->version);
	reply_borrow(&x->reply, row->body, row->body_len);
	return STEP_ANSWER;
}

bool versioned_none_match(const struct exchange *x, int version)
{
	return read_none_match(x->request.if_none_match, version) == NONE_NAMES;
}

/* A reader that wants one version, and finds another one: what is there is told all the same. */
static enum step not_that_version(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	const char *members = mem_arena_printf(&x->arena,
		"{\"currentVersion\":%d,\"current\":%s,\"conflictingFields\":[]}", row->version,
		row->body);

	problem_reply(&x->reply, PROBLEM_PRECONDITION_FAILED, x->request.id_text, members,
		"it is at version %d, which If-Match does not name", row->version);
	return STEP_ANSWER;
}

/* Whether If-Match lets this version be read: there is none, it is *, or it names it. */
static enum versioned_status may_be_read(const struct exchange *x)
{
	const char *header = x->request.if_match;
	struct match match = {.count = 0};

	if (header == NULL)
		return VERSIONED_OK;
	if (!read_if_match(header, x->call.row.version, &match))
		return VERSIONED_BAD_HEADER;
	return match.star || match.count > 0 ? VERSIONED_OK : VERSIONED_DISAGREE;
}

/* A read is answered by its conditions, in the order of RFC 9110, section 13.2.2. */
static enum step read_entity(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	switch (may_be_read(x)) {
	case VERSIONED_OK:
		break;
	case VERSIONED_BAD_HEADER:
		return exchange_problem(x, PROBLEM_BAD_HEADER,
			"If-Match must be * or a list of quoted entity tags");
	default:
		return not_that_version(x);
	}
	if (versioned_none_match(x, row->version)) {
		reply_start(&x->reply, 304, NULL);
		reply_etag(&x->reply, row->version);
		return STEP_ANSWER;
	}
	return put_entity(x);
}

enum step versioned_entity(struct exchange *x)
{
	const bool get = x->request.method == REQUEST_GET || x->request.method == REQUEST_HEAD;

	return get ? read_entity(x) : put_entity(x);
}

void versioned_log_conflict(const struct exchange *x, int status)
{
	log_info("Version conflict fn=%s current=%d status=%d request=%s", call_name(x->call.id),
		x->call.row.version, status, x->request.id_text);
}

enum step versioned_conflict(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	const bool by_header = x->by_header || versioned_none_match(x, row->version);

	versioned_log_conflict(x, by_header ? 412 : 409);
	problem_reply(&x->reply, by_header ? PROBLEM_PRECONDITION_FAILED : PROBLEM_VERSION_CONFLICT,
		x->request.id_text, row->body,
		"it was changed since you read it and is at version %d now: look at it and try "
		"again",
		row->version);
	return STEP_ANSWER;
}

/* ---- merging ------------------------------------------------------------------------------- */

static bool prefers_merge(const struct exchange *x)
{
	return prefer_has(x->request.prefer, "conflict", "merge");
}

bool versioned_merge_asked(const struct exchange *x, const struct field_value *merge)
{
	/* A precondition is about what is there now, which a merge would look past. */
	if (x->by_header || x->request.if_none_match != NULL)
		return false;
	return merge->present ? merge->text[0] == 't' : prefers_merge(x);
}

void versioned_merge_answered(struct exchange *x)
{
	const int status = x->call.row.status;

	if ((status == 200 || status == 201 || status == 409) && prefers_merge(x))
		reply_header(&x->reply, "Preference-Applied", "conflict=merge");
}
