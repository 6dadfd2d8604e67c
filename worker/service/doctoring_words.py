"""How a finding of the doctor is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

SKEW_SECONDS: Final = 5.0
"""Clocks that differ by more make leases, quiet hours and signatures wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and the way out, both in words; `code` is stable."""

    code: str
    severity: Literal["error", "warning"]
    what: str
    way_out: str


def error(code: str, what: str, way_out: str) -> Finding:
    """It keeps messages from leaving, or loses data."""
    return Finding(code, "error", what, way_out)


def warning(code: str, what: str, way_out: str) -> Finding:
    """It is worth a look."""
    return Finding(code, "warning", what, way_out)


def skew(whose: str, seconds: float) -> Iterator[Finding]:
    """The clock of `whose` is `seconds` ahead of ours."""
    if abs(seconds) > SKEW_SECONDS:
        yield error(
            "clock-skew", f"the clock of {whose} is {abs(seconds):.0f} seconds {'ahead of' if seconds > 0 else 'behind'} this machine's",
            "Let both machines keep time by NTP (timedatectl set-ntp true).",
        )  # fmt: skip
