"""JSON text that others sent, decoded so that nothing behind it can stumble.

Rules
1. UTF-8 only; a byte order mark is passed over.
2. NaN, Infinity and numbers beyond a double are refused: they are not JSON, and no database keeps them.
3. A name given twice in one object is refused: which of the two was meant is anybody's guess.
4. At most 64 levels deep, so that whatever walks or writes the value later has stack to spare.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from worker.intake.checks import shown

DEPTH: Final = 64


class BrokenJson(ValueError):
    """The text is no JSON that can be taken in; its message says why, for a person."""


def decode(text: bytes) -> Any:
    """The value of one JSON text; raises BrokenJson, and nothing else."""
    try:
        value = _DECODER.decode(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BrokenJson(f"is not UTF-8 (byte {error.start + 1}); save or send it as UTF-8") from None
    except json.JSONDecodeError as error:
        why = error.msg[:1].lower() + error.msg[1:]
        raise BrokenJson(
            f"is not JSON (line {error.lineno}, column {error.colno}: {why}); correct it there"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except BrokenJson:
        raise
    except ValueError:
        # The interpreter refuses to read integers of thousands of digits.
        raise BrokenJson("holds a number with too many digits; shorten it") from None
    if text.count(b"{") + text.count(b"[") <= DEPTH:
        return value
    level = [value]
    for _ in range(DEPTH):
        level = [child for node in level if isinstance(node, (dict, list)) for child in _children(node)]
        if not level:
            return value
    raise _too_deep()


def _children(node: dict[str, Any] | list[Any]) -> Any:
    return node.values() if isinstance(node, dict) else node


def _too_deep() -> BrokenJson:
    return BrokenJson(f"is nested more than {DEPTH} levels deep; flatten it")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BrokenJson(f"holds the name {shown(twice)} twice in one object; keep one of them")
    return found


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise BrokenJson("holds a number that is too large; shorten it")
    return number


def _constant(text: str) -> float:
    raise BrokenJson(f"holds {text}, which is not JSON; leave the value out or give null")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
