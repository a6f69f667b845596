"""MLflow holds every result once, whoever made it, and never stands in anyone's way."""

import json
import math
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml
from conftest import change, free_port, run

from flows import figures, track, view
from flows.checkout import FlowError
from flows.worktree import keep_result, worktree
from tasks.tracking import cut_name


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking database that MLflow has set up already, which takes it seconds."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").create_experiment(
        track.EXPERIMENT, artifact_location=f"file://{path.parent}/runs"
    )
    return path


@pytest.fixture
def fresh(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty copy of it, which is also where MLflow logs."""
    copy = tmp_path / "mlflow.db"
    with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{copy}")
    return copy


def runs(database: Path) -> list:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{database}")
    return client.search_runs([client.get_experiment_by_name(track.EXPERIMENT).experiment_id])


def test_a_result_is_one_run_with_parameters_metrics_and_where_it_is_from(stand_in: Path, fresh: Path) -> None:
    assert track.track(stand_in)
    [logged] = runs(fresh)
    assert logged.data.params["prune.ratio"] == "0.5"
    losses = yaml.safe_load((stand_in / "params.yaml").read_text())["distill"]["losses"]
    assert all(logged.data.params[f"distill.losses.{name}"] == str(weight) for name, weight in losses.items())
    quality = json.loads((stand_in / "artifacts/benchmark/quality.json").read_text())
    assert logged.data.metrics["student.mean_s"] == quality["student"]["mean_s"]
    assert logged.data.tags["commit"] == run(stand_in, "git", "rev-parse", "HEAD").strip()
    assert logged.data.tags["dirty"] == "false"
    assert len(logged.data.tags["dvc_lock"]) == 64
    assert {"teacher", "corpus", "suite", "machine"} <= set(logged.data.tags)


def test_a_table_and_files_hold_what_is_no_metric(stand_in: Path, fresh: Path) -> None:
    from mlflow import MlflowClient

    found = {"score": 0.5, "at": "cls", "own": 0.4, "own_at": "mean", "variants": {}}
    bounds = {"difference": -0.1, "lower_95": -0.2, "upper_95": 0.0, "margin": 0.2}
    scores = {"models": {model: {"tasks": {"sts": found}} for model in ("teacher", "student")}}
    scores["intervals"] = {"student": {"sts": bounds}}
    (stand_in / figures.SCORES).write_text(json.dumps(scores))
    logged = track.track(stand_in)
    assert list(runs(fresh)[0].data.metrics) == [
        "student.mean_s", "student.mean_s_before_training", "teacher.mean_s",
    ]  # fmt: skip
    client = MlflowClient(f"sqlite:///{fresh}")
    table = client.load_table(logged.experiment, "scores-table.json")
    assert table[["model", "score", "margin"]].values.tolist()[1] == ["student", 0.5, 0.2]
    table = client.load_table(logged.experiment, "figures-table.json")
    assert table["figure"].tolist() == ["mean_s"]
    assert {"quality.json", "scores.json", "report"} <= {file.path for file in client.list_artifacts(logged.run)}


def test_the_run_names_its_page_in_prefect_and_the_command_its_pages_in_mlflow(
    stand_in: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = "http://127.0.0.1:4200/runs/flow-run/1"
    assert track.main([str(stand_in), "--prefect", page]) == 0
    [logged] = runs(fresh)
    assert logged.data.tags["prefect"] == page
    assert f"({page})" in logged.data.tags["mlflow.note.content"]
    links = {found["name"]: found["address"] for line in capsys.readouterr().out.splitlines()
             if (found := track.LINK.fullmatch(line))}  # fmt: skip
    at = f"http://127.0.0.1:5000/#/experiments/{logged.info.experiment_id}/runs/{logged.info.run_id}"
    assert links["run"].startswith(at)
    assert links["report"].startswith(f"{at}/artifacts/report/report.html")


def test_a_modified_dvc_lock_is_explained_in_one_line(
    stand_in: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after `make demo` in a fresh clone, where timings differ from the committed ones."""
    track.main([str(stand_in)])
    assert "dvc.lock" not in capsys.readouterr().out, "git shows nothing"
    lock = yaml.safe_load((stand_in / "dvc.lock").read_text())
    lock["stages"]["report"]["deps"][0]["md5"] = "0" * 32
    (stand_in / "dvc.lock").write_text(yaml.safe_dump(lock))
    assert "dvc.lock" in run(stand_in, "git", "status", "--porcelain")
    track.main([str(stand_in)])
    [line] = [line for line in capsys.readouterr().out.splitlines() if "dvc.lock" in line]
    assert line.startswith("git shows dvc.lock as modified (report): ")


def test_the_experiment_holds_the_view_that_its_address_opens(stand_in: Path, fresh: Path) -> None:
    from mlflow import MlflowClient

    logged = track.track(stand_in)
    client = MlflowClient(f"sqlite:///{fresh}")
    tags = client.get_experiment(logged.experiment).tags
    key = parse_qs(view.address("", logged.experiment).partition("?")[2])["viewStateShareKey"][0]
    content = json.loads(tags[f"mlflow.sharedViewState.{key}"])
    assert content["selectedColumns"][:2] == ["params.`prune.ratio`", "metrics.`student.mean_s`"]
    quality, *_ = content["compareRunCharts"]
    assert quality["xaxis"] == {"key": "prune.ratio", "type": "PARAM"}
    assert quality["yaxis"] == {"key": "student.mean_s", "type": "METRIC"}
    view.save(client, logged.experiment)
    assert client.get_experiment(logged.experiment).tags == tags


@pytest.mark.parametrize("name", ["c# 100%25 проба", "ratio%2050", "what?", "a&b=c;d"])
def test_a_checkout_at_any_path_has_its_runs_and_files_inside(stand_in: Path, tmp_path: Path, name: str) -> None:
    from mlflow import MlflowClient

    place = tmp_path / name
    shutil.copytree(stand_in, place, symlinks=True)
    logged = track.track(place)
    assert not track.track(place).new, "the database is read at that path too"
    assert (place / "mlflow.db").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "project"])
    assert list((place / "mlruns").glob("*/artifacts/report/report.html"))
    client = MlflowClient(track.tracking_uri(place))
    assert "report/report.html" in {file.path for file in client.list_artifacts(logged.run, "report")}


