"""What a layer says about hardware, in the real definitions: pools, pods, and what the Kubernetes executor asks for."""

import json
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.execution.api import create_execution_plan
from typer.testing import CliRunner

from hour_lake.assets.hardware import pool_for
from hour_lake.assets.partitions import SEGMENTS
from hour_lake.cli.app import app
from hour_lake.errors import LayerError
from hour_lake.orchestration.build import build_definitions
from hour_lake.orchestration.jobs import ENRICH
from hour_lake.passes.declare import layer
from hour_lake.passes.registry import FOLDERS_VARIABLE, load_layers
from hour_lake_tests.toy_layers import write_layer

TOYS = {
    "toy_plain": "reads='frames'",
    "toy_hungry": "reads='frames', memory_gib=6",
    "toy_masks": "reads='frames', compute='gpu', memory_gib=12",
    "toy_area": "reads='toy_masks'",
    "toy_scarce": "reads='frames', pool='licence_server'",
    "toy_big": "reads='frames', compute='gpu', memory_gib=40.5, pool='a100'",
    "toy_all": "reads='toy_area', rows='corpus', compute='gpu'",
}
GPU_NODE = {"hourlake.io/pool": "gpu"}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("toys")
    for name, words in TOYS.items():
        argument = words.split("'")[1]
        body = f'@layer({words}, columns={{"a": "bool"}})\ndef {name}({argument}):\n    """A toy."""\n    return {{}}\n'
        write_layer(made, name, body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDERS_VARIABLE, str(made))
        yield made


def toy_definitions() -> dg.Definitions:
    layers = load_layers()
    return build_definitions({name: layers[name] for name in TOYS}, partitions_per_run=256)


def toy_job() -> dg.JobDefinition:
    return toy_definitions().resolve_job_def(ENRICH)


def step_of(asset: str) -> Any:
    """The step that makes an asset, as a run would plan it."""
    graph = toy_definitions().resolve_asset_graph()
    return graph.get(dg.AssetKey(asset)).assets_def.op


def container(tags: Mapping[str, Any]) -> Any:
    found = tags["dagster-k8s/config"]
    return json.loads(found) if isinstance(found, str) else found


@pytest.mark.parametrize(
    ("asset", "step", "pool", "memory", "gpus"),
    [
        ("toy_plain", "frames_pass", None, "6Gi", 0),
        ("toy_hungry", "frames_pass", None, "6Gi", 0),
        ("toy_masks", "frames_gpu_pass", "gpu", "12Gi", 1),
        ("toy_area", "frames_gpu_pass", "gpu", "12Gi", 1),
        ("toy_scarce", "frames_pool_licence_server_pass", "licence_server", "1Gi", 0),
        ("toy_big", "frames_gpu_pool_a100_pass", "a100", "40.5Gi", 1),
        ("toy_all", "toy_all_corpus", "gpu", "1Gi", 1),
    ],
)
def test_what_a_layer_declares_is_what_its_step_has(
    asset: str, step: str, pool: str | None, memory: str, gpus: int
) -> None:
    op = step_of(asset)
    assert (op.name, op.pool) == (step, pool)
    config = container(op.tags)
    assert config["container_config"]["resources"] == {
        "requests": {"memory": memory},
        "limits": {"memory": memory, **({"nvidia.com/gpu": gpus} if gpus else {})},
    }
    assert config.get("pod_spec_config", {}).get("node_selector") == (GPU_NODE if gpus else None)


def test_a_planned_run_has_these_pools_and_no_others() -> None:
    plan = create_execution_plan(toy_job())
    assert {step.pool for step in plan.step_dict.values()} == {None, "gpu", "licence_server", "a100"}


def test_the_list_of_layers_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hour_lake.yaml").write_text("home: home\n")
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(tmp_path / "hour_lake.yaml"))
    listed = json.loads(CliRunner().invoke(app, ["layers", "--json"]).stdout)["layers"]
    found = {one["layer"]: (one["compute"], one["memory_gib"], one["pool"]) for one in listed}
    assert found["toy_big"] == ("gpu", 40.5, "a100")
    assert found["toy_masks"] == ("gpu", 12, "gpu")
    assert found["toy_plain"] == ("cpu", 1, None)


