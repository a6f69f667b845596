"""Shards: the ids the encoder itself would make, in the corpus's order, the same bytes on any number of cores."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headshrink.data.shards import read_split, write_shards
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder

EN = ["the man sees a big cat", "a dog runs", "the house", "a woman reads in the house and sleeps"]
RU = ["мужчина видит большой дом", "собака бежит", "дом", "женщина читает и не спит"]


def write_corpus(folder: Path, rows: dict[str, int]) -> Path:
    """A corpus of some rows a split, in row groups that end in the middle of shards."""
    folder.mkdir()
    for split, count in rows.items():
        columns = {"en": [f"{EN[i % 4]} {i}" for i in range(count)], "ru": [f"{RU[i % 4]} {i}" for i in range(count)]}
        pq.write_table(
            pa.table(columns | {"source": ["test"] * count}), folder / f"{split}.parquet", row_group_size=700
        )
    return folder


def shards(corpus: Path, model: Path, folder: Path, workers: int, max_length: int = 64, count: int = 3) -> Path:
    folder.mkdir()
    write_shards(corpus, model / "tokenizer.json", folder, max_length, count, workers)
    return folder


def test_row_i_holds_the_encoders_own_ids_of_pair_i(
    tiny_encoder: SentenceEncoder, tiny_folder: Path, tmp_path: Path
) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"train": 2_500, "heldout": 10})
    folder = shards(corpus, tiny_folder, tmp_path / "shards", workers=2)
    for split in ("train", "heldout"):
        texts, rows = pq.read_table(corpus / f"{split}.parquet"), read_split(folder, split)
        for side in ("en", "ru"):
            ids = tiny_encoder.tokenise(texts[side].to_pylist())
            assert rows[f"{side}_ids"][:] == ids
            assert rows[f"{side}_length"][:] == [len(row) for row in ids]


def test_bytes_do_not_depend_on_the_number_of_workers(tiny_folder: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"train": 2_500, "heldout": 10})
    one, three = (shards(corpus, tiny_folder, tmp_path / f"with{n}", workers=n) for n in (1, 3))
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert len(files) == 7  # three shards a split and the manifest, no cache beside them
    assert all((one / file).read_bytes() == (three / file).read_bytes() for file in files)


def test_long_sentences_are_cut_and_still_end_in_the_separator(
    tiny_encoder: SentenceEncoder, tiny_folder: Path, tmp_path: Path
) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"train": 20, "heldout": 10})
    rows = read_split(shards(corpus, tiny_folder, tmp_path / "shards", workers=1, max_length=8), "train")
    assert max(rows["en_length"]) == 8
    assert {row[-1] for row in rows["en_ids"]} == {tiny_encoder.tokenizer.sep_token_id}


def test_more_shards_than_pairs_is_allowed(tiny_folder: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"train": 3, "heldout": 1})
    folder = shards(corpus, tiny_folder, tmp_path / "shards", workers=2, count=5)
    assert [len(read_split(folder, split)) for split in ("train", "heldout")] == [3, 1]


def test_a_folder_without_shards_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HeadshrinkError, match="no Arrow files"):
        read_split(tmp_path, "train")
