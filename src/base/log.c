/* One event, one logfmt line on stderr. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sink.h"

#define LINE_BYTES  2048
#define BATCH_BYTES (16 * 1024)

/* The lines of a thread that wait to be written together. */
static _Thread_local struct {
	char *bytes; /* NULL: lines are written at once */
	size_t len;
	pid_t pid; /* asked for once: a thread that batches is of one process */
} batch;

static const struct {
	const char *name;
	int priority; /* as in syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARN] = {"warn", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

static atomic_int threshold = LOG_LEVEL_INFO;
static atomic_bool to_journal;
static atomic_int way = SINK_FILE; /* to write to standard error */

/* What became of lines that nobody took: of this process, or of all that share it. */
struct loss {
	_Atomic uint64_t lost;   /* lines, ever */
	_Atomic uint64_t untold; /* of these, those that the log does not tell of yet */
	atomic_bool torn;        /* the last of them was cut off, and its rest did not follow */
};

static struct loss own_loss;
static struct loss *loss = &own_loss;

bool log_level_parse(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum log_level log_level(void)
{
	return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
	MUST((size_t)level < ARRAY_LEN(levels));
	return levels[level].name;
}

void log_look(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	bool same = false;
	char here[64];
	struct stat st;

	if (stream != NULL && fstat(STDERR_FILENO, &st) == 0) {
		snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
		same = strcmp(stream, here) == 0;
	}
	atomic_store_explicit(&to_journal, same, memory_order_relaxed);
	atomic_store_explicit(&way, (int)sink_look(STDERR_FILENO), memory_order_relaxed);
}

void log_share(void)
{
	void *shared = mmap(
		NULL, sizeof(*loss), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(shared != MAP_FAILED); /* for want of memory; see base/mem.h */
	loss = shared;
}

uint64_t log_lost(void)
{
	return atomic_load_explicit(&loss->lost, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

/* ---- writing --------------------------------------------------------------------------------- */

static size_t line_start(char *line, size_t size, enum log_level level)
{
	char stamp[CLOCK_TEXT_BYTES];
	int len;

	if (atomic_load_explicit(&to_journal, memory_order_relaxed)) {
		len = snprintf(
			line, size, "<%d>level=%s ", levels[level].priority, levels[level].name);
		return (size_t)len;
	}
	clock_text(clock_wall_us(), stamp);
	len = snprintf(line, size, "ts=%s level=%s pid=%d ", stamp, levels[level].name,
		(int)(batch.bytes != NULL ? batch.pid : getpid()));
	return (size_t)len;
}

/* Writes lines, and says how many of them were lost. */
static size_t try_put(const char *lines, size_t len)
{
	bool torn = false;
	const size_t lost = sink_put(STDERR_FILENO,
		(enum sink_way)atomic_load_explicit(&way, memory_order_relaxed), lines, len, &torn);

	if (torn)
		atomic_store_explicit(&loss->torn, true, memory_order_relaxed);
	return lost;
}

static void lose(size_t lines)
{
	atomic_fetch_add_explicit(&loss->lost, lines, memory_order_relaxed);
	atomic_fetch_add_explicit(&loss->untold, lines, memory_order_relaxed);
}

/* A line that was cut off is ended first. */
static bool tell_of(uint64_t lines)
{
	char line[LINE_BYTES] = "\n";
	size_t len = atomic_load_explicit(&loss->torn, memory_order_relaxed) ? 1 : 0;

	len += line_start(line + len, sizeof(line) - len, LOG_LEVEL_WARN);
	len += (size_t)snprintf(line + len, sizeof(line) - len, "log lines were lost lines=%ju\n",
		(uintmax_t)lines);
	if (try_put(line, len) > 0)
		return false;
	atomic_store_explicit(&loss->torn, false, memory_order_relaxed);
	return true;
}

/* Whoever takes the number tells of it; where that fails too, the next one does. */
bool log_tell(void)
{
	uint64_t untold = atomic_load_explicit(&loss->untold, memory_order_relaxed);

	if (untold > 0)
		untold = atomic_exchange_explicit(&loss->untold, 0, memory_order_relaxed);
	if (untold == 0 || tell_of(untold))
		return true;
	atomic_fetch_add_explicit(&loss->untold, untold, memory_order_relaxed);
	return false;
}

/* A lost line must not stop a request. What was lost is told of before what comes after it. */
static void put_lines(const char *lines, size_t len)
{
	size_t lost;

	if (log_tell())
		lost = try_put(lines, len);
	else
		lost = sink_count(lines, len);
	if (lost > 0)
		lose(lost);
}

void log_batch(void)
{
	if (batch.bytes == NULL)
		batch.bytes = mem_resize(NULL, BATCH_BYTES);
	batch.len = 0;
	batch.pid = getpid();
}

void log_flush(void)
{
	if (batch.len > 0)
		put_lines(batch.bytes, batch.len);
	batch.len = 0;
}

void log_unbatch(void)
{
	log_flush();
	free(batch.bytes);
	batch.bytes = NULL;
}

static void put_line(enum log_level level, const char *line, size_t len)
{
	if (batch.bytes == NULL) {
		put_lines(line, len);
		return;
	}
	if (batch.len + len > BATCH_BYTES)
		log_flush();
	memcpy(batch.bytes + batch.len, line, len);
	batch.len += len;
	if (level <= LOG_LEVEL_WARN)
		log_flush();
}

const char *log_quote(struct log_quoted *quoted, const char *text)
{
	/* Room for an escape, the quote at the end and the NUL. */
	const size_t room = sizeof(quoted->text) - 4;
	size_t len = 0;

	quoted->text[len++] = '"';
	for (const char *at = text; *at != '\0' && len <= room; at++) {
		if (*at == '"' || *at == '\\')
			quoted->text[len++] = '\\';
		quoted->text[len++] = *at;
	}
	quoted->text[len++] = '"';
	quoted->text[len] = '\0';
	return quoted->text;
}

void log_last_words(const char *line)
{
	put_lines(line, strlen(line));
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LINE_BYTES];
	size_t start;
	size_t len;
	va_list ap;
	int n;

	if (!log_enabled(level))
		return;
	start = line_start(line, sizeof(line), level);
	va_start(ap, fmt);
	n = vsnprintf(line + start, sizeof(line) - start - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	len = start + (size_t)n;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	for (size_t i = start; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	put_line(level, line, len);
}