def test_layers_of_two_pools_are_no_step() -> None:
    layers = load_layers()
    with pytest.raises(ValueError, match="a100.*gpu"):
        pool_for([layers["toy_big"], layers["toy_masks"]])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"pool": ""}, "LAYER_POOL"),
        ({"pool": "A100"}, "LAYER_POOL"),
        ({"pool": "frames_2"}, "LAYER_POOL"),  # frames_pool_frames_2 would be the second pass of another pool
        ({"pool": "a__b"}, "LAYER_POOL"),
        ({"compute": "cuda"}, "LAYER_COMPUTE"),
        ({"memory_gib": 0}, "LAYER_COMPUTE"),
        ({"memory_gib": float("inf")}, "LAYER_COMPUTE"),
        ({"memory_gib": "8"}, "LAYER_COMPUTE"),
    ],
)
def test_hardware_that_cannot_be_meant_is_refused(words: dict[str, Any], code: str) -> None:
    with pytest.raises(LayerError, match=code):

        @layer(reads="frames", columns={"a": "bool"}, **words)
        def broken(frames: object) -> None:
            """A layer."""


class Cluster(BaseHTTPRequestHandler):
    """The Kubernetes API of a cluster that takes down every Job it is asked for and admits none of them."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.do_GET()

    def do_GET(self) -> None:
        answer = json.dumps({"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden"}).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """A kubeconfig that leads to the cluster, and the Jobs that it was asked for."""
    monkeypatch.setattr(Cluster, "asked", [], raising=False)
    http = HTTPServer(("127.0.0.1", 0), Cluster)
    thread = threading.Thread(target=partial(http.serve_forever, poll_interval=0.01))
    thread.start()
    file = tmp_path / "kubeconfig"
    file.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1", "kind": "Config", "current-context": "toy",
                "clusters": [{"name": "toy", "cluster": {"server": f"http://127.0.0.1:{http.server_port}"}}],
                "users": [{"name": "toy", "user": {}}],
                "contexts": [{"name": "toy", "context": {"cluster": "toy", "user": "toy"}}],
            }
        )
    )  # fmt: skip
    yield file, Cluster.asked
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.mark.parametrize(
    ("asset", "limits", "node"),
    [("toy_plain", {"memory": "6Gi"}, None), ("toy_big", {"memory": "40.5Gi", "nvidia.com/gpu": "1"}, GPU_NODE)],
)
def test_the_executor_asks_the_cluster_for_that_pod(
    asset: str,
    limits: Mapping[str, Any],
    node: Any,
    cluster: tuple[Path, list[dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubeconfig, asked = cluster
    monkeypatch.setenv("HOUR_LAKE_EXECUTOR", "k8s")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    launcher = {
        "module": "dagster_k8s", "class": "K8sRunLauncher",
        "config": {"service_account_name": "toy", "job_namespace": "toy", "instance_config_map": "toy",
                   "dagster_home": "/opt/dagster", "job_image": "toy:1", "load_incluster_config": False,
                   "kubeconfig_file": str(kubeconfig)},
    }  # fmt: skip
    overrides = {"run_launcher": launcher, "telemetry": {"enabled": False}}
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster"), overrides=overrides) as instance:
        instance.add_dynamic_partitions(str(SEGMENTS.name), ["one"])
        with dg.execute_job(
            dg.reconstructable(toy_job), instance, tags={"dagster/partition": "one"}, raise_on_error=False,
            asset_selection=[dg.AssetKey(asset)],
        ) as result:  # fmt: skip
            assert not result.success  # nothing was admitted
    (job,) = asked
    pod = job["spec"]["template"]["spec"]
    (step,) = pod["containers"]
    assert step["resources"] == {"requests": {"memory": limits["memory"]}, "limits": limits}
    assert pod.get("nodeSelector") == node
    assert [t["key"] for t in pod.get("tolerations", [])] == (["nvidia.com/gpu"] if node else [])
