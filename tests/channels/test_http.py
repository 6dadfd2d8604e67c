from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import channels.http
from channels.http import Answer, Http, NoAnswer, NotSent
from tests.standins.server import Reply, Request, Standin


class Echo(Standin[bytes]):
    """Accepts everything and says it back."""

    def check(self, request: Request) -> bytes:
        return request.body

    def accepted(self, message: bytes) -> Reply:
        return Reply(200, message)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as standin:
        yield standin


def failure(http: Http) -> NotSent | NoAnswer:
    with pytest.raises((NotSent, NoAnswer)) as caught:
        http.post("/", b"x" * 100, {})
    assert isinstance(caught.value, NotSent | NoAnswer)
    return caught.value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    told = failure(Http(f"http://127.0.0.1:{free_port()}"))
    assert isinstance(told, NotSent) and told.code == "no_connection"


def test_an_unknown_host_proves_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    told = failure(Http("http://no-such-host.invalid"))
    assert isinstance(told, NotSent) and told.code == "no_such_host"


def test_a_failed_handshake_proves_that_nothing_was_sent(echo: Echo) -> None:
    told = failure(Http(echo.url.replace("http:", "https:")))
    assert isinstance(told, NotSent) and told.code == "tls"
    assert echo.requests == []


def test_a_handshake_without_end_proves_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = failure(Http(f"https://127.0.0.1:{silent.getsockname()[1]}", 0.4))
    assert isinstance(told, NotSent)


