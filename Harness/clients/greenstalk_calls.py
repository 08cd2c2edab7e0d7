"""Makes every public call of greenstalk: a task put through one manager is reserved through another.

usage: greenstalk_calls.py ADDRESS ADDRESS

An address is HOST:PORT, unix:/path, or beanrow+tls://HOST:PORT. The CA of the last one is in SSL_CERT_FILE.
"""

from __future__ import annotations

import dataclasses
import socket
import ssl
import sys
import time
from collections.abc import Callable
from typing import Any

import greenstalk


@dataclasses.dataclass
class TLSAddress:
    """The address of a TLS listener."""

    host: str
    port: int

    def connect(self) -> ssl.SSLSocket:
        """Returns a connected socket that encrypts."""
        context = ssl.create_default_context()
        return context.wrap_socket(socket.create_connection((self.host, self.port)), server_hostname=self.host)


Address = tuple[str, int] | str | TLSAddress

STATS_KEYS = greenstalk.Stats.__annotations__.keys()
JOB_KEYS = greenstalk.StatsJob.__annotations__.keys()
TUBE_KEYS = greenstalk.StatsTube.__annotations__.keys()


def address(text: str) -> Address:
    """Reads an address."""
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    host, port = text.removeprefix("beanrow+tls://").rsplit(":", 1)
    return TLSAddress(host, int(port)) if text.startswith("beanrow+tls://") else (host, int(port))


def client(target: Address, **options: Any) -> greenstalk.Client[Any]:
    """Connects greenstalk, which takes a socket that is already connected too."""
    return greenstalk.Client(target.connect() if isinstance(target, TLSAddress) else target, **options)


def raises(error: type[Exception], call: Callable[..., object], *arguments: object, **options: object) -> None:
    """Checks that a call raises this error."""
    try:
        result = call(*arguments, **options)
    except error:
        return
    raise AssertionError(f"{call.__name__}{arguments} returned {result!r} and did not raise {error.__name__}")


def equal(found: object, expected: object) -> None:
    """Checks a value."""
    assert found == expected, f"{found!r} instead of {expected!r}"


def producing_and_consuming(first: Address, second: Address) -> None:
    """Puts, reserves and deletes."""
    with (
        client(first, use="letters") as producer,
        client(second, watch="letters") as consumer,
    ):
        equal(producer.using(), "letters")
        equal(consumer.watching(), ["letters"])
        ids = [producer.put("Grüße"), producer.put("urgent", priority=1), producer.put("x" * 65535)]
        job = consumer.reserve()
        equal((job.id, job.body), (ids[1], "urgent"))
        consumer.delete(job)
        job = consumer.reserve(timeout=0)
        equal((job.id, job.body), (ids[0], "Grüße"))
        raises(greenstalk.NotFoundError, producer.delete, job)
        consumer.delete(job.id)
        equal(consumer.reserve(timeout=10).body, "x" * 65535)
        consumer.delete(ids[2])
        raises(greenstalk.TimedOutError, consumer.reserve, timeout=0)
        raises(greenstalk.JobTooBigError, producer.put, "x" * 65536)


def bytes_as_bodies(first: Address, second: Address) -> None:
    """Puts bytes that are not text."""
    with client(first, encoding=None) as producer, client(second, encoding=None) as consumer:
        body = bytes(range(256)) + b"\r\n"
        producer.put(body)
        job = consumer.reserve()
        equal(job.body, body)
        consumer.delete(job)


