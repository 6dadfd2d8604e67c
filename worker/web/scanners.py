"""Programs that follow links: mail filters, previews in chats, crawlers. They get what they ask for and are not counted.

Rules
1. When in doubt it is a person: a click that is counted too much costs less than a patient who is taken for a machine, but for what names itself.
2. A row of `PROGRAMS` is a word that a program puts in its own User-Agent, with where that is told.
3. What a request tells of itself is all that is looked at here; how soon and how many, the service knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PROGRAMS: Final[Mapping[str, str]] = {
    "googleimageproxy": "Gmail's picture proxy: “(via ggpht.com GoogleImageProxy)”",
    "barracuda": "Barracuda's link protection: “BarracudaCentral”",
    "proofpoint": "Proofpoint URL Defense",
    "mimecast": "Mimecast URL Protect",
    "safelinks": "Microsoft Defender Safe Links",
    "ciscosecureemail": "Cisco Secure Email",
    "trendmicro": "Trend Micro Email Security",
    "sophos": "Sophos Email",
    "cloudmark": "Cloudmark",
    "symantec": "Symantec Email Security",
    "skypeuripreview": "previews in Skype and Teams",
    "facebookexternalhit": "previews in Facebook and Messenger (developers.facebook.com, “Meta Web Crawlers”)",
    "meta-externalagent": "as above",
    "whatsapp/": "previews in WhatsApp: “WhatsApp/2.…” is the whole of it",
    "slack-imgproxy": "previews in Slack (api.slack.com, “Robots”), as “Slackbot-LinkExpanding”",
    "viber": "previews in Viber",
    "bingpreview": "Bing's previews",
    "google-safety": "Google's look for abuse (developers.google.com, “Google's special-case crawlers”)",
    "headlesschrome": "Chrome that is run by a program",
    "curl/": "a program of its own, as the next ones",
    "wget/": "",
    "python-": "",
    "okhttp/": "",
    "go-http-client": "",
    "java/": "",
    "libwww": "",
    "axios/": "",
    "node-fetch": "",
}
"""Words of User-Agents, in small letters, with their source."""

_NAMED = re.compile("|".join(map(re.escape, PROGRAMS)))
_ROBOT = re.compile(r"(?<!cu)bot\b|(?<!cu)bot[/\d_-]|crawler|spider|\bscanner\b")
"""`Twitterbot/1.0`, `Slackbot-LinkExpanding`, `TelegramBot (…)`, `LinkedInBot`, `Googlebot`; CUBOT makes telephones."""
_AHEAD: Final = (("purpose", "prefetch"), ("purpose", "preview"), ("sec-purpose", "prefetch"), ("x-purpose", "preview"), ("x-moz", "prefetch"))  # fmt: skip
"""Headers of a browser that fetches what nobody has asked to see yet."""


def is_machine(headers: Mapping[str, str]) -> bool:
    """Whether a request says of itself that no person made it; one without User-Agent does. `headers` by small letters."""
    agent = headers.get("user-agent", "").lower()
    ahead = any(word in headers.get(name, "").lower() for name, word in _AHEAD)
    return ahead or not agent.strip() or bool(_NAMED.search(agent) or _ROBOT.search(agent))
