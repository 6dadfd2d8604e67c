"""`revisit doctor`: one broken thing at a time, each found with its way out, and nothing changed by looking."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
import redis
from sqlalchemy import update

from tests.standins.sendgrid import API_KEY, SendGridStandin
from tests.standins.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioStandin
from tests.web.site import an_event
from worker.domain.trouble import SenderState
from worker.queue import pulse
from worker.queue.client import connect
from worker.service import doctoring_machine
from worker.service.accepting import accept
from worker.service.doctoring import Diagnosis, examine
from worker.service.publishing import publish
from worker.service.secret_key import same_key
from worker.settings import Settings
from worker.store import senders
from worker.store.engine import make_engine, write
from worker.store.schema import api_tokens, clinics
from worker.workspace.files import read_folder
from worker.workspace.house import House
from worker.workspace.layout_new import sample_rooms, write_rooms

SECRET = "a secret of good length, 0123456789"
ROOMS = {name: text for name, text in sample_rooms().items() if name.startswith("config/")}
"""Without journeys and texts, which are read at every look and are none of the doctor's."""
CHANNELS = """
sms: {provider: twilio, from: "+15005550006", rate: 10 per second, two_way: true}
email: {provider: sendgrid, from: hello@example.com, rate: 50 per second}
"""
US = {"country: GR": "country: US", "region:": "# region:"}


@dataclass
class Ward:
    """A well installation; a test breaks one thing of it."""

    settings: Settings
    house: House
    queue: redis.Redis
    sms: TwilioStandin
    email: SendGridStandin
    skew: float = 0.0

    def write(self, name: str, text: str) -> None:
        (self.settings.workspace / name).write_text(text, encoding="utf-8")

    def look(self, **changes: Any) -> Diagnosis:
        settings = replace(self.settings, **changes)
        return examine(settings, {"": read_folder(settings.workspace)}, clock=lambda: time.time() + self.skew)

    def codes(self, **changes: Any) -> set[str]:
        found = self.look(**changes)
        assert all(one.what and one.way_out for one in found.findings)
        return {one.code for one in found.findings}


