"""Where an error came up, in words that hold no patient's data: an exception's own text may quote what it stumbled over."""

from __future__ import annotations


def place_of(error: BaseException) -> str:
    """File and line in which it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
