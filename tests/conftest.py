"""Small models that every test may use; built in memory, never downloaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_models import random_encoder_of
from transformers import AutoTokenizer

from headshrink.model import SentenceEncoder, save_encoder

# Tests that share an expensive session fixture (a built pipeline, a Prefect server) stay in one of pytest's processes.
GROUPS = ("tests/e2e/test_demo", "tests/e2e", "tests/flows")


@pytest.fixture(scope="session", autouse=True)
def own_lock_of_the_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stages of the tests wait neither for the user's stages nor for each other's in another test process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        yield


WORDS = (
    "the a man woman cat dog house tree runs sleeps reads sees big small in on "
    "мужчина женщина кошка собака дом дерево бежит спит читает видит большой маленький в на и не"
).split()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        group = next((group for group in GROUPS if group in item.path.as_posix()), None)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def tiny_tokenizer(folder: Path):
    """A WordPiece tokenizer over WORDS and single characters, from a vocab.txt."""
    letters = [chr(c) for c in [*range(ord("a"), ord("z") + 1), *range(ord("а"), ord("я") + 1)]]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(pieces)) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": false}')
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def tiny_encoder(tmp_path: Path) -> SentenceEncoder:
    """`random_encoder_of` with the tokenizer of WORDS."""
    return random_encoder_of(tiny_tokenizer(tmp_path / "tokenizer"))


@pytest.fixture
def tiny_folder(tiny_encoder: SentenceEncoder, tmp_path: Path) -> Path:
    """`tiny_encoder` as a model folder."""
    save_encoder(tiny_encoder, tmp_path / "tiny")
    return tmp_path / "tiny"
