"""The benchmark's outputs: all checked before the work; a model's name; a cache that cannot be written."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from headshrink.benchmarking import cache, command
from headshrink.errors import HeadshrinkError
from headshrink.parameters.benchmark import BenchmarkParams


@pytest.mark.parametrize("option", ["out", "markdown", "sentences"])
def test_every_output_is_checked_before_a_model_is_opened(tmp_path, monkeypatch, option):
    monkeypatch.setattr(command, "open_models", lambda *_: pytest.fail("opened"))
    (tmp_path / "file").touch()
    with pytest.raises(HeadshrinkError, match=r"cannot write .*file/out"):
        command.main(["model"], tmp_path, BenchmarkParams(), **{option: tmp_path / "file" / "out"})


def test_a_path_with_an_equals_sign_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("runs/ratio=0.5", "ratio=0.5", "model"):
        Path(folder).mkdir(parents=True)
    assert command.name_and_place("runs/ratio=0.5") == ("ratio=0.5", "runs/ratio=0.5")
    assert command.name_and_place(f"{tmp_path}/runs/ratio=0.7") == ("ratio=0.7", f"{tmp_path}/runs/ratio=0.7")
    assert command.name_and_place("ratio=0.5") == ("ratio=0.5", "ratio=0.5")
    assert command.name_and_place("half=runs/ratio=0.5") == ("half", "runs/ratio=0.5")
    assert command.name_and_place("first=owner/model@main") == ("first", "owner/model@main")
    assert command.name_and_place("owner/model@main") == ("model", "owner/model@main")
    assert command.name_and_place("model/.") == ("model", "model/.")


def test_a_cache_that_cannot_be_written_is_one_warning(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    results = cache.ResultCache(tmp_path / "file" / "cache")
    monkeypatch.setattr(results, "path", lambda *_: results.folder / "sts.npz")
    monkeypatch.setattr(cache, "arrays", lambda outcome: {"scores": outcome})
    for _ in range(2):
        results.store(SimpleNamespace(), SimpleNamespace(), SimpleNamespace(), {"mean": np.ones(3)})
    assert capsys.readouterr().err.count("warning: results are not cached: cannot write") == 1
