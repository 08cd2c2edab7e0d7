"""Runs a workload against several systems in turn, round after round."""

from ..lib.processes import Failure, peak_memory, present_memory


def compare(workload, systems, generator, directory, *, rounds, seconds, say, found=None, keep=lambda: None):
    """Returns what was measured, by system; fills `found` with it as it goes, and calls `keep` after each run.

    All systems are up all the time; each run is short, and every round goes through all of them in another order, so that
    whatever else the machine does meets all of them alike. How many tasks a run has follows from the speed seen so far.
    """
    found = {} if found is None else found
    found.update({system.key: {"title": system.title, "durable": system.durable, "runs": []} for system in systems})
    lengths, number = {}, 0

    def fail(system, failure):
        say(f"  {system.title}: {failure}\n  the end of its log: {system.last_words()}")
        found[system.key]["failed"] = str(failure)
        system.dispose()

    try:
        for system in systems:
            try:
                system.start(directory)
                number += 1
                lengths[system.key] = _calibrate(workload, system, generator, seconds, number)
            except Failure as failure:
                fail(system, failure)
        for turn in range(rounds):
            alive = [system for system in systems if "failed" not in found[system.key]]
            for system in alive[turn % len(alive) :] + alive[: turn % len(alive)] if alive else []:
                number += 1
                try:
                    system.settle()
                    result = workload.run(generator, system, lengths[system.key], f"{number}", _limit(seconds))
                except Failure as failure:
                    fail(system, failure)
                    continue
                entry, run = found[system.key], result.as_dict()
                if system.memory_roots:
                    run["memory"] = present_memory(system.memory_roots)
                    entry["peak_memory"] = peak_memory(system.memory_roots)
                entry["runs"].append(run)
                keep()
                lengths[system.key] = _tasks(workload, result.rate, seconds)
                latency = result.latencies.get(f"{workload.latency}_p50", 0)
                say(f"  round {turn + 1}  {system.title:34} {result.rate:>9.0f} tasks/s   {workload.latency} p50 {latency} µs")
    finally:
        for system in systems:
            system.dispose()
    return found


def _limit(seconds):
    return int(60 + seconds * 20)


def _tasks(workload, rate, seconds):
    return max(workload.first_tasks, min(int(rate * seconds), workload.most_tasks))


def _calibrate(workload, system, generator, seconds, number):
    """Runs shortly, which also warms everything up, to see how many tasks make a run of so many seconds."""
    tasks = workload.first_tasks
    for attempt in range(3):
        result = workload.run(generator, system, tasks, f"{number}-{attempt}", _limit(seconds))
        wanted = _tasks(workload, result.rate, seconds)
        if result.seconds >= seconds / 5 or wanted <= tasks:
            break
        tasks = min(wanted, tasks * 10)
    return wanted
