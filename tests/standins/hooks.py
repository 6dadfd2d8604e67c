"""A report as a provider would post it: signed, and sent when a test says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlsplit

import urllib3


@dataclass(frozen=True)
class Signed:
    """One webhook request."""

    url: str  # as the provider was told it, and as it is signed
    headers: Mapping[str, str]
    body: bytes

    @property
    def target(self) -> str:
        """Path and query of the URL."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def post(self, via: str | None = None, timeout: float = 10.0) -> int:
        """Posts it, to the base URL `via` where the signed one leads nowhere; returns the status."""
        url = f"{via.rstrip('/')}{self.target}" if via else self.url
        with urllib3.PoolManager() as pools:
            return pools.request(
                "POST", url, body=self.body, headers=dict(self.headers), timeout=timeout, retries=False
            ).status

    def changed(self, **changes: object) -> Self:
        """The same with something else in its place, still under the old signature."""
        return replace(self, **changes)  # type: ignore[arg-type]
