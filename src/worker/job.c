/* A job: one request in the hands of the loop. */
#include "worker/job.h"

#include <stdlib.h>

#include "base/mem.h"

void job_push(struct job_queue *queue, struct job *job)
{
	job->next = NULL;
	if (queue->last != NULL)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
	queue->count++;
}

struct job *job_pop(struct job_queue *queue)
{
	struct job *job = queue->first;

	if (job == NULL)
		return NULL;
	queue->first = job->next;
	if (queue->first == NULL)
		queue->last = NULL;
	queue->count--;
	job->next = NULL;
	return job;
}

struct job *job_new(const struct conf *conf, struct fcgi_conn *conn)
{
	struct job *job = mem_zero(sizeof(*job));

	job->conn = conn;
	job->x.conf = conf;
	return job;
}

void job_free(struct job **job)
{
	if (*job == NULL)
		return;
	exchange_fini(&(*job)->x);
	free(*job);
	*job = NULL;
}
