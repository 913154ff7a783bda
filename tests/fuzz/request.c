/*
 * A whole request: from what nginx sends to the answer, with a database that says what it could say.
 * Whatever a client wrote, every handler comes to an answer in a few steps, that answer can be written
 * as HTTP, its own texts are JSON, it is not much longer than the request, and no request by itself is
 * a reason for a 5xx.
 *
 * An input is a line of bytes that the database answers by, lines NAME=VALUE of parameters, an empty
 * line, and the body.
 */
#include "fuzz.h"

#include <ctype.h>
#include <stdbool.h>

#include "api/api.h"
#include "api/face.h"
#include "api/text.h"
#include "base/log.h"
#include "http/utf8.h"

#define PARAMS_MAX 32
#define STEPS_MAX  8    /* of any handler */
#define OWN_BYTES  4096 /* of an answer, besides what it repeats of the request */
#define OWN_GROWTH 4

#define CARD_ID "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define ENTITY  "{\"id\":\"" CARD_ID "\",\"name\":\"x\",\"version\":2}"
#define HASH    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaA"

/* ---- what nginx sends ------------------------------------------------------------------------ */

struct params {
	const char *lines[PARAMS_MAX];
	size_t count;
};

static const char *lookup(void *source, const char *name, size_t nth)
{
	static const char *const always[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/api/cards",
		"CARDKEEP_REQUEST_ID=000102030405060708090a0b0c0d0e0f"};
	const struct params *params = source;
	const size_t len = strlen(name);

	for (size_t i = 0; i < params->count; i++)
		if (strncmp(params->lines[i], name, len) == 0 && params->lines[i][len] == '=' &&
			nth-- == 0)
			return params->lines[i] + len + 1;
	for (size_t i = 0; nth == 0 && i < ARRAY_LEN(always); i++)
		if (strncmp(always[i], name, len) == 0 && always[i][len] == '=')
			return always[i] + len + 1;
	return NULL;
}

static void read_params(struct input *input, struct params *params, struct mem_arena *arena)
{
	params->count = 0;
	while (params->count < PARAMS_MAX && input->left > 0 && input->at[0] != '\n')
		params->lines[params->count++] = input_until(input, '\n', arena);
	(void)input_byte(input);
}

static bool fill(struct exchange *x, struct input *input)
{
	struct params params;

	read_params(input, &params, &x->arena);
	if (request_fill(&x->request, &x->arena, lookup, &params, input->left) != NULL)
		return false;
	x->request.body_too_large = input->left > REQUEST_BODY_MAX;
	x->request.body_len = x->request.body_too_large ? 0 : input->left;
	x->request.body = mem_arena_copy(&x->arena, (const char *)input->at, x->request.body_len);
	return true;
}

/* ---- what the database says ------------------------------------------------------------------ */

static struct call_row row_of(int status, const char *detail, const char *body)
{
	return (struct call_row){.status = status,
		.version = 2,
		.detail = detail,
		.body = body,
		.body_len = strlen(body)};
}

/* What each call answers when all is well. */
static struct call_row good_row(enum call_id id)
{
	switch (id) {
	case CALL_CHECK_SESSION:
	case CALL_CHECK_CARD:
		return row_of(200, CARD_ID, "");
	case CALL_FIND_ACCOUNT:
		return row_of(200, HASH, CARD_ID);
	case CALL_READ_PASSWORD:
		return row_of(200, HASH, "");
	case CALL_REGISTER:
	case CALL_OPEN_SESSION:
		return row_of(201, "", "{\"user\":{},\"session\":{}}");
	case CALL_CREATE_CARD:
		return row_of(201, "", ENTITY);
	case CALL_END_SESSION:
		return row_of(204, "own", "");
	case CALL_END_SESSIONS:
	case CALL_CHANGE_PASSWORD:
	case CALL_DELETE_ACCOUNT:
	case CALL_DELETE_CARD:
		return row_of(204, "", "");
	case CALL_RPC_SLUG:
	case CALL_RPC_CREATE:
	case CALL_RPC_UPDATE:
	case CALL_RPC_PERSONAL:
	case CALL_RPC_PROFESSIONAL:
	case CALL_READ_ROWS:
		return row_of(200, "", "0 1 -1\n[{}]");
	case CALL_LIST_CARDS:
	case CALL_CARD_HISTORY:
	case CALL_PERSONAL_HISTORY:
	case CALL_PROFESSIONAL_HISTORY:
		return row_of(200, "17", "{\"cards\":[],\"next\":\"17\"}");
	default:
		return row_of(200, "", ENTITY);
	}
}

