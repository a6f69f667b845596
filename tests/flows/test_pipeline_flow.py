"""What the flow makes of DVC's stages: their order, their states, their end."""

import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
import yaml
from conftest import PIPELINE, ROOT, change, ran, run
from served import Served, alive, tasks_of, until

from flows.stages import read_stages

LINKS = {"run": "http://127.0.0.1:5000/#/run", "report": "http://127.0.0.1:5000/#/report"}
pytestmark = pytest.mark.timeout(1800)  # the server alone takes minutes to start on a busy machine


def flow(**parameters):
    """Run the flow in this process, tracking apart; its state and the state names of its tasks."""
    from flows import pipeline

    with mock.patch.object(pipeline, "track", return_value=LINKS):  # test_serve.py has the whole of it
        state = pipeline.pipeline(**parameters, return_state=True)
    return state, tasks_of(state.state_details.flow_run_id)


def test_stages_come_after_what_they_read(stand_in: Path) -> None:
    stages = read_stages(stand_in)
    seen: set[str] = set()
    for stage in stages:
        assert seen.issuperset(stage.after)
        seen.add(stage.name)
    assert seen == set(PIPELINE)
    assert {stage.name: set(stage.after) for stage in stages}["distill"] == {"prune", "corpus"}


def test_the_real_pipeline_is_read_as_dvc_reads_it() -> None:
    dot = run(ROOT, "dvc", "dag", "--dot")
    edges = {tuple(part.strip(' ";') for part in line.split("->")) for line in dot.splitlines() if "->" in line}
    assert {(before, stage.name) for stage in read_stages(ROOT) for before in stage.after} == edges


