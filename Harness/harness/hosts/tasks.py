"""The tasks in a PostgreSQL server, read and inserted with SQL."""

from __future__ import annotations

from collections.abc import Sequence

from ..lib.database import STATES, Row
from ..lib.postgres import ROLE, PostgresServer


class PostgresTasks:
    """The tasks in the server that is the primary at the moment; see `Tasks`."""

    def __init__(self, servers: Sequence[PostgresServer]) -> None:
        """The first server is the primary."""
        self.servers = list(servers)
        self.primary = self.servers[0]

    @property
    def uri(self) -> str:
        """What managers are told: all servers. They find the primary themselves."""
        hosts = ",".join(server.host_and_port for server in self.servers)
        return f"postgresql://{ROLE}@{hosts}/postgres?target_session_attrs=read-write"

    def count(self) -> int:
        """See `Tasks`."""
        return int(self.primary.ask(f"SELECT coalesce(sum({' + '.join(STATES)}), 0) FROM tube_count")[0][0])

    def insert(self, tube: str, body: bytes) -> None:
        """See `Tasks`."""
        self.primary.ask(f"INSERT INTO task (tube, body) VALUES ('{tube}', decode('{body.hex()}', 'hex'))")

    def is_claimed(self) -> bool:
        """See `Tasks`."""
        return self.primary.ask("SELECT EXISTS (SELECT FROM task WHERE state = 'claimed')") == [["t"]]

    def leave_open(self, seconds: float) -> None:
        """Changes tasks in a transaction, as an application does, waits in it, and rolls it back.

        psql waits, not the server: pg_sleep ends by the server's clock, so it lasts an hour longer if the clock is set
        back during it.
        """
        some = "SELECT id FROM task WHERE tube <> 'application' ORDER BY random() LIMIT 30"
        self.primary.ask(
            "BEGIN",
            "INSERT INTO task (tube, body) SELECT 'application', 'x' FROM generate_series(1, 20)",
            f"UPDATE task SET priority = priority WHERE id IN ({some})",
            f"\\! sleep {seconds:.2f}",
            "ROLLBACK",
            patience=seconds + 30,
        )

    def state(self) -> tuple[list[str], list[Row]]:
        """See `Tasks`."""
        columns = (*STATES, "urgent")
        sums = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in columns)
        counted = ", ".join(f"count(*) FILTER (WHERE state = '{state}') AS {state}" for state in STATES)
        wrong = f"""
            SELECT 'wrong', tube, kept, counted FROM
            (SELECT tube, row({", ".join(columns)})::text AS kept FROM
                (SELECT tube, {sums} FROM tube_count GROUP BY tube) AS s) AS k
            FULL JOIN
            (SELECT tube, row({", ".join(columns)})::text AS counted FROM
                (SELECT tube, {counted}, count(*) FILTER (WHERE state = 'pending' AND priority < 1024) AS urgent
                FROM task GROUP BY tube) AS t) AS c
            USING (tube)
            WHERE coalesce(kept, '(0,0,0,0,0)') <> coalesce(counted, '(0,0,0,0,0)')"""
        rows = "SELECT 'task', id, tube, state, priority, reserves, encode(body, 'hex') FROM task"
        found, tasks = [], []
        for kind, *row in self.primary.ask("BEGIN ISOLATION LEVEL REPEATABLE READ", wrong, rows, "COMMIT"):
            if kind == "wrong":
                found.append(f"tube {row[0]}: counts {row[1]} but has {row[2]} ({', '.join(columns)})")
            else:
                id, tube, state, priority, reserves, body = row
                tasks.append(Row(int(id), tube, state, int(priority), int(reserves), bytes.fromhex(body)))
        return found, tasks

    def kill(self) -> None:
        """Kills all servers."""
        for server in self.servers:
            server.kill()
