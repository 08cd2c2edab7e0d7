"""What clients see when time passes, the same with beanstalkd and with managers.

Replies put events in order. Only lower bounds of times are checked, never upper bounds.
"""

from __future__ import annotations

from .talk import Place, Stopwatch, check


def delay_passes(place: Place) -> None:
    """A delayed task reaches a waiting client when its delay is over."""
    producer, consumer = place.client(), place.client()
    watch = Stopwatch()
    id = producer.put("late", delay=1)
    consumer.say("reserve")
    check("reserve", consumer.hear(), "RESERVED late")
    watch.must_have_run(1, "the task came")
    check("delay", consumer.figures(f"stats-job {id}")["delay"], "1")


def delays_end_in_order(place: Place) -> None:
    """Tasks become ready in the order in which their delays end."""
    producer, consumer = place.client(), place.client()
    producer.put("third", priority=0, delay=2)
    producer.put("second", priority=5, delay=1)
    producer.put("first", priority=9)
    for body in ("first", "second", "third"):
        consumer.expect("reserve", f"RESERVED {body}")


def release_delays(place: Place) -> None:
    """A task released with a delay comes back when it is over."""
    producer, consumer = place.client(), place.client()
    id = producer.put("again")
    consumer.expect("reserve", "RESERVED again")
    watch = Stopwatch()
    consumer.expect(f"release {id} 1 1", "RELEASED")
    consumer.expect("reserve", "RESERVED again")
    watch.must_have_run(1, "the task came back")
    check("releases", consumer.figures(f"stats-job {id}")["releases"], "1")


def time_to_run_ends(place: Place) -> None:
    """A task whose time to run is over goes to another client, and the first client has lost it."""
    producer, slow, other = place.client(), place.client(), place.client()
    id = producer.put("slow", ttr=1)
    watch = Stopwatch()
    slow.expect("reserve", "RESERVED slow")
    other.say("reserve")
    check("reserve", other.hear(), "RESERVED slow")
    watch.must_have_run(1, "the task was taken away")
    for command in (f"delete {id}", f"release {id} 1 0", f"bury {id} 1", f"touch {id}"):
        slow.expect(command, "NOT_FOUND")
    figures = producer.figures(f"stats-job {id}")
    check("timeouts", figures["timeouts"], "1")
    check("reserves", figures["reserves"], "2")


def time_to_run_is_a_second_at_least(place: Place) -> None:
    """A time to run of 0 counts as 1."""
    producer, consumer = place.client(), place.client()
    id = producer.put("short", ttr=0)
    check("ttr", producer.figures(f"stats-job {id}")["ttr"], "1")
    watch = Stopwatch()
    consumer.expect("reserve", "RESERVED short")
    place.client().expect("reserve", "RESERVED short")
    watch.must_have_run(1, "the task was taken away")


def touch_restarts_the_time(place: Place) -> None:
    """A waiting client is warned in the last second of its task, and can ask for more time."""
    producer, consumer = place.client(), place.client()
    id = producer.put("long", ttr=2)
    watch = Stopwatch()
    consumer.expect("reserve", "RESERVED long")
    consumer.expect("reserve", "DEADLINE_SOON")
    watch.must_have_run(1, "the warning came")
    watch.is_pointless_after(1.8)
    watch = Stopwatch()
    consumer.expect(f"touch {id}", "TOUCHED")
    consumer.expect("reserve-with-timeout 30", "DEADLINE_SOON")
    watch.must_have_run(1, "the warning came again")
    watch.is_pointless_after(1.8)
    consumer.expect(f"delete {id}", "DELETED")


def last_second(place: Place) -> None:
    """In the last second of a task a reserve is answered with a warning, unless there is a task."""
    producer, consumer = place.client(0), place.client(1)
    producer.put("short", ttr=1)
    watch = Stopwatch()
    consumer.expect("reserve", "RESERVED short")
    consumer.say("reserve|reserve-with-timeout 0|reserve-with-timeout 30")
    replies = [consumer.hear() for _ in range(3)]
    watch.is_pointless_after(0.8)
    check("replies", replies, ["DEADLINE_SOON"] * 3)
    producer.put("another")
    replies = [consumer.ask("reserve"), consumer.ask("reserve")]
    watch.is_pointless_after(0.8)
    check("replies", replies, ["RESERVED another", "DEADLINE_SOON"])


def reserve_times_out(place: Place) -> None:
    """A reserve with a time-out is answered when it is over, or before if a task comes."""
    producer, first, second = place.client(), place.client(), place.client()
    watch = Stopwatch()
    first.say("reserve-with-timeout 1|list-tube-used")
    second.say("reserve-with-timeout 100")
    check("reserve", first.hear(), "TIMED_OUT")
    watch.must_have_run(1, "TIMED_OUT came")
    check("the next command", first.hear(), f"USING {place.tube}")
    producer.put("in time")
    check("reserve", second.hear(), "RESERVED in time")
    first.expect("reserve-with-timeout 0", "TIMED_OUT")


