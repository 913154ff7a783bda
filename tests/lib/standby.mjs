// A synchronous standby of a test's cluster: made by pg_basebackup, with a directory and a socket of its
// own, beside the primary's. What the service is told names both hosts, so that it finds whichever is the
// primary.
import path from 'node:path';

import { shell } from './shell.mjs';
import { until } from './wait.mjs';

export class Standby {
	// The stack's daemon is stopped and started, as its connection string changes.
	static async of(stack) {
		const standby = new Standby();
		standby.stack = stack;
		standby.cluster = path.join(stack.dir, 'standby');
		await stack.stopDaemon();
		await shell('pg_as sh -c \'echo "local replication all peer map=cardkeep" >>"$1/data/pg_hba.conf"\' sh "$1"', stack.cluster);
		await shell(COPY, stack.cluster, standby.cluster);
		await standby.start();
		standby.conninfo = await shell('pg_conninfo "$1" postgres', standby.cluster);
		await stack.sql("alter system set synchronous_standby_names = '*'", 'super');
		await stack.sql('select pg_reload_conf()', 'super');
		await standby.caughtUp();
		const hosts = [stack.cluster, standby.cluster].map((dir) => path.join(dir, 'run')).join(',');
		stack.env.CARDKEEP_DATABASE =
			`host=${hosts} dbname=cardkeep user=cardkeep_runtime target_session_attrs=read-write`;
		await stack.startDaemon();
		await stack.ready();
		return standby;
	}

	start() {
		return shell('pg_start "$1"', this.cluster);
	}

	stop() {
		return shell('pg_stop "$1" immediate', this.cluster);
	}

	// Until it is the synchronous one, and has what the primary has.
	caughtUp() {
		return until('the standby has caught up', async () => (await this.stack.sql(
			`select count(*) from pg_stat_replication
			where sync_state in ('sync', 'quorum') and flush_lsn >= pg_current_wal_flush_lsn()`, 'super'))[0] === '1', 30_000);
	}

	// The primary dies for good, and this takes its place.
	async promote() {
		await this.stack.stopDatabase('immediate');
		await shell('pg_as "$(pg_bin)/pg_ctl" promote --pgdata="$1/data" --wait >/dev/null', this.cluster);
		this.stack.conninfo.super = this.conninfo;
		this.stack.conninfo.admin = this.conninfo;
		await this.stack.sql("alter system set synchronous_standby_names = ''", 'super');
		await this.stack.sql('select pg_reload_conf()', 'super');
		await this.stack.ready();
	}
}

const COPY = `
	conn="$(pg_conninfo "$1" postgres postgres) application_name=standby"
	pg_as "$(pg_bin)/pg_ctl" reload --pgdata="$1/data" >/dev/null
	pg_own_dirs "$(pg_user)" "$2" "$2/run"
	pg_as "$(pg_bin)/pg_basebackup" --pgdata="$2/data" --dbname="$conn" --write-recovery-conf --wal-method=stream --checkpoint=fast
	pg_init "$2"`;
