"""What a clinic's own developer writes: every few minutes, from cron. Whoever came yesterday or before, may be written to and was not gets one SMS.

It stands here to be measured against. It commits after each send, so that a process that is killed sends at most one message twice. It asks nothing of the time of day, of caps,
of holds or of what the patient wrote meanwhile; it tries nothing again, and nobody learns why somebody got nothing.
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import psycopg

SENDER = "+15005550006"
TEXT = "Hello {name}, thank you for your visit. Book your next one at https://example.com/book. Reply STOP to opt out."

MAKE = """
CREATE TABLE visitors (id text PRIMARY KEY, name text NOT NULL, phone text NOT NULL, may_write boolean NOT NULL, event json NOT NULL);
CREATE TABLE sent (visitor text PRIMARY KEY REFERENCES visitors (id), sid text NOT NULL, at timestamptz NOT NULL);
"""
DUE = """
SELECT v.id, v.name, v.phone FROM visitors v
WHERE v.may_write AND NOT EXISTS (SELECT 1 FROM sent s WHERE s.visitor = v.id) ORDER BY v.id
"""


def make(conninfo: str, visitors: int) -> None:
    """The tables, with so many who are due."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(MAKE)
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY visitors (id, name, phone, may_write, event) FROM STDIN") as copy,
        ):
            for number in range(visitors):
                event = {"type": "visit.completed", "subject": f"p-{number}"}
                copy.write_row((f"p-{number}", "Ada", f"+3069{number:08d}", True, json.dumps(event)))
        connection.execute("ANALYZE")


def send(conninfo: str, url: str, account: str, token: str) -> int:
    """Write to everybody who is due; returns how many were written to."""
    parts, done = urlsplit(url), 0
    login = base64.b64encode(f"{account}:{token}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/x-www-form-urlencoded"}
    provider = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    with psycopg.connect(conninfo) as connection:
        for visitor, name, phone in connection.execute(DUE).fetchall():
            body = urlencode({"To": phone, "From": SENDER, "Body": TEXT.format(name=name)})
            provider.request("POST", f"/2010-04-01/Accounts/{account}/Messages.json", body, headers)
            answer = provider.getresponse()
            said = json.loads(answer.read())
            if answer.status != 201:
                print(f"{visitor}: {answer.status}", file=sys.stderr)
                continue
            connection.execute(
                "INSERT INTO sent (visitor, sid, at) VALUES (%s, %s, %s)",
                (visitor, said["sid"], datetime.now(UTC)),
            )
            connection.commit()
            done += 1
    return done


if __name__ == "__main__":
    print(send(*sys.argv[1:5]))
