// Faults that the checker must find: each is a few words of the source put another way.
//
// `change` is a list of [file, words, other words]; the words must stand in the file exactly once
// (plant.mjs puts them in).
//
// `run` says what goes on: `keys` (clients repeat under keys), `cut` (what of proxy.mjs is cut, 'told':
// answers on their way to the client, or 'none'), `cuts` and `paceMs` (how many, and the most between
// two), `env` (of the daemon), `sql` (done to the database first). `says` is what the checker must say.
// Where a failover belongs to it, `run.file` is the test that plays it, and `says` what that must say.

// A commit that fails now and then, after the rows of its wave were made.
const LATE_FAILURES = `create function public.late() returns trigger language plpgsql as $$
	begin
		if random() < 0.05 then
			raise exception 'too late' using errcode = '40001';
		end if;
		return null;
	end $$;
	create constraint trigger late after insert or update on cardkeep.business_cards
		deferrable initially deferred for each row execute function public.late();`;

// A commit that takes its time.
const LATE_COMMITS = `create function public.pause() returns trigger language plpgsql as $$
	begin
		perform pg_sleep(0.25);
		return null;
	end $$;
	create constraint trigger pause after update on cardkeep.business_cards
		deferrable initially deferred for each row execute function public.pause();`;

const ONCE = /applied twice|conflict with its own write|refused, and is there|and is version \d+ of/;

