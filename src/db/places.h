/*
 * Which files libpq reads to sign in, so that a sandbox can leave them to it.
 */
#ifndef DB_PLACES_H
#define DB_PLACES_H

typedef void places_fn(void *arg, const char *path);

/*
 * Tells `place` of each file, or a file in each directory, that libpq, its TLS and Kerberos may read
 * for this connection string: named in it, in the service that it names, in the environment, or in
 * the user's home. Not all need be there. For a process with one thread: it looks at the environment
 * through libpq, and changes it meanwhile.
 */
void places_tell(const char *conninfo, places_fn *place, void *arg);

#endif
