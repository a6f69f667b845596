"""Targets: the teacher's own embeddings, one row a distinct sentence, whatever the shards."""

import itertools
from typing import ClassVar

import numpy as np
import pytest

from headshrink.data import targets
from headshrink.data.table import SentenceTable, Tokens
from headshrink.data.targets import stored_targets, write_targets
from headshrink.errors import HeadshrinkError
from headshrink.progress import Bar

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


def count_embedded(monkeypatch) -> list[int]:
    """The lengths of all batches that are embedded from now on, padding included, one number per sentence."""
    embed, cells = targets.embed, []
    monkeypatch.setattr(
        targets, "embed", lambda teacher, rows, precision: (
            cells.append((len(rows), max(map(len, rows)))), embed(teacher, rows, precision)
        )[1],
    )  # fmt: skip
    return cells


def test_a_larger_corpus_keeps_its_embeddings(tiny_encoder, tmp_path, monkeypatch):
    """Marked ones, so that an embedding that was computed again would show; the others are computed."""
    monkeypatch.setattr(targets, "ROWS_A_SHARD", 16)
    small, large = splits(tiny_encoder)["heldout"], splits(tiny_encoder)
    write_targets(tiny_encoder, {"train": small}, tmp_path / "small")
    for file in (tmp_path / "small").glob("rows-*.npy"):
        np.save(file, np.full_like(np.load(file), 7))
    embedded = count_embedded(monkeypatch)
    write_targets(tiny_encoder, large, tmp_path / "large", known=tmp_path / "small")
    assert (read_targets(tmp_path / "large", "heldout") == 7).all()
    assert sum(rows for rows, _ in embedded) == np.load(tmp_path / "large" / "train.npy").max() + 1
    assert (read_targets(tmp_path / "large", "train") != 7).all()
    embedded.clear()
    write_targets(tiny_encoder, large, tmp_path / "again", known=tmp_path / "large")
    assert not embedded
    for file in (tmp_path / "large").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_a_batch_holds_a_bounded_number_of_tokens(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "TOKENS_PER_BATCH", 40)
    embedded = count_embedded(monkeypatch)
    write_targets(tiny_encoder, splits(tiny_encoder), tmp_path)
    assert max(rows * longest for rows, longest in embedded) <= 40
    assert max(rows for rows, _ in embedded) > 40 // 8


class Counted(Bar):
    """A progress bar that can be looked at."""

    bars: ClassVar[list["Counted"]] = []

    def __init__(self, description: str, total: int | None) -> None:
        super().__init__(description, total)
        self.bars.append(self)


def test_the_time_left_counts_tokens_that_are_left(tiny_encoder, tmp_path, monkeypatch):
    """Also after a kill, where finished batches would make the rest look quick."""
    monkeypatch.setattr(targets, "SECONDS_BETWEEN_SAVES", 0)
    monkeypatch.setattr(targets, "ROWS_A_SHARD", 32)
    monkeypatch.setattr(targets, "Bar", Counted)
    Counted.bars.clear()
    embed, calls = targets.embed, itertools.count(1)

    def interrupted(*arguments):
        if next(calls) == 7:
            raise KeyboardInterrupt
        return embed(*arguments)

    monkeypatch.setattr(targets, "embed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_targets(tiny_encoder, splits(tiny_encoder), tmp_path, batch_size=7)
    write_targets(tiny_encoder, splits(tiny_encoder), tmp_path, batch_size=7)
    killed, resumed = Counted.bars
    assert 0 < killed.done < killed.total
    assert killed.total - killed.done == resumed.total == resumed.done