export const faults = [
	{
		name: 'no-version',
		sentence: 'an update that does not look at the version',
		change: [
			['sql/deploy/card_core.sql', 'b.version = any (p_expected)\n\t\tand not', 'true\n\t\tand not'],
			['sql/deploy/card_sets.sql', 'and c.version = any (n.expected)', ''],
		],
		run: { cut: 'none' },
		says: /was applied as version|was acknowledged as version/,
	},
	{
		name: 'repeat-unwaited',
		sentence: 'a repeat that does not wait for the standby',
		change: [['sql/deploy/answers.sql', "if current_setting('synchronous_standby_names') <> '' then", 'if false then']],
		run: { file: '../fault/standby.test.mjs' },
		says: /not ok \d+ - a write is 504, and its repeat is not told to be done/,
	},
	{
		name: 'present-replayed',
		sentence: 'a repeat that is answered with the present, not as the first was',
		change: [
			[
				'sql/deploy/card_images.sql',
				'c cardkeep.business_cards := cardkeep_api.card_at(p_card, p_version);\nbegin\n\tif c.user_id is distinct from p_user then',
				'c cardkeep.business_cards := (select b from cardkeep.business_cards b where b.id = p_card);\nbegin\n\tif c.user_id is distinct from p_user then',
			],
		],
		run: { keys: true, cut: 'told' },
		says: /acknowledged as version|two different answers|refused, and is there/,
	},
	{
		name: 'unknown-as-503',
		sentence: 'an unknown outcome told as 503',
		change: [['src/worker/in_flight.c', 'if (job->try.maybe_applied)\n\t\treturn API_END_UNKNOWN', 'if (false)\n\t\treturn API_END_UNKNOWN']],
		run: { cut: 'answer', env: { CARDKEEP_RETRY_MAX_ATTEMPTS: '1' } },
		says: /every try was answered as not applied|was refused, and it is (deleted|there)/,
	},
	{
		name: 'key-unchecked',
		sentence: 'a key that nobody looks at',
		change: [
			['src/api/key.c', 'hash_text(&state, "cardkeep key");', 'hash_text(&state, x->request.id_text);'],
			['src/api/key.c', 'hash_text(&state, "cardkeep request");', 'hash_text(&state, x->request.id_text);'],
		],
		run: { keys: true, cut: 'told' },
		says: ONCE,
	},
	{
		name: 'fresh-write-id',
		sentence: 'a retry under another write id',
		change: [
			[
				'src/worker/settle.c',
				'\tif (reason == RETRY_STALE_PLAN)\n\t\tjob->try.stale_retried = true;\n\tin_flight_park',
				'\tif (call_kind(job->x.call.id) == CALL_WRITE && job->x.call.values[1] != NULL)\n' +
					'\t\t((char *)(uintptr_t)job->x.call.values[1])[30] = "0123456789abcdef"[randombytes_uniform(16)];\n' +
					'\tif (reason == RETRY_STALE_PLAN)\n\t\tjob->try.stale_retried = true;\n\tin_flight_park',
			],
		],
		run: { cut: 'answer' },
		says: ONCE,
	},
	{
		name: 'answer-before-commit',
		sentence: 'an answer that does not wait for the commit',
		change: [
			[
				'src/db/wave.c',
				'entry->outcome = outcome_of(&run->seen, own_error);',
				'entry->outcome = query->result != NULL ? OUTCOME_COMMITTED : outcome_of(&run->seen, own_error);',
			],
		],
		run: { cut: 'none', sql: LATE_FAILURES },
		says: /acknowledged write is not there|a deletion was acknowledged|acknowledged as version|which it never had|was applied as version/,
	},
	{
		name: 'answers-swapped',
		sentence: 'the answers of a set given to the wrong requests',
		change: [['src/db/wave.c', 'call = query->calls[item - 1]->call;', 'call = query->calls[query->count - item]->call;']],
		run: { cut: 'none' },
		says: /acknowledged as version|somebody asked for|shows something else|refused, and is there|was not found/,
	},
	{
		name: 'look-up-first',
		sentence: 'a write looked up before the row that it waited for',
		// The pause makes a moment that is there anyway long enough to be met.
		change: [
			[
				'sql/deploy/card_core.sql',
				'\tc cardkeep.business_cards;\nbegin\n\tselect b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;\n' +
					'\treturn cardkeep_api.card_refusal(c, cardkeep_api.card_write_version(p_card, p_expected, p_write,\n\t\tfalse),',
				'\tc cardkeep.business_cards;\n\tv integer := cardkeep_api.card_write_version(p_card, p_expected, p_write, false);\n' +
					'begin\n\tperform pg_sleep(0.3);\n\tselect b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;\n' +
					'\treturn cardkeep_api.card_refusal(c, v,',
			],
		],
		run: { cut: 'call', cuts: 150, paceMs: 800, env: { CARDKEEP_WAVE_CALLS: '3' }, sql: LATE_COMMITS },
		says: /conflict with its own write/,
	},
	{
		name: 'no-history',
		sentence: 'a version without its history row',
		change: [
			[
				'sql/deploy/profile_core.sql',
				'insert into cardkeep.personal_info_versions (user_id, version, session_id, write_id, at, before)\n\t\tvalues (p_user, p_version, p_session, p_write, p_at, p_before)',
				'insert into cardkeep.personal_info_versions (user_id, version, session_id, write_id, at, before)\n\t\tselect p_user, p_version, p_session, p_write, p_at, p_before where p_version % 2 <> 0',
			],
		],
		run: { cut: 'none' },
		says: /in its history|its history at/,
	},
	{
		name: 'stale-read',
		sentence: 'a read that lags behind',
		change: [
			[
				'sql/deploy/card_calls.sql',
				'\tselect b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = v_user;\n\tif not found then\n\t\treturn cardkeep_api.reply(404);\n\tend if;\n\treturn cardkeep_api.reply(200',
				'\tselect b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = v_user;\n\tif not found then\n\t\treturn cardkeep_api.reply(404);\n\tend if;\n\tc := cardkeep_api.card_at(p_card, greatest(c.version - 1, 1));\n\treturn cardkeep_api.reply(200',
			],
		],
		run: { cut: 'none' },
		says: /went back from version/,
	},
	{
		name: 'merge-overlap',
		sentence: 'a merge that passes over what overlaps',
		change: [['sql/deploy/merges.sql', '\tif v_overlap then', '\tif false then']],
		run: { cut: 'none' },
		says: /merged with what it overlaps/,
	},
	{
		name: 'revert-elsewhere',
		sentence: 'a revert to another version than was named',
		change: [['sql/deploy/reverts.sql', 'return cardkeep_api.card_at(p_card, p_to);', 'return cardkeep_api.card_at(p_card, greatest(p_to - 1, 1));']],
		run: { cut: 'none' },
		says: /is not what version|was acknowledged as version/,
	},
];
