/*
 * One event, one logfmt line on stderr.
 *
 *     ts=2026-01-31T12:00:00.123456Z level=info pid=4711 started threads=2
 *
 * Where standard error leads to systemd's journal (JOURNAL_STREAM names that very stream) the line
 * starts with the syslog priority `<N>` instead of the time stamp, which the journal keeps itself.
 * Control characters in a line are written as `?`,
 * so no input can forge a second line. Never pass a token, a password, an address or the content
 * of a card. Thread-safe: a line is one write(2), or rides in one with others of its thread.
 *
 * Nobody waits for who reads the log (base/sink): what a reader that stands still, is gone, or has no
 * disk left does not take is lost by whole lines, counted, and told of in one line as soon as he takes
 * something again. Whoever logs ignores SIGPIPE and SIGXFSZ.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

enum log_level {
	LOG_LEVEL_ERROR, /* an operator should look */
	LOG_LEVEL_WARN,  /* handled, but not for ever: retries, refused peers, lost connections */
	LOG_LEVEL_INFO,  /* the life of the service, and one line a request */
	LOG_LEVEL_DEBUG, /* each wave, each call that waits: to be turned on for a while */
	LOG_LEVEL_COUNT,
};

/* Reads "error", "warn", "info" or "debug"; false, and *ret_level untouched, for others. */
bool log_level_parse(const char *text, enum log_level *ret_level);
/* Lines above this level are dropped; "info" until set. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
const char *log_level_name(enum log_level level);
bool log_enabled(enum log_level level);
/* Looks where standard error leads: whether to the journal, and how to write there without waiting. At
 * the start, and when it was led elsewhere. */
void log_look(void);
/* From now on this process and those forked from it count what they lose together. Once, without other
 * threads. */
void log_share(void);
/* Lines that nobody took, ever. */
uint64_t log_lost(void);
/* Tells of lines that were lost, where it was not told yet; each line written does that too, so this is
 * for those who write none. False while nobody takes even that. */
bool log_tell(void);
/*
 * From now on this thread's lines below `warn` wait until log_flush, so that a wave of requests
 * costs one write(2) and not one for each: where a system call is dear, that is a tenth of a
 * request. A full buffer and a warning write out at once. A thread that calls this must call
 * log_flush before it waits for anything, and log_unbatch before it ends.
 */
void log_batch(void);
void log_flush(void);
void log_unbatch(void);

void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A line as it is, its end included, from whoever can do nothing more. Allocates nothing. */
void log_last_words(const char *line);

/* A text of somebody else's as a value, in quotes, with its own quotes and backslashes escaped; what
 * is very long is cut. Lives until the end of the block: log_warn("... error=%s", LOG_QUOTED(text)). */
#define LOG_QUOTED(value) log_quote(&(struct log_quoted){{0}}, value)
struct log_quoted {
	char text[1024];
};
const char *log_quote(struct log_quoted *quoted, const char *text);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
