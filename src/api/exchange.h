/*
 * One request on its way through the service, as the handlers see it.
 *
 * A handler is a chain of short functions. Each looks at the exchange and says what comes next:
 * the answer is ready, a call of the database, or a password to hash; `resume` is then the function
 * that goes on with the row or the hash. Handlers never wait and never see a connection, a thread
 * or a retry: worker/loop carries out what they plan.
 *
 * An exchange belongs to one thread at a time.
 */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/password.h"
#include "db/call.h"
#include "db/sqlstate.h"
#include "http/json.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "stats/metrics.h"

enum step {
	STEP_ANSWER, /* `reply` is the answer */
	STEP_CALL,   /* `call` is to be carried out, then `resume` */
	STEP_HASH,   /* `hash` is to be worked out, then `resume` */
};

#define EXCHANGE_FAULTS_MAX 50 /* faults that a 422 lists; a form has fewer fields */

#define EXCHANGE_TOKEN_BYTES 32 /* of a token, and of its SHA-256 */

enum hash_kind {
	HASH_MAKE,   /* `encoded` becomes the hash of the password */
	HASH_VERIFY, /* `matches` becomes whether the password fits `encoded` */
	HASH_DECOY,  /* costs as much as HASH_VERIFY and matches nothing */
};

/* The account that a password is of: too many wrong ones slow its next try (proc/tries). */
struct hash_whose {
	/* The one that a sign-in or a registration names, by which networks are told apart. */
	const char *address;
	/* Without an address: the account's hash; NULL: the session is all that is known. */
	const char *stored;
};

/* Work for the hasher's lane. */
struct hash_job {
	enum hash_kind kind;
	struct hash_whose whose;
	const char *password; /* borrowed from the request */
	size_t password_len;
	char encoded[PASSWORD_HASH_BYTES];
	bool matches;
	bool done; /* it was worked out; false where there was no time for it */
	bool optional; /* the request can do without it: it takes nobody's place, and is not waited for long */
};

struct known;
struct secret;

struct exchange;
typedef enum step resume_fn(struct exchange *x);

/* In which shape the clients of one face of the service (api/face) get what all routes have in common, refusals
 * above all. What each function but `problem` and `bad_value` refuses is answered only when the session is there,
 * and the card where one is named (api/refuse), unless `open`: the route needs none. */
struct face {
	/* Makes the reply a refusal; `detail` is in words, and trimmed. */
	void (*problem)(struct exchange *x, enum problem_id id, const char *detail);
	/* Nothing is at the path. */
	enum step (*no_path)(struct exchange *x);
	/* The path has other methods; `route` is one of it. */
	enum step (*no_method)(struct exchange *x, enum stats_route route, bool open);
	/* The body is JSON, and yet no body can be such; `fault` says how, after "body". */
	enum step (*bad_body)(struct exchange *x, const char *fault, bool open);
	/* The database has refused a value, and does not say which: the reply is that, at once. */
	void (*bad_value)(struct exchange *x);
};

struct exchange {
	const struct conf *conf;
	struct known *known;     /* of the process (api/known); NULL: nobody is known */
	const struct face *face; /* of the path that the request went to */
	struct mem_arena arena;  /* everything that lives as long as the request */
	struct request request;
	struct reply reply;
	struct call call;
	struct hash_job hash;
	resume_fn *resume;

	enum stats_route route; /* for logs and counters */
	const char *segment;    /* what {} of the route's path stands for; NULL where it has none */
	struct json_doc *body;
	struct buf errors; /* the `errors` of a 422 under construction: the first of them */
	size_t faults;     /* how many there are in all */
	bool has_token;    /* `token_hash` is that of the token the request came with */
	bool makes_token;  /* or that of the one it makes, for a session that begins */
	bool by_cookie;    /* the token came as a cookie, */
	bool host_only;    /* of the name that only this host can set (api/cookie) */
	bool forged;       /* it is refused, as a page of another site had it sent */
	uint8_t token_hash[EXCHANGE_TOKEN_BYTES];
	bool has_caller;    /* the database has accepted the token, now or lately, */
	struct uuid caller; /* as one of this account's */
	bool session_live;  /* and it was now: this very request has asked */
	bool has_card;      /* `card` is named by the path or the body */
	struct uuid card;
	bool keyed;            /* an Idempotency-Key came with it: these two are hashes (api/key) */
	struct uuid key;       /* of the key */
	struct uuid write;     /* of all that it is bound to */
	bool by_header;        /* the version came as If-Match: a stale one is 412, not 409 */
	bool merge_patch;      /* a PATCH whose body says by its type that it is one (RFC 7396) */
	struct secret *secret; /* the password that is checked (api/secret); NULL where none is */
	void *own;             /* the handler's (exchange_own) */
};

/* Frees what the exchange holds. All that a request says, and what handlers keep of it, lies in the arena and in
 * the body, which wipe what they give back: passwords and tokens too. The struct itself is the caller's. */
void exchange_fini(struct exchange *x);

/* Makes the handler's own struct, which it finds as x->own in its next functions: `size` bytes of the arena, all
 * zero. Once a request. */
MUST_CHECK void *exchange_own(struct exchange *x, size_t size);

/* Answers with a problem, in the shape that the request's face has. */
enum step exchange_problem(struct exchange *x, enum problem_id id, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* The same, for those who have the words as a va_list. */
void exchange_vproblem(struct exchange *x, enum problem_id id, const char *fmt, va_list ap)
	PRINTF_LIKE(3, 0);

/* Refuses a key that was spent on another request. */
enum step exchange_key_reused(struct exchange *x);

/* Answers 422 with the collected `errors`. */
enum step exchange_invalid(struct exchange *x);

/* The second half of many handlers: 200 with the row's body, 204, or exchange_common. */
enum step exchange_answered(struct exchange *x);
/* Answers the rows that mean the same everywhere (401, 404, and a status no handler expects).
 * `what` names the thing, for the 404. */
enum step exchange_common(struct exchange *x, const char *what);

#endif
