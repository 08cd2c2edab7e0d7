"""Makes every public call of pystalk: a task put through one manager is reserved through another.

usage: pystalk_calls.py HOST:PORT HOST:PORT
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from pystalk import BeanstalkClient, BeanstalkError, ProductionPool


def equal(found: object, expected: object) -> None:
    """Checks a value."""
    assert found == expected, f"{found!r} instead of {expected!r}"


def refused(message: str, call: Callable[..., object], *arguments: object, **options: object) -> None:
    """Checks that a manager refuses a call with this message."""
    try:
        result = call(*arguments, **options)
    except BeanstalkError as error:
        equal(error.message, message)
        return
    raise AssertionError(f"{call.__name__}{arguments} returned {result!r} and not {message}")


def producing_and_consuming(producer: BeanstalkClient, consumer: BeanstalkClient) -> None:
    """Puts, reserves and deletes."""
    consumer.watch("pystalk-letters")
    consumer.watch("others")
    consumer.ignore("others")
    consumer.watchlist = ["pystalk-letters"]
    equal(set(consumer.watchlist), {"pystalk-letters"})
    status, first = producer.put_job_into("pystalk-letters", "Grüße", ttr=30)
    equal(status, b"INSERTED")
    with producer.using("pystalk-letters") as inserter:
        _, urgent = inserter.put_job("urgent", pri=1)
        _, large = inserter.put_job(b"x" * 65535, pri=100_000)
        refused("JOB_TOO_BIG", inserter.put_job, "x" * 65536)
    job = consumer.reserve_job(timeout=1)
    equal((job.job_id, job.job_data), (urgent, "urgent"))
    consumer.delete_job(job)
    equal(consumer.reserve_job(0).job_data, "Grüße")
    refused("NOT_FOUND", producer.delete_job, first)
    consumer.delete_job(first)
    for job in consumer.reserve_iter():
        equal((job.job_id, len(job.job_data)), (large, 65535))
        consumer.delete_job(job.job_id)
    refused("TIMED_OUT", consumer.reserve_job, 0)


def states(producer: BeanstalkClient, consumer: BeanstalkClient) -> None:
    """Changes the state of a task."""
    producer.use("pystalk-states")
    consumer.watchlist = ["pystalk-states"]
    _, task = producer.put_job("a", pri=7, ttr=1000)
    consumer.use("pystalk-states")
    equal(consumer.peek_ready().job_id, task)
    consumer.reserve_job(0)
    equal(consumer.bury_job(task, pri=9), b"BURIED")
    equal(producer.peek_buried().job_id, task)
    equal(producer.kick_jobs(10), (b"KICKED", 1))
    equal(producer.kick_jobs(10), (b"KICKED", 0))
    consumer.reserve_job(0)
    equal(consumer.release_job(task, pri=8, delay=1000), b"RELEASED")
    equal(producer.peek_delayed().job_id, task)
    figures = producer.stats_job(task)
    equal((figures["state"], figures["pri"], figures["delay"], figures["releases"]), ("delayed", 8, 1000, 1))
    producer.kick_job(task)
    consumer.delete_job(consumer.reserve_job(0))
    for call in producer.peek_ready, producer.peek_delayed, producer.peek_buried:
        refused("NOT_FOUND", call)
    for iterate in producer.peek_ready_iter, producer.peek_delayed_iter, producer.peek_buried_iter:
        equal(list(iterate()), [])
    refused("NOT_FOUND", producer.kick_job, task)
    refused("NOT_FOUND", producer.stats_job, task)


def tubes(producer: BeanstalkClient, consumer: BeanstalkClient) -> None:
    """Uses, watches and pauses tubes."""
    producer.use("pystalk-pausing")
    consumer.watchlist = ["pystalk-pausing"]
    refused("NOT_IGNORED", consumer.ignore, "pystalk-pausing")
    _, task = producer.put_job("a")
    equal(producer.pause_tube("pystalk-pausing", delay=1000), b"PAUSED")
    refused("TIMED_OUT", consumer.reserve_job, 0)
    figures = consumer.stats_tube("pystalk-pausing")
    equal((figures["name"], figures["pause"], figures["current-jobs-ready"]), ("pystalk-pausing", 1000, 1))
    consumer.unpause_tube("pystalk-pausing")
    equal(consumer.reserve_job(20).job_id, task)
    consumer.delete_job(task)
    assert {"default", "pystalk-pausing"} <= set(producer.list_tubes()), producer.list_tubes()
    refused("NOT_FOUND", producer.stats_tube, "absent")


def statistics(producer: BeanstalkClient, consumer: BeanstalkClient) -> None:
    """Reads statistics."""
    _, task = producer.put_job("a")
    for client in producer, consumer:
        figures = client.stats()
        equal(figures["current-jobs-ready"], 1)
        for key in "cmd-put", "total-jobs", "current-tubes", "current-waiting", "uptime", "pid", "max-job-size":
            assert isinstance(figures[key], int), f"{key}: {figures[key]!r}"
        for key in "version", "id", "hostname", "os", "platform":
            assert str(figures[key]), key
    consumer.delete_job(task)


def pool(producer: BeanstalkClient, consumer: BeanstalkClient) -> None:
    """Puts through the first of several servers that answers."""
    servers = [f"beanstalkd://{client.host}:{client.port}" for client in (producer, consumer)]
    several = ProductionPool.from_uris(servers, socket_timeout=30)
    several.put_job_into("pystalk-pooled", "a")
    consumer.watchlist = ["pystalk-pooled"]
    consumer.delete_job(consumer.reserve_job(0))


def main() -> None:
    """Makes all calls, with each of the managers as the first."""
    addresses = sys.argv[1:]
    for part in producing_and_consuming, states, tubes, statistics, pool:
        for pair in addresses, addresses[::-1]:
            producer, consumer = (
                BeanstalkClient.from_uri(f"beanstalkd://{address}", socket_timeout=30, auto_decode=True)
                for address in pair
            )
            part(producer, consumer)
            producer.close()
            consumer.close()
        print(part.__name__)


if __name__ == "__main__":
    main()
