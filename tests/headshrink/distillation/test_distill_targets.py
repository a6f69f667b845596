"""Targets: the teacher's own embeddings, one row a distinct sentence, whatever the shards."""

import datasets
import numpy as np
import pytest
from tiny_training import tiny_pairs

from headshrink.distillation import targets
from headshrink.distillation.pairs import Sentences
from headshrink.distillation.targets import read_targets, stored_targets, write_targets
from headshrink.errors import HeadshrinkError


def splits(teacher) -> dict[str, tuple[Sentences, Sentences]]:
    train, heldout = tiny_pairs(teacher, stop=40), tiny_pairs(teacher, start=40)
    return {"train": (train.en, train.ru), "heldout": (heldout.en, heldout.ru)}


def test_targets_are_the_teachers_embeddings_in_the_pairs_order(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "ROWS_A_SHARD", 16)  # several shards, the last one short
    write_targets(tiny_encoder, splits(tiny_encoder), tmp_path / "targets", batch_size=7)
    assert len(list((tmp_path / "targets").glob("rows-*.npy"))) > 2
    for split, pairs in (("train", tiny_pairs(tiny_encoder, stop=40)), ("heldout", tiny_pairs(tiny_encoder, start=40))):
        en, ru = read_targets(tmp_path / "targets", split)
        assert en.dtype == ru.dtype == np.float16
        np.testing.assert_allclose(en, pairs.targets.en, atol=1e-3)
        np.testing.assert_allclose(ru, pairs.targets.ru, atol=1e-3)


def test_a_repeated_sentence_is_embedded_once(tiny_encoder, tmp_path):
    rows = Sentences.from_rows(tiny_encoder.tokenise(["a cat", "the dog", "a cat", "a cat"]))
    write_targets(tiny_encoder, {"train": (rows, rows)}, tmp_path)
    assert np.load(tmp_path / "rows-00000.npy").shape == (2, tiny_encoder.dimension)
    en, ru = read_targets(tmp_path, "train")
    assert (en[[0, 2, 3]] == en[0]).all()
    assert (en == ru).all()


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
    exact, rounded = (read_targets(tmp_path / name, "train")[0].astype(np.float64) for name in ("fp32", "bf16"))
    assert (exact * rounded).sum(1).min() > 0.999


def test_a_folder_without_targets_is_one_line(tmp_path):
    with pytest.raises(HeadshrinkError, match="no targets of split train"):
        stored_targets(tmp_path, "train")


def test_sentences_from_arrow_equal_sentences_from_lists():
    rows = [[1, 2, 3], [4], [5, 6]]
    dataset = datasets.concatenate_datasets(
        [datasets.Dataset.from_dict({"ids": part}) for part in (rows[:2], rows[2:])]
    )
    sentences = Sentences.from_dataset(dataset, "ids")
    assert [row.tolist() for row in sentences] == rows
    assert sentences.lengths.tolist() == [3, 1, 2]
    assert (sentences.ids == Sentences.from_rows(rows).ids).all()