def test_orchestration_imports_no_library_of_models() -> None:
    """flows/ starts processes: a UI that loads torch would take seconds and gigabytes for nothing."""
    modules = [path.stem for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__"]
    heavy = "{'torch', 'transformers', 'datasets', 'numpy', 'sklearn', 'matplotlib'}"
    code = f"import sys\nfor name in {modules}: __import__('flows.' + name)\nprint(sorted(set(sys.modules) & {heavy}))"
    environment = os.environ | {"PREFECT_HOME": "/nonexistent", "PREFECT_API_URL": "http://127.0.0.1:1/api"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, env=environment)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_nothing_to_do_is_cached(served: Served, stand_in: Path) -> None:
    state, tasks = flow()
    assert state.is_completed()
    assert set(tasks.values()) == {"Cached"}
    assert not ran(stand_in)


def test_a_change_reruns_what_depends_on_it_and_back_restores(served: Served, stand_in: Path) -> None:
    change(stand_in, "prune", ratio=0.25)
    _, tasks = flow()
    assert tasks == {name: "Cached" if name in ("corpus", "teacher") else "Completed" for name in PIPELINE}
    assert ran(stand_in) == ["prune", "distill", "benchmark", "report"]
    change(stand_in, "prune", ratio=0.5)
    _, tasks = flow()
    assert ran(stand_in) == ["prune", "distill", "benchmark", "report"], "a restored stage does not run"
    assert tasks["prune"] == tasks["distill"] == "Restored"


def test_failure_says_why_and_stops_only_what_follows(served: Served, stand_in: Path) -> None:
    (stand_in / "prune.fails").touch()
    change(stand_in, "prune", ratio=0.25)
    change(stand_in, "corpus", seed=1)
    state, tasks = flow()
    assert state.is_failed()
    assert "prune" in state.message
    assert tasks["prune"] == "Failed"
    assert tasks["corpus"] == "Completed"
    assert tasks["distill"] == "NotReady"
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    with get_client(sync_client=True) as client:
        this = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
        [failed] = [task for task in client.read_task_runs(flow_run_filter=this) if task.state.name == "Failed"]
    assert "the user gave a bad thing" in failed.state.message
    assert failed.run_count == 1, "no second try where the network is not to blame"


def test_only_stages_that_use_the_network_are_tried_again() -> None:
    from flows.pipeline import network_stages

    demo = yaml.safe_load((ROOT / "profiles" / "demo.yaml").read_text())
    assert network_stages(demo) == set()
    assert network_stages(demo | {"teacher": {"source": "hub"}}) == {"teacher"}
    assert network_stages(demo | {"corpus": {"source": "yandex", "url": "https://x"}}) == {"corpus"}
    assert network_stages(demo | {"suite": {"source": "git"}}) == {"corpus"}


def test_rerun_benchmark_measures_again_and_nothing_else(served: Served, stand_in: Path) -> None:
    _, tasks = flow(rerun="benchmark")
    assert tasks["benchmark"] == "Completed"
    assert ran(stand_in) == ["benchmark"]
    _, tasks = flow(rerun="all")
    assert set(tasks.values()) == {"Completed"}


def test_bad_parameters_fail_in_one_line_before_anything_runs(served: Served, stand_in: Path) -> None:
    change(stand_in, "prune", ratio=1.5)
    state, tasks = flow()
    assert state.is_failed()
    assert tasks == {}
    assert state.message.startswith("prune.ratio = 1.5")
    assert "\n" not in state.message


def test_artifacts_show_the_student_against_its_teacher(served: Served, stand_in: Path) -> None:
    from prefect.artifacts import Artifact
    from prefect.client.orchestration import get_client

    state, _ = flow()
    with get_client(sync_client=True) as client:
        assert "ratio 0.5" in client.read_flow_run(state.state_details.flow_run_id).tags
    table = Artifact.get("student-and-teacher")
    assert table is not None
    [row] = json.loads(table.data)
    assert row["measure"] == "Mean S"
    assert Artifact.get("mlflow-report").data == f"[report in MLflow]({LINKS['report']})"
    assert "# Report" in str(Artifact.get("report").data)
    assert Artifact.get("progress-benchmark").data == 100


@pytest.mark.parametrize("way", ["cancel", "SIGINT", "SIGKILL"])
def test_no_child_outlives_a_run_started_by_hand(served: Served, stand_in: Path, way: str) -> None:
    import signal

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    (stand_in / "distill.slow").touch()
    change(stand_in, "distill", seed=1)
    process = subprocess.Popen([sys.executable, "-m", "flows.pipeline"], stderr=subprocess.PIPE, text=True)
    pid = int(until(lambda: (p := stand_in / "distill.pid").exists() and p.read_text(), 400, "distill starts"))
    if way == "cancel":
        with get_client(sync_client=True) as client:
            running = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING"]}}})
            [latest] = client.read_flow_runs(flow_run_filter=running)
        served.cancel(latest.id)
    else:
        process.send_signal(getattr(signal, way))
    until(lambda: not alive(pid), 10, "the stage dies")
    _, errors = process.communicate(timeout=60)
    if way == "cancel":
        assert served.finished(latest.id, 400).is_cancelled(), errors
    (stand_in / "distill.slow").unlink()
    run(stand_in, "dvc", "repro")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("prune.ratio=*a", "prune.ratio: line 1, column 1: anchors"),
        ("prune.ratio=[" * 2, "prune.ratio: line 1"),
        ("prune.ratio", "section.key=value is needed"),
        ("prune.min_units_per_layer=1", "with one of the keys corpus.max_pairs"),
        ("targets.seed=1", "with one of the keys corpus.max_pairs"),
        ("prune.ratio=2", "prune.ratio = 2: Input should be less than 1"),
        ("importance.batches=1000000000000", "importance.batches = 1000000000000: Input should be less than"),
        ("prune.ratio='0.5'", "prune.ratio = '0.5': Input should be a valid number"),
    ],
)
def test_a_change_that_is_not_allowed_is_one_line_before_prefect_starts(
    stand_in: Path, capsys: pytest.CaptureFixture[str], word: str, said: str
) -> None:
    from flows.pipeline import main

    assert main([word]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
