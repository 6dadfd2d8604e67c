"""Messages to send in tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from channels.base import EmailOut, SmsOut

PHONE = "+306900000017"
ADDRESS = "eleni.p@example.com"
GREEK = "Καλημέρα Ελένη, πέρασαν έξι μήνες. Τα λέμε; 🙂 100% & more + ναι"


def an_sms(**changes: Any) -> SmsOut:
    return replace(
        SmsOut("m-1", PHONE, "+15005550006", GREEK, "https://clinic.example/hook?clinic=a"), **changes
    )


def an_email(**changes: Any) -> EmailOut:
    out = EmailOut(
        ref="m-2",
        to=ADDRESS,
        sender="hello@clinic.example",
        sender_name="Κλινική Άλφα, ΕΠΕ",
        subject="Σας περιμένουμε, Ελένη",
        text=f"{GREEK}\n\nhttps://clinic.example/book",
        html=f"<p>{GREEK}</p>",
        headers={
            "List-Unsubscribe": f"<https://clinic.example/u/{'t' * 120}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        category="care",
    )
    return replace(out, **changes)
