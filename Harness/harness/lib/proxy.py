"""A TCP proxy that can delay everything that passes through it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .beanstalk import Address


@dataclass(frozen=True, slots=True)
class Delay:
    """How late bytes arrive, in seconds: in the direction of the server, and in the other."""

    there: float = 0
    back: float = 0


class DelayingProxy(threading.Thread):
    """Listens on a port of 127.0.0.1 and forwards bytes, in order and after ``delay``, which may be set at any time.

    The end of a connection is as late as its last bytes. Bytes that the proxy already holds keep their delay.
    """

    def __init__(self, server: Address, port: int = 0, enter: Callable[[], None] = lambda: None) -> None:
        """Prepares the proxy; its thread calls ``enter`` first, in which it may move to another host."""
        super().__init__(name="proxy", daemon=True)
        self.delay = Delay()
        self.address: Address = ("127.0.0.1", port)
        self._server = server
        self._enter = enter
        self._is_listening = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._failure: Exception | None = None
        #: The event loop alone holds only weak references.
        self._serving: set[asyncio.Task[None] | None] = set()

    def open(self) -> None:
        """Starts the thread and waits until it listens."""
        self.start()
        self._is_listening.wait()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Ends the thread and all connections."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join()

    def run(self) -> None:
        """Listens until `close`."""
        try:
            self._enter()
            listener = self._loop.run_until_complete(asyncio.start_server(self._serve, *self.address))
            self.address = listener.sockets[0].getsockname()[:2]
        except Exception as error:
            self._failure = error
            return
        finally:
            self._is_listening.set()
        self._loop.run_forever()
        listener.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Aborted connections are closed in the next turn of the loop.
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            await self._carry(reader, writer)
        finally:
            self._serving.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._server)
        except OSError:
            writer.transport.abort()
            return
        there = self._pass(reader, far_writer, lambda: self.delay.there)
        back = self._pass(far_reader, writer, lambda: self.delay.back)
        try:
            # An error in one direction ends both; close() cancels them.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(there, back)
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: Callable[[], float]
    ) -> None:
        """Forwards one direction until its end."""
        # Bounded, since a reader that does not stop would need endless memory.
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1024)

        async def take() -> None:
            due, data = 0.0, b"-"
            while data:
                try:
                    data = await reader.read(65536)
                except OSError:
                    data = b""
                due = max(due, self._loop.time() + delay())
                await under_way.put((due, data))

        taking = asyncio.ensure_future(take())
        try:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - self._loop.time())
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        finally:
            taking.cancel()
