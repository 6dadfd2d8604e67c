"""Make the sample clinic's book: `python tools/make_book.py` rewrites `sample/book.jsonl.gz`.

The same bytes each time, with the standard library only. What lies in the file is told in `sample/README.md`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.book.book import lines  # noqa: E402

BOOK = ROOT / "sample" / "book.jsonl.gz"


def main() -> None:
    """Write the book and print what is in it."""
    parser = argparse.ArgumentParser(description="Make the sample clinic's book.")
    parser.add_argument("--output", type=Path, default=BOOK, help="where to write it (default: %(default)s)")
    output: Path = parser.parse_args().output

    told = list(lines())
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(
        gzip.compress("".join(f"{line}\n" for line in told).encode(), compresslevel=9, mtime=0)
    )

    print(f"{output}: {len(told)} lines, {output.stat().st_size // 1024} kB")
    for type_, count in sorted(Counter(json.loads(line)["type"] for line in told).items()):
        print(f"{count:7} {type_}")


if __name__ == "__main__":
    main()
