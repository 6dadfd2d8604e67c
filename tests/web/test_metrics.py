"""What a monitoring system is told: true figures, few labels, no patient; and whether the system could serve, with the real thing taken away."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.web.site import MONDAY, Site, a_person, an_event
from worker.actors import Queue
from worker.queue import pulse
from worker.queue.broker import make_broker
from worker.queue.tally import Tally
from worker.service.figures import Figures
from worker.service.publishing import publish
from worker.service.readiness import Vitals
from worker.store.engine import make_engine, write
from worker.store.schema import messages, workspace_versions
from worker.web.app import make_app
from worker.web.metrics import METRICS, Metrics, route_of
from worker.workspace.house import House
from worker.workspace.layout_new import sample_rooms

Told = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read_text(text: str) -> Told:
    """Every sample by its name and labels; a real parser refuses what Prometheus would."""
    found: Told = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


class Watch:
    """A site's figures over a real queue."""

    def __init__(self, site: Site, valkey_url: str) -> None:
        self.site = site
        self.broker = make_broker(valkey_url)
        self.queue = Queue(self.broker)

    def look(self) -> Told:
        # Anew each time, so that nothing is kept from the last look.
        return read_text(Metrics(Figures(self.site.house, self.broker)).text().decode())


@pytest.fixture
def watch(door: Site, valkey_url: str) -> Iterator[Watch]:
    found = Watch(door, valkey_url)
    yield found
    found.broker.close()


def test_the_figures_tell_what_waits_and_what_became_of_it(watch: Watch) -> None:
    site = watch.site
    before = watch.look()
    assert before["revisit_up", (("part", "database"),)] == before["revisit_up", (("part", "queue"),)] == 1
    assert before["revisit_events_waiting", ()] == 0
    assert (
        site.post([an_event(1, patient=a_person()), an_event(2, subject="p-2"), {"type": "?"}]).status == 202
    )
    site.set_clock(MONDAY + timedelta(minutes=3))
    watch.queue.put(site.jobs)
    found = watch.look()
    assert found["revisit_events_waiting", ()] == 2
    assert found["revisit_events_oldest_seconds", ()] == 180
    assert found["revisit_quarantined_recent", (("kind", "refused"),)] == 1
    assert found["revisit_feed_age_seconds", (("clinic", "default"),)] == 180
    assert found["revisit_queue_messages", (("queue", "events"), ("state", "waiting"))] == len(site.jobs)

    site.live()
    assert watch.look()["revisit_events_waiting", ()] == 0
    site.set_clock(MONDAY + timedelta(days=3))
    due = watch.look()
    assert due["revisit_due", (("kind", "steps"),)] >= 1
    assert due["revisit_due_lag_seconds", (("kind", "steps"),)] > 3600
    site.live()
    after = watch.look()
    assert after["revisit_due", (("kind", "steps"),)] == 0
    states = {dict(labels)["state"] for name, labels in after if name == "revisit_messages_recent"}
    assert states & {"sent", "rehearsed", "dropped"}


def test_messages_in_doubt_and_claims_that_ran_out_are_told(watch: Watch) -> None:
    site = watch.site
    site.post([an_event(1, patient=a_person()), an_event(2, subject="p-2", patient=a_person())])
    site.live()
    site.set_clock(MONDAY + timedelta(days=3))
    site.live()
    with write(site.house.engine) as conn:
        ids = list(conn.execute(messages.select().with_only_columns(messages.c.id)).scalars())
        assert len(ids) >= 2
        doubt = {"state": "unknown", "decided_at": MONDAY, "reason": "timeout"}
        conn.execute(messages.update().where(messages.c.id == ids[0]).values(**doubt))
        claim = {"state": "claimed", "claimed_until": MONDAY}
        conn.execute(messages.update().where(messages.c.id == ids[1]).values(**claim))
    found = watch.look()
    assert found["revisit_messages_unknown", ()] == 1
    assert (found["revisit_messages_claimed", ()], found["revisit_claims_expired", ()]) == (1, 1)


def test_what_processes_count_and_the_tickers_heartbeat_are_told(watch: Watch) -> None:
    tally = Tally(watch.broker.client)
    tally("provider_calls", 3, channel="sms", provider="twilio", outcome="permanent", code="21610")
    tally("from_another_version", 3)
    tally.close()
    pulse.beat(watch.broker.client, 0.5, 7)
    found = watch.look()
    call = (("channel", "sms"), ("code", "21610"), ("outcome", "permanent"), ("provider", "twilio"))
    assert found["revisit_provider_calls_total", call] == 3
    assert (found["revisit_sweep_seconds", ()], found["revisit_sweep_due", ()]) == (0.5, 7)
    assert found["revisit_ticker_heartbeat_seconds", ()] < 60
    assert not [name for name, _ in found if "another_version" in name]


def test_decisions_are_counted_by_whoever_makes_them(watch: Watch) -> None:
    site = watch.site
    tally = site.house.count = Tally(watch.broker.client)
    site.post(an_event(1, patient=a_person()))
    site.live()
    tally.close()
    found = watch.look()
    assert found["revisit_decisions_total", (("what", "started"),)] >= 1


