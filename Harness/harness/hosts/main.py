"""tools/hosts: managers on hosts of their own over PostgreSQL, while links are cut and servers lost."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ..chaos.main import Outcome, Settings, add_options, carry_out, keep, report
from ..lib.postgres import Cluster, Server, programs
from ..lib.database import Away
from .failover import Loss, PrimaryLosses
from ..chaos.faults import HOST_WEIGHTS, Fault, FaultKind, Injector, schedule
from .context import LEASE, HostsWorld, outage
from ..lib.managers import Manager
from .network import Host, Network
from ..lib.paths import Unavailable, manager_binary, preload_library
from ..lib.proxy import Delay, DelayingProxy
from ..chaos.context import Clock, Place

#: How late the database is, where it is.
LATE = 2.0

PORT = 12_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    seconds = options.minutes * 60 if options.minutes else options.seconds
    settings = Settings(seconds, seed, options.managers, rate=options.rate, gap=options.gap)
    if options.quiet:
        settings.log = lambda line: None
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    try:
        programs()
        Network("probe").close()
    except Unavailable as error:
        print(f"skipped: {error}", flush=True)
        return 1 if options.require else 0
    print(f"seed {seed}", flush=True)
    losses: list[Loss] = []
    try:
        binary = manager_binary(build=not options.no_build)
        with tempfile.TemporaryDirectory(prefix="beanrow-hosts-", dir=options.directory) as directory:
            try:
                rounds = options.rounds if options.lose_primary else 0
                outcome = run(Path(directory), binary, settings, rounds, losses)
            finally:
                if options.keep is not None:
                    keep_logs(Path(directory), options.keep)
    except Unavailable as error:
        print(f"hosts: {error}", file=sys.stderr)
        return 1
    report(outcome)
    for loss in losses:
        print(loss)
    return 1 if outcome.violations else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="tools/hosts",
        description="Runs producers and consumers on three managers over PostgreSQL, each of them, the server and the "
        "clients on a host of its own, made of network namespaces (so it must be root). Managers are killed, stopped and "
        "restarted, links are cut for longer than the lease and restored, and the last manager's way to the server is "
        "slow at times. The clock of the server's host is set by an hour and back, and an application leaves transactions "
        "open in which it has changed tasks. With --lose-primary there are a primary and a synchronous standby, and the primary is lost "
        "instead: killed, or cut off and killed, in turn. The history of what the clients were told is checked. Where "
        "there can be no namespaces, or is no PostgreSQL, it says 'skipped' and why.",
    )
    add_options(parser, rate=200, gap=2)
    parser.add_argument("--lose-primary", action="store_true", help="lose the primary, and nothing else")
    parser.add_argument("--rounds", type=int, default=3, help="how often to lose the primary (default 3)")
    parser.add_argument("--require", action="store_true", help="fail where it would be skipped")
    return parser.parse_args(arguments)


def run(directory: Path, binary: Path, settings: Settings, rounds: int, losses: list[Loss]) -> Outcome:
    """Makes the hosts, runs load and faults on them, checks the history, and leaves nothing behind.

    With `rounds` the primary is lost so often, and `losses` gets what was seen of it.
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
        cluster = Cluster([Server(network[name], directory, environment=environment) for name in databases])
        stack.callback(cluster.kill)
        cluster.servers[0].create("10.20.30.0/24")
        cluster.servers[0].start()
        if rounds:
            cluster.servers[1].follow(cluster.servers[0])
        proxy = None
        if not rounds:
            host, server = network[names[-1]], cluster.servers[0]
            proxy = DelayingProxy((server.host.address, server.port), 5432, host.enter)
            proxy.open()
            stack.callback(proxy.close)
        places = []
        for name in names:
            slow = proxy is not None and name == names[-1]
            uri = "postgresql://beanrow@127.0.0.1:5432/postgres" if slow else cluster.uri
            places.append(Place(manager_on(network[name], binary, uri, directory / f"{name}.log")))
        world = HostsWorld(places, directory, settings, cluster, network)
        if rounds:
            thread = PrimaryLosses(world, cluster, network, rounds, settings, losses)
            return carry_out(world, settings, lambda: thread, lambda elapsed: not thread.is_alive(), settling=10)
        faults = schedule(settings.seed, settings.seconds, settings.managers, settings.gap, weights=HOST_WEIGHTS)
        return carry_out(
            world,
            settings,
            lambda: HostInjector(world, faults, settings.log, proxy),
            lambda elapsed: elapsed >= settings.seconds,
            settling=10,
        )


def manager_on(host: Host, binary: Path, database: str, log: Path) -> Manager:
    """A manager that is to run on a host."""
    options = ("--lease", f"{LEASE:g}")
    return Manager(binary, database, host.name, log, None, options, (host.address, PORT), host.inside)


class HostInjector(Injector):
    """Carries a schedule out on several hosts."""

    def __init__(
        self, world: HostsWorld, faults: Sequence[Fault], log: Callable[[str], None], proxy: DelayingProxy | None
    ) -> None:
        super().__init__(world, faults, log)
        self._network = world.network
        self._cluster = world.cluster
        self._proxy = proxy

    def inject(self, fault: Fault) -> bool:
        """See `Injector`."""
        place = self.world.places[fault.target]
        match fault.kind:
            case FaultKind.CUT | FaultKind.BLINK:
                return self._with((place,), self._cut, fault)
            case FaultKind.DELAY:
                return self._with((place,), self._delay, fault)
            case FaultKind.TRANSACTION:
                try:
                    self._cluster.leave_open(fault.seconds)
                except Away as error:
                    # It may meet a task that another one has changed, or be ended with its tube's.
                    self.log(f"an application's transaction: {error}")
                return True
            case _:
                return super().inject(fault)

    def stop(self, places: Sequence[Place], fault: Fault) -> None:
        """See `Injector`; who is stopped loses its lease."""
        with outage(places):
            super().stop(places, fault)

    def _cut(self, places: Sequence[Place], fault: Fault) -> None:
        hosts = [self._network[place.manager.name] for place in places]
        # After less than a second connections go on before a lease can be lost, and nothing is to be noticed.
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
            # What is under way still is late.
            self.enough.wait(LATE)


def keep_logs(directory: Path, target: Path) -> None:
    """Copies what the managers and the servers said."""
    keep(directory, target)
    for log in directory.glob("*/log"):
        (target / f"{log.parent.name}.log").write_bytes(log.read_bytes())
