"""What is deployed says what is so: every name of a metric, a command, a variable, a volume and a file in it is there. No container engine is needed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_docs import commands
from worker.web.metrics import METRICS

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "ticker")
FROM_OTHERS = {"process_resident_memory_bytes", "up"}
"""Metrics of the client library and of Prometheus itself."""


def metric_names(expression: str) -> set[str]:
    """The metrics of an expression, without the endings that a histogram's series have."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    found = set(re.findall(r"\b(?:revisit|process)_\w+", bare))
    return {re.sub(r"_(?:bucket|sum|count)$", "", name) if name not in METRICS else name for name in found}


def labels_used(expression: str) -> set[str]:
    """The labels that an expression asks for or keeps."""
    found = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"", expression))
    for kept in re.findall(r"\b(?:by|without|on) \(([^)]*)\)", expression):
        found |= {name.strip() for name in kept.split(",") if name.strip()}
    return found - {"job", "instance", "le"}


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEPLOY / "grafana/revisit.json").read_text(encoding="utf-8"))
    return found


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    shown = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return [*shown, *(rule["expr"] for rule in alerts())]


def test_every_metric_that_is_shown_or_alerted_on_exists_with_its_labels() -> None:
    for expression in expressions():
        names = metric_names(expression)
        assert names or 'up{job="revisit"}' in expression, expression
        assert names - set(METRICS) - FROM_OTHERS == set(), expression
        known = {label for name in names & set(METRICS) for label in METRICS[name].labels}
        assert labels_used(expression) <= known, expression
        assert expression.count("(") == expression.count(")"), expression


def test_every_metric_stands_on_the_dashboard_and_what_must_wake_somebody_has_an_alert() -> None:
    shown = {name for panel in dashboard()["panels"] for target in panel.get("targets", ()) for name in metric_names(target["expr"])}  # fmt: skip
    assert set(METRICS) - shown == set()
    alerted = {name for rule in alerts() for name in metric_names(rule["expr"])}
    assert {
        "revisit_up", "revisit_ticker_heartbeat_seconds", "revisit_events_oldest_seconds", "revisit_due_lag_seconds", "revisit_senders_paused",
        "revisit_messages_unknown", "revisit_quarantined_recent", "revisit_feed_age_seconds", "revisit_public_address_failing",
    } <= alerted  # fmt: skip


def test_alerts_say_how_bad_it_is_and_what_to_do() -> None:
    page = (ROOT / "docs/how-to/operate.md").read_text(encoding="utf-8")
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) >= 15
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert f"`{rule['alert']}`" in page, rule["alert"]
        told = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert told <= labels_used(rule["expr"]), rule["alert"]


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    found = dashboard()
    assert {"uid", "title", "panels", "schemaVersion", "templating", "time"} <= set(found)
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in found["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_prometheus_reads_files_that_are_there_and_asks_a_service_that_is_there() -> None:
    told = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    assert [(DEPLOY / name).is_file() for name in told["rule_files"]] == [True]
    (job,) = told["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert (job["job_name"], found["names"], found["port"]) == ("revisit", ["web"], 8000)
    assert f'"{found["port"]}"' in str(SERVICES["web"]["command"]).replace("'", '"')


# -- docker-compose.yml -------------------------------------------------------------------------------------------------------


def test_there_are_two_of_every_role_and_one_migration_before_them() -> None:
    assert {name: SERVICES[name]["deploy"]["replicas"] for name in ("web", "worker", "ticker")} == {
        "web": 2, "worker": 2, "ticker": 2,
    }  # fmt: skip
    for name in ("web", "worker", "ticker"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["restart"] == "no"
    command = SERVICES["valkey"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["monitoring"]} == {"prometheus", "grafana"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_names_is_there(name: str) -> None:
    service = SERVICES[name]
    known = {
        "image", "build", "init", "restart", "stop_grace_period", "environment", "volumes", "depends_on", "command", "ports", "deploy", "healthcheck", "profiles",
    }  # fmt: skip
    assert set(service) <= known
    assert service.get("image")
    needs = service.get("depends_on", {})
    assert set(needs) <= set(SERVICES)
    if isinstance(needs, dict):
        for other, how in needs.items():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[other], other
    for volume in service.get("volumes", ()):
        source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).partition(":")[0]
        if source.startswith("."):
            assert (ROOT / source).exists(), volume
        else:
            assert source in COMPOSE["volumes"], volume
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:"), "what is published is published to this machine only"


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_with_options_that_there_are(name: str) -> None:
    command, *options = SERVICES[name]["command"]
    params = {option for param in commands()[command].params for option in param.opts}
    assert {option for option in options if option.startswith("--")} <= params
    told = set(
        re.findall(r"`([A-Z_]+)", (ROOT / "docs/reference/environment.md").read_text(encoding="utf-8"))
    )
    assert set(SERVICES[name]["environment"]) <= told
    assert SERVICES[name]["stop_grace_period"] == "40s", "longer than a process may take to stop"


def test_secrets_are_asked_for_and_none_is_written_down() -> None:
    for name, service in SERVICES.items():
        for key, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|KEY", key):
                assert re.fullmatch(r"\$\{\w+:[-?][^}]*\}", value), (name, key)


# -- Dockerfile and systemd ---------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_runs_as_nobody_in_particular_and_is_asked_whether_it_lives() -> None:
    found = instructions()
    words = [word for word, _ in found]
    assert set(words) <= {
        "FROM", "RUN", "ENV", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    last = max(n for n, word in enumerate(words) if word == "FROM")
    users = [rest for word, rest in found[last:] if word == "USER"]
    assert users == ["revisit"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    (check,) = [rest for word, rest in found if word == "HEALTHCHECK"]
    argv = json.loads(check[check.index("CMD ") + 4 :])
    compile(argv[2], "healthcheck", "exec")
    for word, rest in found:
        if word == "COPY" and "--from" not in rest:
            *sources, _ = [part for part in shlex.split(rest) if not part.startswith("--")]
            assert [source for source in sources if not (ROOT / source).exists()] == []
        assert not re.search(r":latest\b|--privileged|curl .*\| *sh", rest)


@pytest.mark.parametrize("path", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.name)
def test_a_unit_of_systemd_names_commands_that_there_are_and_keeps_to_itself(path: Path) -> None:
    sections: dict[str, dict[str, str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section[key] = f"{section.get(key, '')} {value}".strip()
    if path.suffix == ".timer":
        assert set(sections) == {"Unit", "Timer", "Install"}
        assert path.with_suffix(".service").is_file()
        return
    service = sections["Service"]
    words = service["ExecStart"].split()
    assert words[0].endswith("/bin/revisit")
    params = {option for param in commands()[words[1]].params for option in param.opts}
    assert {word for word in words[2:] if word.startswith("--")} <= params
    assert (service["User"], service["NoNewPrivileges"], service["ProtectSystem"], service["UMask"]) == (
        "revisit", "true", "strict", "0077",
    )  # fmt: skip
    if service.get("Type") != "oneshot":
        assert (service["Restart"], int(service["TimeoutStopSec"]) > 30) == ("always", True)
    assert f"{path.name}" in (ROOT / "docs/how-to/operate.md").read_text(encoding="utf-8")
