"""Our public address, asked as a patient's browser would."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from tests.channels import test_http
from tests.channels.test_http import free_port
from tests.delivery.desk import Desk
from tests.standins.server import Reply, Request, Standin
from worker.service.probing import ask, probe, to_probe
from worker.store import doors
from worker.store.engine import read

certificate = test_http.certificate


class Web(Standin[bytes]):
    """A web server: it is well, or it answers what `status` says."""

    status = 200

    def read(self, request: Request) -> Reply | None:
        return Reply(self.status if request.path == "/healthz" else 404)


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(certificate)
    return found


def test_an_address_opens_where_its_certificate_is_trusted_and_it_is_well(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with Web(tls) as web:
        strange = ask(web.url)
        assert "certificate" in strange or "TLS" in strange
        assert web.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("authority.pem")))
        assert ask(web.url) == ""
        web.status = 502
        assert ask(web.url) == "it answers 502 to /healthz"


def test_what_is_wrong_is_said_without_a_word_of_providers() -> None:
    why = ask(f"https://localhost:{free_port()}")
    assert why
    assert "provider" not in why


def test_an_address_that_does_not_answer_is_kept_as_shut_and_asked_again_in_a_minute(desk: Desk) -> None:
    desk.house.public_url = f"https://clinic.localhost:{free_port()}"
    with read(desk.house.engine) as conn:
        assert [job.kind for job in to_probe(conn, desk.house)] == ["probe"]
    why = probe(desk.house, "default")
    assert why
    with read(desk.house.engine) as conn:
        found = doors.door_of(conn, "default")
        assert found is not None
        assert (found.url, found.answered_at, found.why) == (desk.house.public_url, None, why)
        assert to_probe(conn, desk.house) == []
        desk.now += timedelta(minutes=1)
        assert [job.kind for job in to_probe(conn, desk.house)] == ["probe"]


@pytest.mark.parametrize("url", ["http://clinic.example", "https://127.0.0.1:8000", "http://localhost"])
def test_where_there_is_nothing_to_find_out_nobody_asks(desk: Desk, url: str) -> None:
    desk.house.public_url = url
    with read(desk.house.engine) as conn:
        assert to_probe(conn, desk.house) == []
    assert probe(desk.house, "default") == ""