@contextmanager
def a_ward(database_url: str, tmp_path: Path, valkey_url: str) -> Iterator[Ward]:
    folder, data = tmp_path / "clinic", tmp_path / "data"
    write_rooms(ROOMS, folder)
    (folder / "config/channels.yaml").write_text(CHANNELS)
    clinic = (folder / "config/clinic.yaml").read_text()
    for before, after in US.items():
        clinic = clinic.replace(before, after)
    (folder / "config/clinic.yaml").write_text(clinic)
    data.mkdir(mode=0o700)
    house = House(make_engine(database_url), SECRET, "https://revisit.example")
    publish(house, ROOMS)
    assert same_key(house) is None
    queue = connect(valkey_url)
    queue.config_set("appendonly", "yes")
    pulse.beat(queue, 0.1, 0)
    with TwilioStandin() as sms, SendGridStandin() as email:
        settings = Settings(
            workspace=folder, data_dir=data, database_url=database_url, redis_url=valkey_url, public_url="https://revisit.example",
            given_secret_key=SECRET, given_api_token="x" * 32, twilio_account_sid=ACCOUNT_SID, twilio_auth_token=AUTH_TOKEN,
            twilio_base_url=sms.url, sendgrid_api_key=API_KEY, sendgrid_base_url=email.url, sendgrid_webhook_public_key=email.public_key,
        )  # fmt: skip
        yield Ward(settings, house, queue, sms, email)
    queue.config_set("maxmemory-policy", "noeviction")
    queue.close()
    house.engine.dispose()


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The public address opens: here is no other machine that could be asked."""
    monkeypatch.setattr(doctoring_machine, "ask", lambda _url: "")


@pytest.fixture
def ward(sqlite_url: str, tmp_path: Path, valkey_url: str) -> Iterator[Ward]:
    with a_ward(sqlite_url, tmp_path, valkey_url) as found:
        yield found


@pytest.fixture
def well(ward: Ward, opens: None) -> Ward:
    return ward


@pytest.fixture
def either(database_url: str, tmp_path: Path, valkey_url: str, opens: None) -> Iterator[Ward]:
    """On SQLite, and once more on PostgreSQL."""
    with a_ward(database_url, tmp_path, valkey_url) as found:
        yield found


def test_a_well_installation_is_told_part_by_part(either: Ward) -> None:
    found = either.look()
    assert ([one for one in found.findings if one.severity == "error"], found.ill) == ([], False), found
    assert {"database", "queue", "providers", "secret key", "work"} <= set(found.well)
    assert not either.sms.messages
    assert not either.email.messages


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"database_url": "postgresql+psycopg://nobody@/none?host=/nonexistent"}, "database-away"),
    ({"redis_url": "redis://127.0.0.1:1/0"}, "queue-away"),
    ({"redis_url": None}, "not-running"),
    ({"given_secret_key": "changeme"}, "secret-weak"),
    ({"public_url": None}, "public-url-missing"),
    ({"public_url": "http://127.0.0.1:8000"}, "public-url-missing"),
    ({"public_url": "http://revisit.example"}, "public-url-http"),
    ({"twilio_auth_token": None}, "twilio-missing"),
    ({"twilio_auth_token": "0" * 32}, "twilio-refused"),
    ({"twilio_base_url": "http://127.0.0.1:1"}, "twilio-away"),
    ({"sendgrid_api_key": None}, "sendgrid-missing"),
    ({"sendgrid_api_key": "SG.other"}, "sendgrid-refused"),
    ({"sendgrid_base_url": "http://127.0.0.1:1"}, "sendgrid-away"),
    ({"sendgrid_webhook_public_key": None}, "webhook-key-missing"),
    ({"sendgrid_webhook_public_key": "MFkwEwYHKoZI"}, "webhook-key-broken"),
)


def test_what_the_environment_says_wrongly_is_found(well: Ward) -> None:
    for changes, code in WRONG:
        found = well.look(**changes)
        assert code in {one.code for one in found.findings if one.severity == "error"}, (changes, found)
        assert found.ill


def test_an_address_that_does_not_open_is_found(ward: Ward) -> None:
    assert "public-url-away" in ward.codes(public_url="https://127.0.0.2:1")


def test_senders_that_are_not_ours_are_found(well: Ward) -> None:
    well.sms.numbers = {"+15005559999"}
    well.email.domains = [{"domain": "example.com", "valid": False}, {"domain": "example.org", "valid": True}]
    assert {"sender-foreign", "sender-unverified"} <= well.codes()
    well.email.senders = [{"from_email": "Hello@example.com", "verified": True}]
    assert "sender-unverified" not in well.codes()
    well.email.senders, well.email.domains = [], None
    assert "sender-unverified" not in well.codes(), "a key that may only send can't read the lists"


def test_a_clinics_own_credentials_are_looked_at_in_place_of_everybodys(well: Ward) -> None:
    own = "credentials: {account_sid_env: A_TWILIO_SID, auth_token_env: A_TWILIO_TOKEN, api_key_env: A_SENDGRID_KEY, webhook_public_key_env: A_SENDGRID_PUBLIC}"
    own = f"{CHANNELS}{own}\n"
    well.write("config/channels.yaml", own)
    missing = {one.code: one.what for one in well.look().findings}
    assert "A_TWILIO_SID or A_TWILIO_TOKEN" in missing["twilio-missing"]
    assert "A_SENDGRID_KEY" in missing["sendgrid-missing"]
    assert "A_SENDGRID_PUBLIC" in missing["webhook-key-missing"]
    mine = {
        "A_TWILIO_SID": ACCOUNT_SID, "A_TWILIO_TOKEN": AUTH_TOKEN, "A_SENDGRID_KEY": API_KEY, "A_SENDGRID_PUBLIC": well.email.public_key,
    }  # fmt: skip
    assert not well.look(provider_secrets=mine, twilio_auth_token="0" * 32, sendgrid_api_key=None).ill


def test_a_sender_that_the_country_does_not_take_is_found(well: Ward) -> None:
    well.write("config/channels.yaml", CHANNELS.replace("+15005550006", "+306912345678"))
    assert "sender-country" in well.codes()
    well.write("config/channels.yaml", CHANNELS.replace('"+15005550006"', "Alkyon"))
    assert "sender-country" in well.codes()


def test_an_account_that_may_not_send_is_found(well: Ward) -> None:
    well.sms.status, well.email.scopes = "suspended", ["stats.read"]
    assert {"twilio-suspended", "sendgrid-refused"} <= well.codes()


def test_clocks_that_differ_are_found_by_each_that_tells_the_time(either: Ward) -> None:
    either.skew = 40.0
    whose = " ".join(one.what for one in either.look().findings if one.code == "clock-skew")
    expected = ["Twilio", "SendGrid", "queue's server"]
    expected += ["database's server"] if either.house.engine.dialect.name == "postgresql" else []
    assert [name for name in expected if name not in whose] == []


def test_a_queue_that_may_lose_what_it_holds_is_found(well: Ward) -> None:
    well.queue.config_set("maxmemory-policy", "allkeys-lru")
    well.queue.config_set("appendonly", "no")
    assert {"queue-evicts", "queue-forgets"} <= well.codes()


def test_a_ticker_that_is_silent_is_found(well: Ward) -> None:
    well.queue.pexpire("revisit:pulse:ticker", pulse.KEPT_MS - 60_000)
    assert "ticker-silent" in well.codes()
    well.queue.delete("revisit:pulse:ticker")
    assert "ticker-silent" in well.codes()


def test_tables_of_another_version_and_rooms_that_were_never_published_are_found(
    either: Ward, bare_database_url: str
) -> None:
    assert {"database-missing", "database-empty"} & either.codes(database_url=bare_database_url)
    with write(either.house.engine) as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert "database-behind" in either.codes()
    with write(either.house.engine) as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert "database-ahead" in either.codes()


def test_looking_makes_no_database_and_no_key(well: Ward, tmp_path: Path) -> None:
    new = tmp_path / "new"
    found = well.codes(data_dir=new, database_url=f"sqlite:///{new / 'revisit.db'}", given_secret_key=None)
    assert "database-missing" in found
    assert not new.exists()


def test_another_secret_key_than_the_databases_is_found(either: Ward) -> None:
    with write(either.house.engine) as conn:
        conn.execute(
            api_tokens.insert().values(
                clinic_id="default", name="x", hash="y", scopes=[], created_at=datetime.now(UTC)
            )
        )
    assert "secret-other" not in either.codes()
    unset = either.codes(given_secret_key=None)
    assert ("secret-missing" in unset) == (either.house.engine.dialect.name == "postgresql")
    assert "secret-other" in either.codes(given_secret_key="another secret of good length 0123456789")


def test_what_waits_and_what_was_refused_is_found(either: Ward) -> None:
    either.house.wall = lambda: datetime.now(UTC) - timedelta(hours=1)
    events = [an_event(1, at=either.house.wall() - timedelta(hours=1)), {"type": "nothing"}]
    accept(either.house, "default", events, "test")
    assert {"events-late", "quarantine"} <= either.codes()


def test_a_sender_that_is_paused_and_a_feed_that_is_silent_are_found(well: Ward) -> None:
    with write(well.house.engine) as conn:
        senders.keep(
            conn, "default", "sms", SenderState(True, 5, datetime.now(UTC), "20003", "x"), datetime.now(UTC)
        )
        conn.execute(update(clinics).values(feed_seen_at=datetime.now(UTC) - timedelta(days=9)))
    assert {"sender-paused", "feed-stale"} <= well.codes()


def test_a_rehearsal_that_was_forgotten_and_rooms_that_are_broken_are_found(well: Ward) -> None:
    clinic = (well.settings.workspace / "config/clinic.yaml").read_text()
    well.write("config/clinic.yaml", clinic.replace("mode: live", "mode: rehearsal"))
    assert "mode-rehearsal" in well.codes()
    well.write("config/policy.yaml", "nothing: known\n")
    assert "rooms-broken" in well.codes()


def test_of_many_clinics_each_finding_names_those_that_it_is_about(well: Ward) -> None:
    rooms = dict(read_folder(well.settings.workspace))
    rehearsing = rooms | {
        "config/clinic.yaml": rooms["config/clinic.yaml"].replace("mode: live", "mode: rehearsal")
    }
    foreign = rehearsing | {
        "config/channels.yaml": rooms["config/channels.yaml"].replace("5550006", "5550007")
    }
    clinics = {"a/": rooms, "b/": rehearsing, "c/": foreign, "d/": rooms | {"config/clinic.yaml": "nonsense"}}
    found = {one.code: one.what for one in examine(well.settings, clinics).findings}
    assert found.keys() == {"mode-rehearsal", "sender-foreign", "rooms-broken"}
    assert [what.partition(": ")[0] for _, what in sorted(found.items())] == ["b/, c/", "d/", "c/"]


def test_a_disk_that_is_full_and_data_that_others_may_read_are_found(
    well: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    well.settings.data_dir.chmod(0o755)
    key = well.settings.data_dir / "secret_key"
    key.write_text("x")
    key.chmod(0o644)
    usage = shutil.disk_usage(well.settings.data_dir)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1_000_000))
    assert {"data-open", "secret-open", "disk-full"} <= well.codes()


def test_a_zone_that_this_machine_does_not_know_is_found(well: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(key: str) -> Any:
        raise ZoneInfoNotFoundError(key)

    monkeypatch.setattr(doctoring_machine, "ZoneInfo", unknown)
    assert "zone-missing" in well.codes()


def test_the_command_tells_people_and_programs_and_ends_with_1(
    well: Ward, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    from worker.cli import doctor

    monkeypatch.setattr(
        doctor,
        "settings",
        lambda _workspace, _workspaces: replace(well.settings, sendgrid_webhook_public_key=None),
    )
    monkeypatch.setattr("worker.logs.set_up_logging", lambda **_: None)
    for form in doctor.Format:
        with pytest.raises(typer.Exit) as ended:
            doctor.doctor(form=form)
        assert ended.value.exit_code == 1
    said = capsys.readouterr().out
    told = json.loads(said[said.index("\n{") :])
    assert "webhook-key-missing" in {one["code"] for one in told["findings"]}
    assert "[webhook-key-missing]" in said


def test_every_finding_stands_in_the_reference() -> None:
    root = Path(doctoring_machine.__file__).parents[2]
    found: set[str] = set()
    for path in (root / "worker/service").glob("doctoring*.py"):
        found |= set(re.findall(r'\b(?:error|warning)\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8")))
    found |= {f"{name}-{how}" for name in ("twilio", "sendgrid") for how in ("refused", "suspended", "away")}
    page = (
        (root / "docs/reference/commands.md").read_text(encoding="utf-8").partition("## `revisit doctor`")[2]
    )
    told = set(re.findall(r"`([a-z-]+)`", page.partition("\n## ")[0].partition("| part |")[2]))
    assert found - told == {"sendgrid-suspended"}, "SendGrid answers 401 for an account that is suspended"
    assert told <= found
