/*
 * A worker process: its threads, its signals, its end.
 */
#ifndef PROC_WORKER_H
#define PROC_WORKER_H

#include "base/conf.h"
#include "http/fcgi.h"

/*
 * Serves requests from `listen_fd` (which it closes) until SIGTERM or SIGINT: then it accepts no
 * more, answers what comes on the open connections until nginx closes them or drain_ms is over,
 * and returns. A second such signal ends the process at once.
 */
void worker_run(const struct conf *conf, int listen_fd, const struct fcgi_options *options);

#endif
