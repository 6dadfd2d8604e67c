"""How a patient stops an SMS: a marketing text says it, and what it says works.

Rules
1. An SMS that a marketing journey sends says how to stop: an answer to give, «Διακοπή», or a link to unsubscribe; with and without the patient's name.
2. An answer reaches nobody where the sender is one way: a text does not ask for one then.
3. A marketing SMS of such a sender has a link to the way out (47 CFR 64.1200(a)(12) asks senders that take no replies for another way in each text).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from worker.domain.source import Problem
from worker.workspace.lint_names import prints
from worker.workspace.lint_text import BLANK, Finding, Part, Text, fold

LINKS: Final = ("unsubscribe_url", "answer_url")
"""Values that lead to the way out."""

_ENDS = r"(?:stop|stopall|unsubscribe|optout|end|quit|cancel|revoke|διακοπη|στοπ)"
_ASKS = r"(?:reply|text|send|write|answer|respond|στειλτε|απαντηστε|γραψτε|στειλε|απαντησε)"
_FILLING = r"(?: +(?:us|back|with|the|words?|a|simply|just|only|μας|με|τη|λεξη|μονο|απλα|sms))*"
_STOPS = re.compile(
    (
        rf"(?<!\w){_ASKS}{_FILLING}:? +[\"'“”«]?{_ENDS}(?!\w)|(?<!\w)stop[\"'”»]?(?: *[:=] *| +(?:to|για|at|στο) )|(?<!\w)to (?:unsubscribe|opt ?out|stop)(?!\w)|(?<!\w)(?:unsubscribe|opt ?out)(?: *[:?]| (?:by|at|here|any ?time|with|reply|via)(?!\w))"
        r"|(?<!\w)(?:διακοπ\w+|διαγραφη\w*|απεγγραφη\w*|να μη(?:ν)? λαμβανετε)"
    ).replace("ς", "σ")
)
_TO_ANOTHER = r"(?!\s+(?:to|at|στο)\s+\+?\d)"
_ASKS_FOR_AN_ANSWER = re.compile(
    r"(?i:(?<!\w)(?:reply|text|send|answer|στείλτε|απαντήστε))"
    r"(?i:\s+(?:us|back|with|the\s+words?|a|simply|just|only|μας|με|τη\s+λέξη|μόνο|απλά))*"
    rf"\s+[\"'“”«‘’]?(?:STOP|STOPALL|UNSUBSCRIBE|OPTOUT|END|QUIT|CANCEL|REVOKE|ΔΙΑΚΟΠΗ|(?i:stop)|OK|[A-ZΑ-Ω0-9])[\"'“”»‘’]?(?![\w-]){_TO_ANOTHER}"
    rf"|(?i:(?<!\w)διακοπή)\s*[:;]\s*[\"«]?STOP(?!\w){_TO_ANOTHER}|(?<!\w)STOP\s+(?:to|για)\s(?!\+?\d)"
)


def no_way_to_stop(text: Text, said: Collection[str]) -> Iterator[Problem]:
    """Rule 1. `said` is the SMS as filled in, in all ways."""
    body = text.parts[0]
    if _has_link(body) or all(_STOPS.search(fold(each).text) for each in said):
        return
    yield Finding(body, 0).problem(
        "template-optout",
        "warning",
        "a marketing journey sends this SMS, and it does not say how to stop",
        "End it with `Stop? Reply STOP`, or «Διακοπή; Στείλτε STOP».",
    )


def no_link_to_stop(text: Text) -> Iterator[Problem]:
    """Rule 3, for a sender that is one way."""
    body = text.parts[0]
    if not _has_link(body):
        yield Finding(body, 0).problem(
            "template-optout-link",
            "warning",
            "a marketing journey sends this SMS, its sender takes no answers, and no link in it leads to the way out",
            "Print {{ unsubscribe_url }}, or {{ answer_url }} for a page of answers; the law asks for it in each text.",
        )


def _has_link(body: Part) -> bool:
    return any(printed.name in LINKS for printed in prints(body.source))


def answers_to_nobody(text: Text) -> Iterator[Problem]:
    """Rule 2, for a sender that is one way."""
    for part in text.parts:
        for match in _ASKS_FOR_AN_ANSWER.finditer(part.words):
            yield Finding(part, match.start()).problem(
                "template-one-way",
                "warning",
                f"this SMS asks for an answer (`{' '.join(match[0].replace(BLANK, ' ').split())}`), and its sender takes none",
                "Set `two_way: true` for `sms` in config/channels.yaml if patients can answer; else give a telephone number or a link.",
            )
            break
