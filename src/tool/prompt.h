/*
 * What a person is asked at the terminal: a password, which is never shown and never an argument,
 * and whether they mean it.
 */
#ifndef TOOL_PROMPT_H
#define TOOL_PROMPT_H

#include "tool/tool.h"

#define PROMPT_HASH_BYTES 128

/* Reads a new password, twice without echo from a terminal, else one line of stdin, and hashes it
 * as the service does. On anything but EX_OK the reason has been said. */
MUST_CHECK int prompt_password(const struct conf *conf, char ret_hash[PROMPT_HASH_BYTES]);
/* EX_OK when the question, "Delete this?", was answered with yes or --yes was given. */
MUST_CHECK int prompt_sure(const struct tool *tool, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
