"""`deploy/kubernetes` is what Kubernetes' schemas say, and agrees with the program that it starts.

No cluster is asked. kubectl puts the base together; the kinds of operators (CloudNativePG's,
Prometheus') have no schema here, so of them only what we rely on is looked at.
"""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest

from gateway.bootstrap.settings import load_settings, setting_names
from gateway.cli.main import main
from gateway.observability.metrics import Metrics
from gateway.settings.reader import env_file
from tests.deploy.files import read_yaml, read_yamls

ROOT = Path(__file__).parents[2]
BASE = ROOT / "deploy" / "kubernetes"
PAGE = (ROOT / "docs" / "operations" / "kubernetes.md").read_text("utf-8")
KUSTOMIZATION: dict[str, Any] = read_yaml(BASE / "kustomization.yaml")
COMPOSE: dict[str, Any] = read_yaml(ROOT / "deploy" / "compose.yaml")
OBJECTS: list[dict[str, Any]] = [
    one for name in KUSTOMIZATION["resources"] for one in read_yamls(BASE / name)
]
OF_OPERATORS = {"Cluster", "ServiceMonitor"}
SETTINGS = env_file(BASE / "settings.env")
POD_KINDS = {"Deployment", "StatefulSet", "CronJob"}


def of_kind(*kinds: str) -> Iterator[dict[str, Any]]:
    return (one for one in OBJECTS if one["kind"] in kinds)


