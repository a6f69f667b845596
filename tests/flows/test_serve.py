"""`make serve`: the form, the schedule, one run at a time, and what cancelling does."""

import time
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from conftest import PIPELINE, change, ran, run
from served import Served, alive, until

pytestmark = pytest.mark.timeout(1800)  # the server alone takes minutes to start on a busy machine


@pytest.fixture(autouse=True)
def no_slow_stage(served: Served):
    yield
    for path in (served.project / "distill.slow", served.project / "distill.pid"):
        path.unlink(missing_ok=True)


def test_the_form_has_types_ranges_and_help(served: Served) -> None:
    schema = served.deployment().parameter_openapi_schema
    assert schema["properties"]["rerun"]["enum"] == ["changed", "benchmark", "all"]
    ratio = schema["definitions"]["Prune"]["properties"]["ratio"]
    text, number = ratio["anyOf"]
    assert (number["type"], number["minimum"], number["exclusiveMaximum"]) == ("number", 0, 1)
    assert text["type"] == "string"
    assert "empty: as params.yaml says" in ratio["description"]
    assert "default" not in ratio, "a deployment would freeze it"
    assert schema["properties"]["prune"]["default"] == {}
    assert schema["definitions"]["Prune"]["properties"]["ranking"]["enum"] == ["global", "layer"]


def test_the_server_refuses_a_ratio_out_of_range(served: Served) -> None:
    from prefect.exceptions import PrefectHTTPStatusError

    for ratio in (1.5, "1.5", "x"):
        with pytest.raises(PrefectHTTPStatusError, match=r"409|422"):
            served.ask(prune={"ratio": ratio})


def test_other_parameters_run_beside_the_checkout(served: Served) -> None:
    """The whole way: form, worktree, run cache, kept result, MLflow."""
    before = {name: (served.project / name).read_bytes() for name in ("params.yaml", "dvc.lock", ".git/index")}
    run_id = served.ask(prune={"ratio": 0.25})
    state = served.finished(run_id, 400)
    assert state.is_completed(), state.message
    tasks = served.tasks(run_id)
    assert tasks["corpus"] == tasks["teacher"] == "Restored"
    assert tasks["distill"] == "Completed"
    assert tasks["mlflow"] == "Completed"
    assert before == {name: (served.project / name).read_bytes() for name in before}
    assert not ran(served.project)
    assert ".work/runs/" in state.message

    from mlflow import MlflowClient

    client = MlflowClient(served.environment["MLFLOW_TRACKING_URI"])
    [logged] = client.search_runs([client.get_experiment_by_name("headshrink").experiment_id])
    assert logged.data.params["prune.ratio"] == "0.25"


def test_cancelling_kills_the_training_and_later_runs_wait_for_their_turn(served: Served) -> None:
    (served.project / "distill.slow").touch()
    text = (served.project / "params.yaml").read_text()
    change(served.project, "distill", seed=1)
    first = served.ask()
    note = served.project / "distill.pid"
    pid = int(until(lambda: note.exists() and note.read_text(), 400, "distill starts"))
    second = served.ask()
    served.cancel(first)
    until(lambda: not alive(pid), 10, "the training dies")
    (served.project / "distill.slow").unlink()
    assert not served.state(second).is_final()
    assert served.finished(first, 400).is_cancelled()
    assert served.finished(second, 400).is_completed(), "the workspace is usable, and the queue goes on"
    assert ran(served.project).count("distill") == 2
    (served.project / "params.yaml").write_text(text)


