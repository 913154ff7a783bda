/*
 * The shared-memory segment: what every process of the service tells about itself, in one mapped
 * file that outlives them.
 *
 *     header | supervisor | process[processes] | slot[processes x threads]
 *
 * The supervisor creates it before it forks; workers inherit the mapping and each thread writes its
 * own slot; everybody else attaches read-only, also while the service hangs and after it died.
 * doc/segment.md draws every byte. No pointers, no text from users, one writer for each cache line,
 * and no lock that a killed process could leave held.
 *
 * There are more process slots than workers: on a reload a new worker serves while the old one, in
 * another slot, still drains. Counters belong to the slot and never go back.
 */
#ifndef STATS_SEGMENT_H
#define STATS_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "stats/stats.h"

#define SEGMENT_MAGIC UINT64_C(0x7065656b64726163) /* "cardkeep", as bytes in the file */
#define SEGMENT_MAJOR 1                            /* readers refuse another */
#define SEGMENT_MINOR 3                            /* readers take a newer one */

#define SEGMENT_PROCESSES_MAX 1024
#define SEGMENT_THREADS_MAX   80

/* Written once, before `ready`. */
struct segment_header {
	uint64_t magic;
	uint32_t major;
	uint32_t minor;
	uint32_t header_bytes;
	uint32_t supervisor_bytes;
	uint32_t process_bytes;
	uint32_t slot_bytes;
	uint32_t workers;   /* as configured */
	uint32_t processes; /* slots for worker processes */
	uint32_t threads;   /* of each, those of the slow lane included */
	uint32_t cells;     /* in each thread's slot */
	uint64_t schema;    /* metrics_hash() of who made it */
	int64_t made_us;    /* monotonic */
	int64_t made_wall_us;
	char version[32]; /* of the service */
	_Atomic uint32_t ready;
	uint32_t slow_threads; /* of `threads`, the last ones */
	uint32_t pad[4];
};

/* How it stands with one alert. Several words that belong together, as in stats_slot: `change` is
 * odd while they are written. Numbers that may have a fraction are millionths. */
struct segment_alert {
	alignas(STATS_LINE_BYTES) _Atomic uint32_t change;
	_Atomic uint32_t state;        /* enum stats_alert_state */
	_Atomic int64_t since_us;      /* monotonic: in this state */
	_Atomic int64_t since_wall_us; /* likewise, since 1970 */
	_Atomic int64_t value;         /* as last read; SEGMENT_NO_VALUE when there was none */
	_Atomic int64_t threshold;     /* that raises it; SEGMENT_NO_VALUE when it is off */
	_Atomic uint64_t fired;        /* how often, since the service's start */
	uint64_t pad[2];
};

#define SEGMENT_NO_VALUE INT64_MIN

/* Written by the supervisor. */
struct segment_supervisor {
	alignas(STATS_LINE_BYTES) _Atomic int32_t pid; /* 0 after an orderly stop */
	_Atomic int32_t status_pid;   /* of the status process; 0 when there is none */
	_Atomic uint32_t generation;  /* rises with each reload */
	_Atomic uint32_t log_level;   /* enum log_level: of every process */
	_Atomic int64_t heartbeat_us; /* monotonic: its latest turn */
	_Atomic uint32_t descriptors; /* open; 0: not told */
	_Atomic uint32_t read_only;   /* 1: what adds something is refused */
	_Atomic uint64_t disk_free;   /* bytes, of the file system that is watched */
	_Atomic uint64_t disk_size;   /* 0: none is watched, or it cannot be seen */
	_Atomic uint64_t log_lost;    /* lines of the log that nobody took, of all processes */
	uint64_t pad[1];
	struct segment_alert alerts[STATS_ALERT_COUNT];
};

/* The first thread of a worker gives a sign of life twice a second; one that is older than this is
 * none. */
#define SEGMENT_HEARTBEAT_FRESH_US 2000000

