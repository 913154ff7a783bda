/*
 * The lane for passwords: a few threads that hash, and a bounded queue before them.
 *
 * What waits is an array without order: the order is worked out when a thread is free, since it changes
 * with the load. Looking through a few hundred jobs is nothing beside a hash.
 */
#include "worker/hasher.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/password.h"
#include "base/place.h"
#include "worker/admit.h"

#define RECENT 256 /* jobs that are remembered, to count turns by */

struct recent {
	uint64_t account; /* 0: no job yet */
	uint64_t place;
	int64_t at_us;
};

struct hasher {
	const struct conf *conf;
	struct tries *tries;
	char decoy[PASSWORD_HASH_BYTES]; /* of a password nobody has; read-only once running */
	int fd;                          /* eventfd: counts finished jobs */

	pthread_mutex_t lock;   /* guards all below */
	pthread_cond_t waiting; /* a job came, or it is time to stop */
	struct job **todo;      /* hash_queue places */
	size_t todo_count;
	uint64_t came; /* jobs so far */
	struct recent recent[RECENT];
	int64_t cost_us; /* of a hash, here and now */
	struct job_queue done;
	bool stopping;

	size_t thread_count;
	pthread_t threads[];
};

static void work(const struct hasher *hasher, struct job *job)
{
	struct hash_job *hash = &job->x.hash;

	switch (hash->kind) {
	case HASH_MAKE:
		password_hash(hasher->conf, hash->password, hash->password_len, hash->encoded);
		break;
	case HASH_VERIFY:
		hash->matches = password_matches(hash->encoded, hash->password, hash->password_len);
		password_make_up(hasher->conf, hash->encoded);
		break;
	case HASH_DECOY:
		/* Nobody has it; only the time counts. */
		hash->matches = password_matches(hasher->decoy, hash->password, hash->password_len);
		break;
	}
	hash->done = true;
}

/* With the lock held. A request has time for two of them, whatever was measured. */
static void learn_cost(struct hasher *hasher, int64_t measured_us)
{
	hasher->cost_us = admit_cost(
		hasher->cost_us, measured_us, hasher->conf->request_deadline_ms * CLOCK_MS / 2);
}

