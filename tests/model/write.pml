/*
 * One write on its way, and everything that can break on it: a model for spin.
 *
 * A client sends a write under a key, does not hear the answer, and sends it again. Two workers take
 * requests as they come, alone or two in a wave, together with those of a neighbour whose write has
 * nothing to do with the client's. A wave is one transaction on one of two backends. At every
 * step a worker may die, a connection break (before the commit or after it, heard of by the worker
 * or not), a backend die or go on alone, a transaction fail by chance, a deadline end, the gateway
 * lose patience or the client stop listening.
 *
 * The assertions are what doc/guarantees.md promises, and its table says which step here is which
 * function there. They are asked at the moment a promise is made and at every commit after it, so
 * "never" includes what a forgotten backend commits long after its client was answered.
 *
 * Switches (-D) for a part of the whole, since all of it at once is too much: KIND (1: the client
 * creates, 2: it updates), KEYED, STANDBY (a commit waits for a synchronous standby, and the wait may be
 * cut short; what was acknowledged must be there), WORKERS, BREAKS_MAX, NO_REPEAT, NO_NEIGHBOUR,
 * NO_SOMEBODY. Others plant a fault each: FRESH_WRITE_ID, ANSWER_EARLY, UNKNOWN_AS_503, NO_VERSION,
 * LOOK_UP_FIRST, BLAME_ALL, NO_WAIT. tests/model/run says which go together, and shows that spin finds
 * each fault.
 */

#define REQUESTS 3 /* 0: the client's; 1: its repeat under the same key; 2: the neighbour's */
#define NEIGHBOUR 2
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef BACKENDS
#define BACKENDS 2
#endif
#define SOMEBODY 3    /* as a holder of the client's card: a person in psql */
#define NOBODY 7
#define EXPECTED 1    /* the version that an update names */
#define ATTEMPTS_MAX 2

/* Requests 0 and 1 are one write: the key makes the write id. Each write has an entity of its own. */
#define WRITE(r) (r == NEIGHBOUR)

mtype:kind = { CREATE, UPDATE }
mtype:answer = { APPLIED, CONFLICT, REFUSED, UNAVAILABLE, UNKNOWN }
mtype:row = { NO_ROW, ROW_APPLIED, ROW_CONFLICT, ROW_BUSY }
mtype:place = { AT_CLIENT, IN_QUEUE, IN_HAND, ON_ITS_WAY, ANSWERED }
mtype:line = { IDLE, SENT, ROWS, SYNCED, FAILED, GONE }

/* ---- the database: what is committed ---------------------------------------------------------- */

mtype:kind kind[2];
byte version[2];       /* of the entity; 0: not there */
byte made[2];          /* the version that the write made, as its history row says; 0: no such row */
byte holder[2];        /* whose transaction holds the entity, or the id of a creation */
#ifdef KEYED
byte key_holder[2];    /* whose transaction holds the key */
#endif

#ifdef STANDBY
bool replicated[2];    /* the write is on the standby as well */
#endif

/* ---- the lines between workers and backends, one wave each ------------------------------------ */

typedef Line {
	mtype:line state;
	byte count;
	byte rider[2];
	mtype:row row[2];
	byte failed;       /* which rider's call failed; 2: the commit itself */
	bool abandoned;    /* the worker has given the line up; the backend may not know */
	byte pending[2];   /* by write: the version made but not committed */
	byte pending_by[2] /* and whose request made it */
}
Line line[BACKENDS];

/* ---- requests, as gateway and workers hold them ----------------------------------------------- */

typedef Request {
	mtype:place place;
	byte owner;         /* the worker that has it */
	byte attempts;
	bool maybe_applied; /* sticky: job->maybe_applied */
	bool alone;         /* goes by itself after a split */
	/* For the assertions alone: */
	bool applied;       /* a transaction that carried it committed its write */
	bool told_nothing   /* somebody told its client: nothing was applied */
}
Request request[REQUESTS];

byte poisoned = NOBODY; /* the write that fails whenever it is tried, if any */
byte times_applied[2];
bool told_conflict;
bool trouble;           /* something broke: then the neighbour may be told so */
bool somebody_wrote;

#ifdef BREAKS_MAX
byte breaks;
#define MAY_BREAK (breaks < BREAKS_MAX)
#else
#define MAY_BREAK true
#endif

inline something_breaks()
{
	trouble = true;
#ifdef BREAKS_MAX
	breaks++
#endif
}

/* ---- promises --------------------------------------------------------------------------------- */