def template(one: dict[str, Any]) -> dict[str, Any]:
    spec = one["spec"]
    found: dict[str, Any] = (
        spec["jobTemplate"]["spec"]["template"] if one["kind"] == "CronJob" else spec["template"]
    )
    return found


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each kind of pod: its name, the labels, and the spec."""
    for one in of_kind(*POD_KINDS):
        made = template(one)
        yield one["metadata"]["name"], made["metadata"]["labels"], made["spec"]


def is_ours(container: dict[str, Any]) -> bool:
    return bool(container["image"] == "probity")


def test_every_file_is_listed_and_there() -> None:
    made = {
        name for one in KUSTOMIZATION["configMapGenerator"] for name in one.get("files", [])
    } | {name for one in KUSTOMIZATION["configMapGenerator"] for name in one.get("envs", [])}
    named = {*KUSTOMIZATION["resources"], *made, "kustomization.yaml"}
    assert named == {path.name for path in BASE.iterdir()}


def test_kubectl_puts_it_together_and_every_kind_is_as_its_schema_says() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        objects = OBJECTS
    else:
        done = subprocess.run(
            [kubectl, "kustomize", str(BASE)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        objects = read_yamls(done.stdout)
        assert {one["metadata"].get("namespace", "probity") for one in objects} == {"probity"}
        assert len(objects) == len(OBJECTS) + len(KUSTOMIZATION["configMapGenerator"])
    seen = 0
    for one in objects:
        if one["kind"] not in OF_OPERATORS:
            kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
            seen += 1
    assert seen == len(objects) - len(OF_OPERATORS)


def test_the_one_with_a_standby_differs_in_nothing_else() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl here")
    with_standby, without = (
        {
            (one["kind"], one["metadata"]["name"]): one
            for one in read_yamls(
                subprocess.run(
                    [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=True
                ).stdout
            )
        }
        for folder in (BASE.with_name("kubernetes-standby"), BASE)
    )
    assert with_standby.keys() == without.keys()
    differing = {key for key, one in with_standby.items() if one != without[key]}
    assert differing == {
        ("StatefulSet", "engine"),
        ("PodDisruptionBudget", "engine"),
        ("StatefulSet", "proxy"),
    }
    for key in differing:
        version = kubernetes_validate.latest_version()
        kubernetes_validate.validate(with_standby[key], version, strict=True)
    engine = with_standby["StatefulSet", "engine"]["spec"]
    spec = engine["template"]["spec"]
    assert (engine["replicas"], spec["containers"][0]["args"]) == (2, ["engine", "--standby"])
    assert spec["initContainers"][0]["image"] == spec["containers"][0]["image"]
    proxy = with_standby["StatefulSet", "proxy"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "ENGINE", "value": "gateway:8080"} in proxy["env"]


def test_a_wrong_field_would_be_found() -> None:
    one = json.loads(json.dumps(next(of_kind("StatefulSet"))))
    one["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)


def test_what_it_starts_are_commands_and_settings_of_ours(tmp_path: Path) -> None:
    known = {*setting_names(), *(f"{name}_FILE" for name in setting_names())}
    assert SETTINGS.keys() <= known
    secrets = "/run/secrets/probity"
    for name, _, spec in pods():
        for container in filter(is_ours, spec["containers"]):
            command, *options = container["args"]
            found = main.get_command(click.Context(main), command)
            assert found is not None, name
            assert {*options} <= {option for one in found.params for option in one.opts}, name
            assert {one["name"] for one in container["env"]} <= known, name
            assert container["envFrom"] == [{"configMapRef": {"name": "probity-settings"}}], name
            [mounted] = [one for one in spec["volumes"] if one["name"] == "secrets"]
            paths = {
                f"{secrets}/{item['path']}"
                for source in mounted["projected"]["sources"]
                for item in source["secret"]["items"]
            }
            asked = {value for value in SETTINGS.values() if value.startswith(secrets)}
            assert paths == asked, name
    made = {
        **{name: value for name, value in SETTINGS.items() if not name.endswith("_FILE")},
        "DATABASE_URL": "postgresql://probity:x@postgres-rw.probity:5432/probity",
        "REDIS_URL": "redis://:x@redis:6379/0",
        "DATA_DIR": str(tmp_path),
    }
    assert load_settings(made).store.pool_size == int(SETTINGS["DATABASE_POOL_SIZE"])


def test_the_page_makes_every_secret_that_is_referred_to() -> None:
    asked = {
        item["key"]
        for _, _, spec in pods()
        for volume in spec["volumes"]
        for source in [volume, *volume.get("projected", {}).get("sources", [])]
        if source.get("secret", {}).get("secretName", source.get("secret", {}).get("name"))
        == "probity"
        for item in source["secret"]["items"]
    }
    assert asked == {*re.findall(r"--from-(?:file|literal)=(\w+)=", PAGE)}


def test_ports_and_probes_are_what_the_program_has() -> None:
    listening = load_settings({}).listen
    for name, _, spec in pods():
        for container in filter(is_ours, spec["containers"]):
            if "ports" not in container:
                continue
            [port] = container["ports"]
            assert port == {"name": "http", "containerPort": listening.port}, name
            ports = {one["value"] for one in container["env"] if one["name"] == "PORT"}
            assert ports == {str(listening.port)}, name
            asked = {
                probe: container[probe]["httpGet"]["path"]
                for probe in ("startupProbe", "readinessProbe", "livenessProbe")
            }
            assert asked == {
                "startupProbe": "/health",
                "readinessProbe": "/ready",
                "livenessProbe": "/health",
            }, name
    for service in of_kind("Service"):
        [labels] = [labels for _, labels, _ in pods() if is_selected(labels, service["spec"])]
        named = {
            port["name"]
            for _, one, spec in pods()
            if one == labels
            for container in spec["containers"]
            for port in container["ports"]
        }
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named, service


def is_selected(labels: dict[str, str], spec: dict[str, Any]) -> bool:
    return {*spec["selector"].items()} <= {*labels.items()}


def test_a_pod_has_the_time_that_a_drain_takes() -> None:
    drain = load_settings({}).listen.shutdown_timeout_seconds + 3 + 15
    for name, _, spec in pods():
        for container in filter(is_ours, spec["containers"]):
            if "ports" in container:
                before = container.get("lifecycle", {}).get("preStop", {"exec": {"command": [0]}})
                waits = int(before["exec"]["command"][-1])
                assert spec["terminationGracePeriodSeconds"] >= drain + waits, name


def test_nobody_is_root_or_writes_to_a_root() -> None:
    for name, _, spec in pods():
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] >= 100, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"]["drop"] == ["ALL"], name
            assert "memory" in container["resources"]["limits"], name
            if is_ours(container):
                assert spec["securityContext"]["runAsUser"] == 10_001, name


def test_images_are_those_of_compose_and_ours_is_this_version() -> None:
    tags = {
        match[1]
        for service in COMPOSE["services"].values()
        if (match := re.fullmatch(r"\$\{\w+:-([^}]+)\}", service["image"]))
    }
    used = {container["image"] for _, _, spec in pods() for container in spec["containers"]}
    assert used - {"probity"} <= tags
    [image] = KUSTOMIZATION["images"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (image["name"], image["newTag"]) == ("probity", project["version"])


def test_the_proxy_is_that_of_deploy() -> None:
    ours = (BASE / "Caddyfile").read_bytes()
    assert ours == (ROOT / "deploy" / "Caddyfile").read_bytes()
    [spec] = [spec for name, _, spec in pods() if name == "proxy"]
    told = {one["name"] for one in spec["containers"][0]["env"]}
    assert told == {*re.findall(r"\{\$(\w+)\}", ours.decode())}


def test_the_page_waits_for_a_backup_as_long_as_one_may_take() -> None:
    """By itself `kubectl wait` gives up after 30 s; and a name is taken by the job that has it."""
    [backup] = [one for one in of_kind("CronJob") if one["metadata"]["name"] == "backup"]
    longest = backup["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
    waits = re.findall(r"wait --for=condition=complete (\S+)", PAGE)
    assert waits == [f"--timeout={longest // 60}m"] * 2
    made = re.findall(r"--from=cronjob/backup (\S+)", PAGE)
    assert made == ["first", '"$job"'], "who upgrades again makes another"


def test_whoever_listens_is_reached_by_whom_it_is_for() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind("NetworkPolicy")}
    assert policies.pop("nobody")["podSelector"] == {}
    for name, labels, spec in pods():
        allowed = {
            port["port"]
            for policy in policies.values()
            if {*policy["podSelector"]["matchLabels"].items()} <= {*labels.items()}
            for rule in policy["ingress"]
            for port in rule["ports"]
        }
        listens = {
            port["containerPort"]
            for container in spec["containers"]
            for port in container.get("ports", [])
        }
        assert listens <= allowed, name
    cluster = next(of_kind("Cluster"))["metadata"]["name"]
    assert policies["postgres"]["podSelector"]["matchLabels"] == {"cnpg.io/cluster": cluster}


def test_gateways_grow_by_a_figure_that_there_is_and_their_pools_fit() -> None:
    [scaler] = of_kind("HorizontalPodAutoscaler")
    [metric] = scaler["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"].encode() in Metrics().exposition()
    # The engine, the worker, a backup and a proof; a pool and a handful beside it each.
    processes = scaler["spec"]["maxReplicas"] + 4
    connections = processes * (int(SETTINGS["DATABASE_POOL_SIZE"]) + 4)
    [cluster] = of_kind("Cluster")
    parameters = cluster["spec"]["postgresql"]["parameters"]
    assert connections <= int(parameters["max_connections"])
    assert cluster["spec"]["postgresql"]["synchronous"]["dataDurability"] == "required"


def test_every_role_is_watched_under_its_name() -> None:
    [monitor] = of_kind("ServiceMonitor")
    [asked] = monitor["spec"]["selector"]["matchExpressions"]
    services = [
        one for one in of_kind("Service") if asked["key"] in one["metadata"].get("labels", {})
    ]
    assert {one["metadata"]["labels"]["role"] for one in services} == {*asked["values"]}
    [endpoint] = monitor["spec"]["endpoints"]
    for service in services:
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