def claims(first: Address, second: Address) -> None:
    """Changes the state of a task."""
    with client(first) as producer, client(second) as consumer:
        task = producer.put("a", priority=7, ttr=1000)
        job = consumer.reserve_job(task)
        equal(job.body, "a")
        raises(greenstalk.NotFoundError, producer.reserve_job, task)
        consumer.touch(job)
        consumer.release(job, priority=8, delay=1000)
        stats = producer.stats_job(task)
        equal((stats["state"], stats["pri"], stats["delay"], stats["releases"]), ("delayed", 8, 1000, 1))
        equal(producer.peek_delayed().id, task)
        producer.kick_job(task)
        equal(producer.peek_ready().id, task)
        job = consumer.reserve()
        consumer.bury(job, priority=9)
        equal(producer.peek_buried().body, "a")
        equal(producer.peek(task).body, "a")
        equal(producer.kick(10), 1)
        equal(producer.kick(10), 0)
        consumer.delete(consumer.reserve())
        for call in [consumer.touch, consumer.release, consumer.bury, consumer.delete]:
            raises(greenstalk.NotFoundError, call, job)
        for call in [producer.peek, producer.kick_job, producer.stats_job]:
            raises(greenstalk.NotFoundError, call, task)
        for call in [producer.peek_ready, producer.peek_delayed, producer.peek_buried]:
            raises(greenstalk.NotFoundError, call)


def deadlines(first: Address, second: Address) -> None:
    """Lets a time to run pass."""
    with client(first) as producer, client(second) as consumer:
        task = producer.put("short", ttr=1)
        consumer.reserve()
        raises(greenstalk.DeadlineSoonError, consumer.reserve)
        # beanstalkd may forget a deadline until the connection does something (conn_timeout in prot.c).
        while consumer.stats_job(task)["state"] == "reserved":
            time.sleep(0.05)
        equal(producer.reserve().id, task)
        raises(greenstalk.NotFoundError, consumer.delete, task)
        equal(producer.stats_job(task)["timeouts"], 1)
        producer.delete(task)


def tubes(first: Address, second: Address) -> None:
    """Uses, watches and pauses tubes."""
    with client(first) as producer, client(second, watch=["a", "b"]) as consumer:
        equal(sorted(consumer.watching()), ["a", "b"])
        producer.use("c")
        equal(consumer.watch("c"), 3)
        equal(consumer.ignore("a"), 2)
        equal(consumer.ignore("b"), 1)
        raises(greenstalk.NotIgnoredError, consumer.ignore, "c")
        equal(sorted(producer.tubes()), ["c", "default"])
        equal(sorted(consumer.tubes()), ["c", "default"])
        producer.put("a")
        producer.pause_tube("c", 1000)
        raises(greenstalk.TimedOutError, consumer.reserve, timeout=0)
        stats = consumer.stats_tube("c")
        assert set(stats) >= set(TUBE_KEYS), set(TUBE_KEYS) - set(stats)
        equal((stats["name"], stats["pause"], stats["current-jobs-ready"]), ("c", 1000, 1))
        consumer.pause_tube("c", 0)
        consumer.delete(consumer.reserve(timeout=60))
        raises(greenstalk.NotFoundError, producer.stats_tube, "absent")
        raises(greenstalk.NotFoundError, producer.pause_tube, "absent", 1)
        raises(greenstalk.BadFormatError, producer.use, "no name")


def statistics(first: Address, second: Address) -> None:
    """Reads all statistics."""
    with client(first) as one, client(second) as other:
        task = one.put("a")
        equal(set(one.stats_job(task)), set(JOB_KEYS))
        equal(other.stats_job(task)["tube"], "default")
        for stats in one.stats(), other.stats():
            assert set(stats) >= set(STATS_KEYS), set(STATS_KEYS) - set(stats)
            equal(stats["current-jobs-ready"], 1)
        assert isinstance(one.stats()["pid"], int)
        other.delete(task)


def a_claim_ends_with_its_connection(first: Address, second: Address) -> None:
    """Closes the connection that holds a task."""
    consumer = client(first)
    with client(second) as other:
        task = other.put("a")
        equal(consumer.reserve().id, task)
        consumer.close()
        job = other.reserve()
        equal((job.id, other.stats_job(job.id)["reserves"]), (task, 2))
        other.delete(job)


def main() -> None:
    """Makes all calls, with each of the managers as the first."""
    first, second = map(address, sys.argv[1:])
    parts = [
        producing_and_consuming,
        bytes_as_bodies,
        claims,
        deadlines,
        tubes,
        statistics,
        a_claim_ends_with_its_connection,
    ]
    for part in parts:
        part(first, second)
        part(second, first)
        print(part.__name__)


if __name__ == "__main__":
    main()
