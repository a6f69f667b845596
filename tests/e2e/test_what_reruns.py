"""A change reruns only what depends on it, and a change back is restored (bytecode writing on, as users have it)."""

import json
import time

from project import Project

AFTER_PRUNE = {"prune", "distill", "export", "benchmark", "speed", "report"}
AFTER_CORPUS = {"corpus", "teacher", "tokenize", "importance", "targets", "static_baseline"} | AFTER_PRUNE


def test_nothing_to_do(built: Project) -> None:
    assert built.repro() == set()
    started = time.monotonic()
    built.run("dvc", "repro")
    assert time.monotonic() - started < 10  # 2 s on an idle machine; CI is noisy


def test_prune_ratio(built: Project) -> None:
    before = built.lock()
    built.change({"prune": {"ratio": 0.25}})
    assert built.repro() == AFTER_PRUNE
    assert built.lock()["artifacts/pruned"] != before["artifacts/pruned"]
    built.change({"prune": {"ratio": 0.5}})
    assert built.repro() == set()
    assert built.lock() == before


def test_distillation_weight(built: Project) -> None:
    losses = built.params()["distill"]["losses"]
    name = next(iter(losses))
    built.change({"distill": {"losses": losses | {name: losses[name] * 2}}})
    assert built.repro() == AFTER_PRUNE - {"prune"}
    built.change({"distill": {"losses": losses}})
    assert built.repro() == set()


def test_student_that_does_not_use_the_pruned_model(built: Project) -> None:
    """Importance and prune end with an explicit empty result; a change within the kind reruns neither."""
    before, student = built.lock(), built.params()["distill"]["student"]
    built.change({"distill": {"student": {"kind": "every_kth_layer", "layers": 2}}})
    assert built.repro() == AFTER_PRUNE | {"importance"}
    assert "pruned" not in json.loads((built.folder / "artifacts/benchmark/quality.json").read_text())
    built.change({"distill": {"student": {"kind": "every_kth_layer", "layers": 1}}})
    assert built.repro() == AFTER_PRUNE - {"prune"}
    assert built.lock()["artifacts/pruned"] != before["artifacts/pruned"]
    built.change({"distill": {"student": student}})
    assert built.repro() == set()
    assert built.lock() == before


def test_plot_colour(built: Project) -> None:
    for colour, ran in (("#123456", {"report"}), ("#654321", {"report"}), ("#123456", set())):
        built.change({"report": {"colours": {"student": colour}}})
        assert built.repro() == ran


def test_line_in_a_local_file(built: Project) -> None:
    """Behind the same path: the path is a dependency, not only a parameter."""
    path = built.folder.parent / "pairs.tsv"
    content = path.read_text(encoding="utf-8")
    path.write_text(content + "A new sentence about whales.\tНовое предложение о китах.\n", encoding="utf-8")
    assert built.repro() == AFTER_CORPUS
    path.write_text(content, encoding="utf-8")
    assert built.repro() == set()
