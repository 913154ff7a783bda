/*
 * A segment whose writer is hostile: whatever stands in the file when it is attached, and whatever is
 * changed there afterwards, a reader refuses it or shows something, and reads nothing beyond it.
 *
 * An input is a byte that says who reads, and a row of changes to a sound segment: first those made before
 * the reader attaches, then those made behind its back.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/json.h"
#include "report/prometheus.h"
#include "report/status_json.h"
#include "report/status_page.h"
#include "stats/segment.h"

#define CHANGE_BYTES_MAX 16
#define HEADER_BYTES     128

enum change {
	CHANGE_ANYWHERE, /* three bytes of place, one of length, and the bytes */
	CHANGE_HEADER,   /* one byte of place, one of length, and the bytes */
	CHANGE_SIZE,     /* two bytes: of the file's length, in pieces of 64 */
	CHANGE_ATTACH,   /* from here on behind the reader's back */
	CHANGE_KINDS,
};

static struct {
	char dir[256];
	char path[300];
	char *sound; /* the bytes of one that nobody changed */
	size_t bytes;
} file;

static void remove_file(void)
{
	(void)unlink(file.path);
	(void)rmdir(file.dir);
}

static void read_sound(void)
{
	const int fd = open(file.path, O_RDONLY | O_CLOEXEC);
	const off_t bytes = lseek(fd, 0, SEEK_END);

	MUST(fd >= 0 && bytes > 0);
	file.bytes = (size_t)bytes;
	file.sound = mem_zero(file.bytes);
	MUST(pread(fd, file.sound, file.bytes, 0) == (ssize_t)file.bytes);
	(void)close(fd);
}

static void prepare(void)
{
	const struct segment_shape shape = {
		.workers = 1, .processes = 2, .threads = 1, .version = "1.2.3"};
	const char *tmp = getenv("TMPDIR");
	struct segment *segment;

	snprintf(file.dir, sizeof(file.dir), "%s/fuzz-segment-XXXXXX", tmp != NULL ? tmp : "/tmp");
	MUST(mkdtemp(file.dir) != NULL);
	snprintf(file.path, sizeof(file.path), "%s/segment", file.dir);
	MUST_ZERO(atexit(remove_file));
	MUST(segment_create(file.path, &shape, &segment) == SEGMENT_OK);
	segment_supervisor_set(segment, 0, 0, 1);
	segment_worker_start(segment, 0, 1, clock_mono_us());
	segment_worker_state(segment, 0, STATS_WORKER_READY);
	read_sound();
	segment_close(&segment);
}

/* A file of its own for each input: the reader of the last one may hold that yet. */
static int make_file(void)
{
	int fd;

	(void)unlink(file.path);
	fd = open(file.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	MUST(fd >= 0);
	MUST(write(fd, file.sound, file.bytes) == (ssize_t)file.bytes);
	return fd;
}

static void change_bytes(int fd, struct input *input, size_t at)
{
	const size_t len = input_byte(input) % (CHANGE_BYTES_MAX + 1);
	uint8_t bytes[CHANGE_BYTES_MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = input_byte(input);
	MUST(pwrite(fd, bytes, len, (off_t)at) == (ssize_t)len);
}

/* Makes the changes up to the next attaching, or to the end. */
static void change(int fd, struct input *input)
{
	while (input->left > 0) {
		size_t at;

		switch (input_byte(input) % CHANGE_KINDS) {
		case CHANGE_ANYWHERE:
			at = (size_t)input_byte(input) << 16;
			change_bytes(fd, input, (at | input_short(input)) % file.bytes);
			break;
		case CHANGE_HEADER:
			change_bytes(fd, input, input_byte(input) % HEADER_BYTES);
			break;
		case CHANGE_SIZE:
			MUST_ZERO(
				ftruncate(fd, (off_t)(input_short(input) * 64 % (2 * file.bytes))));
			break;
		default:
			return;
		}
	}
}

/* ---- what readers do with it ----------------------------------------------------------------- */

static void is_plain(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		MUST(text->data[i] == '\n' || (unsigned char)text->data[i] >= ' ');
}

static void show_page(struct buf *out, const struct snapshot *snapshot, const struct window *window)
{
	struct series *series = series_new();
	const struct status_page_view view = {
		.snapshot = snapshot, .window = window, .series = series, .wall_us = CLOCK_S};

	series_add(series, snapshot, CLOCK_S);
	status_page_write(out, &view);
	series_free(&series);
}

static void show_json(struct buf *out, const struct snapshot *snapshot, const struct window *window)
{
	struct json_doc *doc;
	char why[160];

	status_json(out, snapshot, window);
	doc = json_parse(out->data, out->len, why, sizeof(why));
	MUST(doc != NULL);
	json_free(&doc);
}

static void show(unsigned reader, const struct snapshot *snapshot, const struct window *window)
{
	struct buf out = {0};

	if (reader % 4 == 0)
		prometheus_write(&out, snapshot, PROMETHEUS_TEXT);
	else if (reader % 4 == 1)
		prometheus_write(&out, snapshot, PROMETHEUS_OPENMETRICS);
	else if (reader % 4 == 2)
		show_json(&out, snapshot, window);
	else
		show_page(&out, snapshot, window);
	if (reader % 4 < 3)
		is_plain(&out);
	buf_free(&out);
}

static void look(unsigned reader, const struct segment *segment)
{
	static const int64_t lengths_us[WINDOW_COUNT] = {
		60 * CLOCK_S, 300 * CLOCK_S, 3600 * CLOCK_S};
	struct snapshot *snapshot = snapshot_take(segment, clock_mono_us());
	struct window *window = window_new(lengths_us);

	window_add(window, snapshot);
	show(reader, snapshot, window);
	window_free(&window);
	snapshot_free(&snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	const unsigned reader = input_byte(&input);
	struct segment *segment;
	int fd;

	if (file.sound == NULL)
		prepare();
	fd = make_file();
	change(fd, &input);
	if (segment_attach(file.path, &segment) == SEGMENT_OK) {
		change(fd, &input);
		look(reader, segment);
		segment_close(&segment);
	}
	(void)close(fd);
	return 0;
}
