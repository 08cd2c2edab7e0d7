"""tools/check-words: fails if tracked text uses words that the rules of language in CONTRIBUTING.md rule out.

Each rule below is a regular expression and the words to use instead. An expression also matches if a line break and the
mark of a comment stand between two words. Text between "words:off" and "words:on" is left out: a page about language
has to show bad examples.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from .lib.command import new_parser
from .lib.paths import ROOT

#: The files and directories to check. Add a directory once its text follows the rules.
CHECKED = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs",
    "schema.sql",
    "schema-postgres.sql",
    "Sources/BeanrowClient",
    "Sources/BeanstalkWire",
    "Sources/ClientCommandSupport",
    "Sources/CommandLineSupport",
    "Sources/CPlatform",
    "Sources/CPostgres",
    "Sources/CSQLiteShims",
    "Sources/PostgresStore",
    "Sources/Manager",
    "Sources/SQLiteStore",
    "Sources/SeededRandom",
    "Sources/StoreTesting",
    "Sources/TaskStore",
    "Sources/beanrow-consumer",
    "Sources/beanrow-manager",
    "Sources/beanrow-producer",
    "Tests/BeanrowClientTests",
    "Tests/BeanstalkWireTests",
    "Tests/EndToEndTests",
    "Tests/PostgresStoreTests/*.swift",
    "Tests/ManagerTests",
    "Tests/SQLiteStoreTests/*.swift",
    "Tests/TaskStoreTests",
    "Benchmarks",
    "Fuzz/*.swift",
    "Harness",
    "tools",
]

#: Files that programs write, or data.
LEFT_OUT = {".json", ".svg", ".png"}

UNITS = "(?:second|minute|hour|day|week)"
THINGS = (
    "(?:task|put|claim|tube|body|manager|session|connection|client|batch|line|row|commit|sync|lane|file|byte|core|MiB)"
)

# words:off
RULES = [
    (r"who|whom|whoever|whomever", "name the actor: the manager, session, process, client or connection"),
    (r"somebody|nobody", "name the actor: another process, no manager"),
    (r"anew", "again"),
    (r"in vain", "without result"),
    (r"for ever", "without end, always"),
    (r"so many", "a number, or: that number of"),
    (r"be it", "whether"),
    (r"all the same", "nevertheless, or nothing"),
    (r"mend|mends|mended|mending", "fix, repair"),
    (r"meanwhile", "during this time, or nothing"),
    (r"where (?:there|it|they|no|none|nothing|not|neither|that|this|nobody)", "if, for a condition"),
    (r"(?:nothing|none|nil|false|true) where", "if, for a condition"),
    (
        rf"(?:tasks|puts|claims|deletes|commands|commits|syncs|answers|bytes|rows|times|twice|[kMG]i?B) an? {UNITS}",
        "per",
    ),
    (rf"(?:one|a) (?:row|line|statement|index|file|sync|lock) an? {THINGS}", "per"),
    (rf"(?:rows|lines|bytes|instructions|syncs|round trips|lanes|statements) an? {THINGS}", "per"),
]
# words:on

#: What may be between two words: a line break, the mark of a comment, quotation in Markdown.
GAP = r"\s+(?:(?://+|--|#+|\*|>)\s*)?"


def compiled(expression: str) -> re.Pattern[str]:
    """Returns the pattern of an expression: whole words, in any case."""
    return re.compile(rf"(?<![\w-])(?:{expression.replace(' ', GAP)})(?![\w-])", re.IGNORECASE)


PATTERNS = [(compiled(expression), instead) for expression, instead in RULES]
HIDDEN = re.compile(r"words:off.*?words:on", re.DOTALL)


def is_sql(found: str) -> bool:
    """Returns whether it is SQL's keyword, which is in capitals."""
    return "WHERE" in found


def problems(text: str) -> Iterator[tuple[int, str, str]]:
    """Yields the line, the words and what to use instead."""
    text = HIDDEN.sub(lambda part: "\n" * part.group().count("\n"), text)
    for pattern, instead in PATTERNS:
        for match in pattern.finditer(text):
            if not is_sql(match.group()):
                words = " ".join(match.group().split())
                yield text.count("\n", 0, match.start()) + 1, words, instead


def tracked() -> list[str]:
    """Returns the files to check."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--", *CHECKED], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    # A file that was removed and not committed yet is still tracked.
    return [name for name in names if (ROOT / name).is_file() and Path(name).suffix not in LEFT_OUT]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    parser = new_parser(
        "check-words", "Fails if tracked text uses words that the rules of language in CONTRIBUTING.md forbid."
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="check only these files, named from the top")
    found = 0
    for name in parser.parse_args(arguments).files or tracked():
        for line, words, instead in sorted(problems((ROOT / name).read_text())):
            print(f'{name}:{line}: "{words}": use {instead}')
            found += 1
    if found:
        print(f"{found} words to replace; CONTRIBUTING.md has the rules of language")
    return 1 if found else 0