static bool names_a_thing(enum call_id id)
{
	return id == CALL_CHECK_CARD || id == CALL_READ_CARD || id == CALL_UPDATE_CARD ||
	       id == CALL_MERGE_CARD || id == CALL_PATCH_CARD || id == CALL_DELETE_CARD ||
	       id == CALL_CARD_HISTORY || id == CALL_REVERT_CARD || id == CALL_END_SESSION;
}

static bool names_a_version(enum call_id id)
{
	return id == CALL_UPDATE_CARD || id == CALL_MERGE_CARD || id == CALL_PATCH_CARD ||
	       id == CALL_DELETE_CARD || id == CALL_SAVE_PERSONAL || id == CALL_MERGE_PERSONAL ||
	       id == CALL_SAVE_PROFESSIONAL || id == CALL_MERGE_PROFESSIONAL;
}

static void answer_call(struct exchange *x, uint8_t byte)
{
	const enum call_id id = x->call.id;
	struct call_row row = good_row(id);

	MUST(x->call.nargs == call_arity(id));
	if (byte % 4 == 1 && id != CALL_FIND_ACCOUNT && id != CALL_REGISTER &&
		id != CALL_OPEN_SESSION)
		row = row_of(401, "", "");
	else if (byte % 4 == 2 && names_a_thing(id))
		row = row_of(404, "", "");
	else if (byte % 4 == 2 && names_a_version(id))
		row = row_of(409, "", "{\"currentVersion\":2,\"current\":" ENTITY "}");
	else if (byte % 4 == 3 && x->keyed && call_kind(id) == CALL_WRITE)
		row = row_of(422, CALL_DETAIL_KEY_REUSED, "");
	row.replayed = byte & 64 && x->keyed && call_kind(id) == CALL_WRITE;
	x->call.row = row;
}

static void answer_hash(struct exchange *x, uint8_t byte)
{
	MUST(x->hash.password != NULL && x->hash.password_len <= PASSWORD_MOST_BYTES);
	if (x->hash.kind == HASH_MAKE)
		strcpy(x->hash.encoded, HASH);
	x->hash.matches = byte & 1 && x->hash.kind == HASH_VERIFY;
}

/* ---- what is answered ------------------------------------------------------------------------ */

/* One header a line, and nothing in it that begins another. */
static void is_head(const char *head, const char *end)
{
	while (head < end) {
		const char *stop = strstr(head, "\r\n");
		const char *colon = memchr(head, ':', (size_t)(stop - head));

		MUST(stop != NULL && stop < end && colon != NULL && colon > head);
		for (const char *p = head; p < colon; p++)
			MUST(isalnum((unsigned char)*p) || *p == '-');
		for (const char *p = colon; p < stop; p++)
			MUST((unsigned char)*p >= 0x20 && *p != 0x7f);
		head = stop + 2;
	}
}

static void is_answer(const struct exchange *x, size_t request_bytes)
{
	const struct reply *reply = &x->reply;
	struct buf out = {0};
	char why[160];

	MUST(reply->status >= 200 && reply->status < 500);
	reply_render(reply, x->request.id_text, x->request.method == REQUEST_HEAD, &out);
	MUST(strstr(out.data, "\r\n\r\n") != NULL);
	is_head(out.data, strstr(out.data, "\r\n\r\n") + 2);
	if (reply->borrowed == NULL && reply->body.len > 0) {
		struct json_doc *doc =
			json_parse(reply->body.data, reply->body.len, why, sizeof(why));

		MUST(doc != NULL);
		MUST(reply->body.len <= OWN_BYTES + OWN_GROWTH * request_bytes);
		json_free(&doc);
	}
	buf_free(&out);
}

static const struct conf *configuration(void)
{
	static char origins[] = "CARDKEEP_CORS_ORIGINS=https://app.example.org";
	static char *const env[] = {origins, NULL};
	static struct conf conf;
	static bool loaded;
	char why[256];

	if (!loaded) {
		log_set_level(LOG_LEVEL_ERROR); /* what clients do is told by lines below that */
		MUST(conf_load(NULL, env, NULL, &conf, why, sizeof(why)) == CONF_OK);
		text_warm();
		loaded = true;
	}
	return &conf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct exchange x = {.conf = configuration()};
	const char *script = input_until(&input, '\n', &x.arena);
	enum step step;

	if (fill(&x, &input)) {
		x.face = face_of(x.request.face);
		step = api_begin(&x);
		for (int steps = 0; step != STEP_ANSWER; steps++) {
			const uint8_t byte = (uint8_t)*script;

			MUST(steps < STEPS_MAX);
			script += *script != '\0';
			if (step == STEP_CALL)
				answer_call(&x, byte);
			else
				answer_hash(&x, byte);
			step = api_resume(&x);
		}
		is_answer(&x, size);
	}
	exchange_fini(&x);
	return 0;
}
