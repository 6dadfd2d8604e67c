"""`python -m tests.chaos`: the play at full length, as a table. Exit code 1 where anything is wrong."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests import postgres
from tests.chaos.plan import Plan
from tests.chaos.play import Play, Result

PATIENCE = 900.0
MOST_SHOWN = 20


def main() -> int:
    """0 where everything is as it must be."""
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    options.add_argument(
        "--seed", type=int, default=None, help="what goes wrong, and when; a new one each time"
    )
    options.add_argument("--visits", type=int, default=2000)
    options.add_argument("--kills", type=int, default=24)
    options.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    options.add_argument("--verbose", action="store_true", help="say what is being struck")
    asked = options.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10_000)
    wrong = 0
    for database in ["sqlite", "postgres"] if asked.database == "both" else [asked.database]:
        sys.stdout.write(f"\n{database}, seed {seed}, {asked.visits} visits, each told twice\n")
        plan = Plan(seed=seed, visits=asked.visits, kills=asked.kills, flushes=2)
        result, log = played(plan, database, verbose=asked.verbose)
        sys.stdout.write(table(result))
        for line in result.wrong[:MOST_SHOWN]:
            sys.stdout.write(f"  WRONG  {line}\n")
        if result.wrong:
            sys.stdout.write(f"  {len(result.wrong)} things are wrong; what the processes said: {log}\n")
        wrong += len(result.wrong)
    return 1 if wrong else 0


def played(plan: Plan, database: str, *, verbose: bool) -> tuple[Result, Path]:
    """Play it in a folder of its own, which stays where something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="revisit-chaos-"))
    began = time.monotonic()

    def tell(said: str) -> None:
        if verbose:
            sys.stdout.write(f"  {time.monotonic() - began:5.0f} s  {said}\n")
            sys.stdout.flush()

    with ExitStack() as stack:
        url = None
        if database == "postgres":
            server = stack.enter_context(postgres.server())
            postgres.admin(server, "CREATE DATABASE chaos")
            url = postgres.url_of(server, "chaos")
        play = Play(plan, folder, url, tell)
        result = play.run(PATIENCE)
    if not result.wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return result, play.system.log


def table(result: Result) -> str:
    """What happened, for people."""
    lines = {
        "kills": ", ".join(f"{role} {number}" for role, number in sorted(result.kills.items())),
        "kills, together": str(result.kills.total()),
        "queue flushed": str(result.flushes),
        "faults of SMS": _faults(result.sms_faults),
        "faults of e-mail": _faults(result.email_faults),
        "posts of batches": ", ".join(
            f"{answer} {number}" for answer, number in sorted(result.posts.items())
        ),
        "reports of SMS": ", ".join(
            f"{answer} {number}" for answer, number in sorted(result.reports.items())
        ),
        "SMS arrived": str(result.sms),
        "e-mails arrived": str(result.emails),
        "doubles": str(result.doubles),
        "SMS missing": str(result.missing_sms),
        "e-mails missing": str(result.missing_emails),
        "unknown": ", ".join(f"{journey} {number}" for journey, number in sorted(result.unknown.items())),
        "states": ", ".join(f"{state} {number}" for state, number in sorted(result.states.items())),
        "seconds": f"{result.seconds:.0f}",
    }
    return "".join(f"  {name:<18}{said}\n" for name, said in lines.items())


def _faults(steps: object) -> str:
    return ", ".join(f"{step} {number}" for step, number in sorted(steps.items()) if step != "ok")  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
