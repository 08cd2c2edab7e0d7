"""The frame of all command lines, the pictures, and the check of words."""

from __future__ import annotations

import contextlib
import io
import os
import unittest
from unittest import mock
from xml.dom import minidom

from ..check_words import problems
from ..lib.command import chosen_seed, run_tool
from ..lib.failures import Failure, Unavailable
from ..lib.svg import Drawing


class SeedTests(unittest.TestCase):
    """The command line, then the environment, then chance."""

    def chosen(self, given: int | None, variable: str) -> int:
        with mock.patch.dict(os.environ, {"BEANROW_TEST_SEED": variable}), contextlib.redirect_stdout(io.StringIO()):
            return chosen_seed(given)

    def test_the_option_counts_more_than_the_environment(self) -> None:
        self.assertEqual((self.chosen(7, "8"), self.chosen(0, "8"), self.chosen(None, "8")), (7, 0, 8))

    def test_without_both_the_seed_is_random(self) -> None:
        self.assertGreater(len({self.chosen(None, "") for _ in range(5)}), 1)

    def test_a_seed_that_is_not_a_number_is_refused(self) -> None:
        self.assertRaises(Failure, self.chosen, None, "x")


class ToolTests(unittest.TestCase):
    """Exit statuses."""

    def test_a_failure_is_one_line(self) -> None:
        def fail() -> int:
            raise Unavailable("there is no compiler")

        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            self.assertEqual((run_tool("chaos", lambda: 3), run_tool("chaos", fail)), (3, 1))
        self.assertEqual(errors.getvalue(), "chaos: there is no compiler\n")


class DrawingTests(unittest.TestCase):
    """Pictures are valid XML."""

    def test_text_and_attributes_are_escaped(self) -> None:
        drawing = Drawing(100, 50, font_size=12, aria_label='a "<b>"')
        drawing.text(1, 2.345, "a < b & c", text_anchor="end")
        drawing.polyline([(0, 1.0), (2.5, 3)], stroke="#000")
        picture = minidom.parseString(drawing.render())
        [text] = picture.getElementsByTagName("text")
        self.assertEqual((text.firstChild and text.firstChild.nodeValue, text.getAttribute("y")), ("a < b & c", "2.35"))
        self.assertEqual(picture.documentElement and picture.documentElement.getAttribute("aria-label"), 'a "<b>"')
        self.assertEqual(picture.getElementsByTagName("polyline")[0].getAttribute("points"), "0,1 2.5,3")


class WordTests(unittest.TestCase):
    """Forbidden words."""

    def found(self, text: str) -> list[tuple[int, str]]:
        return sorted((line, words) for line, words, _ in problems(text))

    def test_forbidden_words_are_found_also_across_lines(self) -> None:
        # words:off
        self.assertEqual(self.found("a task\nfor ever"), [(2, "for ever")])
        self.assertEqual(self.found("    // nothing\n    // where it ends"), [(1, "nothing // where"), (2, "where it")])
        # words:on

    def test_other_words_are_not(self) -> None:
        self.assertEqual(self.found("SELECT 1 FROM tube WHERE NOT paused -- forever, two per second"), [])
        self.assertEqual(self.found("<!-- words:off -->\nwho" + "ever\n<!-- words:on -->"), [])


if __name__ == "__main__":
    unittest.main()
