"""How tables and examples are written in Markdown pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from worker.domain.kinds import Fields


def table(fields: Fields, examples: Mapping[str, str]) -> str:
    """Keys, what they mean, and an example of each."""
    rows = [
        f"| {key_cell(name, field.required)} | {_about(field.about, field.default)} | `{examples[name]}` |"
        for name, field in fields.items()
    ]
    return "\n".join(("| key | means | example |\n|---|---|---|", *rows, ""))


def plain(fields: Fields) -> str:
    """Keys and what they mean."""
    rows = [
        f"| {key_cell(name, field.required)} | {_about(field.about, field.default)} |"
        for name, field in fields.items()
    ]
    return "\n".join(("| key | means |\n|---|---|", *rows, ""))


def key_cell(name: str, required: bool) -> str:
    """The name of a key; bold where it must be there."""
    return f"**`{name}`**" if required else f"`{name}`"


def _about(about: str, default: str) -> str:
    return f"{about} Left out: {default}." if default else about


def listed(examples: Iterable[str]) -> str:
    """Several examples in one cell."""
    return "<br>".join(f"`{example}`" for example in examples)


def fence(text: str) -> str:
    """An example that has lines."""
    return f"```yaml\n{text}```\n"