def test_the_schedule_is_weekly_off_at_first_and_keeps_the_users_switch(served: Served) -> None:
    """A restart of `make serve` must not switch off what the user has switched on."""
    from prefect.client.schemas.schedules import IntervalSchedule

    [schedule] = served.deployment().schedules
    assert schedule.schedule.cron.endswith("* * 0")
    assert not schedule.active
    with served.client() as client:
        soon = IntervalSchedule(interval=timedelta(days=7), anchor_date=datetime.now(UTC) + timedelta(seconds=45))
        client.update_deployment_schedule(served.deployment().id, schedule.id, active=True, schedule=soon)
    again = served.another()  # registers once more, and stops again
    again.stop()
    [kept] = served.deployment().schedules
    assert kept.active
    assert kept.schedule.interval == timedelta(days=7)
    assert not served.deployment().paused
    [run_id] = until(lambda: scheduled(served), 400, "the scheduler plans a run and the runner starts it")
    assert served.finished(run_id, 400).is_completed()
    run(served.project, "dvc", "repro")


def scheduled(served: Served) -> list:
    """Runs that the schedule made and that have started."""
    from prefect.client.schemas.filters import FlowRunFilter

    started = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING", "COMPLETED"]}}})
    with served.client() as client:
        runs = client.read_flow_runs(flow_run_filter=started)
    return [flow_run.id for flow_run in runs if flow_run.auto_scheduled]


def server_process(served: Served) -> psutil.Process:
    """The process that holds the server's port."""
    [found] = [
        link.pid
        for link in psutil.net_connections("tcp")
        if link.status == psutil.CONN_LISTEN and link.laddr.port == served.port
    ]
    return psutil.Process(found)


def test_a_run_survives_the_death_of_its_server(served: Served) -> None:
    """SIGKILL in the distill stage: the stage goes on, the server comes back, the result is recorded everywhere."""
    slow, note = served.project / "distill.slow", served.project / "distill.pid"
    slow.write_text("25")
    change(served.project, "distill", seed=7)
    run_id = served.ask()
    pid = int(until(lambda: note.exists() and note.read_text(), 400, "distill starts"))
    server_process(served).kill()
    until(lambda: "starting it again (1 of" in served.log.read_text(), 10, "the dead server is noticed")
    assert alive(pid)
    until(lambda: "the Prefect server is back" in served.log.read_text(), 400, "the server is started again")
    state = served.finished(run_id, 400)
    assert state.is_completed(), state.message
    assert "report.md" in state.message
    assert served.tasks(run_id)["mlflow"] == "Completed"
    text = served.log.read_text()
    assert "Traceback" not in text, text
    assert text.count("Prefect's server took no report") <= 1
    until(lambda: not list((served.project / ".work" / "ended-runs").glob("*.json")), 30, "nothing is left to record")


def test_a_run_that_waits_says_why(served: Served) -> None:
    (served.project / "distill.slow").touch()
    change(served.project, "distill", seed=8)
    first = served.ask()
    until((served.project / "distill.pid").exists, 400, "distill starts")
    assert {name.split("-")[0] for name in served.tasks(first)} == set(PIPELINE), "also those that wait"
    second = served.ask()
    state = until(lambda: (state := served.state(second)).name == "Waiting" and state, 30, "the run says that it waits")
    with served.client() as client:
        name = client.read_flow_run(first).name
    assert state.message == f"waiting: run {name} of this checkout is going on"
    assert "at capacity" not in served.log.read_text()
    served.cancel(second)
    until(lambda: served.state(second).is_cancelled(), 30, "a run is cancelled before it starts")
    served.cancel(first)
    cancelled = served.finished(first, 60)
    assert cancelled.is_cancelled()
    assert cancelled.message.startswith("cancelled; finished stages are kept")
    assert "Traceback" not in served.log.read_text()
    assert "Failed" not in served.tasks(first).values()


def test_an_interrupt_ends_all_within_seconds(served: Served) -> None:
    """The last test of the file: the next one would need the server."""
    (served.project / "distill.slow").touch()
    change(served.project, "distill", seed=9)
    run_id = served.ask()
    note = served.project / "distill.pid"
    pid = int(until(lambda: note.exists() and note.read_text(), 400, "distill starts"))
    again = served.another()
    again.stop()
    started = time.monotonic()
    served.stop()
    assert time.monotonic() - started < 15
    assert not alive(pid)
    assert "Traceback" not in served.log.read_text()
    served.start()
    assert served.state(run_id).is_cancelled()
