from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from channels.base import Unreadable
from channels.status import Status
from channels.twilio import TwilioSms
from channels.twilio_webhooks import parse_inbound, parse_status, urls_behind, verify
from tests.channels.messages import PHONE, an_sms
from tests.standins.hooks import Signed
from tests.standins.twilio import AUTH_TOKEN, TwilioStandin

# Twilio's published example
TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
FORM_TYPE = "application/x-www-form-urlencoded"
BODY = urlencode(FORM).encode()


def headers(signature: str = SIGNATURE, kind: str = FORM_TYPE) -> dict[str, str]:
    return {"Content-Type": kind, "X-Twilio-Signature": signature}


def test_twilios_own_example_verifies() -> None:
    assert verify(TOKEN, [URL], headers(), BODY)
    assert verify(TOKEN, [URL], headers(kind=f"{FORM_TYPE}; charset=UTF-8"), BODY)
    assert verify(TOKEN, [URL], {k.lower(): v for k, v in headers().items()}, BODY)


def test_each_changed_byte_of_the_signature_is_refused() -> None:
    for place, byte in enumerate(SIGNATURE):
        other = "A" if byte != "A" else "B"
        changed = SIGNATURE[:place] + other + SIGNATURE[place + 1 :]
        assert not verify(TOKEN, [URL], headers(changed), BODY), changed


def test_each_changed_byte_of_the_body_is_refused() -> None:
    for place in range(len(BODY)):
        other = b"7" if BODY[place : place + 1] != b"7" else b"6"
        changed = BODY[:place] + other + BODY[place + 1 :]
        assert not verify(TOKEN, [URL], headers(), changed), changed


def test_each_changed_byte_of_the_url_is_refused() -> None:
    for place in range(len(URL)):
        other = "x" if URL[place] != "x" else "y"
        changed = URL[:place] + other + URL[place + 1 :]
        assert not verify(TOKEN, [changed], headers(), BODY), changed


@pytest.mark.parametrize("token", ["12346", "1234", "", " 12345"])
def test_another_token_is_refused(token: str) -> None:
    assert not verify(token, [URL], headers(), BODY)


def test_an_empty_token_vouches_for_nothing() -> None:
    forged = RequestValidator("").compute_signature(URL, FORM)
    assert not verify("", [URL], headers(forged), BODY)


def test_one_more_parameter_or_one_fewer_is_refused() -> None:
    assert not verify(TOKEN, [URL], headers(), BODY + b"&Body=STOP")
    assert not verify(TOKEN, [URL], headers(), BODY.rpartition(b"&")[0])


def test_the_order_of_parameters_does_not_matter() -> None:
    assert verify(TOKEN, [URL], headers(), urlencode(list(FORM.items())[::-1]).encode())


@pytest.mark.parametrize(
    ("signed", "asked"),
    [
        ("https://clinic.example/hook?a=1", "https://clinic.example:443/hook?a=1"),
        ("https://clinic.example:443/hook?a=1", "https://clinic.example/hook?a=1"),
        ("http://clinic.example:80/hook", "http://clinic.example/hook"),
        ("https://clinic.example:8443/hook", "https://clinic.example:8443/hook"),
        ("https://clinic.example/hook", "https://clinic.example:8443/hook"),
    ],
)
def test_a_port_may_be_there_or_not(signed: str, asked: str) -> None:
    signature = RequestValidator(TOKEN).compute_signature(signed, FORM)
    assert verify(TOKEN, [asked], headers(signature), BODY)


def test_any_of_the_urls_may_be_the_one() -> None:
    assert verify(TOKEN, ["https://other.example/", "https://x:99999/", URL], headers(), BODY)
    assert not verify(TOKEN, ["https://other.example/", "https://x:99999/"], headers(), BODY)
    assert not verify(TOKEN, [], headers(), BODY)


def test_parameters_that_come_twice_count_twice(twilio_standin: TwilioStandin) -> None:
    pairs = [("MediaUrl", "b"), ("MediaUrl", "a"), ("MediaUrl", "a"), ("Body", ""), ("MessageSid", "SM1")]
    sent = twilio_standin.signed(URL, pairs)
    assert verify(AUTH_TOKEN, [URL], sent.headers, sent.body)
    fewer = sent.body.replace(b"MediaUrl=b&", b"")
    assert fewer != sent.body and not verify(AUTH_TOKEN, [URL], sent.headers, fewer)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=12)), max_size=8))
def test_whatever_form_the_sdk_signs_is_believed_and_nothing_added_to_it(
    pairs: list[tuple[str, str]],
) -> None:
    try:
        sent = TwilioStandin().signed(URL, pairs)
    except UnicodeEncodeError:
        return
    assert verify(AUTH_TOKEN, [URL], sent.headers, sent.body)
    assert not verify(AUTH_TOKEN, [URL], sent.headers, sent.body + b"&More=1")


