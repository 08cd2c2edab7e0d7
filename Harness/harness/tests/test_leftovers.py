"""The files beside a database after a power cut."""

from __future__ import annotations

import random
import unittest
import uuid
from pathlib import Path

from ..powercut.leftovers import of_another_boot

BOOT = uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text().strip())


class LeftoverTests(unittest.TestCase):
    """What a power cut changes in the files."""

    def test_boot_id_is_that_of_another_boot(self) -> None:
        high, low = BOOT.int >> 64, BOOT.int & (1 << 64) - 1
        for written in (BOOT.bytes, high.to_bytes(8, "little") + low.to_bytes(8, "little")):
            content = of_another_boot(b"before.." + written + b"..after", random.Random(1))
            self.assertEqual((content[:8], content[24:]), (b"before..", b"..after"))
            self.assertNotIn(written[:8], content)
            self.assertNotIn(written[8:], content)


if __name__ == "__main__":
    unittest.main()
