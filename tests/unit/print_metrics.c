/* Prints an exposition in which everything was counted, for promtool and its like. */
#include <string.h>

#include "base/clock.h"
#include "report/prometheus.h"
#include "stats_fixture.h"

/* Counts every cell once, so that no series is left out. */
static void count_everything(struct stats_slot *slot)
{
	for (int i = 0; i < STATS_METRIC_COUNT; i++) {
		enum stats_metric metric = (enum stats_metric)i;
		const struct stats_shape *shape = &stats_shapes[metric];

		for (unsigned a = 0; a < shape->counts[0]; a++)
			for (unsigned b = 0; b < shape->counts[1]; b++)
				if (metrics_entry(metric)->kind == STATS_KIND_COUNTER)
					stats_count2(slot, metric, a, b);
				else if (metrics_entry(metric)->kind == STATS_KIND_HISTOGRAM)
					stats_observe(slot, metric, a, 1234);
	}
}

static void print(const struct segment *segment, enum prometheus_format format)
{
	struct snapshot *snapshot = snapshot_take(segment, clock_mono_us());
	struct buf out = {0};

	snapshot_measure(snapshot);
	prometheus_write(&out, snapshot, format);
	MUST(fwrite(out.data, 1, out.len, stdout) == out.len);
	buf_free(&out);
	snapshot_free(&snapshot);
}

int main(int argc, char **argv)
{
	bool open = argc == 2 && strcmp(argv[1], "openmetrics") == 0;
	struct fixture *fixture;
	void *state;

	fixture_setup(&state);
	fixture = state;
	segment_supervisor_set(fixture->segment, getpid(), getppid(), 1);
	segment_worker_start(fixture->segment, 0, 1, clock_mono_us());
	segment_worker_pid(fixture->segment, 0, getpid());
	count_everything(segment_slot(fixture->segment, 0, 0));
	print(fixture->segment, open ? PROMETHEUS_OPENMETRICS : PROMETHEUS_TEXT);
	return fixture_teardown(&state);
}
