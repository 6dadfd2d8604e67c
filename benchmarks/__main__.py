"""Runs every registered benchmark, prints a table and writes results.json beside this file. Ends with 1 when one of them fails."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import traceback
from pathlib import Path

from rich.console import Console
from rich.table import Table

import benchmarks


def main() -> int:
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name != "__main__":
            importlib.import_module(f"benchmarks.{module.name}")
    table = Table("benchmark", "value", "unit", "against")
    results, failed = [], []
    for name, run in sorted(benchmarks.registered.items()):
        try:
            found = run()
        except Exception:  # noqa: BLE001 - the others are still worth running
            traceback.print_exc()
            failed.append(name)
            continue
        results.append({"name": name, "value": found.value, "unit": found.unit, "reference": found.reference})
        table.add_row(
            name,
            f"{found.value:,.3g}" if abs(found.value) < 1000 else f"{found.value:,.0f}",
            found.unit,
            found.reference,
        )
    Console().print(table)
    path = Path(__file__).with_name("results.json")
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
