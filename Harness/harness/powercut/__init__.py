"""tools/powercut: what a disk may hold after a power cut, and whether a task is lost."""
