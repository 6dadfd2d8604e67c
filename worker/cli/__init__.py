"""The `revisit` command. Exit codes: 0 all is well, 1 a problem was found, 2 wrong usage."""

from worker.cli.app import main

__all__ = ["main"]
