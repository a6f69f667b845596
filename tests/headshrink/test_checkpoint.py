"""Checkpoints: whole or absent, and named by all that the result depends on."""

import pytest
import torch

from headshrink.checkpoint import Checkpoints, fingerprint
from headshrink.errors import HeadshrinkError


def test_a_checkpoint_comes_back_and_a_later_one_replaces_it(tmp_path):
    checkpoints = Checkpoints(tmp_path / "deep" / "folder")
    assert checkpoints.load() is None
    for step in (1, 2):
        checkpoints.save({"step": step, "weights": {"a": torch.tensor([float(step)])}, "curve": [{"loss": 0.1}]})
    state = checkpoints.load()
    assert state["step"] == 2
    assert state["weights"]["a"].item() == 2
    assert [file.name for file in checkpoints.path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_kill_while_writing_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"step": 1})

    def die_half_way(state, file):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", die_half_way)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save({"step": 2})
    assert checkpoints.load() == {"step": 1}


def test_checkpoints_of_other_parameters_go_and_its_own_stay(tmp_path):
    old, now = (Checkpoints(tmp_path / "work" / name) for name in ("old", "now"))
    old.save({"step": 1})
    now.save({"step": 2})
    (tmp_path / "beside").mkdir()
    now.remove_others()
    assert old.load() is None
    assert now.load() == {"step": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside", "work"]
    Checkpoints(tmp_path / "fresh" / "first").remove_others()


def test_a_damaged_checkpoint_is_one_line(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(HeadshrinkError, match="delete it"):
        Checkpoints(tmp_path).load()


def test_the_fingerprint_follows_code_inputs_and_parameters(tmp_path):
    code, data = tmp_path / "code", tmp_path / "data"
    (code / "__pycache__").mkdir(parents=True)
    data.mkdir()
    (code / "a.py").write_text("1")
    (data / "rows").write_bytes(b"1")
    first = fingerprint([code, data], {"seed": 0})
    (code / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    assert fingerprint([code, data], {"seed": 0}) == first
    assert fingerprint([code, data], {"seed": 1}) != first
    (data / "rows").write_bytes(b"2")
    assert fingerprint([code, data], {"seed": 0}) != first
    (data / "rows").write_bytes(b"1")
    (code / "a.py").rename(code / "b.py")
    assert fingerprint([code, data], {"seed": 0}) != first
