"""tools/hosts: managers on hosts of their own over PostgreSQL, while links are cut and servers are lost."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ..chaos.context import Clock, Place
from ..chaos.faults import HOST_WEIGHTS, Fault, FaultKind, Injector, schedule
from ..chaos.run import Outcome, Settings, add_load_options, carry_out, keep, report, run_seconds
from ..lib.command import add_run_options, chosen_seed, exit_on_signals, new_parser, run_tool, workspace
from ..lib.database import Away
from ..lib.failures import Unavailable
from ..lib.managers import Manager
from ..lib.paths import preload_library
from ..lib.postgres import PostgresServer, programs
from ..lib.proxy import Delay, DelayingProxy
from .context import LEASE, HostsContext, outage
from .failover import Loss, PrimaryLosses
from .network import Host, Network
from .tasks import PostgresTasks

#: How many seconds late the database answers while it is slow.
LATE = 2.0

#: The port of every manager, and that of every server.
MANAGER_PORT, SERVER_PORT = 12_000, 5432

#: The settings of the servers. A standby whose primary is silent tries again; it does not have long.
SERVER_SETTINGS = {
    "max_connections": "200",
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "500ms",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    exit_on_signals()
    try:
        programs()
        Network("probe").close()
    except Unavailable as error:
        print(f"skipped: {error}", flush=True)
        return 1 if options.require else 0
    return run_tool("hosts", lambda: _run(options))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = new_parser(
        "hosts",
        "Runs producers and consumers on three managers over PostgreSQL. Each manager, the server and the clients "
        "are on a host of their own, made of network namespaces, so the tool must be root. Managers are killed, "
        "stopped and restarted. Links are cut for longer than the lease and restored. The link between the last "
        "manager and the server is slow at times. The clock of the server's host is set by an hour and back. An "
        "application leaves transactions open in which it has changed tasks. With --lose-primary there are a "
        "primary and a synchronous standby, and only the primary is lost: killed, or cut off and killed, in turn. "
        "Then checks the history of what the clients were told. If namespaces cannot be made, or there is no "
        "PostgreSQL, the tool prints 'skipped' and the reason.",
    )
    add_load_options(parser, rate=200, gap=2)
    add_run_options(parser, "replays the faults of another run")
    parser.add_argument("--lose-primary", action="store_true", help="lose the primary, and inject no other fault")
    parser.add_argument("--rounds", type=int, default=3, help="how often to lose the primary (default 3)")
    parser.add_argument("--require", action="store_true", help="fail instead of being skipped")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    seed = chosen_seed(options.seed)
    settings = Settings(run_seconds(options), seed, options.managers, rate=options.rate, gap=options.gap)
    if options.quiet:
        settings.log = lambda line: None
    losses: list[Loss] = []
    with workspace("hosts", options) as (directory, binary):
        try:
            rounds = options.rounds if options.lose_primary else 0
            outcome = run(directory, binary, settings, rounds, losses)
        finally:
            if options.keep is not None:
                keep_logs(directory, options.keep)
    status = report(outcome)
    for loss in losses:
        print(loss)
    return status


def run(directory: Path, binary: Path, settings: Settings, rounds: int, losses: list[Loss]) -> Outcome:
    """Makes the hosts, runs load and faults on them, checks the history, and leaves nothing behind.

    If ``rounds`` is not 0, the primary is lost as often, and ``losses`` gets what was seen each time.
    """
    names = [f"m{n}" for n in range(1, settings.managers + 1)]
    databases = ["db1", "db2"] if rounds else ["db1"]
    with ExitStack() as stack:
        network = Network(*names, *databases, "producers", "consumers")
        stack.callback(network.close)
        clock = Clock(directory / "clock")
        clock.set(0)
        clock.path.chmod(0o644)
        library = directory / "clock.so"
        shutil.copy(preload_library("clock"), library)
        environment = {"LD_PRELOAD": str(library), "BEANROW_CLOCK": str(clock.path)}
        tasks = PostgresTasks([server_on(network[name], directory, environment) for name in databases])
        stack.callback(tasks.kill)
        tasks.servers[0].create(network.addresses)
        tasks.servers[0].start()
        if rounds:
            tasks.servers[1].follow(tasks.servers[0])
        proxy = None
        if not rounds:
            server = tasks.servers[0]
            proxy = DelayingProxy((server.address, server.port), SERVER_PORT, network[names[-1]].enter)
            proxy.open()
            stack.callback(proxy.close)
        places = []
        for name in names:
            is_slow = proxy is not None and name == names[-1]
            uri = f"postgresql://beanrow@127.0.0.1:{SERVER_PORT}/postgres" if is_slow else tasks.uri
            places.append(Place(manager_on(network[name], binary, uri, directory / f"{name}.log")))
        context = HostsContext(places, directory, settings, tasks, network)
        if rounds:
            thread = PrimaryLosses(context, rounds, settings, losses)
            return carry_out(context, settings, lambda: thread, lambda elapsed: not thread.is_alive(), settling=10)
        faults = schedule(settings.seed, settings.seconds, settings.managers, settings.gap, weights=HOST_WEIGHTS)
        return carry_out(
            context,
            settings,
            lambda: HostInjector(context, faults, settings.log, proxy),
            lambda elapsed: elapsed >= settings.seconds,
            settling=10,
        )


def server_on(host: Host, directory: Path, environment: dict[str, str]) -> PostgresServer:
    """Returns a PostgreSQL server for a host."""
    return PostgresServer(
        host.name,
        directory,
        host.address,
        SERVER_PORT,
        settings=SERVER_SETTINGS,
        environment=environment,
        within=host.inside,
    )


def manager_on(host: Host, binary: Path, database: str, log: Path) -> Manager:
    """Returns a manager for a host."""
    options = ("--lease", f"{LEASE:g}")
    return Manager(binary, database, host.name, log, None, options, (host.address, MANAGER_PORT), host.inside)


class HostInjector(Injector):
    """Injects the faults of a schedule on several hosts."""

    def __init__(
        self,
        context: HostsContext,
        faults: Sequence[Fault],
        log: Callable[[str], None],
        proxy: DelayingProxy | None,
    ) -> None:
        """``proxy`` is between the last manager and the server."""
        super().__init__(context, faults, log)
        self._network = context.network
        self._tasks = context.postgres
        self._proxy = proxy

    def inject(self, fault: Fault) -> bool:
        """See `Injector`."""
        place = self.context.places[fault.target]
        match fault.kind:
            case FaultKind.CUT | FaultKind.BLINK:
                return self._with((place,), self._cut, fault)
            case FaultKind.DELAY:
                return self._with((place,), self._delay, fault)
            case FaultKind.TRANSACTION:
                try:
                    self._tasks.leave_open(fault.seconds)
                except Away as error:
                    # Another transaction may have changed a task, or the server may have ended this one.
                    self.log(f"an application's transaction: {error}")
                return True
            case _:
                return super().inject(fault)

    def stop(self, places: Sequence[Place], fault: Fault) -> None:
        """See `Injector`; a stopped manager loses its lease."""
        with outage(places):
            super().stop(places, fault)

    def _cut(self, places: Sequence[Place], fault: Fault) -> None:
        hosts = [self._network[place.manager.name] for place in places]
        # After less than a second, connections continue before a lease can be lost, and clients notice nothing.
        with ExitStack() as stack:
            if fault.kind is FaultKind.CUT:
                stack.enter_context(outage(places))
            for host in hosts:
                self._network.cut(host)
                stack.callback(self._network.restore, host)
            self.enough.wait(fault.seconds)

    def _delay(self, places: Sequence[Place], fault: Fault) -> None:
        assert self._proxy is not None
        with outage(places):
            self._proxy.delay = Delay(there=LATE) if fault.step < 0 else Delay(back=LATE)
            self.enough.wait(fault.seconds)
            self._proxy.delay = Delay()
            # What the proxy already holds is still late.
            self.enough.wait(LATE)


def keep_logs(directory: Path, target: Path) -> None:
    """Copies the logs of the managers and of the servers."""
    keep(directory, target)
    for log in directory.glob("*/log"):
        (target / f"{log.parent.name}.log").write_bytes(log.read_bytes())
