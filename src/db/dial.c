/* The dialler: opens connections in threads of their own. */
#include "db/dial.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/hosts.h"
#include "db/resolve.h"

#define SHY_US  (30 * CLOCK_S) /* so long a host that was silent is tried last */
#define PART_US (2 * CLOCK_S)  /* how long the end waits for a thread that hangs in a library */

struct dialler {
	struct hosts *hosts; /* NULL: libpq refuses the string, and `why` says so */
	char why[160];
	struct resolver *resolver;
	int64_t host_limit_us;
	_Atomic int64_t shy_until_us[HOSTS_MAX]; /* monotonic */
	_Atomic int64_t hung_at_us[HOSTS_MAX]; /* likewise; a connection to it was given up then */
	atomic_bool left;                      /* a dial hangs, so nothing is freed */
};

enum dial_state {
	DIAL_IDLE,
	DIAL_WANTED, /* the thread is at it, or about to be */
	DIAL_DONE,   /* to be collected */
};

struct dial {
	struct dialler *dialler;
	struct pq_options options;
	atomic_bool stop;

	pthread_mutex_t lock;   /* guards all below */
	pthread_cond_t changed; /* `state`, `stopping` or `ended` */
	enum dial_state state;
	bool stopping;
	bool ended;
	size_t host;          /* that the latest connection led to */
	int64_t opened_us;    /* monotonic: and since when */
	struct pq_conn *conn; /* NULL: it failed */
	struct pq_error error;

	pthread_t thread;
};

/* All servers once, and what was seen of them. */
struct round {
	struct dial *dial;
	bool first;
	bool halved;     /* somebody had half of the limit */
	bool silent;     /* the host tried last, or an address of it, said nothing */
	bool any_silent; /* some host did */
};

/* ---- shared ---------------------------------------------------------------------------------- */

struct dialler *dialler_new(const char *conninfo, int64_t host_limit_us)
{
	struct dialler *dialler = mem_zero(sizeof(*dialler));

	dialler->hosts = hosts_new(conninfo, dialler->why, sizeof(dialler->why));
	dialler->resolver = resolver_new();
	dialler->host_limit_us = host_limit_us;
	return dialler;
}

void dialler_free(struct dialler **ptr)
{
	struct dialler *dialler = *ptr;

	*ptr = NULL;
	if (dialler == NULL || atomic_load(&dialler->left))
		return;
	resolver_free(&dialler->resolver);
	hosts_free(&dialler->hosts);
	free(dialler);
}

static bool is_shy(struct dialler *dialler, size_t host)
{
	return clock_mono_us() < atomic_load(&dialler->shy_until_us[host]);
}

static void make_shy(struct dialler *dialler, size_t host)
{
	atomic_store(&dialler->shy_until_us[host], clock_mono_us() + SHY_US);
}

/* ---- one call, in the dial's thread ------------------------------------------------------------ */

static void unreachable(struct pq_error *error, const char *text)
{
	*error = (struct pq_error){.sqlstate = PQ_UNREACHABLE};
	snprintf(error->message, sizeof(error->message), "%s", text);
}

/* The addresses to be tried: one that is "" where libpq needs none. */
static bool find_addresses(struct dial *dial, const struct host *host, int64_t limit_us,
	struct addresses *ret, struct pq_error *ret_error)
{
	char why[160] = "";

	if (host_wants_address(host)) {
		if (resolver_ask(dial->dialler->resolver, host->name, limit_us, &dial->stop, ret,
			    why, sizeof(why)))
			return true;
		unreachable(ret_error, why);
		return false;
	}
	ret->count = 1;
	snprintf(ret->text[0], RESOLVE_TEXT, "%s", host->address);
	return true;
}

/* NULL when it could not be opened by limit_us. */
static struct pq_conn *try_place(struct dial *dial, const struct pq_place *place, int64_t limit_us,
	struct pq_error *ret_error)
{
	struct pq_conn *conn = pq_new(&dial->options);

	if (!pq_open(conn, place, limit_us, &dial->stop, ret_error))
		pq_free(&conn);
	return conn;
}

/* How long one server may take. Where there are others, half of the limit at first: they may be quick,
 * and whoever is slow has a second chance. */
static int64_t limit_of(struct round *round, size_t addresses)
{
	const struct dialler *dialler = round->dial->dialler;
	const bool others = hosts_count(dialler->hosts) > 1 || addresses > 1;

	round->halved = round->halved || (round->first && others);
	return round->first && others ? dialler->host_limit_us / 2 : dialler->host_limit_us;
}