def test_the_same_result_is_never_logged_twice(stand_in: Path, fresh: Path) -> None:
    first = track.track(stand_in)
    assert first.new
    assert track.track(stand_in).run == first.run
    assert not track.track(stand_in).new
    lock = yaml.safe_load((stand_in / "dvc.lock").read_text())
    reordered = {"schema": lock["schema"], "stages": dict(reversed(lock["stages"].items()))}
    (stand_in / "dvc.lock").write_text(yaml.safe_dump(reordered, sort_keys=False))
    assert not track.track(stand_in).new, "stages that ran in another order are no other result"
    assert len(runs(fresh)) == 1


def test_restored_results_are_logged_too(stand_in: Path, fresh: Path) -> None:
    change(stand_in, "prune", ratio=0.25)
    run(stand_in, "dvc", "repro")
    change(stand_in, "prune", ratio=0.5)
    assert "is cached" in run(stand_in, "dvc", "repro")
    assert track.track(stand_in)
    [logged] = runs(fresh)
    assert logged.data.params["prune.ratio"] == "0.5"


def test_a_worktrees_result_goes_to_the_main_checkouts_database(stand_in: Path, fresh: Path) -> None:
    with worktree(stand_in, {"prune": {"ratio": 0.25}}, print) as tree:
        run(tree, "dvc", "repro")
        assert track.main_checkout(tree) == stand_in
        assert track.tracking_uri(stand_in) == f"sqlite:///{fresh}", "the environment's address wins"
        kept = keep_result(stand_in, tree)
    assert track.main_checkout(kept) == stand_in
    assert track.track(stand_in)
    assert track.track(kept)
    assert sorted(logged.data.params["prune.ratio"] for logged in runs(fresh)) == ["0.25", "0.5"]


