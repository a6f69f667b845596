"""Every form of a student opens in a new environment that holds only what its card tells the user to install.

`make test-install` runs this; the environments are real, so it takes minutes and reaches a package index.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from demo.teacher import train_tokenizer
from headshrink.exporting import TARGETS, Options, Original
from headshrink.exporting.card import fastembed, snippet
from headshrink.metrics import cosines
from headshrink.model import PrunedBertConfig, PrunedBertModel, SentenceEncoder

ROOT = Path(__file__).resolve().parents[2]
TWO = '["a cat sleeps", "кошка спит"]'  # the sentences of every snippet
SENTENCES = ["a cat sleeps", "кошка спит", "the man sees a dog in the big house", "собака", "дом " * 70]
ENVIRONMENTS = sorted({target.needs for target in TARGETS.values()})
FASTEMBED = ("fastembed==0.9.1",)  # it wants an older huggingface-hub than ours
SAVE = "\nimport sys\nnp = __import__('numpy')\nnp.save(sys.argv[1], np.asarray(embeddings))\n"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[SentenceEncoder, Path]:
    """A student with uneven heads and a layer without attention, in every form."""
    tokenizer = train_tokenizer("the man sees a dog big house cat sleeps in кошка спит дом собака".split() * 2)
    shape = {"hidden_size": 32, "num_hidden_layers": 3, "head_size": 8, "max_position_embeddings": 64}
    widths = {"heads_per_layer": [3, 0, 1], "ffn_per_layer": [10, 64, 0], "initializer_range": 0.2}
    torch.manual_seed(0)
    config = PrunedBertConfig(vocab_size=len(tokenizer), **shape, **widths)
    encoder = SentenceEncoder(PrunedBertModel(config, add_pooling_layer=False), tokenizer, max_length=64).eval()
    folder, model = tmp_path_factory.mktemp("export"), Original(encoder)
    for target in TARGETS.values():
        target.write(model, folder / target.place, Options())
    return encoder, folder


def install(place: Path, packages: tuple[str, ...], locked: bool = True) -> Path:
    """A new environment with some packages, at the versions of requirements.lock or as they come; its python."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / "bin" / "python"
    if "torch" in packages:  # as `make venv` does: from a local wheel, the CPU index or PyPI, whichever there is
        subprocess.run(["make", "--no-print-directory", "torch", f"VENV={place}"], cwd=ROOT, check=True)
    uv = [Path(sys.executable).parent / "uv", "pip", "install", "--quiet", "--python", python]
    versions = ["--constraint", ROOT / "requirements.lock"] if locked else []
    subprocess.run([*uv, *versions, *packages], check=True)
    return python


def run_snippet(python: Path, folder: Path, code: str, saved: Path) -> np.ndarray:
    """Run a card's code in its folder on SENTENCES: their embeddings."""
    command = [python, "-c", code.replace(TWO, repr(SENTENCES)) + SAVE, saved]
    done = subprocess.run(command, cwd=folder, env=clean(), capture_output=True, text=True)
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return np.load(saved)


def clean() -> dict[str, str]:
    """This process's environment without what would let one python find another's packages."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return kept | {"HF_HUB_OFFLINE": "1"}


@pytest.mark.parametrize("packages", ENVIRONMENTS, ids=[" ".join(packages) for packages in ENVIRONMENTS])
def test_the_card_s_packages_are_all_that_its_snippets_need(exported, tmp_path, packages):
    encoder, folder = exported
    python = install(tmp_path / "environment", packages)
    assert subprocess.run([python, "-c", "import headshrink"], cwd="/", env=clean(), capture_output=True).returncode
    expected = encoder.encode(SENTENCES)
    for name, target in TARGETS.items():
        if target.needs != packages:
            continue
        code = snippet(target, folder)
        assert TWO in code
        found = run_snippet(python, folder, code, tmp_path / "found.npy")
        if target.lossless:
            assert np.abs(found - expected).max() < 1e-5, name
        else:
            assert cosines(found, expected).mean() > (0.9 if "int4" in name else 0.98), name


def test_fastembed_takes_the_folder_as_a_custom_model(exported, tmp_path):
    encoder, folder = exported
    code = fastembed(encoder).split("```python\n")[1].removesuffix("```")
    assert TWO in code
    python = install(tmp_path / "environment", FASTEMBED, locked=False)
    found = run_snippet(python, folder, code, tmp_path / "found.npy")
    assert np.abs(found - encoder.encode(SENTENCES)).max() < 1e-5
