"""What the stream avoids: where managers deliberately differ from beanstalkd, or cannot be compared with it.

docs/protocol.md lists the differences for users; here are the reasons. A step that would lead into a corner is left
out, when a stream is generated and when a part of it is played again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from .state import Client, State
from .steps import Command, Step

#: Commands that may make a task ready.
_MAKES_READY = {"put", "release", "kick", "kick-job", "pause-tube"}


class Corner(Enum):
    """A corner, and the reason to avoid it."""

    BUSY = "the connection waits for a task or has other bytes to send first"
    WAITING_ORDER = (
        "beanstalkd serves several connections that wait for one tube in an order that depends on earlier services "
        "(ms_take in ms.c); managers serve the connection that has waited longest"
    )
    MANY_AT_ONCE = (
        "if one command makes several tasks ready while a connection waits, beanstalkd delivers the one that became "
        "ready first; managers deliver the most urgent"
    )
    OFFERED_ONCE = (
        "managers execute all commands that have arrived as one transaction and offer its tasks to a waiting "
        "connection once; if several commands that are sent together make tasks ready, the result is as if other "
        "connections had sent some of them"
    )
    PUT_UNDER_WAY = (
        "beanstalkd numbers and counts a task when the line of its put has come, a manager when its body has come; so "
        "two puts at the same time may get their numbers in the other order"
    )
    COMMANDS_BEHIND_A_WAIT = (
        "commands behind a waiting reserve are executed when it is served, at the same time as those of the connection "
        "that has put the task, in an order that no protocol can promise"
    )
    OTHER_MANAGER = (
        "a connection that waits at another manager is served there, a moment after a command has made a task ready "
        "here, and connections that wait here come first"
    )


@dataclass(frozen=True)
class Rules:
    """Which corners there are in a run."""

    managers: int = 1

    def forbids(self, step: Step, state: State) -> Corner | None:
        """Returns the corner that a step would lead into, None if there is none."""
        if step.do == "open":
            return Corner.BUSY if step.connection in state.clients else None
        if step.do == "drain":
            return Corner.PUT_UNDER_WAY if state.put_under_way() else None
        client = state.clients.get(step.connection)
        if client is None:
            return Corner.BUSY
        if step.do in ("close", "gone"):
            return self._forbids_end(step.do == "gone", client, state)
        if step.do == "rest":
            commands = client.kept_back
        elif client.outstanding or client.kept_back:
            return Corner.BUSY
        else:
            commands = step.commands
        if not commands:
            return Corner.BUSY
        return next(self._corners(commands, step.keeps_back, client, state), None)

    def _forbids_end(self, in_mid_command: bool, client: Client, state: State) -> Corner | None:
        if in_mid_command != bool(client.kept_back):
            return Corner.BUSY
        if any(not queue.is_fair(leaving=client.number) for queue in state.waiting.values()):
            return Corner.WAITING_ORDER
        tubes = [task.tube for task in state.held(client.number)]
        wanted = [tube for tube in tubes if any(waiter != client.number for waiter in state.waiting[tube])]
        return Corner.MANY_AT_ONCE if len(wanted) > 1 else None

    def _corners(
        self,
        commands: tuple[Command, ...],
        keeps_back: bool,
        client: Client,
        state: State,
    ) -> Iterator[Corner]:
        waiters = state.waiters()
        has_followers = any(len(waiter.outstanding) > 1 for waiter in waiters)
        verbs = {command.verb for command in commands}
        may_wait = any(command.may_wait for command in commands)
        if len(commands) > 1:
            if len(waiters) > 1 or has_followers or (waiters and (may_wait or verbs & {"kick", "pause-tube", "quit"})):
                yield Corner.COMMANDS_BEHIND_A_WAIT
            if waiters and sum(command.verb in _MAKES_READY for command in commands) > 1:
                yield Corner.OFFERED_ONCE
            if self.managers > 1 and any(waiter.server != client.server for waiter in waiters):
                yield Corner.OTHER_MANAGER
        if may_wait and (has_followers or "quit" in verbs):
            yield Corner.COMMANDS_BEHIND_A_WAIT
        if keeps_back and (may_wait or has_followers or "quit" in verbs):
            yield Corner.COMMANDS_BEHIND_A_WAIT
        if state.put_under_way() not in (None, client) and verbs & {"put", "stats"}:
            yield Corner.PUT_UNDER_WAY
        for command in commands:
            yield from self._corners_of(command, client, state)

    def _corners_of(self, command: Command, client: Client, state: State) -> Iterator[Corner]:
        if command.verb == "kick" and command.amount != 1 and len(state.waiting[client.using]):
            yield Corner.MANY_AT_ONCE
        if command.verb == "pause-tube" and len(state.waiting[command.tube or ""]) > 1:
            yield Corner.MANY_AT_ONCE
        if command.verb == "quit" and (corner := self._forbids_end(bool(client.kept_back), client, state)):
            yield corner
        if command.may_wait:
            yield from self._corners_of_waiting(client, state)

    def _corners_of_waiting(self, client: Client, state: State) -> Iterator[Corner]:
        for tube in client.watching:
            queue = state.waiting[tube]
            others = [state.clients[number] for number in queue]
            if self.managers > 1 and any(other.server != client.server for other in others):
                yield Corner.OTHER_MANAGER
            if others and any(other.watching != [tube] for other in [client, *others]):
                yield Corner.WAITING_ORDER
            if others and not queue.is_fair(joining=client.number):
                yield Corner.WAITING_ORDER
