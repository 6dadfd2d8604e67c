"""The lifecycle of the contract's clinic, which the clinics of several tests share."""

from __future__ import annotations

from typing import Final

LIFECYCLE: Final = """\
lifecycle:
  - prospect: {visits: none}
  - inactive_12: {last_visit: at least 12 months ago}
  - inactive_6: {last_visit: at least 6 months ago}
  - new: {visits: exactly 1}
  - regular: {visits: at least 2 in 12 months}
  - returning: otherwise
"""
