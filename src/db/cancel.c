/* The canceller: a thread that asks the server to stop statements which took too long. */
#include "db/cancel.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"

#define PART_US (2 * CLOCK_S) /* how long the end waits for a request on its way */

enum cancel_state {
	CANCEL_WAITING,   /* in the queue, or on its way */
	CANCEL_TAKEN,     /* the server has it */
	CANCEL_FAILED,    /* it could not be asked */
	CANCEL_FORGOTTEN, /* nobody wants to know: whoever is done with it frees it */
};

struct cancel {
	struct canceller *canceller;
	PGcancel *key;
	enum cancel_state state; /* guarded by the canceller's lock */
	struct cancel *next;     /* in the queue */
};

struct canceller {
	pthread_mutex_t lock;   /* guards all below */
	pthread_cond_t waiting; /* a request came, or it is time to stop */
	pthread_cond_t settled; /* a request's state changed, or the thread ended */
	struct cancel *first;
	struct cancel **last;
	size_t count;
	bool stopping;
	bool ended;

	pthread_t thread;
};

static void cancel_free(struct cancel *cancel)
{
	PQfreeCancel(cancel->key);
	free(cancel);
}

/* The next request, or NULL when it is time to stop. */
static struct cancel *next_request(struct canceller *canceller)
{
	struct cancel *cancel;

	while (!canceller->stopping && canceller->first == NULL)
		MUST_ZERO(pthread_cond_wait(&canceller->waiting, &canceller->lock));
	cancel = canceller->stopping ? NULL : canceller->first;
	if (cancel == NULL)
		return NULL;
	canceller->first = cancel->next;
	if (canceller->first == NULL)
		canceller->last = &canceller->first;
	canceller->count--;
	return cancel;
}

static bool ask_server(const struct cancel *cancel)
{
	char why[160] = "";

	if (PQcancel(cancel->key, why, sizeof(why)) == 1)
		return true;
	log_warn("a statement could not be cancelled error=%s", LOG_QUOTED(why));
	return false;
}

static void *run(void *arg)
{
	struct canceller *canceller = arg;
	struct cancel *cancel;

	MUST_ZERO(pthread_mutex_lock(&canceller->lock));
	while ((cancel = next_request(canceller)) != NULL) {
		bool taken;

		MUST_ZERO(pthread_mutex_unlock(&canceller->lock));
		taken = ask_server(cancel);
		MUST_ZERO(pthread_mutex_lock(&canceller->lock));
		if (cancel->state == CANCEL_FORGOTTEN) {
			cancel_free(cancel);
			continue;
		}
		cancel->state = taken ? CANCEL_TAKEN : CANCEL_FAILED;
		MUST_ZERO(pthread_cond_broadcast(&canceller->settled));
	}
	canceller->ended = true;
	MUST_ZERO(pthread_cond_broadcast(&canceller->settled));
	MUST_ZERO(pthread_mutex_unlock(&canceller->lock));
	return NULL;
}

struct canceller *canceller_new(void)
{
	struct canceller *canceller = mem_zero(sizeof(*canceller));

	canceller->last = &canceller->first;
	MUST_ZERO(pthread_mutex_init(&canceller->lock, NULL));
	cond_init(&canceller->waiting);
	cond_init(&canceller->settled);
	MUST_ZERO(pthread_create(&canceller->thread, NULL, run, canceller));
	return canceller;
}

/* Connections are gone by now, so every request that is left was forgotten. */
static void drop_queue(struct canceller *canceller)
{
	while (canceller->first != NULL) {
		struct cancel *cancel = canceller->first;

		canceller->first = cancel->next;
		cancel_free(cancel);
	}
}

void canceller_free(struct canceller **ptr)
{
	struct canceller *canceller = *ptr;
	bool ended;

	*ptr = NULL;
	if (canceller == NULL)
		return;
	MUST_ZERO(pthread_mutex_lock(&canceller->lock));
	canceller->stopping = true;
	MUST_ZERO(pthread_cond_broadcast(&canceller->waiting));
	while (!canceller->ended &&
		cond_wait_until(&canceller->settled, &canceller->lock, clock_mono_us() + PART_US))
		;
	ended = canceller->ended;
	MUST_ZERO(pthread_mutex_unlock(&canceller->lock));
	if (!ended)
		return;
	MUST_ZERO(pthread_join(canceller->thread, NULL));
	drop_queue(canceller);
	MUST_ZERO(pthread_cond_destroy(&canceller->settled));
	MUST_ZERO(pthread_cond_destroy(&canceller->waiting));
	MUST_ZERO(pthread_mutex_destroy(&canceller->lock));
	free(canceller);
}

struct cancel *cancel_ask(struct canceller *canceller, struct pg_conn *conn)
{
	struct cancel *cancel = mem_zero(sizeof(*cancel));
	bool room;

	*cancel = (struct cancel){.canceller = canceller, .key = PQgetCancel(conn)};
	MUST_ZERO(pthread_mutex_lock(&canceller->lock));
	room = cancel->key != NULL && canceller->count < CANCEL_QUEUE;
	if (room) {
		*canceller->last = cancel;
		canceller->last = &cancel->next;
		canceller->count++;
		MUST_ZERO(pthread_cond_signal(&canceller->waiting));
	}
	MUST_ZERO(pthread_mutex_unlock(&canceller->lock));
	if (room)
		return cancel;
	cancel_free(cancel);
	return NULL;
}

bool cancel_wait(struct cancel *cancel, int64_t deadline_us)
{
	struct canceller *canceller = cancel->canceller;
	bool taken;

	MUST_ZERO(pthread_mutex_lock(&canceller->lock));
	while (cancel->state == CANCEL_WAITING &&
		cond_wait_until(&canceller->settled, &canceller->lock, deadline_us))
		;
	taken = cancel->state == CANCEL_TAKEN;
	MUST_ZERO(pthread_mutex_unlock(&canceller->lock));
	return taken;
}

void cancel_forget(struct cancel **ptr)
{
	struct cancel *cancel = *ptr;
	struct canceller *canceller;
	bool over;

	*ptr = NULL;
	if (cancel == NULL)
		return;
	canceller = cancel->canceller;
	MUST_ZERO(pthread_mutex_lock(&canceller->lock));
	over = cancel->state != CANCEL_WAITING;
	cancel->state = CANCEL_FORGOTTEN;
	MUST_ZERO(pthread_mutex_unlock(&canceller->lock));
	if (over)
		cancel_free(cancel);
}