def test_no_figure_names_a_patient_and_labels_are_few(watch: Watch) -> None:
    site = watch.site
    people = [
        an_event(n, subject=f"patient-{n}", patient=a_person(email=f"who{n}@mail.example")) for n in range(20)
    ]
    site.post(people)
    site.live()
    site.set_clock(MONDAY + timedelta(days=3))
    site.live()
    text = Metrics(Figures(site.house, watch.broker)).text().decode()
    assert not re.findall(r"patient-\d|who\d|Eleni|@", text)
    assert len(text.splitlines()) < 400


def test_a_part_that_is_away_is_told_as_away_and_not_as_zero(site: Site) -> None:
    nobody = make_broker("redis://127.0.0.1:1/0")
    found = read_text(Metrics(Figures(site.house, nobody)).text().decode())
    assert found["revisit_up", (("part", "queue"),)] == 0
    assert found["revisit_up", (("part", "database"),)] == 1
    assert not [name for name, _ in found if name.startswith("revisit_queue")]
    gone = House(
        make_engine("postgresql+psycopg://nobody@/none?host=/nonexistent"), "x" * 32, "http://127.0.0.1:1"
    )
    found = read_text(Metrics(Figures(gone, nobody)).text().decode())
    assert found["revisit_up", (("part", "database"),)] == 0
    assert "revisit_events_waiting" not in {name for name, _ in found}
    gone.engine.dispose()
    nobody.close()


def test_who_asks_often_looks_once(site: Site, valkey_url: str) -> None:
    now, broker = [0.0], make_broker(valkey_url)
    figures = Figures(site.house, broker, clock=lambda: now[0])
    first = figures()
    now[0] += 4.9
    assert figures() is first
    now[0] += 0.2
    assert figures() is not first
    broker.close()


def test_requests_are_counted_by_what_we_serve_and_no_path_makes_a_label(site: Site) -> None:
    for path in ("/healthz", "/healthz", "/u/secret-token", "/wp-login.php", "/readyz"):
        site.get(path)
    answer = site.get("/metrics")
    assert (answer.status, answer.headers["Content-Type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )
    found = read_text(answer.data.decode())
    assert found["revisit_http_requests_total", (("route", "/healthz"), ("status", "2xx"))] == 2
    assert found["revisit_http_requests_total", (("route", "other"), ("status", "4xx"))] == 1
    assert "secret" not in answer.data.decode()
    assert "process_resident_memory_bytes" in {name for name, _ in found}
    assert [route_of(path) for path in ("/", "//", "/events", "/events/x", "/x?y")] == [
        "/", "/", "/events", "/events", "other",
    ]  # fmt: skip


def test_two_applications_of_one_process_share_no_registry(site: Site) -> None:
    for _ in range(2):
        make_app(site.house, token="a token", enqueue=site.enqueue, redis_ok=lambda: True)


def test_every_metric_stands_in_the_reference_with_its_labels() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(revisit_\w+)` \| (\w+) \| (.*?) \|", page, flags=re.MULTILINE)
    told = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert told == {name: (metric.kind, metric.labels) for name, metric in METRICS.items()}


# -- whether it could serve ---------------------------------------------------------------------------------------------------


def test_a_ticker_that_is_silent_is_told(site: Site, valkey_url: str) -> None:
    broker = make_broker(valkey_url)
    site.house.demo = False
    vitals = Vitals(site.house, lambda: bool(broker.client.ping()), lambda: pulse.heard(broker.client))
    assert "revisit ticker" in vitals()["ticker"]
    pulse.beat(broker.client, 0.1, 0)
    assert vitals() == dict.fromkeys(("database", "rooms", "queue", "ticker"), "ok")
    broker.client.pexpire("revisit:pulse:ticker", pulse.KEPT_MS - 40_000)
    assert "40 seconds ago" in vitals()["ticker"]
    broker.close()


def test_a_queue_that_is_away_is_told_and_what_hangs_on_it_is_not_known(site: Site) -> None:
    broker = make_broker("redis://127.0.0.1:1/0")
    site.house.demo = False
    found = Vitals(site.house, lambda: bool(broker.client.ping()), lambda: pulse.heard(broker.client))()
    assert (found["database"], found["ticker"]) == ("ok", "not known")
    assert "can't be reached" in found["queue"]
    broker.close()


def test_a_database_that_is_away_or_behind_is_told(site: Site, tmp_path: Path) -> None:
    gone = House(
        make_engine("postgresql+psycopg://nobody@/none?host=/nonexistent"), "x" * 32, "http://127.0.0.1:1"
    )
    found = Vitals(gone, lambda: True)()
    assert (found["database"], found["rooms"], found["queue"]) == ("can't be reached", "not known", "ok")
    gone.engine.dispose()
    path = str(site.house.engine.url.database)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0001'")
    raw.close()
    assert "version" in Vitals(site.house, lambda: True)()["database"]
    assert site.get("/readyz").status == 503


def test_rooms_that_cannot_be_loaded_are_told_by_the_clinics_name(door: Site) -> None:
    publish(
        door.house, {**sample_rooms(), "config/clinic.yaml": sample_rooms()["config/clinic.yaml"] + "\n# 2\n"}
    )
    with write(door.house.engine) as conn:
        conn.execute(workspace_versions.update().values(files={"config/clinic.yaml": "id: [broken"}))
    answer = door.get("/readyz")
    assert answer.status == 503
    assert answer.json()["rooms"].startswith("those of `default` can't be loaded")
