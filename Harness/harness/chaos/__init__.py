"""tools/chaos and tools/soak: managers under load while faults are injected."""
