"""Targets: the teacher's own embeddings, one row a distinct sentence, whatever the shards."""

import itertools

import numpy as np
import pytest

from headshrink.data import targets
from headshrink.data.table import SentenceTable, Tokens
from headshrink.data.targets import stored_targets, write_targets
from headshrink.errors import HeadshrinkError

SUBJECTS = {"the man": "мужчина", "a cat": "кошка", "the dog": "собака", "a woman": "женщина"}
VERBS = {"runs": "бежит", "sleeps": "спит", "reads": "читает", "sees": "видит"}
PLACES = {"": "", "in the house": "в дом", "on the tree": "на дерево"}


def texts(start: int, stop: int | None) -> list[list[str]]:
    """English and Russian sentences of some of 48 pairs."""
    clauses = list(itertools.product(SUBJECTS.items(), VERBS.items(), PLACES.items()))[start:stop]
    return [[" ".join(word[side] for word in clause).strip() for clause in clauses] for side in (0, 1)]


def splits(teacher) -> dict[str, SentenceTable]:
    return {
        name: SentenceTable.of_pairs(*(Tokens.from_rows(teacher.tokenise(side)) for side in texts(*rows)))
        for name, rows in {"train": (0, 40), "heldout": (40, None)}.items()
    }


def read_targets(folder, split: str) -> np.ndarray:
    stored = stored_targets(folder, split)
    return stored.take(np.arange(len(stored.index)))


def test_targets_are_the_teachers_embeddings_in_the_tables_order(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "ROWS_A_SHARD", 16)  # several shards, the last one short
    write_targets(tiny_encoder, splits(tiny_encoder), tmp_path / "targets", batch_size=7)
    assert len(list((tmp_path / "targets").glob("rows-*.npy"))) > 2
    for split, rows in {"train": (0, 40), "heldout": (40, None)}.items():
        found = read_targets(tmp_path / "targets", split)
        assert found.dtype == np.float16
        expected = np.concatenate([tiny_encoder.encode(side) for side in texts(*rows)])
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_repeated_sentence_is_embedded_once(tiny_encoder, tmp_path):
    rows = Tokens.from_rows(tiny_encoder.tokenise(["a cat", "the dog", "a cat", "a cat"]))
    write_targets(tiny_encoder, {"train": SentenceTable.of_pairs(rows, rows)}, tmp_path)
    assert np.load(tmp_path / "rows-00000.npy").shape == (2, tiny_encoder.dimension)
    en, ru = np.split(read_targets(tmp_path, "train"), 2)
    assert (en[[0, 2, 3]] == en[0]).all()
    assert (en == ru).all()


def test_pairs_and_single_sentences_share_their_rows(tiny_encoder, tmp_path):
    tokens = Tokens.from_rows(tiny_encoder.tokenise(["a cat", "кошка", "the dog"]))
    en, ru = (Tokens.from_rows([tokens[i]]) for i in (0, 1))
    tables = {
        "train": SentenceTable.of_pairs(en, ru),
        "monolingual": SentenceTable.of_single(tokens, ["en", "ru", "en"]),
    }
    write_targets(tiny_encoder, tables, tmp_path)
    assert np.load(tmp_path / "train.npy").tolist() == [0, 1]
    assert np.load(tmp_path / "monolingual.npy").tolist() == [0, 1, 2]
    joined = stored_targets(tmp_path, "train").followed_by(stored_targets(tmp_path, "monolingual"))
    whole = joined.take(np.arange(5))
    np.testing.assert_array_equal(whole[:2], whole[2:4])


def test_bytes_are_the_same_again(tiny_encoder, tmp_path):
    for name in ("one", "two"):
        write_targets(tiny_encoder, splits(tiny_encoder), tmp_path / name)
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("stop_at", [1, 4, 9])
def test_a_killed_call_continues_and_ends_in_the_same_bytes(tiny_encoder, tmp_path, monkeypatch, stop_at):
    """Each batch is embedded once, but for the one that was interrupted."""
    monkeypatch.setattr(targets, "ROWS_A_SHARD", 32)
    monkeypatch.setattr(targets, "SECONDS_BETWEEN_SAVES", 0)
    embed, calls = targets.embed, []

    def interrupted(*arguments):
        calls.append(len(arguments[1]))
        if len(calls) == stop_at:
            raise KeyboardInterrupt
        return embed(*arguments)

    write_targets(tiny_encoder, splits(tiny_encoder), tmp_path / "whole", batch_size=7)
    monkeypatch.setattr(targets, "embed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_targets(tiny_encoder, splits(tiny_encoder), tmp_path / "killed", batch_size=7)
    with pytest.raises(HeadshrinkError, match="no targets"):
        stored_targets(tmp_path / "killed", "train")
    write_targets(tiny_encoder, splits(tiny_encoder), tmp_path / "killed", batch_size=7)
    whole, killed = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("whole", "killed")
    )
    assert whole == killed
    rows = np.load(tmp_path / "whole" / "train.npy").max() + 1
    assert sum(calls) - calls[stop_at - 1] >= rows
    assert len(calls) == 1 + sum(-(-len(np.load(file)) // 7) for file in (tmp_path / "whole").glob("rows-*.npy"))


def test_bf16_targets_point_where_fp32_ones_do(tiny_encoder, tmp_path):
    for precision in ("fp32", "bf16"):
        write_targets(tiny_encoder, splits(tiny_encoder), tmp_path / precision, precision=precision)
    exact, rounded = (read_targets(tmp_path / name, "train").astype(np.float64) for name in ("fp32", "bf16"))
    assert (exact * rounded).sum(1).min() > 0.999


def test_a_folder_without_targets_is_one_line(tmp_path):
    with pytest.raises(HeadshrinkError, match="no targets of split train"):
        stored_targets(tmp_path, "train")
