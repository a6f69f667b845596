"""A run with other parameters leaves the checkout alone, shares its cache, and keeps its result."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from conftest import change, ran, run

from flows import worktree as worktrees
from flows.checkout import FlowError, only_run
from flows.worktree import keep_result, merged, read_parameters, with_absolute_paths, worktree


def silent(line: str) -> None:
    pass


def fingerprint(folder: Path) -> dict[str, str]:
    """All that a run could disturb: params.yaml, dvc.lock, the index, what git and DVC say of the tree."""
    names = ("params.yaml", "dvc.lock", ".git/index", ".git/HEAD")
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    files["status"] = run(folder, "git", "--no-optional-locks", "status", "--porcelain")
    files["outputs"] = str(sorted((str(path), path.lstat().st_mtime_ns) for path in (folder / "artifacts").rglob("*")))
    return files


def test_the_checkout_is_the_same_at_every_moment(stand_in: Path) -> None:
    before = fingerprint(stand_in)
    with worktree(stand_in, {"prune": {"ratio": 0.25}}, silent) as tree:
        assert fingerprint(stand_in) == before
        run(tree, "dvc", "repro")
        assert fingerprint(stand_in) == before
        kept = keep_result(stand_in, tree)
    assert fingerprint(stand_in) == before
    assert not tree.exists()
    assert "trees" not in run(stand_in, "git", "worktree", "list")
    assert yaml.safe_load((kept / "params.yaml").read_text())["prune"]["ratio"] == 0.25
    assert json.loads((kept / "artifacts/benchmark/quality.json").read_text())["student"]
    assert (kept / "artifacts/report/report.md").is_file()


def test_stages_that_the_parameters_do_not_touch_are_restored(stand_in: Path) -> None:
    with worktree(stand_in, {"prune": {"ratio": 0.25}}, silent) as tree:
        run(tree, "dvc", "repro")
        assert ran(tree) == ["prune", "distill", "benchmark", "report"]


def test_its_stages_are_restored_in_the_checkout_later(stand_in: Path) -> None:
    with worktree(stand_in, {"prune": {"ratio": 0.25}}, silent) as tree:
        run(tree, "dvc", "repro")
    change(stand_in, "prune", ratio=0.25)
    run(stand_in, "dvc", "repro")
    assert ran(stand_in) == []


def test_a_failed_run_keeps_its_worktree_and_goes_on_in_it(stand_in: Path) -> None:
    def fail() -> None:
        with worktree(stand_in, {"prune": {"ratio": 0.25}}, silent) as tree:
            (tree / "stage.py").write_text("spoilt")
            (tree / ".work").mkdir()
            (tree / ".work" / "checkpoint").touch()
            raise RuntimeError(tree)

    with pytest.raises(RuntimeError) as raised:
        fail()
    tree = raised.value.args[0]
    with worktree(stand_in, {"prune": {"ratio": 0.25}}, silent) as again:
        assert again == tree
        assert (again / ".work" / "checkpoint").exists()
        assert (again / "stage.py").read_text() == (stand_in / "stage.py").read_text()


def test_the_users_running_parameters_are_the_base(stand_in: Path) -> None:
    """Empty form fields mean what params.yaml says now, committed or not."""
    change(stand_in, "distill", epochs=7)
    with worktree(stand_in, {"prune": {"ratio": 0.25}}, silent) as tree:
        parameters = read_parameters(tree)
    assert parameters["distill"]["epochs"] == 7
    assert parameters["prune"]["ratio"] == 0.25


def test_uncommitted_code_is_named(stand_in: Path) -> None:
    (stand_in / "stage.py").write_text((stand_in / "stage.py").read_text() + "\n")
    (stand_in / "params.yaml").write_text((stand_in / "params.yaml").read_text() + "\n")
    said: list[str] = []
    with worktree(stand_in, {"prune": {"ratio": 0.25}}, said.append):
        pass
    [line] = said
    assert "stage.py" in line
    assert "params.yaml" not in line


def test_paths_of_a_checkout_inside_the_worktree(stand_in: Path) -> None:
    assert worktrees.in_every_worktree(stand_in, "profiles/none")
    assert not worktrees.in_every_worktree(stand_in, "artifacts")
    assert not worktrees.in_every_worktree(stand_in, str(stand_in / "profiles/none"))


def test_local_paths_hold_from_the_worktree(stand_in: Path) -> None:
    (stand_in.parent / "pairs").mkdir()
    parameters = merged(read_parameters(stand_in), {"corpus": {"path": "../pairs"}})
    absolute = with_absolute_paths(parameters, stand_in)
    assert absolute["corpus"]["path"] == str(stand_in.parent / "pairs")
    assert absolute["teacher"]["path"] == "artifacts/corpus", "a stage of the same worktree writes it"
    assert absolute["suite"]["path"] == "profiles/none", "git has it in the worktree too"


def test_without_git_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("prune: {ratio: 0.5}\n")
    with pytest.raises(FlowError, match="git"), worktree(tmp_path, {"prune": {"ratio": 0.25}}, silent):
        pass


def test_a_second_run_says_that_it_waits(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    said: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def second() -> None:
        with only_run(stand_in, said.append):
            entered.set()
            leave.wait(10)

    with only_run(stand_in, silent):
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not entered.wait(1.5)
        [line] = said
        assert "waiting" in line
    assert entered.wait(10)
    leave.set()
    waiting.join()


def test_kept_files_are_those_that_results_are_logged_from() -> None:
    from flows.track import FILES, LABELS

    for path in [*FILES, *LABELS.values()]:
        assert any(path.is_relative_to(kept) for kept in worktrees.KEPT), f"{path} is lost with the worktree"