/* What the service says to request r. Nobody may be listening any more, but what is said must be
 * true all the same. */
inline say(r, what)
{
	d_step {
		if
		:: what == APPLIED ->
			printf("request %d is answered 2xx: applied\n", r);
			assert(times_applied[WRITE(r)] == 1);
#ifdef STANDBY
			assert(replicated[WRITE(r)]);
#endif
			assert(kind[WRITE(r)] == CREATE || made[WRITE(r)] == EXPECTED + 1)
		:: what == CONFLICT ->
			printf("request %d is answered 409: nothing was applied\n", r);
			assert(times_applied[WRITE(r)] == 0);
			assert(r != NEIGHBOUR && somebody_wrote);
			told_conflict = true
		:: what == REFUSED ->
			printf("request %d is answered refused: nothing was applied\n", r);
			assert(poisoned == WRITE(r));
			assert(!request[r].applied);
			request[r].told_nothing = true
		:: what == UNAVAILABLE ->
			printf("request %d is answered 503: nothing was applied\n", r);
			assert(!request[r].applied);
			request[r].told_nothing = true
		:: what == UNKNOWN -> printf("request %d is answered 504: unknown\n", r)
		fi;
		/* A neighbour's error is nobody else's. */
		assert(r != NEIGHBOUR || what == APPLIED || trouble || poisoned == WRITE(r));
		request[r].place = ANSWERED;
		request[r].owner = NOBODY;
		request[r].attempts = 0;
		request[r].maybe_applied = false;
		request[r].alone = false
	}
}

/* One write of a transaction becomes true. */
inline becomes_true(r, w)
{
	assert(times_applied[w] == 0);
	assert(!request[r].told_nothing);
	assert(w == WRITE(NEIGHBOUR) || !told_conflict);
	assert(poisoned != w);
	times_applied[w]++;
	request[r].applied = true
}

/* What is over is forgotten, so that it makes no states of its own. */
inline forget(l)
{
	line[l].state = IDLE;
	line[l].count = 0;
	line[l].failed = 0;
	line[l].abandoned = false;
	line[l].rider[0] = 0;
	line[l].rider[1] = 0;
	line[l].row[0] = NO_ROW;
	line[l].row[1] = NO_ROW
}

/* ---- a backend: runs waves, one transaction each ---------------------------------------------- */

#define LINE line[me]
#define RIDER LINE.rider[i]
#define W WRITE(RIDER)
/* The write finds itself: its history row is committed, or of this transaction. */
#define HERE_BEFORE (made[W] != 0 || LINE.pending[W] != 0)

/* reply_kept: the commit of a transaction that found its write has something to wait with. */
inline find_write()
{
	LINE.row[i] = ROW_APPLIED
#if defined(STANDBY) && !defined(NO_WAIT)
	;
	waits = true
#endif
}

inline release_locks()
{
	if :: holder[0] == me -> holder[0] = NOBODY :: else fi;
	if :: holder[1] == me -> holder[1] = NOBODY :: else fi
#ifdef KEYED
	;
	if :: key_holder[0] == me -> key_holder[0] = NOBODY :: else fi;
	if :: key_holder[1] == me -> key_holder[1] = NOBODY :: else fi
#endif
}

inline release_all()
{
	release_locks();
	LINE.pending[0] = 0;
	LINE.pending[1] = 0;
	LINE.pending_by[0] = 0;
	LINE.pending_by[1] = 0
}

/* The transaction is over; `end` is what the worker will find, if it still looks. */
inline hang_up(end)
{
	release_all();
	i = 0;
	seen = 0;
#ifdef STANDBY
	waits = false;
#endif
	if
	:: LINE.abandoned -> forget(me)
	:: else -> LINE.state = end
	fi
}

