"""The layouts of e-mails for a workspace that has none: what the law asks of an e-mail, and nothing else."""

from __future__ import annotations

from typing import Final

MJML: Final = "templates/layout.mjml"
TEXT: Final = "templates/layout.txt"

PLAIN: Final = {
    MJML: """\
<mjml lang="{{ language }}">
<mj-head>
<mj-title>{{ subject }}</mj-title>
<mj-preview>{{ preheader }}</mj-preview>
<mj-attributes>
<mj-all font-family="Arial, sans-serif" />
<mj-text font-size="16px" line-height="1.5" />
<mj-class name="heading" font-size="24px" />
<mj-class name="words" />
</mj-attributes>
</mj-head>
<mj-body><mj-section><mj-column>
{{ body }}
<mj-text font-size="13px">{{ clinic.name }}<br />{{ clinic.address }}<br />{{ clinic.phone | phone }}
{% if unsubscribe_url %}<br /><a href="{{ unsubscribe_url }}">Unsubscribe</a>{% endif %}
</mj-text>
</mj-column></mj-section></mj-body>
</mjml>
""",
    TEXT: """\
{{ body }}

--
{{ clinic.name }}
{{ clinic.address }}
{{ clinic.phone | phone }}
{% if unsubscribe_url %}Unsubscribe: {{ unsubscribe_url }}{% endif %}
""",
}
