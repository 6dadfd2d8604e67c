"""`python -m worker` is the `revisit` command; the supervisor starts its children so."""

from worker.cli import main

if __name__ == "__main__":
    main()