proctype backend(byte me)
{
	byte i;
	byte seen;
#ifdef STANDBY
	bool waits;  /* the commit has something to wait for the standby with */
#endif

end_idle:
	atomic { LINE.state == SENT -> i = 0 };

next_call:
	if
	:: i == LINE.count -> goto commit
	:: else
	fi;
	if
	:: atomic { MAY_BREAK -> something_breaks(); printf("backend %d dies\n", me); hang_up(GONE) }; goto end_idle
	:: atomic {
		MAY_BREAK -> something_breaks();
		printf("backend %d: request %d fails by chance\n", me, RIDER);
		LINE.failed = i;
		hang_up(FAILED)
	}; goto end_idle
	:: skip
	fi;

#ifdef KEYED
	/* claim_key: the key's advisory lock is tried, and its record looked up in a later statement. */
	atomic {
		if
		:: key_holder[W] == NOBODY || key_holder[W] == me -> key_holder[W] = me
		:: else -> LINE.row[i] = ROW_BUSY; goto called
		fi
	};
	if
	:: atomic { HERE_BEFORE -> find_write() }; goto called
	:: else
	fi;
#endif
	if
	:: kind[W] == CREATE
	:: kind[W] == UPDATE -> goto update
	fi;


	/* create_card_core: the id's advisory lock is tried, then the row inserted unless it is there. */
	atomic {
		if
		:: holder[W] == NOBODY || holder[W] == me -> holder[W] = me
		:: else -> LINE.row[i] = ROW_BUSY; goto called
		fi
	};
	atomic {
		if
#ifndef FRESH_WRITE_ID
		:: HERE_BEFORE -> find_write(); goto called
#endif
		:: else -> goto change
		fi
	};

update:
	/* update_card_core, first statement: the row, if it is at the expected version and free. */
	atomic {
		seen = version[W] + (LINE.pending[W] != 0);
		if
#ifdef NO_VERSION
		:: holder[W] == NOBODY || holder[W] == me -> holder[W] = me; goto change
		:: else -> LINE.row[i] = ROW_BUSY; goto called
#else
		:: seen == EXPECTED && (holder[W] == NOBODY || holder[W] == me) ->
			holder[W] = me;
			goto change
		:: else
#endif
		fi
	};
	/* card_not_applied: the card is read, and the repeat looked up in a later statement. */
#ifdef LOOK_UP_FIRST
	atomic {
		if
		:: HERE_BEFORE -> find_write(); goto called
		:: else
		fi
	};
#endif
	seen = version[W] + (LINE.pending[W] != 0);
	atomic {
		if
#if !defined(LOOK_UP_FIRST) && !defined(FRESH_WRITE_ID)
		:: HERE_BEFORE -> find_write()
#endif
		:: else ->
			if
			:: seen == EXPECTED -> LINE.row[i] = ROW_BUSY
			:: else -> LINE.row[i] = ROW_CONFLICT
			fi
		fi;
		goto called
	};

change:
	/* The change and its history row, in the transaction. */
	atomic {
		if
		:: poisoned == W ->
			printf("backend %d: request %d fails as it must\n", me, RIDER);
			LINE.failed = i;
			hang_up(FAILED);
			goto end_idle
		:: else ->
			LINE.pending[W] = version[W] + 1;
			LINE.pending_by[W] = RIDER;
			LINE.row[i] = ROW_APPLIED
		fi
	};

called:
	i++;
	goto next_call;

commit:
#ifdef ANSWER_EARLY
	atomic {
		if
		:: !LINE.abandoned -> LINE.state = ROWS
		:: else
		fi
	};
#endif
	if
	:: atomic { MAY_BREAK -> something_breaks(); printf("backend %d dies before its commit\n", me); hang_up(GONE) };
		goto end_idle
	:: atomic {
		MAY_BREAK -> something_breaks();
		printf("backend %d: the commit fails\n", me);
		LINE.failed = 2;
		hang_up(FAILED)
	}; goto end_idle
	:: d_step {
		printf("backend %d commits\n", me);
		i = 0;
		do
		:: i < 2 && LINE.pending[i] != 0 ->
			becomes_true(LINE.pending_by[i], i);
			version[i] = LINE.pending[i];
			made[i] = LINE.pending[i];
			LINE.pending[i] = 0;
#ifdef STANDBY
			waits = true;
#endif
			i++
		:: i < 2 && LINE.pending[i] == 0 -> i++
		:: i == 2 -> break
		od;
		release_locks()
	}
	fi;
#ifdef STANDBY
	/* What the standby has of this transaction it has of all before. A wait that is cut short leaves all
	 * as it is here; the worker is told that there is doubt, as if the connection were lost. */
	if
	:: !waits
	:: waits -> d_step { replicated[0] = made[0] != 0; replicated[1] = made[1] != 0 }
	:: atomic {
		waits && MAY_BREAK -> something_breaks();
		printf("backend %d: its wait for the standby is cut short\n", me);
		hang_up(GONE)
	}; goto end_idle
	fi;
#endif
	if
	:: atomic { hang_up(SYNCED) }
	:: atomic { MAY_BREAK -> something_breaks(); printf("backend %d dies after its commit\n", me); hang_up(GONE) }
	fi;
	goto end_idle
}

