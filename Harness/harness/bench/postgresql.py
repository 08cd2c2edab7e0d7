"""PostgreSQL as a task queue: FOR UPDATE SKIP LOCKED, loaded by pgbench."""

from __future__ import annotations

from collections.abc import Mapping

from ..lib import postgres
from ..lib.failures import Failure
from ..lib.postgres import PostgresServer
from . import pgbench
from .load import Measurement, Value
from .systems import System

#: As many connections as any workload needs; everything else is PostgreSQL's default.
SETTINGS = {"max_connections": "600"}

# Tasks as many applications store them. Rows come and go all the time, so they are vacuumed early, as Beanrow's own
# are. A plan that was made while the table was empty must not be one that reads all of it.
_SCHEMA = """
CREATE TABLE task (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL DEFAULT 'pending',
    priority bigint NOT NULL DEFAULT 1024,
    claimed_at timestamptz,
    body bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE task ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX task_pending ON task (priority, id) WHERE state = 'pending';
ALTER DATABASE "{database}" SET enable_seqscan = off;
ALTER DATABASE "{database}" SET enable_bitmapscan = off;
ALTER DATABASE "{database}" SET plan_cache_mode = force_generic_plan;
"""

_PUT = "INSERT INTO task (body) VALUES ('{body}');\n"

# Always one row, so that pgbench continues if a claim finds nothing.
_CLAIM_MANY = """
WITH claimed AS (
    UPDATE task SET state = 'claimed', claimed_at = now() WHERE id IN (
        SELECT id FROM task WHERE state = 'pending' ORDER BY priority, id LIMIT {count} FOR UPDATE SKIP LOCKED)
    RETURNING id, body)
SELECT coalesce(array_agg(id), '{{}}') AS ids, count(body) AS bodies FROM claimed \\gset
"""
_DELETE_MANY = "DELETE FROM task WHERE id = ANY (:ids::bigint[]);\n"

# \aset does not change the id if the claim finds nothing.
_CLAIM_ONE = """\\set id 0
UPDATE task SET state = 'claimed', claimed_at = now() WHERE id = (
    SELECT id FROM task WHERE state = 'pending' ORDER BY priority, id FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id, body \\aset
"""
_DELETE_ONE = "DELETE FROM task WHERE id = :id;\n"


def _script(mode: str, body: str, depth: int, reserves: int) -> tuple[str, int]:
    """Returns what a client repeats, and how many tasks it puts or takes each time."""
    put = _PUT.format(body=body)
    if mode == "put":
        return (put, 1) if depth == 1 else ("\\startpipeline\n" + put * depth + "\\endpipeline\n", depth)
    take = _CLAIM_ONE + _DELETE_ONE if reserves == 1 else _CLAIM_MANY.format(count=reserves) + _DELETE_MANY
    return (take if mode == "drain" else put + take), reserves


class PostgreSQL(System):
    """A table on a server of its own, or on a given server that other systems use too.

    Each workload uses it as well as possible: several inserts per transaction, several rows per claim. With a ``mode``,
    each script has this mode whatever the workload is, and handles one task at a time, as most applications do.
    """

    protocol = "pgbench"
    package = postgres.PACKAGE
    counts_memory = False  # Its processes share most of it.

    def __init__(
        self,
        shared: PostgresServer | None = None,
        mode: str | None = None,
        key: str = "postgresql",
        title: str = "PostgreSQL, SKIP LOCKED",
    ) -> None:
        """Prepares it; ``shared`` is the server that other systems use too."""
        super().__init__()
        self.is_shared = shared is not None
        self._server = shared
        self.mode = mode
        self.key, self.title = key, title
        self.database = key.replace("-", "_")

    @property
    def server(self) -> PostgresServer:
        """The server of the table."""
        assert self._server is not None, "not started"
        return self._server

    def missing(self) -> str | None:
        """See `System`."""
        return postgres.missing()

    def version(self) -> str:
        """See `System`."""
        return postgres.version()

    def launch(self) -> None:
        """See `System`."""
        if self._server is None:
            self._server = PostgresServer("server", self.directory, settings=SETTINGS, is_measured=True)
            self._server.create()
            self._server.start()
        self.server.make_database(self.database)
        self.query(_SCHEMA.format(database=self.database))

    @property
    def roots(self) -> list[int]:
        """See `System`."""
        return [] if self._server is None else self._server.roots

    def stop(self) -> None:
        """See `System`."""
        if self.is_shared and self._directory is not None:
            self.server.drop_database(self.database)
        elif not self.is_shared and self._server is not None:
            self._server.stop()
            self._server = None

    def last_words(self) -> str:
        """See `System`."""
        return "" if self._server is None else self._server.tail(3)

    def measure(self, mode: str, latency: str, tasks: int, given: Mapping[str, Value], time_limit: int) -> Measurement:
        """Runs ``tasks`` tasks once, as ``Workload.run``; ``given`` are the options of the load generator."""
        mode = self.mode or mode
        options = {name: value for name, value in given.items() if isinstance(value, int)}
        clients = options["connections"]
        body = "".join(chr(ord("a") + i % 26) for i in range(options["bytes"]))
        depth, reserves = (1, 1) if self.mode else (options.get("depth", 1), options.get("reserves", 1))
        script, each = _script(mode, body, depth, reserves)
        runs = max(1, round(tasks / each / clients))
        tasks = runs * clients * each
        if mode == "drain":
            self.query(f"INSERT INTO task (body) SELECT '{body}' FROM generate_series(1, {tasks})")
        self.query("VACUUM ANALYZE task")
        result = pgbench.run(
            self.server,
            self.database,
            script,
            clients=clients,
            runs=runs,
            directory=self.directory / "pgbench",
            time_limit=time_limit,
        )
        left = int(self.query("SELECT count(*) FROM task")[0][0])
        if mode == "put":
            if left != tasks:
                raise Failure(f"{tasks} tasks put, {left} found")
        else:
            # A claim finds nothing if other clients are claiming all tasks that it sees. On a busy machine that happens
            # sometimes. The tasks that are left are not counted.
            if left > max(clients, tasks // 20):
                raise Failure(f"{left} of {tasks} tasks left over")
            tasks -= left
        result.tasks, result.rate = tasks, tasks / result.seconds
        result.latencies = {f"{latency}_{name}": value for name, value in result.latencies.items()}
        self.query("TRUNCATE task")
        return result

    def query(self, text: str) -> list[list[str]]:
        """Runs SQL in the table's database; returns the rows."""
        return self.server.ask(text, database=self.database, patience=600)
