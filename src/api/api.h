/*
 * The door of this room: what worker/ does with a request. All else in here is for handlers, but for the exchange
 * itself (api/exchange): the worker reads its fields, and gives back what it holds by exchange_fini.
 *
 * A request is begun once. What its step asks for (a call, a hash) is carried out by the worker, which then resumes
 * it, until the step is an answer; or the worker ends it by one of the functions that make a refusal the answer.
 * Last of all the answer is finished, and sent.
 *
 * An exchange belongs to one thread at a time. What the exchanges of a process share is thread-safe.
 */
#ifndef API_API_H
#define API_API_H

#include "api/exchange.h"

struct api;

/* Once, before the fork of those who serve: reads what is slow to read, so that a worker that died is back at
 * once. */
void api_prepare(void);

/* Makes what the exchanges of a process share. `conf` must outlive it, and it must outlive them. */
MUST_CHECK struct api *api_new(const struct conf *conf);
void api_free(struct api **api);

/* Makes ready the exchange, all zero till then, whose `request` was just read into its arena. */
void api_start(struct exchange *x, const struct api *api);

enum step api_begin(struct exchange *x);
/* Goes on with the row of its call, or with its hash. */
enum step api_resume(struct exchange *x);

/* Its call failed with an error that trying again cannot help. */
void api_failed(struct exchange *x, enum sqlstate_class class);

enum api_end {
	API_END_UNKNOWN,  /* 504: whether it was applied is not known */
	API_END_KEY_HELD, /* 409: another request has its Idempotency-Key */
	API_END_LATE,     /* 503: nothing was applied */
};

/* It is given up. */
void api_gave_up(struct exchange *x, enum api_end why);

enum api_limit {
	API_LIMIT_IN_FLIGHT,  /* too many requests of its account are under way, */
	API_LIMIT_SLOW_QUEUE, /* or wait for the slow lane, */
	API_LIMIT_TIME,       /* or took the database too long */
	API_LIMIT_HASHES,     /* too many passwords from its network wait */
	API_LIMIT_TRIES,      /* too many wrong passwords came before this one */
};

/* There is more of it than one may have: 429, to be repeated after so many seconds. Nothing was applied. */
void api_limited(struct exchange *x, enum api_limit why, int64_t seconds);

/* It would add something while there is no room for it: 503, once it is known that the session, and the card where
 * one is named, are there. */
enum step api_read_only(struct exchange *x);

/* Adds what every answer has, whatever it says. */
void api_finish(struct exchange *x);

#endif
