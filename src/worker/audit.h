/*
 * The security log: who signed in or was refused, whose password or account changed, what was limited or
 * forged, with the network it came from. Off unless the key `security_log` names a file.
 *
 * For people who look into something, and for fail2ban (monitoring/fail2ban), so the line keeps its
 * form: blanks between `key=value`, all keys always there, in this order, `-` for what there is none of.
 *
 *     ts=2026-01-31T12:00:00.123456Z event=sign-in outcome=refused status=401 place=192.0.2.0/24
 *     account=9f86d081884c7d65 session=- request=0a1b...
 *
 * (in one line). An account stands there as a keyed hash of its address and a session as one of its token, under
 * a key that is made anew when the service starts: they tell who is the same, and not who it is.
 * A line is one write(2) of a file opened to append, which no request waits for but the one it is
 * about. A line that cannot be written is counted, and lost; what of it is there is ended before the next
 * one, whichever process has that. Thread-safe.
 */
#ifndef WORKER_AUDIT_H
#define WORKER_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "proc/tries.h"
#include "stats/stats.h"
#include "worker/job.h"

struct audit;

/* Once, before the fork of those who write to the file at `path` ("": there is none): from then on each knows
 * what the others' lines lack, and what the last one lacks that an earlier service wrote. */
void audit_share(const char *path);

/* Opens the file at `path` ("": there is none, and nothing is written), created with mode 0640. Where
 * it cannot be opened `why` says so, and every line is lost until audit_reopen succeeds. */
MUST_CHECK struct audit *audit_new(
	const char *path, const struct tries *tries, char *why, size_t why_size);
void audit_free(struct audit **audit);
/* Opens the file anew, which is what a log's rotation wants. False with `why`; the old one is kept. */
MUST_CHECK bool audit_reopen(struct audit *audit, char *why, size_t why_size);

/* Writes the line of a job that is about to be answered, where it is of a kind that has one. */
void audit_answer(struct audit *audit, struct stats_slot *slot, const struct job *job);

/* What a line says of an answer: the policy. */
struct audit_event {
	const char *event; /* NULL: no line */
	const char *outcome;
};

/* `forged`: a page of another site had it sent (api/exchange); its 403 says so, if its session is sound. */
struct audit_event audit_event(enum stats_route route, int status, bool forged);

#endif
