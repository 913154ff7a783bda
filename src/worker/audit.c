/* The security log. */
#include "config.h"

#include "worker/audit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/place.h"
#include "base/sink.h"

#define NAME_BYTES 17 /* a hash in hexadecimal, and the NUL */

struct audit {
	char *path;
	const struct tries *tries;
	_Atomic int fd; /* -1: not open. Once it is, it stays the same number */
};

/* Lines that were cut off, ever, and those of them behind which another begins on a line of its own. Of this
 * process, or of all that share it: they append to one file, and the next line may be anybody's. */
struct tears {
	_Atomic uint64_t cut;
	_Atomic uint64_t ended;
};

static struct tears own_tears;
static struct tears *tears = &own_tears;

/* ---- the file -------------------------------------------------------------------------------- */

/* Whether the last line lacks its end. What cannot be looked at is taken for whole. */
static bool is_cut_off(const char *path)
{
	struct stat st;
	char last = '\n';
	int fd;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)!pread(fd, &last, 1, st.st_size - 1);
	close(fd);
	return last != '\n';
}

void audit_share(const char *path)
{
	void *shared = mmap(
		NULL, sizeof(*tears), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(shared != MAP_FAILED); /* for want of memory; see base/mem.h */
	tears = shared;
	atomic_store(&tears->cut, path[0] != '\0' && is_cut_off(path) ? 1 : 0);
}

struct audit *audit_new(const char *path, const struct tries *tries, char *why, size_t why_size)
{
	struct audit *audit = mem_zero(sizeof(*audit));

	audit->path = mem_strdup(path);
	audit->tries = tries;
	atomic_store(&audit->fd, path[0] != '\0' ? sink_open(path, why, why_size) : -1);
	return audit;
}

void audit_free(struct audit **ptr)
{
	struct audit *audit = *ptr;

	if (audit == NULL)
		return;
	if (atomic_load(&audit->fd) >= 0)
		close(atomic_load(&audit->fd));
	free(audit->path);
	free(audit);
	*ptr = NULL;
}

bool audit_reopen(struct audit *audit, char *why, size_t why_size)
{
	int fd;

	if (audit->path[0] == '\0')
		return true;
	fd = sink_open(audit->path, why, why_size);
	if (fd < 0)
		return false;
	if (atomic_load(&audit->fd) < 0) {
		atomic_store(&audit->fd, fd);
		return true;
	}
	/* In one step: no line is lost or torn. */
	MUST(dup3(fd, atomic_load(&audit->fd), O_CLOEXEC) >= 0);
	close(fd);
	return true;
}

/* ---- a line ---------------------------------------------------------------------------------- */

static const char *name_of(enum stats_route route)
{
	switch (route) {
	case STATS_ROUTE_SIGN_IN:
		return "sign-in";
	case STATS_ROUTE_REGISTER:
		return "registration";
	case STATS_ROUTE_PASSWORD:
		return "password-change";
	case STATS_ROUTE_ACCOUNT_DELETE:
		return "account-deletion";
	case STATS_ROUTE_SESSION_END:
	case STATS_ROUTE_SESSIONS_END:
		return "session-end";
	default:
		return NULL;
	}
}

static const char *outcome_of_status(int status)
{
	if (status == 429)
		return "limited";
	if (status >= 500)
		return "failed";
	return status >= 400 ? "refused" : "ok";
}

struct audit_event audit_event(enum stats_route route, int status, bool forged)
{
	struct audit_event event = {.event = name_of(route), .outcome = outcome_of_status(status)};

	if (status == 403 && forged)
		event.event = "cross-origin";
	else if (event.event == NULL && status == 429)
		event.event = "request";
	return event;
}

static void put_hash(uint64_t hash, bool there, char ret_name[NAME_BYTES])
{
	if (there)
		snprintf(ret_name, NAME_BYTES, "%016" PRIx64, hash);
	else
		strcpy(ret_name, "-");
}

/* `line` begins with an end of a line, for one that a full disk cut off. It is written with the rest, so that
 * nobody's line gets in between; and taken as done only up to what was cut off before, as others may be cut
 * off meanwhile. */
static bool append_line(struct audit *audit, const char *line, size_t len)
{
	const int fd = atomic_load(&audit->fd);
	const uint64_t cut = atomic_load(&tears->cut);
	const size_t skipped = cut == atomic_load(&tears->ended) ? 1 : 0;
	bool torn = false;

	if (fd < 0)
		return false;
	if (sink_put(fd, SINK_OWN, line + skipped, len - skipped, &torn) == 0) {
		if (skipped == 0)
			atomic_store(&tears->ended, cut);
		return true;
	}
	if (torn)
		atomic_fetch_add(&tears->cut, 1);
	return false;
}

void audit_answer(struct audit *audit, struct stats_slot *slot, const struct job *job)
{
	const struct exchange *x = &job->x;
	const char *address = x->hash.whose.address;
	const struct audit_event event = audit_event(x->route, x->reply.status, x->forged);
	const bool opened = x->makes_token && x->reply.status == 201;
	struct place place;
	char where[PLACE_TEXT_BYTES];
	char when[CLOCK_TEXT_BYTES];
	char account[NAME_BYTES];
	char session[NAME_BYTES];
	char line[512] = "\n";
	int len;

	if (audit->path[0] == '\0' || event.event == NULL)
		return;
	place = place_of(x->request.remote_address);
	place_text(&place, where);
	clock_text(clock_wall_us(), when);
	put_hash(address != NULL ? tries_hash(audit->tries, address, strlen(address)) : 0,
		address != NULL, account);
	put_hash(tries_hash(audit->tries, x->token_hash, sizeof(x->token_hash)),
		x->has_token || opened, session);
	len = snprintf(line + 1, sizeof(line) - 1,
		"ts=%s event=%s outcome=%s status=%d place=%s account=%s session=%s request=%s\n",
		when, event.event, event.outcome, x->reply.status, where, account, session,
		x->request.id_text);
	MUST(len > 0 && (size_t)len < sizeof(line) - 1);
	if (!append_line(audit, line, 1 + (size_t)len))
		stats_inc(slot, STATS_SECURITY_LINES_LOST);
}
