"""The front door: eight functions that no submodule hides, on plain objects, with the parameters' names."""

import importlib
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import headshrink as hs
from headshrink.errors import HeadshrinkError

FUNCTIONS = ("load_encoder", "read_corpus", "trim", "score", "prune", "distill", "export", "benchmark")


@pytest.fixture
def corpus(tmp_path):
    rows = (f"the man sees {n} cats\tмужчина видит {n} кошек\n" for n in range(120))
    (tmp_path / "pairs.tsv").write_text("".join(rows), encoding="utf-8")
    return hs.read_corpus(tmp_path / "pairs.tsv", heldout_percent=20)


def test_no_submodule_hides_a_function():
    """The import of a subpackage sets an attribute of its name on the package."""
    for module in pkgutil.walk_packages(hs.__path__, "headshrink."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in FUNCTIONS * 2:
        assert callable(getattr(hs, name)), name


def test_importing_the_package_imports_no_torch():
    code = "import sys, headshrink; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_step_gives_the_same_twice_and_leaves_its_inputs_alone(tiny_encoder, corpus):
    before = {name: value.clone() for name, value in tiny_encoder.state_dict().items()}
    scores = [hs.score(tiny_encoder, corpus, batches=2) for _ in range(2)]
    assert (scores[0].heads == scores[1].heads).all()
    pruned = [hs.prune(tiny_encoder, scores[0], corpus, heads=0.5, ffn=0.5, repair_pairs=64) for _ in range(2)]
    embeddings = [encoder.encode(["кошка спит"]) for encoder in pruned]
    np.testing.assert_array_equal(*embeddings)
    students = [hs.distill(tiny_encoder, pruned[0], corpus, epochs=1, batch_size=16) for _ in range(2)]
    np.testing.assert_array_equal(*(student.encode(["кошка спит"]) for student in students))
    np.testing.assert_array_equal(pruned[0].encode(["кошка спит"]), embeddings[0])
    assert all((value == before[name]).all() for name, value in tiny_encoder.state_dict().items())


def test_stored_targets_are_not_computed_again(tiny_encoder, corpus, tmp_path, monkeypatch):
    first = hs.distill(tiny_encoder, tiny_encoder, corpus, epochs=1, targets=tmp_path / "targets")
    monkeypatch.setattr("headshrink.data.targets.embed", lambda *_: pytest.fail("embedded again"))
    second = hs.distill(tiny_encoder, tiny_encoder, corpus, epochs=1, targets=tmp_path / "targets")
    np.testing.assert_array_equal(first.encode(["a cat"]), second.encode(["a cat"]))


def test_an_export_is_whole_or_not_there(tiny_encoder, corpus, tmp_path):
    proved = hs.export(tiny_encoder, tmp_path / "small", corpus, targets=["transformers"])
    assert proved["transformers"]["lowest_cosine"] > 0.9999
    assert (tmp_path / "small" / "model.safetensors").is_file()
    with pytest.raises(HeadshrinkError, match="exists"):
        hs.export(tiny_encoder, tmp_path / "small", corpus)


def test_a_corpus_that_is_too_small_is_one_line(tiny_encoder, tmp_path):
    (tmp_path / "one.tsv").write_text("a cat\tкошка\n", encoding="utf-8")
    with pytest.raises(HeadshrinkError, match="at least two are needed"):
        hs.score(tiny_encoder, hs.read_corpus(tmp_path / "one.tsv"))
