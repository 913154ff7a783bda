/*
 * Names for tests, before libc's: `silent.example` is not answered for 20 seconds, and `two.example`
 * has two addresses, 127.0.0.9 and 127.0.0.1. For LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(
	const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	getaddrinfo_fn *next = (getaddrinfo_fn *)dlsym(RTLD_NEXT, "getaddrinfo");
	const int numeric = hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0;
	int failed;

	if (name == NULL || numeric)
		return next(name, service, hints, ret);
	if (strcmp(name, "silent.example") == 0) {
		sleep(20);
		return EAI_AGAIN;
	}
	if (strcmp(name, "two.example") != 0)
		return next(name, service, hints, ret);
	failed = next("127.0.0.9", service, hints, ret);
	return failed != 0 ? failed : next("127.0.0.1", service, hints, &(*ret)->ai_next);
}
