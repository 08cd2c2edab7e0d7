"""Lets beanstalkd-exporter read the statistics of two managers, and checks what it tells Prometheus.

usage: exporter_calls.py HOST:PORT HOST:PORT

The exporter's own program starts a beanstalkd, so only its parts are used: client, collector, HTTP server.
"""

from __future__ import annotations

import sys
import threading
import urllib.request

import greenstalk
from beanstalk_exporter import metrics_catalog
from beanstalk_exporter.client import BeanstalkClient
from beanstalk_exporter.collector import Collector
from beanstalk_exporter.metrics import metric_name
from beanstalk_exporter.server import create_server
from prometheus_client.parser import text_string_to_metric_families

Address = tuple[str, int]

#: Values by the name of a sample and the tube.
Samples = dict[tuple[str, str | None], float]


def equal(found: object, expected: object, what: str) -> None:
    """Checks a value."""
    assert found == expected, f"{what}: {found!r} instead of {expected!r}"


def address(text: str) -> Address:
    """Reads HOST:PORT."""
    host, port = text.rsplit(":", 1)
    return host, int(port)


def scrape(port: int) -> Samples:
    """Returns all samples that Prometheus would see."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        families = text_string_to_metric_families(response.read().decode())
        return {(sample.name, sample.labels.get("tube")): sample.value for each in families for sample in each.samples}


def check_keys(client: BeanstalkClient) -> None:
    """Checks that all statistics exist: the exporter leaves out what is missing."""
    figures = client.stats()
    for key in metrics_catalog.SERVER_GAUGES + metrics_catalog.SERVER_COUNTERS:
        float(figures[key])
    figures = client.stats_tube("exported")
    for key in metrics_catalog.TUBE_GAUGES:
        float(figures[key])


def check(server: Address, port: int) -> None:
    """Checks the samples of one manager."""
    client = BeanstalkClient(*server)
    check_keys(client)
    Collector(client, interval=1).collect()
    samples = scrape(port)
    for tube in None, "exported":
        prefix = "" if tube is None else "tube_"
        for key, value in ("ready", 3), ("urgent", 1), ("delayed", 1), ("buried", 1), ("reserved", 1):
            name = metric_name(f"{prefix}current-jobs-{key}")
            equal(samples.get((name, tube)), value, f"{name} of {tube or 'the server'}")
    equal(samples[metric_name("tube_pause"), "exported"], 1000, "pause")
    assert samples[metric_name("current-connections"), None] >= 1


def fill(client: greenstalk.Client) -> greenstalk.Job:
    """Makes one task buried, one reserved, one delayed and three ready, of which one is urgent; pauses the tube.

    Returns the reserved task.
    """
    for number in range(5):
        client.put(str(number), priority=1000 * number, delay=1000 if number == 4 else 0)
    client.bury(client.reserve())
    held = client.reserve()
    client.put("urgent", priority=0)
    client.pause_tube("exported", 1000)
    return held


def empty(client: greenstalk.Client) -> None:
    """Deletes all tasks."""
    client.pause_tube("exported", 0)
    while client.kick(10):
        pass
    while True:
        try:
            client.delete(client.reserve(timeout=0))
        except greenstalk.TimedOutError:
            return


def main() -> None:
    """Checks both managers."""
    servers = [address(text) for text in sys.argv[1:]]
    http = create_server("127.0.0.1", 0)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    with greenstalk.Client(servers[0], use="exported", watch="exported") as client:
        held = fill(client)
        for server in servers:
            check(server, http.server_port)
            print("what Prometheus sees")
        client.delete(held)
        empty(client)
    http.shutdown()


if __name__ == "__main__":
    main()
