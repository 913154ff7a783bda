/*
 * The status process: answers /livez, /readyz, /metrics, /status and /status.json on a socket of its
 * own.
 *
 * One thread is enough: every answer is made in a millisecond from what the segment holds, and nginx
 * takes it whole, however slow its own client is. The windows of the last minutes and the last hour
 * come from the supervisor, which keeps them up all the time; this process goes on with its copies,
 * so that a replacement does not forget.
 */
#include "config.h"

#include "statusd/statusd.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "http/fcgi.h"
#include "http/problem.h"
#include "proc/logfile.h"
#include "proc/sandbox.h"
#include "proc/title.h"
#include "report/assets.h"
#include "report/prometheus.h"
#include "report/series_json.h"
#include "report/status_json.h"
#include "report/status_page.h"
#include "stats/series.h"
#include "stats/snapshot.h"
#include "stats/window.h"
#include "statusd/negotiate.h"
#include "statusd/readiness.h"
#include "statusd/visitor.h"

#define TURN_MS       1000
#define DRAIN_US      CLOCK_S
#define DRAIN_TURN_MS 50
#define CONNS_MAX     16

struct statusd {
	const struct inherit *inherit;
	struct fcgi_gate *gate;
	struct window *window; /* this process's copy */
	struct series *series; /* likewise */
	int signal_fd;
	bool draining;
	int64_t drain_end_us;
};

/* ---- answers --------------------------------------------------------------------------------- */

/* The page's own source is none of the files that it loads. */
static const struct asset *find_asset(const char *path)
{
	static const char dir[] = "/status/";

	if (strncmp(path, dir, strlen(dir)) != 0 || strcmp(path, "/status/page.html") == 0)
		return NULL;
	return asset_find(path + strlen(dir));
}

typedef void answer_fn(
	const struct statusd *statusd, const struct request *request, struct reply *reply);

static struct snapshot *take_snapshot(const struct statusd *statusd)
{
	return snapshot_take(statusd->inherit->segment, clock_mono_us());
}

/* This process lives no longer than the supervisor, so that it answers is the answer. */
static void answer_livez(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	(void)statusd;
	(void)request;
	reply_start(reply, 200, REPLY_JSON);
	buf_str(&reply->body, "{\"status\":\"alive\"}\n");
}