def test_no_request_begins_after_the_deadline(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def slow_resolver(*args: Any, **kwargs: Any) -> Any:
        threading.Event().wait(0.4)
        return resolve(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow_resolver)
    told = failure(Http(echo.url, 0.3))
    assert isinstance(told, NotSent) and told.code == "connect_timeout"
    assert echo.requests == []


def test_not_a_byte_leaves_after_the_moment_that_was_given(echo: Echo) -> None:
    """A machine that slept, or a process that was stopped, comes back with its deadline still ahead."""
    http = Http(echo.url)
    with pytest.raises(NotSent) as told:
        http.post("/x", b"a=b", {}, before=time.time() - 0.001)
    assert told.value.code == "late"
    assert not echo.requests
    assert http.post("/x", b"a=b", {}, before=time.time() + 60).status == 200


@pytest.mark.parametrize("step", ["hangup_before", "hangup_after", "reset_after"])
def test_a_connection_that_breaks_after_the_request_proves_nothing(echo: Echo, step: str) -> None:
    echo.script([step])
    told = failure(Http(echo.url))
    assert isinstance(told, NoAnswer) and told.code == "cut_off"


def test_a_hang_up_on_a_kept_connection_is_not_tried_again(echo: Echo) -> None:
    http = Http(echo.url)
    http.post("/", b"1", {})
    echo.script(["hangup_after"])
    assert isinstance(failure(http), NoAnswer)
    assert len(echo.requests) == 2


@pytest.mark.parametrize("step", ["slow", ("drip", 0.05)])
def test_the_whole_call_has_one_deadline(echo: Echo, step: str | tuple[str, float]) -> None:
    echo.script([step])
    begun = time.monotonic()
    told = failure(Http(echo.url, 0.4))
    assert isinstance(told, NoAnswer) and told.code == "no_answer"
    assert time.monotonic() - begun < 2


def test_a_status_counts_even_when_the_body_never_comes(echo: Echo) -> None:
    echo.script(["half_answer"])
    assert Http(echo.url).post("/", b"hello", {}).status == 200


def test_a_redirect_is_an_answer_and_is_not_followed(echo: Echo) -> None:
    echo.script(["redirect"])
    assert Http(echo.url).post("/", b"", {}).status == 307
    assert len(echo.requests) == 1


def test_calls_share_one_connection(echo: Echo) -> None:
    http = Http(echo.url)
    for n in range(5):
        assert http.post("/", b"%d" % n, {}).body == b"%d" % n
    assert echo.connections == 1


def test_a_connection_that_has_rested_too_long_is_replaced(
    echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = Http(echo.url)
    http.post("/", b"1", {})
    monkeypatch.setattr(channels.http, "REST_SECONDS", 0.0)
    http.post("/", b"2", {})
    assert echo.connections == 2


class Reader(Echo):
    """Says back the path that was asked for, long enough to be a list."""

    def read(self, request: Request) -> Reply | None:
        return Reply(200, request.path.encode() * 30_000) if request.method == "GET" else None


def test_a_list_may_be_longer_than_an_answer_to_a_message() -> None:
    with Reader() as reader:
        http = Http(reader.url)
        body = http.get("/list?To=%2B1", {}).body
        assert body == b"/list?To=%2B1" * 30_000 and len(body) > 256 * 1024
        http.post("/", b"after", {})
        assert reader.connections == 1


@pytest.mark.parametrize("step", ["hangup_before", "reset_after", "hangup_after"])
def test_a_list_is_asked_for_once(step: str) -> None:
    with Reader() as reader:
        reader.script([step])
        with pytest.raises(NoAnswer):
            Http(reader.url).get("/list", {})
        assert len(reader.requests) == 1


def test_an_endless_answer_is_cut_off_and_its_connection_dropped(echo: Echo) -> None:
    http = Http(echo.url)
    assert 256 * 1024 < len(http.post("/", b"x" * 2_000_000, {}).body) < 512 * 1024
    assert http.post("/", b"after", {}).body == b"after"


def test_threads_do_not_mix_up_their_calls(echo: Echo) -> None:
    http = Http(echo.url)
    wrong: list[str] = []

    def work(name: int) -> None:
        for n in range(20):
            said = b"%d-%d" % (name, n)
            if http.post("/", said, {}).body != said:
                wrong.append(said.decode())

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(echo.messages) == 160
    assert echo.connections <= 8


@pytest.mark.parametrize(
    "url", ["", "api.twilio.com", "ftp://x", "https://", "https://x/?a=1", "https://x/#a"]
)
def test_a_base_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        Http(url)


def test_a_wait_is_read_from_the_answer_alone() -> None:
    date = "Mon, 23 Nov 2026 10:00:00 GMT"
    assert Answer(429, {"Retry-After": "7"}, b"").retry_after() == 7
    assert (
        Answer(429, {"Retry-After": "Mon, 23 Nov 2026 10:00:30 GMT", "Date": date}, b"").retry_after() == 30
    )
    assert Answer(429, {"Retry-After": "Mon, 23 Nov 2026 09:00:30 GMT", "Date": date}, b"").retry_after() == 0
    assert Answer(429, {"Retry-After": "soon"}, b"").retry_after() is None
    assert Answer(429, {}, b"").retry_after() is None
    at_ten = int(dt.datetime(2026, 11, 23, 10, tzinfo=dt.UTC).timestamp())
    assert Answer(429, {"X-Reset": str(at_ten + 9), "Date": date}, b"").seconds_until("X-Reset") == 9
    assert Answer(429, {"X-Reset": str(at_ten + 9)}, b"").seconds_until("X-Reset") is None
    assert Answer(429, {"X-Reset": "nan", "Date": date}, b"").seconds_until("X-Reset") is None


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + cert.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "authority.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    return pem


def test_only_a_trusted_server_is_written_to(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with Echo(tls=tls) as echo:
        told = failure(Http(echo.url))
        assert isinstance(told, NotSent) and told.code == "tls"
        assert echo.requests == []
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            with monkeypatch.context() as trusting:
                trusting.setenv(name, str(certificate.with_name("authority.pem")))
                http = Http(echo.url)
            assert http.post("/", b"hello", {}).body == b"hello"
            assert http.post("/", b"again", {}).body == b"again"
            http.close()
        assert len(echo.messages) == 4
