"""The benchmark behind tools/bench: starts task queues, loads them in turn, compares them."""