def time_out_comes_before_the_warning(place: Place) -> None:
    """A reserve whose time-out ends before the last second of a task held is answered with TIMED_OUT."""
    producer, consumer = place.client(), place.client()
    producer.put("held", ttr=4)
    watch = Stopwatch()
    consumer.expect("reserve", "RESERVED held")
    reply = consumer.ask("reserve-with-timeout 1")
    watch.is_pointless_after(2.5)
    check("reserve-with-timeout 1", reply, "TIMED_OUT")
    reply = consumer.ask("reserve-with-timeout 100")
    watch.is_pointless_after(3.8)
    check("reserve-with-timeout 100", reply, "DEADLINE_SOON")
    watch.must_have_run(3, "the warning came")


def pause_ends(place: Place) -> None:
    """Tasks of a paused tube are delivered when the pause is over."""
    producer, consumer, other = place.client(), place.client(), place.client()
    watch = Stopwatch()
    producer.expect(f"pause-tube {place.tube} 1", "PAUSED")
    id = producer.put("named")
    producer.put("paused")
    answers = [other.ask("reserve-with-timeout 0"), other.ask(f"reserve-job {id}")]
    figures = producer.figures(f"stats-tube {place.tube}")
    consumer.say("reserve")
    watch.is_pointless_after(0.8)
    check("answers", answers, ["TIMED_OUT", "RESERVED named"])
    check("pause", figures["pause"], "1")
    # beanstalkd rounds down, managers round up: docs/protocol.md, "Differences from beanstalkd".
    check("time left", figures["pause-time-left"] in ("0", "1"), True)
    check("reserve", consumer.hear(), "RESERVED paused")
    watch.must_have_run(1, "the task came")
    figures = producer.figures(f"stats-tube {place.tube}")
    check("pause", (figures["pause"], figures["pause-time-left"], figures["cmd-pause-tube"]), ("0", "0", "1"))


def pause_outlasts_delay(place: Place) -> None:
    """A delay that ends in a pause makes its task ready, but no client gets it before the pause is over."""
    producer, consumer = place.client(), place.client()
    watch = Stopwatch()
    producer.expect(f"pause-tube {place.tube} 2", "PAUSED")
    producer.put("both", delay=1)
    consumer.expect("reserve", "RESERVED both")
    watch.must_have_run(2, "the task came")


def half_closed(place: Place) -> None:
    """A client that will send no more is not kept waiting, and its commands are all answered."""
    producer, waiting, hasty = place.client(), place.client(), place.client()
    waiting.say("reserve|list-tube-used|reserve-with-timeout 100")
    hasty.say("reserve-with-timeout 100|use elsewhere")
    waiting.finish()
    hasty.finish()
    replies = [waiting.hear() for _ in range(3)]
    check("replies", replies, ["TIMED_OUT", f"USING {place.tube}", "TIMED_OUT"])
    check("replies", [hasty.hear(), hasty.hear()], ["TIMED_OUT", "USING elsewhere"])
    waiting.hear_the_end()
    hasty.hear_the_end()
    producer.put("kept")
    producer.expect("reserve", "RESERVED kept")


def tasks_of_a_half_closed_client(place: Place) -> None:
    """The tasks of a client that will send no more are ready when the server has closed the connection."""
    producer, first, second = place.client(), place.client(), place.client()
    producer.put("held")
    first.expect("reserve", "RESERVED held")
    second.say("reserve")
    first.finish()
    first.hear_the_end()
    check("reserve", second.hear(), "RESERVED held")


def equal_priorities(place: Place) -> None:
    """Of tasks with equal priority the older comes first, also after it was released or kicked."""
    producer, consumer = place.client(), place.client()
    ids = {body: producer.put(body) for body in ("a", "b", "c", "d")}
    consumer.expect("reserve", "RESERVED a")
    consumer.expect("reserve", "RESERVED b")
    consumer.expect(f"bury {ids['b']} 10", "BURIED")
    producer.put("e")
    consumer.expect(f"release {ids['a']} 10 0", "RELEASED")
    consumer.expect("kick 1", "KICKED 1")
    producer.put("f", priority=9)
    for body in ("f", "a", "b", "c", "d", "e"):
        consumer.expect("reserve", f"RESERVED {body}")


def buried_in_order(place: Place) -> None:
    """Buried tasks are kicked in the order in which they were buried."""
    producer, consumer = place.client(), place.client()
    ids = {body: producer.put(body) for body in ("a", "b", "c")}
    for _ in ids:
        consumer.ask("reserve")
    for body in ("c", "a", "b"):
        consumer.expect(f"bury {ids[body]} {ids[body]}", "BURIED")
    for body in ("c", "a", "b"):
        producer.expect("peek-buried", f"FOUND {body}")
        consumer.expect("kick 1", "KICKED 1")
        consumer.expect("reserve", f"RESERVED {body}")


SCENARIOS = [
    delay_passes,
    delays_end_in_order,
    release_delays,
    time_to_run_ends,
    time_to_run_is_a_second_at_least,
    touch_restarts_the_time,
    last_second,
    reserve_times_out,
    time_out_comes_before_the_warning,
    pause_ends,
    pause_outlasts_delay,
    half_closed,
    tasks_of_a_half_closed_client,
    equal_priorities,
    buried_in_order,
]