def test_parameters_are_those_of_the_result_and_not_of_params_yaml(stand_in: Path, fresh: Path) -> None:
    change(stand_in, "prune", ratio=0.75)
    track.track(stand_in)
    assert runs(fresh)[0].data.params["prune.ratio"] == "0.5"


def test_half_made_results_are_refused(stand_in: Path, fresh: Path) -> None:
    quality = stand_in / "artifacts/benchmark/quality.json"
    quality.unlink()  # a link into DVC's cache
    quality.write_text("{}")
    with pytest.raises(FlowError, match=r"not the one in dvc.lock"):
        track.track(stand_in)
    lock = yaml.safe_load((stand_in / "dvc.lock").read_text())
    del lock["stages"]["report"]
    (stand_in / "dvc.lock").write_text(yaml.safe_dump(lock))
    with pytest.raises(FlowError, match="report never ran"):
        track.track(stand_in)


def test_a_server_that_is_down_is_a_warning(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "flows.track"], text=True, capture_output=True)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].startswith("warning: MLflow at http://127.0.0.1")
    assert time.monotonic() - started < 60


def test_a_live_curve_is_streamed(stand_in: Path, fresh: Path) -> None:
    from mlflow import MlflowClient

    from tasks.live import EXPERIMENT, LiveCurve

    with LiveCurve("ratio 0.5", {"epochs": 3}) as live:
        live.row({"step": 1, "loss": 0.5, "heldout_loss": None})
        live.row({"step": 2, "loss": 0.25, "heldout_loss": math.nan})
    client = MlflowClient(f"sqlite:///{fresh}")
    [logged] = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    history = client.get_metric_history(logged.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.25)]
    assert "heldout_loss" not in logged.data.metrics
    assert logged.info.status == "FINISHED"
    assert logged.info.run_name == "ratio 0.5"


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "KILLED"), (ValueError, "FAILED")])
def test_a_training_that_is_cancelled_is_killed_and_not_failed(
    stand_in: Path, fresh: Path, error: type[BaseException], status: str
) -> None:
    from mlflow import MlflowClient

    from tasks.live import EXPERIMENT, LiveCurve

    client = MlflowClient(f"sqlite:///{fresh}")
    experiment = client.create_experiment(EXPERIMENT)
    dead = client.create_run(experiment, tags={"folder": str(stand_in)}).info.run_id
    elsewhere = client.create_run(experiment, tags={"folder": "/elsewhere"}).info.run_id
    with pytest.raises(error), LiveCurve("ratio 0.5", {}):
        raise error
    [latest] = client.search_runs([experiment], "attributes.run_name = 'ratio 0.5'")
    assert latest.info.status == status
    assert client.get_run(dead).info.status == "KILLED", "of a training that SIGKILL ended"
    assert client.get_run(elsewhere).info.status == "RUNNING"


@pytest.mark.parametrize(
    ("kind", "prune", "name"),
    [
        ("pruned", {"ratio": 0.25, "budget": None}, "ratio 0.25"),
        ("pruned", {"ratio": "0.25", "budget": "None"}, "ratio 0.25"),
        ("pruned", {"ratio": 0.5, "budget": "bytes", "budget_share": 0.1}, "0.1 of the bytes"),
        ("layers", {"ratio": 0.5}, "layers"),
    ],
)
def test_a_training_is_named_by_what_was_cut(kind: str, prune: dict, name: str) -> None:
    assert cut_name(kind, prune) == name


def test_a_live_curve_without_a_server_warns_once_and_costs_nothing(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from tasks import live

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(live, "SECONDS_TO_FINISH", 60)
    with live.LiveCurve("distill", {}) as curve:
        started = time.monotonic()
        for step in range(1000):
            curve.row({"step": step, "loss": 1.0})
        assert time.monotonic() - started < 0.5
    warnings = [line for line in capfd.readouterr().err.splitlines() if line.startswith("warning:")]
    assert len(warnings) == 1
