"""The client of the beanstalk protocol: replies in pieces, replies that are none, and connections that end."""

from __future__ import annotations

import socket
import unittest

from ..lib.beanstalk import BadReply, Connection, Disconnected, Reply, ReplyReader, Stalled, encode, parse_statistics


class ReplyReaderTests(unittest.TestCase):
    """Bytes become replies, however they are cut."""

    BYTES = b"INSERTED 7\r\nRESERVED 7 4\r\na\r\nb\r\nOK 5\r\n---\nx\r\nBURIED\r\nFOU"
    REPLIES = (
        Reply(b"INSERTED 7"),
        Reply(b"RESERVED 7 4", b"a\r\nb"),
        Reply(b"OK 5", b"---\nx"),
        Reply(b"BURIED"),
    )

    def test_every_cut_gives_the_same_replies(self) -> None:
        for size in (1, 2, 3, 7, len(self.BYTES)):
            reader = ReplyReader()
            for start in range(0, len(self.BYTES), size):
                reader.feed(self.BYTES[start : start + size])
            self.assertEqual((tuple(reader.replies), reader.count, reader.rest), (self.REPLIES, 4, b"FOU"))

    def test_size_is_that_on_the_wire(self) -> None:
        self.assertEqual(sum(reply.size for reply in self.REPLIES), len(self.BYTES) - 3)

    def test_task_is_named_by_some_replies(self) -> None:
        lines = {b"INSERTED 7": 7, b"BURIED 8": 8, b"BURIED": None, b"NOT_FOUND": None, b"KICKED 3": None}
        self.assertEqual({line: Reply(line).task for line in lines}, lines)

    def test_bytes_that_are_not_a_reply_are_refused(self) -> None:
        for data in (b"RESERVED 7\r\n", b"OK x\r\n", b"FOUND 7 1\r\nab\r\n"):
            with self.subTest(data), self.assertRaises(BadReply):
                ReplyReader().feed(data)


class ConnectionTests(unittest.TestCase):
    """A client, and a server that the test plays."""

    def setUp(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = Connection(listener.getsockname(), patience=0.2)
            self.server, _ = listener.accept()
        self.addCleanup(self.client.close)
        self.addCleanup(self.server.close)

    def test_command_and_reply(self) -> None:
        self.server.sendall(b"INSERTED 7\r\n")
        self.assertEqual(self.client.command("put", 0, 0, 60, body=b"ab").id, 7)
        self.assertEqual(self.server.recv(100), b"put 0 0 60 2\r\nab\r\n")
        self.assertEqual((self.client.bytes_taken, self.client.replies_received), (12, 1))

    def test_missing_reply(self) -> None:
        with self.assertRaises(Stalled):
            self.client.reply()

    def test_closed_by_the_server(self) -> None:
        self.server.sendall(b"OK 10\r\nhalf")
        self.server.close()
        with self.assertRaisesRegex(Disconnected, "closed by the server"):
            self.client.reply()
        self.assertEqual((self.client.ended, self.client.rest), (True, b"OK 10\r\nhalf"))

    def test_no_server(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
        self.assertRaises(Disconnected, Connection, address)


class TextTests(unittest.TestCase):
    """Commands and statistics."""

    def test_commands(self) -> None:
        self.assertEqual(encode("use", "mail"), b"use mail\r\n")
        self.assertEqual(encode("put", 1, 2, 3, body=b""), b"put 1 2 3 0\r\n\r\n")

    def test_statistics(self) -> None:
        self.assertEqual(parse_statistics(b'---\npid: 1\nversion: "a: b"\n'), {"pid": "1", "version": '"a: b"'})
        self.assertEqual(parse_statistics(None), {})


if __name__ == "__main__":
    unittest.main()