def json_signed(body: bytes, url: str = "https://clinic.example/hook") -> tuple[str, dict[str, str]]:
    full = f"{url}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    return full, headers(RequestValidator(TOKEN).compute_signature(full, {}), "application/json")


def test_a_json_body_is_vouched_for_by_its_hash() -> None:
    body = '{"body": "Καλημέρα"}'.encode()
    url, said = json_signed(body)
    assert verify(TOKEN, [url], said, body)
    assert verify(TOKEN, [url.replace("example/", "example:443/")], said, body)
    for place in range(len(body)):
        other = bytes([body[place] ^ 1])
        assert not verify(TOKEN, [url], said, body[:place] + other + body[place + 1 :])


def test_a_body_without_its_hash_is_not_vouched_for_by_the_url_alone() -> None:
    signature = RequestValidator(TOKEN).compute_signature(URL, {})
    for kind in ("application/json", "text/plain", "", "multipart/form-data; boundary=x"):
        assert not verify(TOKEN, [URL], headers(signature, kind), b"MessageSid=SM1&Body=STOP")
    assert not verify(TOKEN, [URL + "&bodySHA256="], headers(signature, "application/json"), b"{}")
    hashed = f"{URL}&bodySHA256={'0' * 64}"
    for_hashed = RequestValidator(TOKEN).compute_signature(hashed, {})
    assert not verify(TOKEN, [hashed], headers(for_hashed), b"MessageSid=SM1")


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ({}, BODY),
        ({"X-Twilio-Signature": ""}, BODY),
        (headers("Ω"), BODY),
        (headers(), b"\xff=1"),
        (headers(), b"%ff=%fe"),
        (headers(), b"a=1&" * 5000),
        (headers(kind="application/json"), b"\xff"),
    ],
)
def test_rubbish_is_refused_and_raises_nothing(said: dict[str, str], body: bytes) -> None:
    assert not verify(TOKEN, [URL, "", "no url", "https://[::1"], said, body)


def test_the_public_url_is_tried_first_and_the_proxys_word_after_it() -> None:
    found = urls_behind(
        "https://clinic.example/",
        "/hooks/twilio/status",
        "ref=m-1",
        "10.0.0.5:8000",
        {"x-forwarded-proto": "https, http", "x-forwarded-host": "www.clinic.example, 10.0.0.1"},
    )
    tail = "/hooks/twilio/status?ref=m-1"
    assert found == (
        f"https://clinic.example{tail}",
        f"https://www.clinic.example{tail}",
        f"http://www.clinic.example{tail}",
        f"https://10.0.0.5:8000{tail}",
        f"http://10.0.0.5:8000{tail}",
    )


@pytest.mark.parametrize("came", ["/hooks/x", "/revisit/hooks/x"])
def test_a_public_url_with_a_path_is_found_whether_the_proxy_cuts_it_off_or_not(came: str) -> None:
    found = urls_behind("https://clinic.example/revisit", came, "", None, {})
    assert "https://clinic.example/revisit/hooks/x" in found
    assert len(found) <= 2


def test_a_forwarded_port_and_scheme_are_used() -> None:
    found = urls_behind(
        "", "/h", "", "clinic.example", {"X-Forwarded-Port": "8443", "X-Forwarded-Proto": "https"}
    )
    assert found[:2] == ("https://clinic.example/h", "https://clinic.example:8443/h")


@pytest.mark.parametrize("host", ["a b", "x/../y", "x?y", "x@y", "", "[::1", "x:1:2"])
def test_a_host_that_is_none_is_not_tried(host: str) -> None:
    assert urls_behind("https://clinic.example", "/h", "", host, {"X-Forwarded-Host": host}) == (
        "https://clinic.example/h",
    )


def test_a_report_that_the_sdk_signed_for_our_callback_verifies_behind_a_proxy(
    sms: TwilioSms, twilio_standin: TwilioStandin
) -> None:
    sms.send(an_sms())
    sent = twilio_standin.callback(twilio_standin.messages[0].sid, "delivered")
    path, _, query = sent.target.partition("?")
    urls = urls_behind("https://clinic.example", path, query, "127.0.0.1:8000", {})
    assert verify(AUTH_TOKEN, urls, sent.headers, sent.body)
    assert not verify(AUTH_TOKEN, urls_behind("https://clinic.example", path, "ref=m-2", None, {}),
                      sent.headers, sent.body)  # fmt: skip


def a_report(
    sms: TwilioSms, standin: TwilioStandin, word: str, code: int | None = None, **more: str
) -> Signed:
    sms.send(an_sms())
    return standin.callback(standin.messages[-1].sid, word, code, **more)


