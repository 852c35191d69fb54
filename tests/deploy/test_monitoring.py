"""Rules and dashboards speak of metrics that there are, and each alert of a page that says what to
do.

The rules' own tests are `deploy/prometheus/tests`, run by promtool where there is one.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.files import read_yaml, yaml_of
from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess, running_server
from tests.test_docs import headings

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool here (Debian: prometheus); .ci/run installs it"
)
# Of Prometheus itself, and of the exporter that rules/outside.yml says.
OTHERS = {"up", "probe_success", "probe_ssl_earliest_cert_expiry"}
# Of `probity engine` and its standby alone (tests/gateway/cli/test_engine.py).
OTHERS |= {"engine_leads", "standby_differs", "standby_ready", "standby_compared_timestamp_seconds"}
_WORDS = {
    *("abs", "absent", "and", "by", "changes", "count", "histogram_quantile", "increase"),
    *("max", "min", "on", "or", "rate", "scalar", "sum", "time", "topk", "unless"),
}
_LABELS = {
    *("cache", "check", "direction", "fate", "instance", "job", "kind", "le", "platform", "reason"),
    *("result", "role", "route", "status", "verb"),
}


def rules(path: Path) -> list[dict[str, Any]]:
    loaded = read_yaml(path)
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str]]:
    for path in RULES:
        for rule in rules(path):
            yield f"{path.name}: {rule['alert']}", rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]


def metrics_of(expression: str) -> set[str]:
    """The names in a query that are neither words of PromQL nor labels."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\$\w+', " ", expression)
    words = set(re.findall(r"[a-zA-Z_]\w*", bare))
    return words - _WORDS - _LABELS


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """Every name on /metrics of a running exchange that has a Redis and follows a venue."""
    folder = tmp_path_factory.mktemp("exchange")
    redis = RedisProcess(folder)
    redis.start()
    settings = {"REDIS_URL": redis.url, "FEED_PLATFORMS": "sample", "PROJECTOR": "on"}
    settings |= {"PROOF_INTERVAL": "10s"}
    try:
        with running_server(folder / "data", settings) as server:
            yield names_of(server)
    finally:
        redis.clean_up()


def names_of(server: ServerProcess) -> set[str]:
    """Some are there from a job's first run on, which is within a minute."""
    server.market("rain")
    deadline = time.monotonic() + 90
    while True:
        text = httpx.get(f"{server.url}/metrics").text
        names = set(re.findall(r"^# TYPE (\w+) (?:counter|gauge)", text, re.MULTILINE))
        for name in re.findall(r"^# TYPE (\w+) histogram", text, re.MULTILINE):
            names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
        needed = {
            "backup_last_success_timestamp_seconds",
            "journal_segments",
            "invariant_check_seq",
            "proof_last_success_timestamp_seconds",
        }
        if needed <= names or time.monotonic() > deadline:
            return names
        time.sleep(0.5)


@pytest.mark.slow
def test_every_metric_that_is_asked_for_is_there(exposed: set[str]) -> None:
    missing = {
        where: sorted(unknown)
        for where, expression in queries()
        if (unknown := metrics_of(expression) - exposed - OTHERS)
    }
    assert missing == {}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_alert_leads_to_its_entry_in_the_runbook(path: Path) -> None:
    for rule in rules(path):
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor in headings(ROOT / page), rule["alert"]
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_alert_fires_in_a_test_and_is_silent_in_the_calm_one() -> None:
    fired: set[str] = set()
    silent: set[str] = set()
    for path in (PROMETHEUS / "tests").glob("*.yml"):
        for test in read_yaml(path)["tests"]:
            for case in test["alert_rule_test"]:
                (fired if case["exp_alerts"] else silent).add(case["alertname"])
    every = {rule["alert"] for path in RULES for rule in rules(path)}
    assert (fired, silent) == (every, every)


def test_dashboards_are_what_grafana_reads() -> None:
    assert [path.stem for path in DASHBOARDS] == [
        *("database", "engine", "exchange", "feeds", "gateways"),
    ]
    seen = set()
    for path in DASHBOARDS:
        board = json.loads(path.read_text("utf-8"))
        seen.add(board["uid"])
        assert board["schemaVersion"] >= 36
        ids = [panel["id"] for panel in board["panels"]]
        places = [tuple(sorted(panel["gridPos"].items())) for panel in board["panels"]]
        assert len(set(ids)) == len(set(places)) == len(ids) > 5
        for panel in board["panels"]:
            assert panel["title"]
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
            assert [target["refId"] for target in panel["targets"]] == list(
                "ABCDEFG"[: len(panel["targets"])]
            )
    assert len(seen) == len(DASHBOARDS)


@needs_promtool
def test_promtool_takes_the_rules_and_their_tests() -> None:
    for arguments in (
        ("check", "rules", *RULES),
        ("check", "config", PROMETHEUS / "prometheus.yml"),
        ("check", "config", PROMETHEUS / "compose.yml"),
        ("test", "rules", *sorted((PROMETHEUS / "tests").glob("*.yml"))),
    ):
        done = subprocess.run(
            [str(PROMTOOL), *map(str, arguments)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_can_read_the_dashboards_queries(tmp_path: Path) -> None:
    """As rules, with Grafana's interval put in."""
    records = [
        {"record": f"query:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, (_, expression) in enumerate(queries())
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml_of({"groups": [{"name": "queries", "rules": records}]}))
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
