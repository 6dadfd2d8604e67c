"""Writes the reference pages that are made from tables in the code: `python -m tools.make_reference`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tools.reference_language import LANGUAGE, language_page
from tools.reference_law import LAW, law_page
from worker.domain.problem_codes import GROUPS, Code

PROBLEMS: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "problems.md"
INTRO: Final = """\
# Problems

`revisit check` reports every mistake of a workspace at once: file, line, column, a code, what is wrong, and the way out. An error keeps the workspace from being put
in force; a warning does not. `revisit check --watch` looks again whenever a file is saved. This page lists the codes.

```
journeys/win_back_6.yaml:11:11: error [unknown-segment] `inactiv_6` is not a segment
      enters: inactiv_6
              ^
    Did you mean `inactive_6`?
```

## Silencing a warning

A warning may be about what is meant. A comment in the same file says so, and why; from then on that code is not reported for that file:

```yaml
# check: allow journey-same-start: the second one is for staff of the new branch only
```

In a template it is `{# check: allow CODE: the reason #}`, in the front matter of an e-mail a line `# check: allow CODE: the reason`. Errors cannot be silenced.
"""


def problems_page() -> str:
    """docs/reference/problems.md, from the table of codes."""
    parts = [INTRO]
    for group in GROUPS:
        parts.append(f"\n## {group.title}\n\n| code | what is wrong | way out |\n|---|---|---|\n")
        parts += [_row(name, code) for name, code in group.codes.items()]
    return "".join(parts)


def _row(name: str, code: Code) -> str:
    what = f"warning: {code.what}" if code.severity == "warning" else code.what
    if code.example:
        what += f"; for example `{code.example}`"
    cells = (f"`{name}`", what.replace("|", "\\|"), code.way_out.replace("|", "\\|"))
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    for path, text in ((PROBLEMS, problems_page()), (LANGUAGE, language_page()), (LAW, law_page())):
        path.write_text(text, encoding="utf-8")
        print(f"{path.name} written")
