"""What Prefect's pages show of a result."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from served import Served


@pytest.fixture
def made(served: Served, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The artifacts that were made, by key, and the tags.

    The server is not used, but Prefect reads its address when it is imported, so it must be known by then.
    """
    from flows import results

    made: dict[str, Any] = {}
    for kind in ("link", "markdown", "table"):

        def create(content: Any, key: str, **_: Any) -> None:
            made[key] = content

        monkeypatch.setattr(results, f"create_{kind}_artifact", create)
    monkeypatch.setattr(results, "add_tags", lambda run, names: made.update(tags=names))
    run = SimpleNamespace(id="00000000-0000-0000-0000-000000000001", ui_url="http://127.0.0.1:4200/runs/flow-run/1")
    monkeypatch.setattr(results, "flow_run", run)
    return made


def test_a_run_has_tags_labelled_rows_and_links_that_a_browser_follows(stand_in: Path, made: dict[str, Any]) -> None:
    from flows import results

    links = {"run": "http://127.0.0.1:5000/#/a", "report": "http://127.0.0.1:5000/#/b"}
    results.publish(stand_in, links)
    assert made["tags"] == ["ratio 0.5"]
    assert [row["measure"] for row in made["student-and-teacher"]] == ["Mean S"]
    assert (made["mlflow-run"], made["mlflow-report"]) == (links["run"], links["report"])
    assert "file://" not in str(made)


def test_mlflow_is_told_the_page_of_the_run_and_answers_with_its_own(
    stand_in: Path, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import results

    said: list[str] = []
    logger = SimpleNamespace(info=said.append, warning=said.append)
    monkeypatch.setattr(results, "get_run_logger", lambda: logger)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    results.Supervised.begin()
    links = results.track.fn(stand_in)
    assert sorted(links) == ["report", "run"], said
    assert all(
        re.match(r"http://127\.0\.0\.1:5000/#/experiments/\d+/runs/[0-9a-f]{32}", link) for link in links.values()
    )
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{stand_in}/mlflow.db")
    run = client.get_run(re.search(r"[0-9a-f]{32}", links["run"])[0])
    assert run.data.tags["prefect"] == "http://127.0.0.1:4200/runs/flow-run/1"


def test_without_mlflow_there_is_no_link(stand_in: Path, made: dict[str, Any]) -> None:
    from flows import results

    results.publish(stand_in, {})
    assert not any(key.startswith("mlflow") for key in made)
    assert "report" in made
