/* The resolver: looks names up by getaddrinfo, in threads that may hang in it. */
#include "config.h" /* _GNU_SOURCE: AI_NUMERICHOST, NI_NUMERICHOST */

#include "db/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/mem.h"

#define LOOK_US (50 * CLOCK_MS) /* so often whoever waits looks whether he shall */

/* One name, kept from the first time that it is asked for. */
struct question {
	struct resolver *resolver;
	struct question *next;
	char *name;
	/* Guarded by the resolver's lock. */
	bool asked; /* a thread is at it */
	int failed; /* an error of getaddrinfo's, of the latest time */
	struct addresses found;
};

struct resolver {
	pthread_mutex_t lock;    /* guards all below */
	pthread_cond_t answered; /* some name was looked up */
	struct question *questions;
};

struct resolver *resolver_new(void)
{
	struct resolver *resolver = mem_zero(sizeof(*resolver));

	MUST_ZERO(pthread_mutex_init(&resolver->lock, NULL));
	cond_init(&resolver->answered);
	return resolver;
}

static bool any_asked(struct resolver *resolver)
{
	bool any = false;

	MUST_ZERO(pthread_mutex_lock(&resolver->lock));
	for (const struct question *q = resolver->questions; q != NULL; q = q->next)
		any = any || q->asked;
	MUST_ZERO(pthread_mutex_unlock(&resolver->lock));
	return any;
}

void resolver_free(struct resolver **ptr)
{
	struct resolver *resolver = *ptr;

	*ptr = NULL;
	if (resolver == NULL || any_asked(resolver))
		return;
	while (resolver->questions != NULL) {
		struct question *question = resolver->questions;

		resolver->questions = question->next;
		free(question->name);
		free(question);
	}
	MUST_ZERO(pthread_cond_destroy(&resolver->answered));
	MUST_ZERO(pthread_mutex_destroy(&resolver->lock));
	free(resolver);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static int look_up(const char *name, int flags, struct addresses *ret)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
	struct addrinfo *list = NULL;
	int failed = getaddrinfo(name, NULL, &hints, &list);

	ret->count = 0;
	if (failed != 0)
		return failed;
	for (const struct addrinfo *at = list; at != NULL && ret->count < RESOLVE_ADDRESSES;
		at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, ret->text[ret->count], RESOLVE_TEXT,
			    NULL, 0, NI_NUMERICHOST) == 0)
			ret->count++;
	freeaddrinfo(list);
	return ret->count > 0 ? 0 : EAI_NONAME;
}

static void *run(void *arg)
{
	struct question *question = arg;
	struct resolver *resolver = question->resolver;
	struct addresses found;
	int failed = look_up(question->name, 0, &found);

	MUST_ZERO(pthread_mutex_lock(&resolver->lock));
	question->failed = failed;
	question->found = found;
	question->asked = false;
	MUST_ZERO(pthread_cond_broadcast(&resolver->answered));
	MUST_ZERO(pthread_mutex_unlock(&resolver->lock));
	return NULL;
}

/* With the lock held. */
static struct question *question_of(struct resolver *resolver, const char *name)
{
	struct question *question = resolver->questions;

	while (question != NULL && strcmp(question->name, name) != 0)
		question = question->next;
	if (question != NULL)
		return question;
	question = mem_zero(sizeof(*question));
	question->resolver = resolver;
	question->name = mem_strdup(name);
	question->next = resolver->questions;
	resolver->questions = question;
	return question;
}

/* With the lock held. Whoever comes while somebody is at it waits for the same answer. */
static void ask(struct question *question)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (question->asked)
		return;
	MUST_ZERO(pthread_attr_init(&attr));
	MUST_ZERO(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
	question->asked = pthread_create(&thread, &attr, run, question) == 0;
	question->failed = question->asked ? 0 : EAI_MEMORY;
	MUST_ZERO(pthread_attr_destroy(&attr));
}

/* With the lock held; false when the answer was not waited for. */
static bool await(struct resolver *resolver, const struct question *question, int64_t deadline_us,
	const atomic_bool *stop)
{
	int64_t now_us = clock_mono_us();

	while (question->asked && now_us < deadline_us && !atomic_load(stop)) {
		const int64_t look_us = now_us + LOOK_US;

		(void)cond_wait_until(&resolver->answered, &resolver->lock,
			look_us < deadline_us ? look_us : deadline_us);
		now_us = clock_mono_us();
	}
	return !question->asked;
}

bool resolver_ask(struct resolver *resolver, const char *name, int64_t deadline_us,
	const atomic_bool *stop, struct addresses *ret, char *why, size_t why_size)
{
	const struct question *question;
	bool found;

	/* An address needs no name server, and no thread. */
	if (look_up(name, AI_NUMERICHOST, ret) == 0)
		return true;
	MUST_ZERO(pthread_mutex_lock(&resolver->lock));
	question = question_of(resolver, name);
	ask(question_of(resolver, name));
	found = await(resolver, question, deadline_us, stop);
	if (!found)
		snprintf(why, why_size, "no address of \"%s\" in time: the name server is silent",
			name);
	else if (question->failed != 0)
		snprintf(why, why_size, "no address of \"%s\": %s", name,
			gai_strerror(question->failed));
	else
		*ret = question->found;
	found = found && question->failed == 0;
	MUST_ZERO(pthread_mutex_unlock(&resolver->lock));
	return found;
}
