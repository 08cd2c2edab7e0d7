"""The clients of a run: producers, consumers and an operator. Most behave well, some do not."""

from __future__ import annotations

import threading
import time

from ..lib import bodies
from ..lib.beanstalk import Connection, Disconnected, Reply, Stalled, encode
from ..lib.database import Away
from .context import TUBES, Place, RunContext
from .history import GAVE_UP, SUCCESS, Delivery, Pause, Put, Use, now

#: The seconds that a client waits for a reply: longer than any fault, so a missing reply is a finding.
PATIENCE = 60.0

#: What managers may do while they cannot reach their database, in the words of the report.
GIVEN_UP = "commands given up, the database could not be reached"
LEFT_UNANSWERED = "connections closed without a reply, the database could not be reached"

#: A delay that is longer than any run.
LONG = 100_000


class Quit(Exception):
    """The client has closed its connection itself."""


class Client(threading.Thread):
    """A thread with one connection at a time. When it breaks, the next goes to a manager that is chosen at random."""

    def __init__(self, context: RunContext, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.context = context
        self.rng = context.rng(name)
        self.connection: Connection
        self.number = 0
        self.alive_at = 0.0
        self.place: Place = context.places[0]
        self.opened_at = 0.0

    def run(self) -> None:
        """Works with one connection after the other until the run ends."""
        self.context.enter(type(self).__name__)
        while not self.context.stopping.is_set():
            self.place = self.rng.choice(self.context.places)
            self.alive_at = self.opened_at = now()
            try:
                self.connection = Connection(self.place.manager.address, PATIENCE)
            except Disconnected:
                self.context.stopping.wait(0.05)
                continue
            self.number = self.context.next_connection()
            try:
                self.work()
                self.leave()
            except Quit:
                pass
            except Disconnected as error:
                self.broken(error)
            except Exception as error:
                self.context.history.find(f"{self.name}: {type(error).__name__}: {error}")
                self.leave()

    def work(self) -> None:
        """Uses the connection for a while."""
        raise NotImplementedError

    def leave(self, *, by_reset: bool = False) -> None:
        """Closes the connection."""
        # Its manager may have died earlier, while the client was sending nothing.
        self.context.end(self.number, min(now(), self.place.downtime(self.opened_at) or now()))
        if by_reset:
            self.connection.reset()
        else:
            self.connection.close()

    def quit(self, why: str) -> None:
        """Closes the connection at a moment at which a correct client would not."""
        self.context.injected[why] += 1
        self.leave(by_reset=self.rng.random() < 0.5)
        raise Quit

    def broken(self, error: Disconnected) -> None:
        """Handles a broken connection; reports it unless its manager was down or could not reach its database."""
        downtime = self.place.downtime(self.opened_at)
        if downtime is None and not isinstance(error, Stalled) and self.place.excuses(self.alive_at, now()):
            self.context.injected[LEFT_UNANSWERED] += 1
        elif isinstance(error, Stalled) or downtime is None:
            self.context.history.find(f"{self.name}: {self.place.manager.name}: {error}, without cause")
        self.context.end(self.number, self.alive_at if downtime is None else downtime)
        self.connection.close()

    def reply(self) -> Reply:
        """Waits for the next reply, which shows that the connection is alive."""
        reply = self.connection.reply()
        self.alive_at = now()
        return reply

    def use(self, verb: str, id: int, *arguments: object, delay: int = 0) -> bool:
        """Sends a command about one task; returns whether it succeeded."""
        sent, received, word = now(), None, None
        try:
            self.connection.send(encode(verb, id, *arguments))
            word = self.reply().word
            received = now()
        finally:
            self.context.history.add(Use(verb, id, self.number, sent, received, word, delay))
        if word not in (SUCCESS[verb], "NOT_FOUND"):
            self.refused(verb, word, sent)
        if verb == "delete" and word == "DELETED":
            self.place.deleted_at = self.alive_at
            self.context.count_finished()
        return word == SUCCESS[verb]

    def refused(self, what: str, word: str, sent: float) -> None:
        """Reports a reply that is not a success, unless the manager could not reach its database."""
        if word == GAVE_UP and self.place.excuses(sent, now()):
            self.context.injected[GIVEN_UP] += 1
        else:
            self.context.history.find(f"{self.name}: {self.place.manager.name}: the reply to {what} is {word}")

    def prepare(self, word: str, *commands: bytes) -> bool:
        """Sends the first commands of a connection; returns whether all have got the reply ``word``."""
        sent = now()
        self.connection.send(b"".join(commands))
        words = [self.reply().word for _ in commands]
        for other in words:
            if other != word:
                self.refused("a new connection's first command", other, sent)
        return all(other == word for other in words)


class Producer(Client):
    """A client that puts tasks, at its share of the run's rate."""

    def __init__(self, context: RunContext, name: str, share: float) -> None:
        super().__init__(context, name)
        self.interval = 1 / (context.rate * share)
        self.next_at = now()
        self.puts = 0

    def work(self) -> None:
        """See `Client`."""
        tube = self.rng.choice(TUBES)
        if not self.prepare("USING", encode("use", tube)):
            return
        for _ in range(self.rng.randint(10, 300)):
            if not self.pace():
                return
            dice = self.rng.random()
            if dice < 0.985:
                count = self.rng.choice((1, 1, 1, 1, 4))
                self.put(tube, count)
                self.next_at += (count - 1) * self.interval
            else:
                self.cut_off(tube, dice)

    def pace(self) -> bool:
        """Waits until the next put is due; returns whether the run still goes on."""
        self.next_at = max(self.next_at + self.interval, now() - 1)
        while not self.context.stopping.is_set():
            if self.context.is_crowded:
                self.next_at = now() + 0.05
            left = self.next_at - now()
            if left <= 0:
                return True
            self.context.stopping.wait(left)
        return False

    def make(self, tube: str) -> tuple[Put, bytes]:
        """Returns a new task, and the command that puts it."""
        self.puts += 1
        key = f"{self.name}-{self.puts}"
        dice = self.rng.random()
        delay = 0 if dice < 0.9 else LONG if dice < 0.93 else self.rng.randint(1, 4)
        ttr = self.rng.choice((1, 2, 3, 5, 60))
        body = bodies.make(key, bodies.some_size(self.rng))
        put = Put(key, tube, now(), None, None, None, delay, ttr)
        return put, encode("put", self.rng.choice((0, 1000, 2000)), delay, ttr, body=body)

    def put(self, tube: str, count: int) -> None:
        """Puts several tasks with one packet."""
        made = [self.make(tube) for _ in range(count)]
        replies: list[tuple[Reply, float]] = []
        try:
            self.connection.send(b"".join(command for _, command in made))
            for _ in made:
                replies.append((self.reply(), now()))
        finally:
            for index, (put, _) in enumerate(made):
                if index >= len(replies):
                    self.context.history.add(put)
                    continue
                reply, received = replies[index]
                id = reply.id if reply.word == "INSERTED" else None
                word = reply.word
                self.context.history.add(Put(put.key, tube, put.sent, received, word, id, put.delay, put.ttr))
                if word != "INSERTED":
                    self.refused("put", word, put.sent)
                if id is not None and put.delay == LONG:
                    self.context.shelved.append(id)

    def cut_off(self, tube: str, dice: float) -> None:
        """Breaks the connection within a put, or directly after it."""
        put, command = self.make(tube)
        line = command.index(b"\r\n") + 2
        if dice < 0.99:
            end, why = self.rng.randint(1, line - 1), "connections cut in a command line"
        elif dice < 0.995:
            end, why = self.rng.randint(line, len(command) - 1), "connections cut in a body"
        else:
            end, why = len(command), "connections cut before the reply"
        word = None if end == len(command) else "CUT OFF"
        self.context.history.add(Put(put.key, tube, put.sent, None, word, None, put.delay, put.ttr))
        self.connection.send(command[:end])
        self.quit(why)


class Consumer(Client):
    """A client that reserves tasks and does with them what consumers do."""

    def work(self) -> None:
        """See `Client`."""
        tubes = self.rng.sample(TUBES, self.rng.randint(1, len(TUBES)))
        if not self.prepare("WATCHING", *(encode("watch", tube) for tube in tubes), encode("ignore", "default")):
            return
        for _ in range(self.rng.randint(20, 300)):
            if self.context.stopping.is_set():
                return
            delivery = self.take()
            if delivery is not None:
                self.handle(delivery)
            elif self.rng.random() < 0.01:
                self.connection.send(encode("reserve"))
                self.quit("connections cut while they waited")

    def take(self) -> Delivery | None:
        """Reserves a task."""
        sent = now()
        self.connection.send(encode("reserve-with-timeout", self.rng.choice((0, 1, 1, 1, 2))))
        reply = self.reply()
        if reply.word != "RESERVED":
            if reply.word not in ("TIMED_OUT", "DEADLINE_SOON"):
                self.refused("reserve-with-timeout", reply.word, sent)
            return None
        key = bodies.key_of(reply.body)
        if key is None:
            self.context.history.find(f"task {reply.id} has {bodies.shown(reply.body)}")
            return None
        delivery = Delivery(reply.id, key, "", self.number, sent, self.alive_at, self.place.manager.name)
        self.context.history.add(delivery)
        return delivery

    def handle(self, delivery: Delivery) -> None:
        """Works on a task, and ends its claim in a way that is chosen at random."""
        id, dice = delivery.id, self.rng.random()
        if dice < 0.74:
            time.sleep(self.rng.random() ** 4 * 0.05)
            self.use("delete", id)
        elif dice < 0.76:
            for _ in range(self.rng.randint(1, 5)):
                time.sleep(self.rng.random() ** 3)
                self.use("touch", id)
            self.use("delete", id)
        elif dice < 0.77:
            self.context.injected["tasks held for longer than the time to run of most"] += 1
            time.sleep(self.rng.uniform(1, 4))
            self.use("delete", id)
        elif dice < 0.88:
            delay = self.rng.choice((0, 0, 1, 3))
            self.use("release", id, self.rng.choice((0, 3000)), delay, delay=delay)
        elif dice < 0.94:
            if self.use("bury", id, self.rng.choice((0, 3000))):
                self.context.shelved.append(id)
        elif dice < 0.98:
            if (other := self.take()) is not None:
                self.use("delete", other.id)
            self.use("delete", id)
        else:
            self.quit("consumers that died with a task")


class Operator(Client):
    """A client that kicks and deletes shelved tasks, pauses tubes, reads statistics, and inserts tasks with SQL."""

    def __init__(self, context: RunContext, name: str) -> None:
        super().__init__(context, name)
        self.paused_until = dict.fromkeys(TUBES, 0.0)
        self.puts = 0

    def work(self) -> None:
        """See `Client`."""
        for _ in range(self.rng.randint(20, 200)):
            if self.context.stopping.wait(self.rng.random() * 0.1):
                return
            dice = self.rng.random()
            if dice < 0.7:
                # The tasks shelved longest ago first, so that some tasks always are shelved, and not too many.
                for _ in range(min(20, len(self.context.shelved) - 200)):
                    id = self.context.shelved.popleft()
                    self.use(self.rng.choice(("kick-job", "kick-job", "delete")), id)
            elif dice < 0.75:
                self.pause()
            elif dice < 0.9:
                self.look()
            else:
                self.insert()

    def pause(self) -> None:
        """Pauses a tube that is not paused, or ends a pause that is too long because the clock was set back."""
        tube, seconds, sent = self.rng.choice(TUBES), self.rng.randint(1, 3), now()
        if self.paused_until[tube] > sent:
            return
        if self.paused_until[tube] > 0:
            self.paused_until[tube] = 0
            self.connection.send(encode("pause-tube", tube, 0))
            if (reply := self.reply()).word not in ("PAUSED", "NOT_FOUND"):
                self.refused("pause-tube", reply.word, sent)
            return
        # Later than its end: pauses of one tube must not overlap, whatever the clock does.
        self.paused_until[tube] = sent + 3 * seconds + 10
        self.connection.send(encode("pause-tube", tube, seconds))
        if (reply := self.reply()).word == "PAUSED":
            self.context.history.add(Pause(tube, sent, self.alive_at, seconds))
        elif reply.word != "NOT_FOUND":
            self.refused("pause-tube", reply.word, sent)

    def look(self) -> None:
        """Reads statistics."""
        tube = self.rng.choice(TUBES)
        for words in (("stats",), ("stats-tube", tube), ("list-tubes",), ("peek-ready",)):
            sent = now()
            self.connection.send(encode(*words))
            if (reply := self.reply()).word not in ("OK", "FOUND", "NOT_FOUND"):
                self.refused(words[0], reply.word, sent)

    def insert(self) -> None:
        """Inserts a task with SQL, as another program does that uses the database."""
        self.puts += 1
        key, tube, sent = f"{self.name}-sql-{self.puts}", self.rng.choice(TUBES), now()
        put = Put(key, tube, sent, None, None, None)
        try:
            self.context.tasks.insert(tube, bodies.make(key, 60))
            put = Put(key, tube, sent, now(), "INSERTED", None)
            self.context.injected["tasks inserted with SQL"] += 1
        except Away as error:
            if not self.context.may_be_away(sent):
                self.context.history.find(f"{self.name}: INSERT INTO task: {error}")
        finally:
            self.context.history.add(put)