struct segment_process {
	/* Written by the supervisor. */
	alignas(STATS_LINE_BYTES) _Atomic int32_t pid;
	_Atomic uint32_t state;      /* enum stats_worker */
	_Atomic uint32_t generation; /* the supervisor's when it was forked */
	uint32_t pad1;
	_Atomic int64_t started_us; /* monotonic */
	_Atomic uint64_t lost;      /* requests that died with workers of this slot */
	_Atomic uint64_t restarts[STATS_RESTART_COUNT];
	uint64_t pad2[7];
	/* Written by the worker. */
	alignas(STATS_LINE_BYTES) _Atomic int64_t heartbeat_us; /* monotonic */
	_Atomic uint32_t connections;                           /* of nginx, open now */
	_Atomic uint32_t descriptors;                           /* open; 0: not told */
	_Atomic uint32_t sandbox; /* what binds it: set of 1 << enum stats_sandbox */
	uint32_t pad3;
	uint64_t pad4[5];
};

_Static_assert(sizeof(struct segment_header) == 128, "doc/segment.md");
_Static_assert(sizeof(struct segment_alert) == STATS_LINE_BYTES, "doc/segment.md");
_Static_assert(sizeof(struct segment_supervisor) == (1 + STATS_ALERT_COUNT) * STATS_LINE_BYTES,
	"doc/segment.md");
_Static_assert(offsetof(struct segment_process, heartbeat_us) == 128, "doc/segment.md");
_Static_assert(sizeof(struct segment_process) == 192, "doc/segment.md");

enum segment_status {
	SEGMENT_OK,
	SEGMENT_ABSENT,    /* no such file: the service was never started here */
	SEGMENT_IO,        /* errno says what went wrong */
	SEGMENT_FOREIGN,   /* not a segment at all */
	SEGMENT_VERSION,   /* another major version */
	SEGMENT_SCHEMA,    /* another list of metrics */
	SEGMENT_SIZE,      /* shorter than it says, or of other measures */
	SEGMENT_NOT_READY, /* its maker has not finished, or died before */
};

const char *segment_status_text(enum segment_status status);

struct segment_shape {
	uint32_t workers;
	uint32_t processes;    /* at least `workers`; twice as many leave room for a reload */
	uint32_t threads;      /* those of the slow lane included */
	const char *version;   /* of the service, at most 31 bytes */
	uint32_t slow_threads; /* of `threads`, the last ones */
};

struct segment;

/* ---- opening ------------------------------------------------------------------------------- */

/* Makes a fresh segment and moves it to `path`, so that readers of an older one keep what they
 * have. Pages are set aside now: a full file system fails here, not later by SIGBUS. On anything
 * but SEGMENT_OK errno is set and *ret is untouched. */
MUST_CHECK enum segment_status segment_create(
	const char *path, const struct segment_shape *shape, struct segment **ret);
/* Opens an existing one for reading only, whoever may have written it: nothing that the file says,
 * then or later, and nothing done to it harms the reader. For one thread. */
MUST_CHECK enum segment_status segment_attach(const char *path, struct segment **ret);
/* Takes the mapping away; the file stays. */
void segment_close(struct segment **segment);
/* From now on this process may only read what segment_create made, which a parent still writes. */
void segment_only_look(struct segment *segment);

/* ---- looking ------------------------------------------------------------------------------- */

/* Whoever looks takes each word once, checks it and uses that: it may differ at the next look, and
 * other processes write it. Times are read by stats_time_of. Of an attached segment these are copies
 * made by the call, good until the next call of the same function. */

/* As it was made, or when it was attached. */
const struct segment_header *segment_header(const struct segment *segment);
const struct segment_supervisor *segment_supervisor(const struct segment *segment);
const struct segment_process *segment_process(const struct segment *segment, size_t process);
const struct stats_slot *segment_thread(
	const struct segment *segment, size_t process, size_t thread);