/* A name may have several addresses, each of which may be silent. */
static struct pq_conn *try_addresses(struct round *round, const struct host *host,
	const struct addresses *addresses, struct pq_error *ret_error)
{
	const int64_t limit_us = limit_of(round, addresses->count);

	for (size_t i = 0; i < addresses->count; i++) {
		const struct pq_place place = {host->name, addresses->text[i], host->port};
		const int64_t until_us = clock_mono_us() + limit_us;
		struct pq_conn *conn = try_place(round->dial, &place, until_us, ret_error);

		if (conn != NULL)
			return conn;
		round->silent = round->silent || clock_mono_us() >= until_us;
	}
	return NULL;
}

static struct pq_conn *try_host(struct round *round, size_t at, struct pq_error *ret_error)
{
	struct dialler *dialler = round->dial->dialler;
	const struct host *host = hosts_at(dialler->hosts, at);
	const int64_t until_us = clock_mono_us() + limit_of(round, 1);
	struct addresses addresses;
	struct pq_conn *conn = NULL;

	round->silent = false;
	if (find_addresses(round->dial, host, until_us, &addresses, ret_error))
		conn = try_addresses(round, host, &addresses, ret_error);
	else
		round->silent = clock_mono_us() >= until_us;
	if (conn == NULL && round->silent)
		make_shy(dialler, at);
	return conn;
}

/* In their order, but those that are shy come last. */
static size_t put_in_order(struct dialler *dialler, size_t order[HOSTS_MAX])
{
	const size_t count = hosts_count(dialler->hosts);
	bool shy[HOSTS_MAX];
	size_t at = 0;

	for (size_t i = 0; i < count; i++)
		shy[i] = is_shy(dialler, i);
	for (size_t i = 0; i < count; i++)
		if (!shy[i])
			order[at++] = i;
	for (size_t i = 0; i < count; i++)
		if (shy[i])
			order[at++] = i;
	return count;
}

static void tell_passed(const struct dialler *dialler, size_t at, const struct pq_error *error)
{
	const struct host *host = hosts_at(dialler->hosts, at);

	log_warn("database host passed host=%s port=%s code=%s error=%s", LOG_QUOTED(host->name),
		host->port, error->sqlstate, LOG_QUOTED(error->message));
}

static struct pq_conn *try_all(struct round *round, size_t *ret_host, struct pq_error *ret_error)
{
	struct dialler *dialler = round->dial->dialler;
	size_t order[HOSTS_MAX];
	const size_t count = put_in_order(dialler, order);

	for (size_t i = 0; i < count && !atomic_load(&round->dial->stop); i++) {
		struct pq_error error = {0};
		struct pq_conn *conn = try_host(round, order[i], &error);

		*ret_host = order[i];
		if (conn != NULL)
			return conn;
		round->any_silent = round->any_silent || round->silent;
		if (i + 1 < count)
			tell_passed(dialler, order[i], &error);
		/* Who said something tells more than who did not. */
		if (!round->silent || ret_error->message[0] == '\0')
			*ret_error = error;
	}
	return NULL;
}

static struct pq_conn *call(struct dial *dial, size_t *ret_host, struct pq_error *ret_error)
{
	struct round first = {.dial = dial, .first = true};
	struct round second = {.dial = dial};
	struct pq_conn *conn;

	if (dial->dialler->hosts == NULL) {
		unreachable(ret_error, dial->dialler->why);
		return NULL;
	}
	conn = try_all(&first, ret_host, ret_error);
	if (conn == NULL && first.halved && first.any_silent && !atomic_load(&dial->stop))
		conn = try_all(&second, ret_host, ret_error);
	return conn;
}

static void *run(void *arg)
{
	struct dial *dial = arg;

	MUST_ZERO(pthread_mutex_lock(&dial->lock));
	for (;;) {
		struct pq_error error = {0};
		struct pq_conn *conn;
		size_t host = 0;

		while (!dial->stopping && dial->state != DIAL_WANTED)
			MUST_ZERO(pthread_cond_wait(&dial->changed, &dial->lock));
		if (dial->stopping)
			break;
		MUST_ZERO(pthread_mutex_unlock(&dial->lock));
		conn = call(dial, &host, &error);
		MUST_ZERO(pthread_mutex_lock(&dial->lock));
		dial->conn = conn;
		if (conn != NULL) {
			dial->host = host;
			dial->opened_us = clock_mono_us();
		}
		dial->error = error;
		dial->state = DIAL_DONE;
		MUST_ZERO(pthread_cond_broadcast(&dial->changed));
	}
	dial->ended = true;
	MUST_ZERO(pthread_cond_broadcast(&dial->changed));
	MUST_ZERO(pthread_mutex_unlock(&dial->lock));
	return NULL;
}