/* Whoever holds the client's card in psql, and saves or does not. */
proctype somebody()
{
end_nobody:
	atomic { kind[0] == UPDATE && holder[0] == NOBODY -> holder[0] = SOMEBODY };
	atomic {
		if
		:: version[0]++; somebody_wrote = true; printf("somebody saves the client's card\n")
		:: skip
		fi;
		holder[0] = NOBODY
	}
}

/* ---- a worker: gather, execute, settle -------------------------------------------------------- */

#define MINE(r) (request[r].place == IN_QUEUE || (request[r].place == IN_HAND && request[r].owner == me))

inline take(r)
{
	request[r].place = ON_ITS_WAY;
	request[r].owner = me;
	request[r].attempts++;
	printf("worker %d sends request %d on line %d\n", me, r, c);
	line[c].rider[line[c].count] = r;
	line[c].count++
}

/* in_flight_give_up: 503 promises that nothing was applied, 504 promises nothing. */
inline give_up(r)
{
	if
#ifndef UNKNOWN_AS_503
	:: request[r].maybe_applied -> say(r, UNKNOWN)
#endif
	:: else -> say(r, UNAVAILABLE)
	fi
}

/* settle_again, or the end of attempts and time. */
inline again_or_stop(r)
{
	if
	:: request[r].attempts < ATTEMPTS_MAX -> request[r].place = IN_HAND
	:: trouble = true; give_up(r)
	fi
}

#define ANY_MINE (MINE(0) || MINE(1) || MINE(2))
#if BACKENDS == 2
#define A_LINE_IDLE (line[0].state == IDLE || line[1].state == IDLE)
#else
#define A_LINE_IDLE (line[0].state == IDLE || line[1].state == IDLE || line[2].state == IDLE)
#endif

/* What is at hand goes out as one wave: one request, or two. */
inline gather()
{
	c = 0;
	do
	:: line[c].state != IDLE -> c++
	:: else -> break
	od;
	if
	:: MINE(0) -> take(0)
	:: MINE(1) -> take(1)
	:: MINE(2) -> take(2)
	fi;
	/* A second rider, in the order of what they lock. */
	r = line[c].rider[0];
	if
	:: r < 1 && !request[r].alone && MINE(1) && !request[1].alone -> take(1)
	:: !request[r].alone && MINE(2) && !request[2].alone -> take(2)
	:: line[c].count == 1
	fi;
	if
	:: single = true
	:: line[c].count == 2 -> single = false
	fi;
	r = 0;
	line[c].state = SENT
}

/* wave_not_sent: nothing left this process. */
inline no_connection()
{
	something_breaks();
	if
	:: MINE(0) -> r = 0
	:: MINE(1) -> r = 1
	:: MINE(2) -> r = 2
	fi;
	printf("worker %d gets no connection for request %d\n", me, r);
	request[r].owner = me;
	/* Nothing was tried: it waits for a connection until its time is up. */
	if
	:: request[r].place = IN_HAND
	:: trouble = true; give_up(r)
	fi;
	r = 0
}

/* settle_row, settle_failed: what comes of rider k. */
inline settle(k)
{
	r = line[c].rider[k];
	if
	:: line[c].state == SYNCED ->
		if
		:: line[c].row[k] == ROW_APPLIED -> say(r, APPLIED)
		:: line[c].row[k] == ROW_CONFLICT -> say(r, CONFLICT)
		:: line[c].row[k] == ROW_BUSY ->
			if
			:: request[r].attempts--; request[r].place = IN_HAND
			:: trouble = true; give_up(r)
			fi
		fi
	:: line[c].state == FAILED ->
		if
#ifndef BLAME_ALL
		/* Another's error, or one of a set, which does not say whose it is: no attempt. */
		:: line[c].count == 2 && (line[c].failed != k || !single) ->
			request[r].attempts--;
			request[r].alone = true;
			request[r].place = IN_HAND
#endif
		:: else ->
			/* Its own. */
			if
			:: poisoned == WRITE(line[c].rider[line[c].failed % 2]) && line[c].failed < 2 ->
				if
				:: request[r].maybe_applied -> give_up(r)
				:: else -> say(r, REFUSED)
				fi
			:: else -> again_or_stop(r)
			fi
		fi
	fi
}