/* One cell of it, with acquire order. */
uint64_t segment_cell(const struct segment *segment, size_t process, size_t thread, size_t cell);
/* Whether the worker in that slot is ready and gives signs of life; then *ret_connections are nginx's to it. */
bool segment_worker_serves(
	const struct segment *segment, size_t process, int64_t now_us, uint32_t *ret_connections);
/* The latest turn of a thread; 0 while it has made none. The supervisor sets it when it forks, so one that
 * is as old as the process is not the thread's. */
int64_t segment_thread_beat_us(const struct segment *segment, size_t process, size_t thread);
/* False once something of an attached segment was not there any more, and so read as zeros. */
bool segment_whole(const struct segment *segment);

/* What every process logs; info where there is no sense in it. */
enum log_level segment_log_level(const struct segment *segment);

/* How it stands with the disk, out of the segment. */
struct segment_disk {
	uint64_t free_bytes; /* at most all of them */
	uint64_t size_bytes; /* 0: none is watched, or it cannot be seen */
	bool read_only;
};

struct segment_disk segment_disk(const struct segment *segment);
/* The last of these alone, at the cost of one load where the segment is mapped. */
bool segment_read_only(const struct segment *segment);

/* How it stands with an alert, out of the segment. */
struct segment_alert_record {
	enum stats_alert_state state;
	int64_t since_us;
	int64_t since_wall_us;
	bool known; /* false: there was nothing to read a value from */
	double value;
	bool on; /* false: it is off, and has no threshold */
	double threshold;
	uint64_t fired;
};

/* The record as it was at one time; as it is amid a change when its writer died there. */
struct segment_alert_record segment_alert_read(const struct segment *segment, enum stats_alert id);

/* ---- the supervisor's part ----------------------------------------------------------------- */

void segment_supervisor_set(
	struct segment *segment, int32_t pid, int32_t status_pid, uint32_t generation);
/* What every process shall log; each looks when it is told to (SIGUSR2), or is forked. */
void segment_log_level_set(struct segment *segment, enum log_level level);
/* The supervisor turns, with so many descriptors open. */
void segment_supervisor_beat(struct segment *segment, int64_t now_us, uint32_t descriptors);
/* So many lines of the log were lost, ever. */
void segment_log_lost_set(struct segment *segment, uint64_t lines);
/* How it stands with the disk. */
void segment_disk_set(struct segment *segment, const struct segment_disk *disk);
/* How it stands with an alert. */
void segment_alert_set(
	struct segment *segment, enum stats_alert id, const struct segment_alert_record *record);
/* Before the fork: the slot gets a new tenant, state STARTING, and what its threads last did is
 * wiped. Counters stay. */
void segment_worker_start(
	struct segment *segment, size_t process, uint32_t generation, int64_t now_us);
/* After the fork. */
void segment_worker_pid(struct segment *segment, size_t process, int32_t pid);
/* READY or DRAINING. */
void segment_worker_state(struct segment *segment, size_t process, enum stats_worker state);
/* After it was reaped: state DEAD, and what it had started and not finished is lost. Harmless when
 * repeated. */
void segment_worker_end(struct segment *segment, size_t process);
/* Its place is taken by another, because of `reason`. */
void segment_worker_restart(struct segment *segment, size_t process, enum stats_restart reason);
/* The slot may be given away: state FREE. */
void segment_worker_free(struct segment *segment, size_t process);

/* ---- the worker's part --------------------------------------------------------------------- */

/* The slot of one thread, to write; only its thread may. */
struct stats_slot *segment_slot(struct segment *segment, size_t process, size_t thread);
void segment_worker_beat(struct segment *segment, size_t process, int64_t now_us);
void segment_worker_connections(struct segment *segment, size_t process, uint32_t connections);
/* Its descriptors: no other process of the same user can count them. */
void segment_worker_descriptors(struct segment *segment, size_t process, uint32_t descriptors);
void segment_worker_sandbox(struct segment *segment, size_t process, uint32_t parts);

#endif
