"""What stops a run."""


class BenchError(Exception):
    """The bench cannot go on; the message says what to look at."""