proctype worker(byte me)
{
	byte c = NOBODY; /* the line of the wave under way */
	byte r;
	bool single;     /* the wave went as single calls, so an error says whose it is */

end_gather:
	if
	:: atomic { ANY_MINE && A_LINE_IDLE -> gather() }
	:: atomic { ANY_MINE && MAY_BREAK -> no_connection() }; goto end_gather
	fi;

	/* wave_run: only the sync's own result counts. */
	if
#ifdef ANSWER_EARLY
	:: atomic { line[c].state == ROWS && line[c].row[0] == ROW_APPLIED ->
		r = line[c].rider[0];
		say(r, APPLIED);
		goto abandon_rest }
#endif
	:: atomic { line[c].state == SYNCED || line[c].state == FAILED ->
		settle(0);
		if :: line[c].count == 2 -> settle(1) :: else fi;
		forget(c); c = NOBODY; r = 0; single = false };
		goto end_gather
	:: line[c].state == GONE
	:: atomic { line[c].state != GONE && MAY_BREAK -> something_breaks() }
	:: atomic { MAY_BREAK -> something_breaks() }; goto dies
	fi;

	/* The line is lost: the worker hears nothing more, whether or not the backend goes on. */
	atomic {
		printf("worker %d loses line %d\n", me, c);
		r = line[c].rider[0];
		request[r].maybe_applied = true;
		again_or_stop(r);
		if
		:: line[c].count == 2 ->
			r = line[c].rider[1];
			request[r].maybe_applied = true;
			again_or_stop(r)
		:: else
		fi;
		if
		:: line[c].state == SENT || line[c].state == ROWS -> line[c].abandoned = true
		:: else -> forget(c)
		fi;
		c = NOBODY; r = 0; single = false
	};
	goto end_gather;

dies:
	/* All it held is lost with it; the gateway sees the connection close and says what is known. */
	atomic {
		printf("worker %d dies\n", me);
		if
		:: line[c].state == SENT || line[c].state == ROWS -> line[c].abandoned = true
		:: else -> forget(c)
		fi;
		c = NOBODY;
		r = 0;
		do
		:: r < REQUESTS ->
			if
			:: request[r].owner == me && (request[r].place == IN_HAND || request[r].place == ON_ITS_WAY) ->
				say(r, UNKNOWN)
			:: else
			fi;
			r++
		:: else -> break
		od;
		r = 0; single = false
	};
	goto end_gather
#ifdef ANSWER_EARLY
	;
abandon_rest:
	atomic { line[c].abandoned = true; c = NOBODY; r = 0; single = false };
	goto end_gather
#endif
}

/* ---- the gateway, and those before it --------------------------------------------------------- */

/* nginx hands a request to a worker, or says 503 where it reached none. What was handed over goes
 * on, whether or not anybody still waits for its answer. */
inline hand_over(r)
{
	if
	:: request[r].place = IN_QUEUE
	:: trouble = true; say(r, UNAVAILABLE)
	fi
}

/* The client may repeat at any time: its answer was cut on its way, or the gateway lost patience,
 * or it was told to try again, or that nobody knows. */
proctype client()
{
	atomic { hand_over(0) };
#ifndef NO_REPEAT
	atomic { hand_over(1); printf("the client repeats its request\n") }
#endif
}

init {
	byte i;

	atomic {
		for (i : 0 .. REQUESTS - 1) {
			request[i].place = AT_CLIENT;
			request[i].owner = NOBODY
		}
		for (i : 0 .. BACKENDS - 1) {
			forget(i)
		}
		for (i : 0 .. 1) {
			holder[i] = NOBODY;
#ifdef KEYED
			key_holder[i] = NOBODY
#endif
		}
#ifndef KIND
		if
		:: kind[0] = CREATE
		:: kind[0] = UPDATE; version[0] = EXPECTED
		fi;
#elif KIND == 1
		kind[0] = CREATE;
#else
		kind[0] = UPDATE; version[0] = EXPECTED;
#endif
		kind[1] = UPDATE;
		version[1] = EXPECTED;
		if
		:: poisoned = NOBODY
		:: poisoned = WRITE(0)
#ifndef NO_NEIGHBOUR
		:: poisoned = WRITE(NEIGHBOUR)
#endif
		fi;
		for (i : 0 .. BACKENDS - 1) {
			run backend(i)
		}
		for (i : 0 .. WORKERS - 1) {
			run worker(i)
		}
		run client();
#ifndef NO_NEIGHBOUR
		hand_over(NEIGHBOUR);
#endif
#ifndef NO_SOMEBODY
		run somebody();
#endif
	}
}
