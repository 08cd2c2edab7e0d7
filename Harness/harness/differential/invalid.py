"""Commands that are refused, and valid commands in unusual forms."""

from __future__ import annotations

from random import Random

from .steps import SLOT, Command

#: The most bytes that a line may have, with its end (beanstalkd's ``LINE_BUF_SIZE``).
LINE = 224

#: What is never sent because the replies differ, and why they do.
LEFT_OUT = {
    "a line whose carriage return is the last of 224 bytes, or of a multiple": (
        "beanstalkd reads 224 bytes at a time, misses the line end and answers only after another byte; managers "
        "answer at once"
    ),
    "a carriage return within a line": (
        "beanstalkd sees no line end behind it and waits until 224 bytes have come; managers answer BAD_FORMAT"
    ),
    "reserve-with-timeout with a word that is not a number, or with more than 2147483647": (
        "beanstalkd 1.12 reads it as 0 or waits without end; managers answer BAD_FORMAT, as beanstalkd 1.13 does"
    ),
    "session, put-unique and clear-tube": "beanstalkd does not know them",
}

# fmt: off

#: Refused, each with one reply and without effect.
_REFUSED = [
    # Not a command, or a command without the space behind its first word.
    "", " ", "foo", "STATS", "Put 1 0 1000 1", " stats", "put", "peek", "delete", "release", "bury", "kick", "touch",
    "kick-job", "stats-job", "stats-tube", "use", "watch", "ignore", "reserve-job", "peek-all", "\xff\xfe", "a\nb",
    # Bytes behind the last argument.
    "stats ", "stats x", "statsx", "list-tubes ", "list-tubesx", "list-tube-usedx", "list-tubes-watched x", "reserve ",
    "reserve x", "reservex", "reserve-with-timeout", "peek-ready ", "peek-readyx", "peek-delayed 1", "peek-buried\t",
    "delete 1 ", "delete 1x", "touch 1 1", "peek 1 2", "kick-job 1 ", "stats-job 1.0", "bury 1 1 1", "release 1 1 1 1",
    "put 1 0 1000 1 ", "put 1 0 1000 1 1", "put 1 0 1000 1x", "pause-tube default 1 ", "pause-tube default 1x",
    # An argument that is missing, not a number, or out of range.
    "put ", "put 1", "put 1 0", "put 1 0 1000", "put 1 0 1000 ", "put x 0 1000 1", "put -1 0 1000 1", "put 1 -1 1000 1",
    "put 1 0 -1 1", "put 1 0 1000 -1", "put 4294967296 0 1000 1", "put 1 4294967296 1000 1", "put 1 0 4294967296 1",
    "put 1 0 1000 4294967296", "put 1.5 0 1000 1", "put +1 0 1000 1", "put 1,0,1000,1", "put\t1 0 1000 1",
    "delete ", "delete x", "delete -1", "delete +1", "delete 18446744073709551616", "delete 0x1", "peek ", "peek x",
    "release ", "release 1", "release 1 1", "release 1 1 ", "release 1 4294967296 0", "release 1 1 4294967296",
    "release x 1 1", "bury ", "bury 1", "bury 1 ", "bury 1 4294967296", "bury 1 -1", "bury x 1", "kick ", "kick x",
    "touch ", "touch x", "kick-job ", "kick-job x", "stats-job ", "stats-job x", "reserve-job ", "reserve-job x",
    "pause-tube", "pause-tube default", "pause-tube default ", "pause-tube default x", "pause-tube default -1",
    "pause-tube default 4294967296", "pause-tube  ",
    # A name that is not valid.
    "use ", "use -a", "use a b", "use  a", "use a ", "use a,b", "use a*", "use \xe4", "use " + 201 * "n", "watch ",
    "watch -", "watch a b", "watch a:b", "watch " + 201 * "n", "ignore ", "ignore -a", "ignore a\tb", "stats-tube ",
    "stats-tube a b", "stats-tube -", "stats-tube " + 201 * "n", "pause-tube -a 1000", "pause-tube a! 1000",
    "use " + 215 * "n",
    # A zero byte.
    "\0", "stats\0", "use a\0b", "put 1 0 1000 1\0", "delete 1\0",
]

#: Valid, in an unusual form: verb, line. They find nothing or change nothing.
_ODD = [
    ("peek", "peek 0"), ("delete", "delete 0"), ("delete", "delete 18446744073709551615"),
    ("touch", "touch  9999999999"),
    ("kick-job", "kick-job 9223372036854775808"), ("peek", "peek 9223372036854775807"), ("stats-job", "stats-job   0"),
    ("reserve-job", "reserve-job 18446744073709551615"), ("release", "release 9999999999   0  0"),
    ("bury", "bury 9999999999  4294967295"), ("stats-tube", "stats-tube nosuch"), ("ignore", "ignore nosuch"),
    ("pause-tube", "pause-tube nosuch 1000"), ("pause-tube", "pause-tube  nosuch  0"),
    ("ignore", "ignore " + 200 * "m"),
    ("stats-tube", "stats-tube " + 200 * "m"), ("delete", "delete " + 215 * "0"),
    ("touch", "touch " + 209 * " " + "0000000"),
]

# fmt: on


def refused(random: Random) -> Command:
    """Returns a line with the reply ``BAD_FORMAT`` or ``UNKNOWN_COMMAND``."""
    if random.random() < 0.15:
        return _too_long(random)
    return Command("invalid", random.choice(_REFUSED).encode("latin-1") + b"\r\n")


def odd(random: Random) -> Command:
    """Returns a command that is just valid."""
    verb, line = random.choice(_ODD)
    return Command(verb, line.encode() + b"\r\n")


def oddly_spaced(random: Random, line: bytes) -> bytes:
    """Returns the line, sometimes with more spaces before its numbers, which beanstalkd accepts."""
    if random.random() > 0.03 or (SLOT not in line and not line.startswith((b"put ", b"kick "))):
        return line
    words = line.split(b" ")
    return words[0] + b" " + b" ".join(random.choice([b"", b" ", b"  "]) + word for word in words[1:])


def _too_long(random: Random) -> Command:
    """Returns a line that is a little or much longer than allowed."""
    size = random.choice([LINE + 2, LINE + 3, 2 * LINE, random.randrange(LINE + 2, 4 * LINE)])
    if (size - 2) % LINE == LINE - 1:
        size += 1
    begin = random.choice(["x", "stats ", "use ", "delete ", "put 1 0 1000 1 "])
    return Command("invalid", (begin + random.choice("x1 ") * (size - 2 - len(begin))).encode() + b"\r\n")
