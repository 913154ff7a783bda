/* The lane for passwords: a few threads that hash, and a bounded queue before them. */
#include "proc/hasher.h"

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

struct hasher {
	const struct conf *conf;
	char decoy[PASSWORD_HASH_BYTES]; /* of a password nobody has; read-only once running */
	int fd;                          /* eventfd: counts finished jobs */

	pthread_mutex_t lock;   /* guards all below */
	pthread_cond_t waiting; /* a job came, or it is time to stop */
	struct job_queue todo;
	struct job_queue done;
	bool stopping;

	size_t thread_count;
	pthread_t threads[];
};

static void work(const struct hasher *hasher, struct job *job)
{
	struct hash_job *hash = &job->x.hash;

	/* Nobody waits for this answer any more. */
	if (clock_mono_us() >= job->deadline_us)
		return;
	switch (hash->kind) {
	case HASH_MAKE:
		password_hash(hasher->conf, hash->password, hash->password_len, hash->encoded);
		break;
	case HASH_VERIFY:
		hash->matches = password_matches(hash->encoded, hash->password, hash->password_len);
		break;
	case HASH_DECOY:
		/* Nobody has it; only the time counts. */
		hash->matches = password_matches(hasher->decoy, hash->password, hash->password_len);
		break;
	}
}

static void finish(struct hasher *hasher, struct job *job)
{
	const uint64_t one = 1;

	MUST_ZERO(pthread_mutex_lock(&hasher->lock));
	job_push(&hasher->done, job);
	MUST_ZERO(pthread_mutex_unlock(&hasher->lock));
	MUST(write(hasher->fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

/* The next job, or NULL when it is time to stop. */
static struct job *next_job(struct hasher *hasher)
{
	struct job *job = NULL;

	MUST_ZERO(pthread_mutex_lock(&hasher->lock));
	while (!hasher->stopping && (job = job_pop(&hasher->todo)) == NULL)
		MUST_ZERO(pthread_cond_wait(&hasher->waiting, &hasher->lock));
	MUST_ZERO(pthread_mutex_unlock(&hasher->lock));
	return job;
}

static void *run(void *arg)
{
	struct hasher *hasher = arg;
	struct job *job;

	while ((job = next_job(hasher)) != NULL) {
		work(hasher, job);
		finish(hasher, job);
	}
	return NULL;
}

struct hasher *hasher_new(const struct conf *conf)
{
	size_t threads = (size_t)conf->hash_threads;
	struct hasher *hasher = mem_zero(sizeof(*hasher) + threads * sizeof(hasher->threads[0]));
	unsigned char nobody[32];

	hasher->conf = conf;
	hasher->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(hasher->fd >= 0);
	randombytes_buf(nobody, sizeof(nobody));
	password_hash(conf, (const char *)nobody, sizeof(nobody), hasher->decoy);
	MUST_ZERO(pthread_mutex_init(&hasher->lock, NULL));
	MUST_ZERO(pthread_cond_init(&hasher->waiting, NULL));
	hasher->thread_count = threads;
	for (size_t i = 0; i < threads; i++)
		MUST_ZERO(pthread_create(&hasher->threads[i], NULL, run, hasher));
	return hasher;
}

static void give_up(struct job_queue *queue)
{
	struct job *job;

	while ((job = job_pop(queue)) != NULL) {
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
	give_up(&hasher->todo);
	give_up(&hasher->done);
	close(hasher->fd);
	MUST_ZERO(pthread_cond_destroy(&hasher->waiting));
	MUST_ZERO(pthread_mutex_destroy(&hasher->lock));
	free(hasher);
	*ptr = NULL;
}

bool hasher_submit(struct hasher *hasher, struct job *job)
{
	bool room;

	MUST_ZERO(pthread_mutex_lock(&hasher->lock));
	room = hasher->todo.count < (size_t)hasher->conf->hash_queue;
	if (room) {
		job_push(&hasher->todo, job);
		MUST_ZERO(pthread_cond_signal(&hasher->waiting));
	}
	MUST_ZERO(pthread_mutex_unlock(&hasher->lock));
	return room;
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
