/*
 * The vocabulary of invariants: what cannot happen unless the program is wrong.
 *
 * MUST is always compiled in. A broken invariant aborts the process: with money-like data it is
 * better to lose one worker, whose requests answer 503 or 504, than to go on with a state nobody
 * understands. Input and environment are never MUSTed: those are ordinary answers and errors.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NO_RETURN         __attribute__((noreturn))
#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))

#define MUST(cond) ((cond) ? (void)0 : must_fail(#cond, __FILE__, __LINE__, __func__))
/* For pthread calls and others that return 0 or an errno that only a bug can cause. */
#define MUST_ZERO(call) MUST((call) == 0)

/* Writes one line to stderr and aborts. Safe in any thread; allocates nothing. */
NO_RETURN void must_fail(const char *cond, const char *file, int line, const char *func);

#endif