/* With the lock held: the job is to be collected. */
static void finish(struct hasher *hasher, struct job *job)
{
	const uint64_t one = 1;

	job_push(&hasher->done, job);
	MUST(write(hasher->fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

/* ---- the queue: with the lock held ------------------------------------------------------------- */

static struct job *take_waiting(struct hasher *hasher, size_t at)
{
	struct job *job = hasher->todo[at];

	hasher->todo[at] = hasher->todo[--hasher->todo_count];
	return job;
}

static size_t room_for(const struct hasher *hasher, const struct job *job)
{
	return admit_room(job->ticket.deadline_us - clock_mono_us(), hasher->cost_us,
		hasher->thread_count, (size_t)hasher->conf->hash_queue);
}

static bool newest_first(const struct hasher *hasher, const struct job *job)
{
	return admit_newest_first(hasher->todo_count, room_for(hasher, job));
}

/* Those whose answer would come too late are told so now. */
static void put_late_out(struct hasher *hasher)
{
	const int64_t now_us = clock_mono_us();

	for (size_t i = hasher->todo_count; i-- > 0;)
		if (!admit_in_time(&hasher->todo[i]->ticket, hasher->cost_us, now_us))
			finish(hasher, take_waiting(hasher, i));
}

static struct job *take_first(struct hasher *hasher)
{
	size_t first = 0;
	bool newest;

	if (hasher->todo_count == 0)
		return NULL;
	newest = newest_first(hasher, hasher->todo[0]);
	for (size_t i = 1; i < hasher->todo_count; i++)
		if (admit_before(&hasher->todo[i]->ticket, &hasher->todo[first]->ticket, newest))
			first = i;
	return take_waiting(hasher, first);
}

/* The next job, or NULL when it is time to stop. */
static struct job *next_job(struct hasher *hasher)
{
	struct job *job = NULL;

	MUST_ZERO(pthread_mutex_lock(&hasher->lock));
	while (!hasher->stopping) {
		put_late_out(hasher);
		job = take_first(hasher);
		if (job != NULL)
			break;
		MUST_ZERO(pthread_cond_wait(&hasher->waiting, &hasher->lock));
	}
	MUST_ZERO(pthread_mutex_unlock(&hasher->lock));
	return job;
}

static void *run(void *arg)
{
	struct hasher *hasher = arg;
	struct job *job;

	while ((job = next_job(hasher)) != NULL) {
		const int64_t began_us = clock_mono_us();

		work(hasher, job);
		MUST_ZERO(pthread_mutex_lock(&hasher->lock));
		learn_cost(hasher, clock_mono_us() - began_us);
		finish(hasher, job);
		MUST_ZERO(pthread_mutex_unlock(&hasher->lock));
	}
	return NULL;
}

/* The decoy, by which the first cost is measured too. */
static void make_decoy(struct hasher *hasher)
{
	const int64_t began_us = clock_mono_us();
	unsigned char nobody[32];

	randombytes_buf(nobody, sizeof(nobody));
	password_hash(hasher->conf, (const char *)nobody, sizeof(nobody), hasher->decoy);
	hasher->cost_us = clock_mono_us() - began_us;
	learn_cost(hasher, hasher->cost_us);
}

struct hasher *hasher_new(const struct conf *conf, struct tries *tries)
{
	size_t threads = (size_t)conf->hash_threads;
	struct hasher *hasher = mem_zero(sizeof(*hasher) + threads * sizeof(hasher->threads[0]));

	hasher->conf = conf;
	hasher->tries = tries;
	hasher->todo = mem_zero((size_t)conf->hash_queue * sizeof(*hasher->todo));
	hasher->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(hasher->fd >= 0);
	make_decoy(hasher);
	MUST_ZERO(pthread_mutex_init(&hasher->lock, NULL));
	MUST_ZERO(pthread_cond_init(&hasher->waiting, NULL));
	hasher->thread_count = threads;
	for (size_t i = 0; i < threads; i++)
		MUST_ZERO(pthread_create(&hasher->threads[i], NULL, run, hasher));
	return hasher;
}

static void give_up(struct hasher *hasher)
{
	struct job *job;

	while (hasher->todo_count > 0)
		job_push(&hasher->done, take_waiting(hasher, 0));
	while ((job = job_pop(&hasher->done)) != NULL) {
		fcgi_close(job->conn);
		job_free(&job);
	}
}

void hasher_free(struct hasher **ptr)
{
	struct hasher *hasher = *ptr;

	if (hasher == NULL)
		return;
	MUST_ZERO(pthread_mutex_lock(&hasher->lock));
	hasher->stopping = true;
	MUST_ZERO(pthread_cond_broadcast(&hasher->waiting));
	MUST_ZERO(pthread_mutex_unlock(&hasher->lock));
	for (size_t i = 0; i < hasher->thread_count; i++)
		MUST_ZERO(pthread_join(hasher->threads[i], NULL));
	give_up(hasher);
	close(hasher->fd);
	MUST_ZERO(pthread_cond_destroy(&hasher->waiting));
	MUST_ZERO(pthread_mutex_destroy(&hasher->lock));
	free(hasher->todo);
	free(hasher);
	*ptr = NULL;
}

/* ---- who it is ------------------------------------------------------------------------------- */

/* A sign-in counts for its address, from its network. Who has a session is known by the account's stored hash, or
 * by the session while that is not known, and from anywhere. */
static struct tries_who who_of(const struct hasher *hasher, const struct exchange *x)
{
	const struct hash_whose *whose = &x->hash.whose;
	struct tries_who who = {0};

	if (whose->address != NULL) {
		const struct place place = place_of(x->request.remote_address);

		return tries_who(hasher->tries, whose->address, &place);
	}
	if (whose->stored != NULL)
		who.account = tries_hash(hasher->tries, whose->stored, strlen(whose->stored));
	else
		who.account = tries_hash(hasher->tries, x->token_hash, sizeof(x->token_hash));
	who.pair = who.account;
	return who;
}

static struct admit_ticket ticket_of(const struct hasher *hasher, const struct job *job)
{
	const struct exchange *x = &job->x;
	const struct place place = place_of(x->request.remote_address);
	const struct tries_who who = who_of(hasher, x);

	return (struct admit_ticket){
		.account = who.account,
		.place = place.local ? 0 : tries_hash(hasher->tries, place.bytes, PLACE_BYTES),
		.known = x->hash.whose.address == NULL ||
			 tries_known(hasher->tries, who, clock_mono_us()),
		/* After the hash there is a call to be made: see in_flight_too_late. */
		.deadline_us = job->deadline_us - hasher->conf->request_deadline_ms * CLOCK_MS / 20,
	};
}

/* A new password is nobody's guess. */
static bool is_try(const struct exchange *x)
{
	return x->hash.kind != HASH_MAKE;
}

void hasher_learn(struct hasher *hasher, const struct job *job)
{
	const struct exchange *x = &job->x;
	const bool tried = x->hash.done && is_try(x);

	if (tried && !x->hash.matches)
		tries_failed(hasher->tries, who_of(hasher, x), clock_mono_us());
	else if (tried || (x->hash.whose.address != NULL && x->reply.status == 201))
		tries_succeeded(hasher->tries, who_of(hasher, x), clock_mono_us());
}

/* ---- coming and going ------------------------------------------------------------------------ */

/* Works the turn out, and remembers this one for those to come. */
static void note_turn(struct hasher *hasher, struct admit_ticket *ticket)
{
	const int64_t now_us = clock_mono_us();
	const int64_t lately_us = hasher->conf->request_deadline_ms * CLOCK_MS;
	size_t same_account = 0;
	size_t same_place = 0;

	for (size_t i = 0; i < RECENT; i++) {
		const struct recent *other = &hasher->recent[i];

		if (other->account == 0 || now_us - other->at_us > lately_us)
			continue;
		same_account += other->account == ticket->account;
		same_place += ticket->place != 0 && other->place == ticket->place;
	}
	ticket->turn = same_account > same_place ? same_account : same_place;
	ticket->number = ++hasher->came;
	hasher->recent[hasher->came % RECENT] =
		(struct recent){ticket->account, ticket->place, now_us};
}

static size_t last_waiting(const struct hasher *hasher)
{
	size_t last = 0;

	for (size_t i = 1; i < hasher->todo_count; i++)
		if (admit_before(&hasher->todo[last]->ticket, &hasher->todo[i]->ticket, true))
			last = i;
	return last;
}

/* Makes room by putting the last in order out, unless that is the new one. */
static bool make_room(struct hasher *hasher, const struct job *job)
{
	size_t last;

	if (hasher->todo_count < room_for(hasher, job))
		return true;
	last = last_waiting(hasher);
	if (!admit_before(&job->ticket, &hasher->todo[last]->ticket, true))
		return false;
	finish(hasher, take_waiting(hasher, last));
	return true;
}

enum hasher_answer hasher_submit(struct hasher *hasher, struct job *job, int *ret_wait_s)
{
	bool room;

	job->x.hash.done = false;
	if (is_try(&job->x)) {
		*ret_wait_s = tries_wait_s(hasher->tries, who_of(hasher, &job->x),
			(int)hasher->conf->sign_in_tries, clock_mono_us());
		if (*ret_wait_s > 0)
			return HASHER_EARLY;
	}
	MUST_ZERO(pthread_mutex_lock(&hasher->lock));
	/* Another hash of the same request is no further turn. */
	if (job->ticket.number == 0) {
		job->ticket = ticket_of(hasher, job);
		note_turn(hasher, &job->ticket);
	}
	room = job->x.hash.optional ? hasher->todo_count == 0 : make_room(hasher, job);
	if (room) {
		hasher->todo[hasher->todo_count++] = job;
		MUST_ZERO(pthread_cond_signal(&hasher->waiting));
	}
	MUST_ZERO(pthread_mutex_unlock(&hasher->lock));
	return room ? HASHER_TAKEN : HASHER_FULL;
}

bool hasher_crowded(const struct job *job)
{
	return job->ticket.place != 0 && job->ticket.turn > 0;
}

void hasher_collect(struct hasher *hasher, struct job_queue *queue)
{
	uint64_t count;
	struct job *job;

	/* Another thread may have been quicker: then there is nothing to read, and no job. */
	if (read(hasher->fd, &count, sizeof(count)) < 0)
		return;
	MUST_ZERO(pthread_mutex_lock(&hasher->lock));
	while ((job = job_pop(&hasher->done)) != NULL)
		job_push(queue, job);
	MUST_ZERO(pthread_mutex_unlock(&hasher->lock));
}

int hasher_fd(const struct hasher *hasher)
{
	return hasher->fd;
}
