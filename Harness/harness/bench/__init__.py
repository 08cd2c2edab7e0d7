"""tools/bench: starts task queues, loads them in turn, and compares them."""