static void add_checks(struct buf *out, const struct readiness_check *checks)
{
	buf_str(out, "\"checks\":[");
	for (size_t i = 0; i < READINESS_COUNT; i++) {
		buf_printf(out, "%s{\"name\":\"%s\",\"ok\":%s,", i > 0 ? "," : "", checks[i].name,
			checks[i].ok ? "true" : "false");
		json_text_member(out, "detail", checks[i].detail);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static const struct readiness_check *first_failed(const struct readiness_check *checks)
{
	while (checks->ok)
		checks++;
	return checks;
}

static void answer_not_ready(const struct request *request, const struct readiness_check *checks,
	bool verbose, struct reply *reply)
{
	const struct readiness_check *failed = first_failed(checks);
	struct buf members = {0};

	if (verbose) {
		buf_char(&members, '{');
		add_checks(&members, checks);
		buf_char(&members, '}');
	}
	problem_reply(reply, PROBLEM_UNAVAILABLE, request->id_text,
		verbose ? buf_cstr(&members) : NULL, "%s: %s", failed->name, failed->detail);
	buf_free(&members);
}

static void answer_readyz(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	struct readiness_check checks[READINESS_COUNT];
	struct snapshot *snapshot = take_snapshot(statusd);
	struct mem_arena arena = {0};
	const char *value;
	const bool verbose =
		request_param(request, "verbose", &arena, &value) != REQUEST_PARAM_ABSENT;

	if (!readiness_judge(snapshot, checks)) {
		answer_not_ready(request, checks, verbose, reply);
	} else {
		reply_start(reply, 200, REPLY_JSON);
		buf_str(&reply->body, "{\"status\":\"ready\"");
		if (verbose) {
			buf_char(&reply->body, ',');
			add_checks(&reply->body, checks);
		}
		buf_str(&reply->body, "}\n");
	}
	mem_arena_free(&arena);
	snapshot_free(&snapshot);
}

static void answer_metrics(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	const enum prometheus_format format = negotiate_metrics(request->accept);
	struct snapshot *snapshot = take_snapshot(statusd);

	snapshot_measure(snapshot);
	reply_start(reply, 200, prometheus_content_type(format));
	reply_header(reply, "Vary", "Accept");
	prometheus_write(&reply->body, snapshot, format);
	snapshot_free(&snapshot);
}

static void answer_status_json(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	struct snapshot *snapshot = take_snapshot(statusd);

	(void)request;
	snapshot_measure(snapshot);
	reply_start(reply, 200, REPLY_JSON);
	status_json(&reply->body, snapshot, statusd->window);
	snapshot_free(&snapshot);
}

/* Nothing but what this process serves itself may be loaded or asked, nor the page be framed. */
#define PAGE_POLICY                                                                 \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void answer_page(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	struct readiness_check checks[READINESS_COUNT];
	struct snapshot *snapshot = take_snapshot(statusd);
	const bool ready = readiness_judge(snapshot, checks);
	const struct status_page_view view = {
		.snapshot = snapshot,
		.window = statusd->window,
		.series = statusd->series,
		.wall_us = clock_wall_us(),
		.unready = ready ? NULL : first_failed(checks)->detail,
	};

	(void)request;
	reply_start(reply, 200, "text/html; charset=utf-8");
	reply_header(reply, "Content-Security-Policy", PAGE_POLICY);
	reply_header(reply, "Referrer-Policy", "no-referrer");
	status_page_write(&reply->body, &view);
	snapshot_free(&snapshot);
}

/* `?after=`: only what is newer than that, in seconds since 1970. What is no number is 0. */
static void answer_history(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	struct mem_arena arena = {0};
	const char *after = NULL;

	if (request_param(request, "after", &arena, &after) == REQUEST_PARAM_ABSENT)
		after = NULL;
	reply_start(reply, 200, REPLY_JSON);
	series_json(&reply->body, statusd->series, after != NULL ? strtoll(after, NULL, 10) : 0);
	mem_arena_free(&arena);
}

/* /status/NAME: a file that the page is made of. */
static void answer_asset(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	const struct asset *asset = find_asset(request->path);

	(void)statusd;
	reply_start(reply, 200, asset->type);
	reply_borrow(reply, asset->text, asset->len);
}

static const struct {
	const char *path;
	answer_fn *answer;
} pages[] = {
	{"/livez", answer_livez},
	{"/readyz", answer_readyz},
	{"/metrics", answer_metrics},
	{"/status", answer_page},
	{"/status.json", answer_status_json},
	{"/status/history.json", answer_history},
};

static answer_fn *find_page(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (strcmp(pages[i].path, path) == 0)
			return pages[i].answer;
	return find_asset(path) != NULL ? answer_asset : NULL;
}

static void answer(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	answer_fn *page = find_page(request->path);

	if (page == NULL) {
		problem_reply(reply, PROBLEM_NOT_FOUND, request->id_text, NULL,
			"nothing is at this address");
	} else if (request->method != REQUEST_GET && request->method != REQUEST_HEAD) {
		problem_reply(reply, PROBLEM_METHOD_NOT_ALLOWED, request->id_text, NULL,
			"this can only be read");
		reply_header(reply, "Allow", "GET, HEAD");
	} else {
		page(statusd, request, reply);
	}
}

static void answer_visitor(
	const struct statusd *statusd, const struct request *request, struct reply *reply)
{
	switch (visitor_judge(request, statusd->inherit->settings->conf.status_hosts)) {
	case VISITOR_WELCOME:
		answer(statusd, request, reply);
		break;
	case VISITOR_MISDIRECTED:
		problem_reply(reply, PROBLEM_MISDIRECTED, request->id_text, NULL,
			"these pages are not to be had under this name: see the key status_hosts");
		break;
	case VISITOR_PROXIED:
		problem_reply(reply, PROBLEM_UNDECLARED_PROXY, request->id_text, NULL,
			"these pages are not to be had through a proxy that nginx was not told of");
		break;
	}
}

static void serve(const struct statusd *statusd, struct fcgi_conn *conn)
{
	struct mem_arena arena = {0};
	struct request request;
	struct reply reply = {0};

	if (fcgi_read(conn, &arena, &request)) {
		answer_visitor(statusd, &request, &reply);
		fcgi_reply(conn, &request, &reply);
	}
	reply_free(&reply);
	mem_arena_free(&arena);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void look_for_signals(struct statusd *statusd)
{
	struct signalfd_siginfo info;

	while (read(statusd->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM && !statusd->draining) {
			title_set("status draining");
			statusd->draining = true;
			statusd->drain_end_us = clock_mono_us() + DRAIN_US;
			fcgi_gate_drain(statusd->gate);
		} else if (info.ssi_signo == SIGUSR2) {
			log_set_level(segment_log_level(statusd->inherit->segment));
		} else if (info.ssi_signo == SIGUSR1) {
			logfile_reopen(statusd->inherit->settings->conf.log_file);
		}
	}
}

static void open_signals(struct statusd *statusd)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	MUST_ZERO(sigprocmask(SIG_SETMASK, &set, NULL));
	statusd->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	MUST(statusd->signal_fd >= 0);
}

static void open_gate(struct statusd *statusd)
{
	const struct settings *settings = statusd->inherit->settings;
	const struct fcgi_options options = {
		.peers = settings->peers,
		.peer_count = settings->peer_count,
		.io_timeout_ms = settings->conf.io_timeout_ms,
	};

	statusd->gate = fcgi_gate_new(statusd->inherit->listen_fd, &options);
	fcgi_gate_watch(statusd->gate, statusd->signal_fd);
}

static void sample(struct statusd *statusd)
{
	struct snapshot *snapshot = take_snapshot(statusd);

	window_add(statusd->window, snapshot);
	series_add(statusd->series, snapshot, clock_wall_us());
	snapshot_free(&snapshot);
}

static bool is_over(const struct statusd *statusd)
{
	return statusd->draining && (fcgi_gate_connections(statusd->gate) == 0 ||
					    clock_mono_us() >= statusd->drain_end_us);
}

static void make_turn(struct statusd *statusd)
{
	struct fcgi_conn *conns[CONNS_MAX];
	bool woken;
	size_t count = fcgi_gather(statusd->gate, conns, CONNS_MAX,
		statusd->draining ? DRAIN_TURN_MS : TURN_MS, &woken);

	for (size_t i = 0; i < count; i++)
		serve(statusd, conns[i]);
	if (woken)
		look_for_signals(statusd);
	sample(statusd);
}

void statusd_main(const struct inherit *inherit)
{
	struct statusd statusd = {
		.inherit = inherit, .window = inherit->window, .series = inherit->series};

	segment_only_look(inherit->segment);
	open_signals(&statusd);
	open_gate(&statusd);
	(void)sandbox_enter(SANDBOX_STATUS, &inherit->settings->conf);
	title_set("status");
	log_info("serving role=status generation=%u", inherit->generation);
	spawn_tell(inherit, MESSAGE_READY);
	/* A window without a sample would tell of all time. */
	sample(&statusd);
	while (!is_over(&statusd))
		make_turn(&statusd);
	fcgi_gate_free(&statusd.gate);
	close(statusd.signal_fd);
}
