"""PostgreSQL as a task queue: FOR UPDATE SKIP LOCKED, loaded by pgbench."""

from . import pgbench
from .cluster import PACKAGE, Cluster
from ..lib.processes import Failure
from .systems import System

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
"""Tasks as many keep them. Rows come and go all the time, so they are cleaned up early, as Beanrow's own are; and a plan made
while the table was empty must not be one that reads all of it."""

_PUT = "INSERT INTO task (body) VALUES ('{body}');\n"

# Always one row, so that pgbench goes on where a claim finds nothing.
_CLAIM_MANY = """
WITH claimed AS (
    UPDATE task SET state = 'claimed', claimed_at = now() WHERE id IN (
        SELECT id FROM task WHERE state = 'pending' ORDER BY priority, id LIMIT {count} FOR UPDATE SKIP LOCKED)
    RETURNING id, body)
SELECT coalesce(array_agg(id), '{{}}') AS ids, count(body) AS bodies FROM claimed \\gset
"""
_DELETE_MANY = "DELETE FROM task WHERE id = ANY (:ids::bigint[]);\n"

# \aset leaves the id as it is where the claim finds nothing.
_CLAIM_ONE = """\\set id 0
UPDATE task SET state = 'claimed', claimed_at = now() WHERE id = (
    SELECT id FROM task WHERE state = 'pending' ORDER BY priority, id FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id, body \\aset
"""
_DELETE_ONE = "DELETE FROM task WHERE id = :id;\n"


def _script(mode, body, depth, reserves):
    """What a client runs again and again, and how many tasks it puts or takes each time."""
    put = _PUT.format(body=body)
    if mode == "put":
        return (put, 1) if depth == 1 else ("\\startpipeline\n" + put * depth + "\\endpipeline\n", depth)
    take = _CLAIM_ONE + _DELETE_ONE if reserves == 1 else _CLAIM_MANY.format(count=reserves) + _DELETE_MANY
    return (take if mode == "drain" else put + take), reserves


class PostgreSQL(System):
    """A table on a server of its own, or, where a cluster is given, on one that others use as well.

    Each workload uses it as well as it can (several inserts as one transaction, several rows a claim) unless `mode` says what
    a script does whatever the workload: then one task at a time, as most people write it.
    """

    protocol = "pgbench"
    package = PACKAGE
    counts_memory = False  # its processes share most of it

    def __init__(self, cluster=None, mode=None, key="postgresql", title="PostgreSQL, SKIP LOCKED"):
        super().__init__()
        self.shared = cluster is not None
        self.cluster = cluster or Cluster()
        self.mode = mode
        self.key, self.title = key, title
        self.database = key.replace("-", "_")

    def missing(self):
        return self.cluster.missing()

    def version(self):
        return self.cluster.version()

    def launch(self):
        if not self.shared:
            self.cluster.start(self.directory)
        self.cluster.make_database(self.database)
        self.cluster.query(_SCHEMA.format(database=self.database), self.database)

    @property
    def roots(self):
        return self.cluster.roots

    def stop(self):
        if not self.shared:
            self.cluster.stop()
        elif self.directory:
            self.cluster.drop_database(self.database)

    def measure(self, workload, tasks, options, time_limit):
        """One run, as Workload.run."""
        mode, clients = self.mode or workload.mode, options["connections"]
        body = "".join(chr(ord("a") + i % 26) for i in range(options["bytes"]))
        depth, reserves = (1, 1) if self.mode else (options.get("depth", 1), options.get("reserves", 1))
        script, each = _script(mode, body, depth, reserves)
        runs = max(1, round(tasks / each / clients))
        tasks = runs * clients * each
        if mode == "drain":
            self.query(f"INSERT INTO task (body) SELECT '{body}' FROM generate_series(1, {tasks})")
        self.query("VACUUM ANALYZE task")
        result = pgbench.run(
            self.cluster, self.database, script,
            clients=clients, runs=runs, folder=self.directory / "pgbench", time_limit=time_limit,
        )  # fmt: skip
        left = int(self.query("SELECT count(*) FROM task"))
        if mode == "put":
            if left != tasks:
                raise Failure(f"{tasks} tasks put, {left} found")
        else:
            # A claim finds nothing where others are just claiming all that it sees; on a busy machine that happens now and
            # then. What it left is not counted.
            if left > max(clients, tasks // 20):
                raise Failure(f"{left} of {tasks} tasks left over")
            tasks -= left
        result.tasks, result.rate = tasks, tasks / result.seconds
        result.latencies = {f"{workload.latency}_{name}": value for name, value in result.latencies.items()}
        self.query("TRUNCATE task")
        return result

    def query(self, text):
        return self.cluster.query(text, self.database)
