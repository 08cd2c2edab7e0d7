"""Has beanstalkd-exporter read the statistics of two managers, and checks what it tells Prometheus.

usage: exporter_calls.py HOST:PORT HOST:PORT

The exporter's own program starts a beanstalkd beside itself, so its parts are used: client, collector, HTTP server.
"""

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


def equal(found, expected, what):
    assert found == expected, f"{what}: {found!r} instead of {expected!r}"


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def scrape(port):
    """All samples that Prometheus would see: name, tube → value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        families = text_string_to_metric_families(response.read().decode())
        return {(sample.name, sample.labels.get("tube")): sample.value for each in families for sample in each.samples}


def has_all_keys(client):
    """The exporter leaves out what it does not find, so ask for it."""
    figures = client.stats()
    for key in metrics_catalog.SERVER_GAUGES + metrics_catalog.SERVER_COUNTERS:
        float(figures[key])
    figures = client.stats_tube("exported")
    for key in metrics_catalog.TUBE_GAUGES:
        float(figures[key])


def check(server, port):
    client = BeanstalkClient(*server)
    has_all_keys(client)
    Collector(client, interval=1).collect()
    samples = scrape(port)
    for tube in None, "exported":
        prefix = "" if tube is None else "tube_"
        for key, value in ("ready", 3), ("urgent", 1), ("delayed", 1), ("buried", 1), ("reserved", 1):
            name = metric_name(f"{prefix}current-jobs-{key}")
            equal(samples.get((name, tube)), value, f"{name} of {tube or 'the server'}")
    equal(samples[metric_name("tube_pause"), "exported"], 1000, "pause")
    assert samples[metric_name("current-connections"), None] >= 1


def fill(client):
    """One task buried, one reserved, one delayed, three ready of which one is urgent; the tube paused.

    Returns the task reserved.
    """
    for number in range(5):
        client.put(str(number), priority=1000 * number, delay=1000 if number == 4 else 0)
    client.bury(client.reserve())
    held = client.reserve()
    client.put("urgent", priority=0)
    client.pause_tube("exported", 1000)
    return held


def empty(client):
    client.pause_tube("exported", 0)
    while client.kick(10):
        pass
    while True:
        try:
            client.delete(client.reserve(timeout=0))
        except greenstalk.TimedOutError:
            return


def main():
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
