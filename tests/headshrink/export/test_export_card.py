"""The model card: the hub's metadata, what was cut, and snippets that run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from headshrink.export import TARGETS, write_card
from headshrink.export.targets import transformers
from tasks.section import names_in

TEACHER = {
    "label": "someone/teacher", "source": "hub", "revision": "0" * 40, "generated": False, "weights_sha256": "ab",
    "parameters": 40_000, "licence": "apache-2.0",
}  # fmt: skip
CUT = {
    "heads": {"kept": [[0, 2], []], "of": [4, 4]},
    "ffn": {"kept": [[1, 2, 3], [0]], "of": [64, 64]},
    "parameters": {"before": 40_000, "after": 30_000},
    "why": {"ratio": 0.5},
}
OFFLINE = os.environ | {"HF_HUB_OFFLINE": "1"}
WITHOUT_TORCH = "import sys\nsys.modules['torch'] = sys.modules['transformers'] = None  # importing them fails\n"


@pytest.fixture
def card(exported) -> tuple[Path, str]:
    """An export folder with all targets, and its card."""
    encoder, folder = exported
    transformers.write(encoder, folder)
    write_card(encoder, folder, list(TARGETS.values()), TEACHER, CUT)
    return folder, (folder / "README.md").read_text()


def test_the_header_is_what_the_hub_reads(card):
    header = yaml.safe_load(card[1].split("---")[1])
    assert header["language"] == ["ru", "en"]
    assert (header["license"], header["base_model"]) == ("apache-2.0", "someone/teacher")


def test_an_unstated_licence_is_not_guessed_and_a_local_teacher_is_no_hub_model(exported, tmp_path, card):
    encoder, folder = exported
    write_card(encoder, folder, [], TEACHER | {"licence": None, "source": "generated", "generated": True}, CUT)
    text = (folder / "README.md").read_text()
    assert not {"license", "base_model"} & set(yaml.safe_load(text.split("---")[1]))
    assert "generated sentences" in text


def test_the_map_shows_what_was_cut(card):
    assert "| 0 | 2 of 4 | ■·■· | 3 of 64 |" in card[1]
    assert "| 1 | 0 of 4 | ···· | 1 of 64 |" in card[1]
    assert "25% of the parameters" in card[1]


def test_the_same_model_has_the_same_card(exported, card):
    folder, text = card
    write_card(exported[0], folder, list(TARGETS.values()), TEACHER, CUT)
    assert (folder / "README.md").read_text() == text
    assert str(folder) not in text


def test_every_snippet_runs_where_it_says(exported, card):
    folder, text = card
    snippets = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(snippets) == len(TARGETS)
    encoder = exported[0]
    expected = encoder.encode(["a cat sleeps", "кошка спит"])
    for snippet, target in zip(snippets, TARGETS.values(), strict=True):
        code = snippet if "torch" in snippet or "sentence_transformers" in snippet else WITHOUT_TORCH + snippet
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=folder, env=OFFLINE, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
        found = np.array(re.findall(r"-?\d+\.\d*(?:e-?\d+)?|\d+\.", done.stdout), dtype=float).reshape(2, 2)
        assert np.abs(found - expected @ expected.T).max() < (1e-4 if target.lossless else 0.05)


@pytest.mark.parametrize("kind", names_in("distill/students"))
def test_a_card_says_how_its_student_was_made(exported, kind):
    encoder, folder = exported
    write_card(encoder, folder, [], TEACHER, CUT | {"student": kind})
    text = (folder / "README.md").read_text()
    assert ("## What was cut" in text) == (kind == "pruned")
    assert "someone/teacher" in text.split("\n\n")[2]
