"""Does each step to beanstalkd and to the managers, and compares the replies."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from ..lib.beanstalk import PATIENCE, BadReply, Reply
from .comparison import Comparison, Difference
from .corners import Rules
from .links import Side
from .servers import Server
from .state import Client, State
from .steps import Command, Step


@dataclass(frozen=True)
class Exchange:
    """A command and beanstalkd's reply."""

    connection: int
    command: Command
    reply: Reply


class Lockstep:
    """Both sides, and what is known of them."""

    def __init__(
        self,
        oracle: Server,
        subjects: list[Server],
        counts_announced: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        """Connects to freshly started servers.

        - ``counts_announced``: see ``Comparison``.
        - ``patience``: the seconds after which a reply counts as missing.
        """
        self.state = State()
        self.rules = Rules(managers=len(subjects))
        self.history: deque[str] = deque(maxlen=60)
        """The last steps and replies, as text."""
        self._servers = [[oracle], subjects]
        self._oracle = Side("beanstalkd", [oracle.address], len(subjects), patience)
        self._subject = Side("the manager", [server.address for server in subjects], len(subjects), patience)
        self._comparison = Comparison(self.state, self._oracle, self._subject, counts_announced)
        self._kept_back: dict[int, tuple[bytes, bytes]] = {}
        """The last packet of a step for both sides, which was not sent yet."""

    def close(self) -> None:
        """Closes all connections."""
        self._oracle.close()
        self._subject.close()

    def do(self, step: Step) -> bool:
        """Does a step unless it would lead into a corner; returns whether it did.

        Raises:
            Difference: if the subject did something else than beanstalkd.

        """
        if self.rules.forbids(step, self.state):
            return False
        self.history.append(step.describe())
        try:
            match step.do:
                case "open":
                    self._open(step)
                case "drain":
                    self._drain()
                case "send":
                    self._send(self.state.clients[step.connection], step)
                case "rest":
                    self._send_rest(self.state.clients[step.connection])
                case _:
                    self._end(self.state.clients[step.connection])
        except BadReply as error:
            raise Difference(f"not a reply of the protocol: {error}") from None
        return True

    def _open(self, step: Step) -> None:
        server = step.server % self.rules.managers
        for side in (self._oracle, self._subject):
            side.open(step.connection, server)
        self.state.clients[step.connection] = Client(step.connection, server)
        # With the first reply, its position among the connections of both sides is certain.
        command = Command("list-tube-used", b"list-tube-used\r\n")
        self._send(self.state.clients[step.connection], Step("send", step.connection, commands=(command,)))

    def _drain(self) -> None:
        for side, servers in zip((self._oracle, self._subject), self._servers, strict=True):
            for number, server in enumerate(servers):
                server.drain()
                deadline = time.monotonic() + self._subject.patience
                while side.probe(number)["draining"] != "true":
                    if time.monotonic() > deadline:
                        raise Difference(f"{side.name} does not go into drain mode")

    def _send(self, client: Client, step: Step) -> None:
        oracle, subject, kept_back, head_sent = self._comparison.numbering.packets(step.commands, step.cuts)
        whole = step.commands
        if step.keeps_back and len(oracle) > 1:
            self._kept_back[client.number] = (oracle.pop(), subject.pop())
            client.kept_back, client.head_sent = kept_back, head_sent
            whole = whole[: len(whole) - len(kept_back)]
        self._transmit(client, oracle, subject, whole)

    def _send_rest(self, client: Client) -> None:
        oracle, subject = self._kept_back.pop(client.number)
        whole, client.kept_back, client.head_sent = client.kept_back, (), False
        self._transmit(client, [oracle], [subject], whole)

    def _transmit(self, client: Client, oracle: list[bytes], subject: list[bytes], whole: tuple[Command, ...]) -> None:
        self._comparison.mark()
        for side, packets in ((self._oracle, oracle), (self._subject, subject)):
            for index, packet in enumerate(packets):
                if index:
                    # With the reply, the server has read the packet before.
                    side.probe(client.server % len(side.addresses))
                side.send(client.number, packet)
        for command in whole:
            if command.verb == "quit":
                client.finishing = True
                break
            client.outstanding.append(command)
        self._settle(client)

    def _end(self, client: Client) -> None:
        client.finishing = True
        for side in (self._oracle, self._subject):
            side.links[client.number].finish()
        self._settle(client)

    def _settle(self, actor: Client) -> None:
        """Waits until both sides have nothing more to do, and compares what they did."""
        exchanges = self._settle_oracle(actor)
        for exchange in exchanges:
            self.state.learn(self.state.clients[exchange.connection], exchange.command, exchange.reply)
        for waiter in self.state.waiters():
            self.state.begins_to_wait(waiter)
        self._settle_subject(actor)
        for exchange in exchanges:
            self.history.append(f"    {exchange.connection}: {exchange.command.verb} → {exchange.reply.abbreviated()}")
            reply = self._subject.links[exchange.connection].take()
            assert reply is not None
            client = self.state.clients[exchange.connection]
            self._comparison.compare(client, exchange.command, exchange.reply, reply)
        for number, link in self._subject.links.items():
            if (reply := link.take()) is not None:
                raise Difference(f"one reply too many on connection {number}", actual=reply)
        if actor.finishing:
            self._forget(actor)

    def _settle_oracle(self, actor: Client) -> list[Exchange]:
        """Reads beanstalkd's replies until every connection has all of them or waits for a task.

        Silence does not show that a connection waits. But the waiting connections are among those whose oldest command
        without a reply is a reserve. So they are the same when beanstalkd counts as many.

        Returns:
            The replies, with those to the acting connection first.

        """
        side, exchanges = self._oracle, list[Exchange]()
        deadline = time.monotonic() + self._subject.patience
        while True:
            for number, link in side.links.items():
                while (reply := link.take()) is not None:
                    exchanges.append(Exchange(number, self.state.clients[number].outstanding.popleft(), reply))
            waiters = self.state.waiters()
            if self._owes(actor):
                has_news = side.pump(0.1)
            else:
                all_wait = not waiters or int(side.probe(0)["current-waiting"]) == len(waiters)
                has_news = side.pump(0)
                if all_wait and not has_news:
                    return sorted(exchanges, key=lambda exchange: exchange.connection != actor.number)
            if not has_news and time.monotonic() > deadline:
                raise RuntimeError("beanstalkd does not reply:\n" + "\n".join(self.history))

    def _owes(self, actor: Client) -> bool:
        """Returns whether beanstalkd has to send something for which no task is needed."""
        if actor.finishing:
            return not self._oracle.links[actor.number].ended
        return any(client.outstanding and not client.waits for client in self.state.clients.values())

    def _settle_subject(self, actor: Client) -> None:
        """Waits until the subject has sent as many replies as beanstalkd, and as many connections wait there."""
        side = self._subject
        deadline = time.monotonic() + self._subject.patience
        while (late := self._late(actor)) is not None:
            if not side.pump(0.1) and time.monotonic() > deadline:
                raise Difference(f"nothing comes on connection {late}, but beanstalkd has sent a reply or closed it")
        waiters = self.state.waiters()
        for server in range(self.rules.managers):
            count = sum(waiter.server == server for waiter in waiters)
            is_concerned = count > 0 or (actor.finishing and server == actor.server)
            if is_concerned and not side.wait_until_waiting(server, count):
                raise Difference(f"{count} connections should wait at server {server}")
        side.pump(0)

    def _late(self, actor: Client) -> int | None:
        """Returns a connection on which the subject still has to send a reply or to close, None if there is none."""
        for number, link in self._subject.links.items():
            if link.replies_received < self._oracle.links[number].replies_received:
                if link.ended:
                    raise Difference(f"connection {number} is closed, but beanstalkd sends replies")
                return number
        return actor.number if actor.finishing and not self._subject.links[actor.number].ended else None

    def _forget(self, client: Client) -> None:
        rests = [side.links[client.number].rest for side in (self._oracle, self._subject)]
        if rests[0] != rests[1]:
            raise Difference("another incomplete reply before the end", None, *rests)
        self.state.close(client)
        self._kept_back.pop(client.number, None)
        for side in (self._oracle, self._subject):
            side.forget(client.number)
