"""A text as its reader will see it, before anything is sent: what `revisit preview` shows.

A mistake elsewhere in the workspace is no obstacle: only the clinic, its channels, its offers and the texts are read.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from worker.domain.clinic import Clinic
from worker.domain.offers import Offer, parse_offers
from worker.domain.shape import Reader
from worker.domain.source import Node, Problem, compose
from worker.workspace.config import parse_clinic
from worker.workspace.config_channels import Sender, parse_channels
from worker.workspace.files import Files, raw
from worker.workspace.lint_sms import Cost, cost
from worker.workspace.templates import Email, Templates


class NotThere(Exception):
    """What was asked for does not exist; the message names what does."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A clinic's texts, with what they need to be filled in."""

    clinic: Clinic
    templates: Templates
    senders: Mapping[str, Sender]
    offers: Mapping[str, Offer]


@dataclass(frozen=True, slots=True)
class Preview:
    """One text, filled in: an SMS with its cost, or an e-mail."""

    path: str
    channel: str
    language: str
    sms: str
    cost: Cost | None
    email: Email | None


def read_texts(files: Files) -> tuple[Texts | None, list[Problem]]:
    """The texts of a workspace, or None where its clinic can't be read; and the Problems of what was read."""
    reader = Reader()
    trees = {name: _tree(reader, files, name) for name in ("clinic", "services", "channels", "offers")}
    clinic = parse_clinic(reader, trees["clinic"], trees["services"])
    if clinic is None:
        return None, reader.problems
    senders = parse_channels(reader, trees["channels"], clinic.name)
    offers = parse_offers(reader, trees["offers"], clinic)
    texts = {path: text for path, text in files.items() if path.startswith("templates/")}
    return Texts(clinic, Templates(texts), senders, offers), reader.problems


def _tree(reader: Reader, files: Files, name: str) -> Node | None:
    path = f"config/{name}.yaml"
    if path not in files:
        return None
    node, problems = compose(raw(files[path]), path)
    reader.problems += problems
    return node


def channels(texts: Texts, name: str, asked: str | None) -> list[str]:
    """The channels to show: the one asked for, else all that the text has. Raises NotThere."""
    if name not in texts.templates.names():
        raise NotThere(_no(f"template `{name}`", name, texts.templates.names()))
    there = sorted(texts.templates.channels_of(name), reverse=True)
    if asked is not None and asked not in there:
        raise NotThere(f"`{name}` has no {asked} text; there is {' and '.join(there)}")
    return [asked] if asked is not None else there


def offer_named(texts: Texts, name: str) -> Offer:
    """An offer of the clinic's. Raises NotThere."""
    if name not in texts.offers:
        raise NotThere(_no(f"offer `{name}` in config/offers.yaml", name, texts.offers))
    return texts.offers[name]


def preview(
    texts: Texts, name: str, channel: str, language: str | None, values: Mapping[str, Any], wanted: str | None
) -> Preview:
    """One text, filled in. `language` is the one asked for, which must be there; `wanted` the reader's, which gives way to the clinic's. Raises NotThere, TemplateError."""
    templates = texts.templates
    there = templates.languages_of(name, channel)
    if language is not None and language not in there:
        raise NotThere(f"`{name}` has no {channel} text in `{language}`; there is {', '.join(sorted(there))}")
    fallback = texts.clinic.language if texts.clinic.language in there else min(there)
    chosen = templates.language_for(name, channel, language or wanted, fallback)
    draft = templates.draft(name, channel, chosen)
    filled = templates.fill(draft, values)
    if channel == "email":
        return Preview(draft.path, channel, chosen, "", None, templates.frame(draft, filled))
    sender = texts.senders.get("sms")
    found = cost(filled.body, sender.price if sender is not None else None)
    return Preview(draft.path, channel, chosen, filled.body, found, None)


def _no(what: str, word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    short = sorted(known)
    hint = (
        f"did you mean `{near[0]}`?" if near else f"there is {', '.join(short)}" if short else "there is none"
    )
    return f"there is no {what}; {hint}"
