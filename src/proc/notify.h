/*
 * systemd, where it runs us: the only door to libsystemd.
 *
 * Without the library, or not started by systemd, everything here does nothing.
 */
#ifndef PROC_NOTIFY_H
#define PROC_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
/* A reload begins; notify_ready ends it. */
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void);
/* How often notify_watchdog must be called: half of what systemd waits; INT64_MAX: it does not. */
int64_t notify_watchdog_us(void);

/* How many descriptors it handed over, from 3 on. */
int notify_count(void);
/* The listening socket that systemd (or whoever speaks its protocol) handed over under `name`
 * (FileDescriptorName=), made non-blocking; -1 when there is none. Once a name. */
int notify_socket(const char *name);

#endif
