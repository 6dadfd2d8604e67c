"""One table tells every code of a Problem: the code uses what stands there, and the reference page is written from it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from tools.make_reference import PROBLEMS, problems_page
from worker.domain.problem_codes import CODES

ROOT = Path(__file__).resolve().parents[1]
CODE = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")


@cache
def calls_in_the_code() -> list[tuple[str, ast.Call]]:
    """Every call in the worker, with the name of what is called."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "worker").rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        (call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", ""), call)
        for call in calls
    ]


def literals(parts: list[ast.expr]) -> set[str]:
    texts = (inner.value for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Constant))
    return {text for text in texts if isinstance(text, str)}


def codes_in_the_code() -> set[str]:
    """Every code that a Problem is made with: first arguments, and the codes that are handed to what reads one of a few words."""
    found: set[str] = set()
    for name, call in calls_in_the_code():
        given = [word.value for word in call.keywords if word.arg == "code"]
        if name in ("problem", "Problem", "refuse", "_Refused"):
            given += call.args[:1]
        elif name in ("choices", "Word", "OneOf", "Offered"):
            given += call.args[2:]
        found |= {text for text in literals(given) if CODE.fullmatch(text)}
    return found


def test_every_code_of_a_problem_stands_in_the_table() -> None:
    assert sorted(codes_in_the_code() - CODES.keys()) == []


def test_every_code_of_the_table_is_one_of_a_problem() -> None:
    table = ROOT / "worker" / "domain" / "problem_codes.py"
    written = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "worker").rglob("*.py") if path != table
    )
    assert [code for code in CODES if f'"{code}"' not in written] == []


def test_a_problem_is_as_bad_as_the_table_says() -> None:
    wrong = []
    for name, call in calls_in_the_code():
        if name not in ("problem", "Problem"):
            continue
        said = literals([*call.args[1:], *(word.value for word in call.keywords)]) & {"error", "warning"}
        for code in literals(call.args[:1]) & CODES.keys():
            known = CODES[code].severity
            wrong += [(code, severity) for severity in said if known not in ("either", severity)]
            # A Problem that is made by hand asks no table.
            wrong += [(code, "unsaid")] if name == "Problem" and not said and len(call.args) < 7 else []
    assert wrong == []


def test_the_page_of_problems_is_what_its_tool_writes() -> None:
    assert PROBLEMS.read_text(encoding="utf-8") == problems_page(), (
        "docs/reference/problems.md is stale: run tools/make_reference.py"
    )