def test_a_status_is_read_with_our_ref_and_all_that_it_says(
    sms: TwilioSms, twilio_standin: TwilioStandin
) -> None:
    sent = a_report(sms, twilio_standin, "undelivered", 30003, RawDlrDoneDate="2611231005", New="thing")
    receipt = parse_status(sent.body, sent.target.partition("?")[2])
    sid = twilio_standin.messages[0].sid
    assert (receipt.provider, receipt.key, receipt.ref, receipt.provider_id) == (
        "twilio",
        f"{sid}:undelivered",
        "m-1",
        sid,
    )
    assert (receipt.status, receipt.word, receipt.code) == (Status.UNDELIVERED, "undelivered", "30003")
    assert receipt.at == datetime(2026, 11, 23, 10, 5, tzinfo=UTC)
    assert receipt.address == PHONE and receipt.url is None and receipt.user_agent is None
    assert receipt.raw["New"] == "thing" and receipt.raw["ErrorCode"] == "30003"
    assert PHONE not in repr(receipt) and "6900" not in repr(receipt)


def test_a_new_word_is_kept_as_unknown(sms: TwilioSms, twilio_standin: TwilioStandin) -> None:
    receipt = parse_status(a_report(sms, twilio_standin, "teleported").body, "")
    assert (receipt.status, receipt.word, receipt.code) == (Status.UNKNOWN, "teleported", "")
    assert receipt.ref is None and receipt.key.endswith(":teleported")


@pytest.mark.parametrize("when", ["", "261123100", "2613991005", "26112310055", "٢٦١١٢٣١٠٠٥", "now"])
def test_a_carriers_time_that_is_none_is_left_out(when: str) -> None:
    body = urlencode({"MessageSid": "SM1", "MessageStatus": "sent", "RawDlrDoneDate": when}).encode()
    assert parse_status(body, "").at is None


@pytest.mark.parametrize("query", ["ref=", "ref=../up", "ref=%00", "other=m-1", "ref=a%20b"])
def test_a_ref_that_cannot_be_ours_is_none(query: str) -> None:
    assert parse_status(b"MessageSid=SM1&MessageStatus=sent", query).ref is None


def test_a_code_of_nought_or_of_words_is_no_code() -> None:
    for code in ("0", "", "+306900000017 said no"):
        body = urlencode({"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": code}).encode()
        assert parse_status(body, "").code == ""


def test_a_message_from_a_patient_is_read(twilio_standin: TwilioStandin) -> None:
    sent = twilio_standin.inbound("https://clinic.example/in", PHONE, "+15005550006", "Ναι & 1+1\n🙂")
    message = parse_inbound(sent.body)
    assert (message.sender, message.to, message.body) == (PHONE, "+15005550006", "Ναι & 1+1\n🙂")
    assert message.key.startswith("SM") and message.media == 0 and message.opt_out_type is None
    assert message.raw["ToCountry"] == "GR"
    assert PHONE not in repr(message) and "Ναι" not in repr(message)


def test_an_answer_that_twilio_gave_itself_is_told(twilio_standin: TwilioStandin) -> None:
    sent = twilio_standin.inbound(
        "https://clinic.example/in", PHONE, "+15005550006", "Stop", OptOutType="STOP"
    )
    assert parse_inbound(sent.body).opt_out_type == "STOP"


@pytest.mark.parametrize(("media", "count"), [("2", 2), ("", 0), ("x", 0), ("-1", 0), ("9" * 5000, 0)])
def test_pictures_are_counted(media: str, count: int) -> None:
    body = urlencode({"MessageSid": "MM1", "From": PHONE, "To": "+1500", "NumMedia": media}).encode()
    message = parse_inbound(body)
    assert message.media == count and message.body == ""


def test_what_no_database_can_store_is_replaced() -> None:
    message = parse_inbound(b"MessageSid=SM1&From=%2B1&To=%2B2&Body=a%00b&Odd%00=1")
    assert message.body == "a\ufffdb" and message.raw["Odd\ufffd"] == "1"


def test_a_parameter_that_came_twice_is_kept_twice() -> None:
    receipt = parse_status(b"MessageSid=SM1&MessageStatus=sent&X=1&X=2", "")
    assert receipt.raw["X"] == ["1", "2"]


@pytest.mark.parametrize(
    "body", [b"", b"MessageStatus=sent", b"MessageSid=", b"MessageSid=a%20b", b"{}", b"\xff"]
)
def test_a_report_about_no_message_is_unreadable_and_says_so(body: bytes) -> None:
    for parse in (lambda: parse_status(body, "ref=m-1"), lambda: parse_inbound(body)):
        with pytest.raises(Unreadable, match="Twilio"):
            parse()


@pytest.mark.parametrize("body", [b"MessageSid=SM1&To=%2B1&Body=x", b"MessageSid=SM1&From=%2B1&Body=x"])
def test_a_message_from_or_to_nobody_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable, match="without"):
        parse_inbound(body)
