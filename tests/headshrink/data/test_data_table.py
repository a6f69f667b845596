"""Sentences of a table: those of the lists or files that it was made from, wherever they are stored."""

from itertools import chain

import datasets
import numpy as np
import pytest
from datasets.arrow_writer import ArrowWriter

from headshrink.data.table import NONE, SentenceTable, Targets, Tokens

ROWS = [[1, 2, 3], [4], [5, 6], [7], [8, 9, 10, 11]]
FEATURES = datasets.Features({"ids": datasets.List(datasets.Value("int32"))})


def stored(folder) -> datasets.Dataset:
    """The rows in two files, two at most in a record batch."""
    for name, rows in (("a", ROWS[:3]), ("b", ROWS[3:])):
        with ArrowWriter(path=str(folder / name), features=FEATURES, writer_batch_size=2) as writer:
            for row in rows:
                writer.write({"ids": row})
            writer.finalize()
    return datasets.concatenate_datasets([datasets.Dataset.from_file(str(folder / name)) for name in ("a", "b")])


def lists(tokens: Tokens) -> list[list[int]]:
    return [row.tolist() for row in tokens]


def test_sentences_of_files_are_those_of_lists_and_stay_in_the_files(tmp_path):
    tokens = Tokens.from_dataset(stored(tmp_path), "ids")
    assert len(tokens.parts) == 3
    assert lists(tokens) == ROWS
    assert tokens.lengths.tolist() == [len(row) for row in ROWS]
    assert not any(array.flags.owndata or array.flags.writeable for part in tokens.parts for array in part)
    assert np.concatenate(list(tokens.blocks())).tolist() == list(chain(*ROWS))


def test_blocks_are_all_ids_in_order(tmp_path):
    tokens = Tokens.from_dataset(stored(tmp_path), "ids")
    joined = tokens.followed_by(Tokens.from_rows(ROWS))
    assert lists(joined) == ROWS + ROWS
    assert np.concatenate([*joined.blocks()]).tolist() == list(chain(*ROWS, *ROWS))


def test_a_number_that_no_sentence_has_is_refused():
    tokens = Tokens.from_rows(ROWS)
    for number in (5, -1):
        with pytest.raises(IndexError):
            tokens[number]


def test_targets_are_found_in_shards_of_any_length():
    rows = np.arange(14, dtype=np.float16).reshape(7, 2)
    targets = Targets([rows[:3], rows[3:4], rows[4:]], np.array([6, 0, 3, 3, 2]))
    np.testing.assert_array_equal(targets.take(np.array([4, 0, 2])), rows[[2, 6, 3]])
    joined = targets.followed_by(Targets.from_array(-rows))
    np.testing.assert_array_equal(joined.take(np.array([0, 5, 11])), [rows[6], -rows[0], -rows[6]])


def test_a_block_has_the_translations_below_and_every_teachers_targets():
    en, ru = Tokens.from_rows(ROWS[:2]), Tokens.from_rows(ROWS[2:4])
    first, second = np.arange(4.0)[:, None], 10 + np.arange(4.0)[:, None]
    table = SentenceTable.of_pairs(en, ru, [Targets.from_array(first), Targets.from_array(second)])
    single = SentenceTable.of_single(Tokens.from_rows(ROWS[4:]), ["ru"], [Targets.from_array(np.array([[9.0]]))] * 2)
    table = table.followed_by(single)
    batch = table.batch(np.array([[1, 0], [3, 2]]), pad_id=0)
    assert batch.input_ids.tolist() == [[4, 0, 0], [1, 2, 3], [7, 0, 0], [5, 6, 0]]
    assert batch.teacher.tolist() == [[1, 11], [0, 10], [3, 13], [2, 12]]
    assert batch.translated
    assert not table.batch(np.array([[4], [4]]), pad_id=0).translated
    assert [lists(side) for side in table.sides] == [ROWS[:2], ROWS[2:4]]


def test_a_row_has_a_language_and_a_translation_or_none():
    pairs = SentenceTable.of_pairs(Tokens.from_rows(ROWS[:1]), Tokens.from_rows(ROWS[1:2]))
    single = SentenceTable.of_single(Tokens.from_rows(ROWS[2:3]), ["ru"])
    table = single.followed_by(pairs).followed_by(pairs)
    assert table.languages.tolist() == [1, 0, 1, 0, 1]
    assert table.translations.tolist() == [NONE, 2, 1, 4, 3]
    assert table.pair_rows.tolist() == [[1, 3], [2, 4]]
    assert [lists(side) for side in table.sides] == [ROWS[:1] * 2, ROWS[1:2] * 2]
    assert lists(table.tokens) == [ROWS[2], *ROWS[:2], *ROWS[:2]]
    table = table.with_targets([Targets.from_array(np.zeros((5, 1)))])
    assert table.batch(table.pair_rows, pad_id=0).translated
    assert not table.batch(np.array([[1, 0], [2, 3]]), pad_id=0).translated
