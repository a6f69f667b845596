"""The model card: the hub's metadata, what was cut, and snippets that run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from headshrink.distillation.students import STUDENTS
from headshrink.exporting import TARGETS, Options, Original, write_card

TEACHER = {
    "label": "someone/teacher", "source": "hub", "revision": "0" * 40, "generated": False, "weights_sha256": "ab",
    "parameters": 40_000, "licence": "apache-2.0",
}  # fmt: skip
CUT = {
    "heads": {"kept": [[0, 2], []], "of": [4, 4]},
    "ffn": {"kept": [[1, 2, 3], [0]], "of": [64, 64]},
    "parameters": {"before": 40_000, "after": 30_000},
    "settings": {"ratio": 0.5},
}
LOSSLESS = {"lowest_cosine": 0.999999}
LOSSY = {"cosine": 0.995, "retrieval_loss": 0.002, "rank": 0.99, "kept_in_fp32": [], "refused": None}
GATE = {name: LOSSLESS if target.lossless else LOSSY for name, target in TARGETS.items()}
OFFLINE = os.environ | {"HF_HUB_OFFLINE": "1"}
WITHOUT_TORCH = "import sys\nsys.modules['torch'] = sys.modules['transformers'] = None  # importing them fails\n"


@pytest.fixture
def card(exported) -> tuple[Path, str]:
    """An export folder with all targets, and its card."""
    encoder, folder = exported
    for name in set(TARGETS) - {"onnx", "onnx_int8"}:
        TARGETS[name].write(Original(encoder), folder / TARGETS[name].place, Options())
    write_card(encoder, folder, TEACHER, CUT, GATE)
    return folder, (folder / "README.md").read_text()


def test_the_header_is_what_the_hub_reads(card):
    header = yaml.safe_load(card[1].split("---")[1])
    assert header["language"] == ["ru", "en"]
    assert (header["license"], header["base_model"]) == ("apache-2.0", "someone/teacher")


def test_an_unstated_licence_is_not_guessed_and_a_local_teacher_is_no_hub_model(exported, tmp_path, card):
    encoder, folder = exported
    write_card(encoder, folder, TEACHER | {"licence": None, "source": "generated", "generated": True}, CUT, {})
    text = (folder / "README.md").read_text()
    assert not {"license", "base_model"} & set(yaml.safe_load(text.split("---")[1]))
    assert "generated sentences" in text


def test_the_map_shows_what_was_cut(card):
    assert "| 0 | 2 of 4 | ■·■· | 3 of 64 |" in card[1]
    assert "| 1 | 0 of 4 | ···· | 1 of 64 |" in card[1]
    assert "25% of the parameters" in card[1]


def test_the_same_model_has_the_same_card(exported, card):
    folder, text = card
    write_card(exported[0], folder, TEACHER, CUT, GATE)
    assert (folder / "README.md").read_text() == text
    assert str(folder) not in text


def test_a_form_that_the_gate_refused_is_named_with_its_figure_and_not_offered(exported, card):
    folder, _ = card
    refused = LOSSY | {"refused": "cosine 0.9731 (at least 0.98 is needed)"}
    write_card(exported[0], folder, TEACHER, CUT, {"onnx": LOSSLESS, "onnx_int4": refused})
    text = (folder / "README.md").read_text()
    assert "| ONNX with 4-bit weights | `onnx_int4` |  | not offered: cosine 0.9731 (at least 0.98 is needed) |" in text
    assert "onnx_int4/model.onnx" not in text


def test_every_snippet_runs_where_it_says(exported, card):
    """One process for those that need torch, one that must not import it for the others: imports take seconds."""
    folder, text = card
    *snippets, fastembed = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(snippets) == len(TARGETS)
    assert "TextEmbedding" in fastembed  # tests/install runs it: no other code here needs that package
    encoder = exported[0]
    expected = encoder.encode(["a cat sleeps", "кошка спит"])
    for needs_torch in (True, False):
        names = [name for name, target in TARGETS.items() if ("torch" in target.needs) == needs_torch]
        chosen = [snippet for snippet, name in zip(snippets, TARGETS, strict=True) if name in names]
        code = "\n".join(["" if needs_torch else WITHOUT_TORCH, *chosen])
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=folder, env=OFFLINE, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
        numbers = re.findall(r"-?\d+\.\d*(?:e-?\d+)?|\d+\.", done.stdout)
        found = np.array(numbers, dtype=float).reshape(len(names), 2, 2)
        for name, matrix in zip(names, found, strict=True):
            far = 1e-4 if TARGETS[name].lossless else 0.2 if "int4" in name else 0.05
            assert np.abs(matrix - expected @ expected.T).max() < far, name


@pytest.mark.parametrize("kind", STUDENTS)
def test_a_card_says_how_its_student_was_made(exported, kind):
    encoder, folder = exported
    TARGETS["transformers"].write(Original(encoder), folder, Options())  # the card holds the hash of its weights
    write_card(encoder, folder, TEACHER, CUT | {"student": kind, "made": STUDENTS[kind].made}, {})
    text = (folder / "README.md").read_text()
    assert ("## What was cut" in text) == (kind == "pruned")
    assert "someone/teacher" in text.split("\n\n")[2]


def test_a_card_without_a_cut_names_no_settings_of_one(exported):
    """As the prune stage's explicit empty result leaves prune.json."""
    encoder, folder = exported
    write_card(encoder, folder, TEACHER, {"used": False, "reason": "not used", "student": "thin"}, {})
    text = (folder / "README.md").read_text()
    assert "cut by" not in text
    assert text.endswith("`\n")
