/* The last minutes. */
#include "stats/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/cells.h"

/* More than fit into the span, so that one of them is always as old as the span. */
#define SAMPLES (WINDOW_STEPS + 2)

struct sample {
	int64_t at_us;
	uint64_t cells[STATS_CELLS]; /* since the service's start */
};

struct ring {
	int64_t length_us;
	size_t count; /* ever taken; the latest is at (count - 1) % SAMPLES */
	struct sample samples[SAMPLES];
};

struct window {
	struct ring rings[WINDOW_COUNT];
};

struct window *window_new(const int64_t lengths_us[WINDOW_COUNT])
{
	struct window *window = mem_zero(sizeof(*window));

	for (size_t i = 0; i < WINDOW_COUNT; i++) {
		MUST(lengths_us[i] > 0);
		window->rings[i].length_us = lengths_us[i];
	}
	return window;
}

struct window *window_of_conf(const struct conf *conf)
{
	const int64_t lengths_us[WINDOW_COUNT] = {
		[WINDOW_SHORT] = conf->window_short_s * CLOCK_S,
		[WINDOW_MAIN] = conf->window_s * CLOCK_S,
		[WINDOW_LONG] = conf->window_long_s * CLOCK_S,
	};

	return window_new(lengths_us);
}

void window_free(struct window **window)
{
	free(*window);
	*window = NULL;
}

int64_t window_length_us(const struct window *window, enum window_id id)
{
	MUST(id < WINDOW_COUNT);
	return window->rings[id].length_us;
}

static const struct sample *sample_back(const struct ring *ring, size_t back)
{
	return &ring->samples[(ring->count - 1 - back) % SAMPLES];
}

static void ring_add(struct ring *ring, const struct snapshot *snapshot)
{
	const int64_t step_us = ring->length_us / WINDOW_STEPS;
	struct sample *sample;

	if (ring->count > 0 && snapshot->taken_us < sample_back(ring, 0)->at_us + step_us)
		return;
	sample = &ring->samples[ring->count++ % SAMPLES];
	sample->at_us = snapshot->taken_us;
	memcpy(sample->cells, snapshot->cells, sizeof(sample->cells));
}

void window_add(struct window *window, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < WINDOW_COUNT; i++)
		ring_add(&window->rings[i], snapshot);
}

/* The sample to take as the window's beginning, or NULL for the service's start. */
static const struct sample *ring_begin(const struct ring *ring, const struct snapshot *now)
{
	int64_t begin_us = now->taken_us - ring->length_us;
	size_t kept = ring->count < SAMPLES ? ring->count : SAMPLES;

	if (now->made_us >= begin_us)
		return NULL;
	for (size_t back = 0; back < kept; back++)
		if (sample_back(ring, back)->at_us <= begin_us)
			return sample_back(ring, back);
	return kept > 0 ? sample_back(ring, kept - 1) : NULL;
}

void window_since_start(const struct snapshot *now, struct window_sums *ret_sums)
{
	ret_sums->span_us = now->taken_us - now->made_us;
	memcpy(ret_sums->cells, now->cells, sizeof(ret_sums->cells));
}

void window_between(
	const struct snapshot *before, const struct snapshot *now, struct window_sums *ret_sums)
{
	ret_sums->span_us = now->taken_us - before->taken_us;
	memcpy(ret_sums->cells, now->cells, sizeof(ret_sums->cells));
	cells_subtract(ret_sums->cells, before->cells);
}

double window_rate(const struct window_sums *sums, uint64_t count)
{
	return sums->span_us > 0 ? (double)count / clock_seconds(sums->span_us) : 0;
}

void window_recent(const struct window *window, enum window_id id, const struct snapshot *now,
	struct window_sums *ret_sums)
{
	const struct sample *begin;

	MUST(id < WINDOW_COUNT);
	begin = ring_begin(&window->rings[id], now);
	window_since_start(now, ret_sums);
	if (begin == NULL)
		return;
	ret_sums->span_us = now->taken_us - begin->at_us;
	cells_subtract(ret_sums->cells, begin->cells);
}