/* ---- outward --------------------------------------------------------------------------------- */

struct dial *dial_new(struct dialler *dialler, const struct pq_options *options)
{
	struct dial *dial = mem_zero(sizeof(*dial));

	dial->dialler = dialler;
	dial->options = *options;
	MUST_ZERO(pthread_mutex_init(&dial->lock, NULL));
	cond_init(&dial->changed);
	MUST_ZERO(pthread_create(&dial->thread, NULL, run, dial));
	return dial;
}

/* False when the thread hangs. */
static bool part(struct dial *dial)
{
	const int64_t until_us = clock_mono_us() + PART_US;
	bool ended;

	atomic_store(&dial->stop, true);
	MUST_ZERO(pthread_mutex_lock(&dial->lock));
	dial->stopping = true;
	MUST_ZERO(pthread_cond_broadcast(&dial->changed));
	while (!dial->ended && cond_wait_until(&dial->changed, &dial->lock, until_us))
		;
	ended = dial->ended;
	MUST_ZERO(pthread_mutex_unlock(&dial->lock));
	return ended;
}

void dial_free(struct dial **ptr)
{
	struct dial *dial = *ptr;

	*ptr = NULL;
	if (dial == NULL)
		return;
	if (!part(dial)) {
		atomic_store(&dial->dialler->left, true);
		MUST_ZERO(pthread_detach(dial->thread));
		return;
	}
	MUST_ZERO(pthread_join(dial->thread, NULL));
	pq_free(&dial->conn);
	MUST_ZERO(pthread_cond_destroy(&dial->changed));
	MUST_ZERO(pthread_mutex_destroy(&dial->lock));
	free(dial);
}

void dial_start(struct dial *dial)
{
	MUST_ZERO(pthread_mutex_lock(&dial->lock));
	MUST(dial->state == DIAL_IDLE);
	dial->state = DIAL_WANTED;
	MUST_ZERO(pthread_cond_broadcast(&dial->changed));
	MUST_ZERO(pthread_mutex_unlock(&dial->lock));
}

bool dial_busy(struct dial *dial)
{
	bool busy;

	MUST_ZERO(pthread_mutex_lock(&dial->lock));
	busy = dial->state != DIAL_IDLE;
	MUST_ZERO(pthread_mutex_unlock(&dial->lock));
	return busy;
}

void dial_wait(struct dial *dial, int64_t deadline_us)
{
	MUST_ZERO(pthread_mutex_lock(&dial->lock));
	while (dial->state != DIAL_DONE &&
		cond_wait_until(&dial->changed, &dial->lock, deadline_us))
		;
	MUST_ZERO(pthread_mutex_unlock(&dial->lock));
}

enum dial_news dial_collect(
	struct dial *dial, struct pq_conn **ret_conn, struct pq_error *ret_error)
{
	enum dial_news news = DIAL_NOTHING;

	MUST_ZERO(pthread_mutex_lock(&dial->lock));
	if (dial->state == DIAL_DONE && dial->conn != NULL) {
		news = DIAL_OPENED;
		*ret_conn = dial->conn;
		dial->conn = NULL;
	} else if (dial->state == DIAL_DONE) {
		news = DIAL_FAILED;
		*ret_error = dial->error;
	}
	if (news != DIAL_NOTHING)
		dial->state = DIAL_IDLE;
	MUST_ZERO(pthread_mutex_unlock(&dial->lock));
	return news;
}

static size_t host_of(struct dial *dial, int64_t *ret_opened_us)
{
	size_t host;

	MUST_ZERO(pthread_mutex_lock(&dial->lock));
	host = dial->host;
	*ret_opened_us = dial->opened_us;
	MUST_ZERO(pthread_mutex_unlock(&dial->lock));
	return host;
}

void dial_suspect(struct dial *dial)
{
	int64_t opened_us;
	const size_t host = host_of(dial, &opened_us);

	make_shy(dial->dialler, host);
	atomic_store(&dial->dialler->hung_at_us[host], clock_mono_us());
}

bool dial_suspected(struct dial *dial)
{
	const struct dialler *dialler = dial->dialler;
	int64_t opened_us;
	const size_t host = host_of(dial, &opened_us);

	return dialler->hosts != NULL && hosts_count(dialler->hosts) > 1 &&
	       atomic_load(&dialler->hung_at_us[host]) > opened_us;
}
