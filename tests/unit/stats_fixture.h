/* For tests of stats: a segment in a directory of its own, gone afterwards. */
#ifndef TESTS_STATS_FIXTURE_H
#define TESTS_STATS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stats/segment.h"

struct fixture {
	char dir[64];
	char path[96];
	struct segment *segment; /* as its maker, two workers in four slots of three threads */
};

static inline void fixture_make(struct fixture *fixture)
{
	struct segment_shape shape = {
		.workers = 2, .processes = 4, .threads = 3, .version = "1.2.3"};

	MUST(segment_create(fixture->path, &shape, &fixture->segment) == SEGMENT_OK);
}

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	MUST(fixture != NULL);
	snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/cardkeep-stats-XXXXXX");
	MUST(mkdtemp(fixture->dir) != NULL);
	snprintf(fixture->path, sizeof(fixture->path), "%s/segment", fixture->dir);
	fixture_make(fixture);
	*state = fixture;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	segment_close(&fixture->segment);
	(void)unlink(fixture->path);
	(void)rmdir(fixture->dir);
	free(fixture);
	return 0;
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

#endif
