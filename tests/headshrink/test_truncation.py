"""Text beyond a model's length is cut before it is tokenised, and the token ids are those of the whole text."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from headshrink import truncation
from headshrink.exporting import lines
from headshrink.exporting.lines import Lines
from headshrink.model.encoder import token_ids
from headshrink.truncation import part, truncated_ids, words_stand_alone

LETTERS = "abcdefкотпёсйяé中1ß"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS), "кот", "пёс", "cab", "."]
NORMALIZERS = {
    "none": None,
    "bert": normalizers.BertNormalizer(lowercase=False),
    "bert uncased": normalizers.BertNormalizer(lowercase=True),
    "sequence": normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.StripAccents()]),
}
SPLITS = {
    "bert": pre_tokenizers.BertPreTokenizer(),
    "whitespace": pre_tokenizers.Whitespace(),
    "sequence": pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]),
}


def wordpiece(normalizer: Any = None, split: Any = SPLITS["bert"], added: Sequence[AddedToken] = ()) -> Tokenizer:
    ids = {token: i for i, token in enumerate(dict.fromkeys(VOCABULARY))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=12))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, split  # type: ignore[assignment]
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    tokenizer.add_special_tokens(["[MASK]", "[SEP]"])
    tokenizer.add_tokens(list(added))
    return tokenizer


BETWEEN = [" ", "  ", "\t", "\n", "\u00a0", "\u2028", "\u0301", "\u200b", "\x07", ".", ",", "-"]
INSIDE = ["кот", "пёс", "cab", "[MASK]", "[SEP]", "new", "中", "й", "и\u0306", "ﬁ", "ß", "İ", "x" * 13, "Кот", "é"]
PIECES = st.one_of(st.sampled_from(BETWEEN + INSIDE), st.just(" "), st.text(max_size=3))
TEXTS = st.lists(PIECES, max_size=60).map("".join)
ADDED = {
    "none": [],
    "inside words": [AddedToken("new"), AddedToken("ко", normalized=True)],
    "whole words": [AddedToken("new", single_word=True, lstrip=True, rstrip=True), AddedToken("кот", single_word=True)],
    "with a space": [AddedToken("кот пёс"), AddedToken("new cab", normalized=True)],
}


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("normalizer", NORMALIZERS)
@settings(max_examples=15, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.integers(3, 9), st.integers(1, 3))
def test_the_ids_are_those_of_the_whole_text(
    normalizer: str, split: str, added: str, side: str, texts: list[str], max_tokens: int, chars: int
) -> None:
    tokenizer = wordpiece(NORMALIZERS[normalizer], SPLITS[split], ADDED[added])
    tokenizer.enable_truncation(max_tokens, direction=side)
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]

    def encode(parts: list[str]) -> list[list[int]]:
        return [row.ids for row in tokenizer.encode_batch_fast(parts)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(truncation, "CHARS_A_TOKEN", chars)  # cut often, and mostly too early at the first try
        patch.setattr(truncation, "GROWTH", 2)
        assert truncated_ids(encode, tokenizer, texts, max_tokens, side) == encode(texts)


@pytest.mark.parametrize("side", ["right", "left"])
def test_only_a_small_part_of_a_long_text_is_tokenised(side: str) -> None:
    tokenizer = wordpiece()
    tokenizer.enable_truncation(16, direction=side)
    seen: list[int] = []

    def encode(parts: list[str]) -> list[list[int]]:
        seen.extend(map(len, parts))
        return [row.ids for row in tokenizer.encode_batch_fast(parts)]

    rows = truncated_ids(encode, tokenizer, ["кот пёс " * 10_000, "кот"], 16, side)
    assert [len(row) for row in rows] == [16, 3]
    assert sum(seen) < 300


def test_a_text_without_a_gap_is_not_cut() -> None:
    for text in ("к" * 100, "кот\t" * 30, "кот  " * 30, "中 " * 30):
        assert part(text, 10, "right") == part(text, 10, "left") == text
    assert (part("кот пёс cab", 3, "right"), part("кот пёс cab", 4, "left")) == ("кот", "cab")


@pytest.mark.parametrize(
    "tokenizer",
    [
        wordpiece(split=pre_tokenizers.ByteLevel()),
        wordpiece(split=pre_tokenizers.Punctuation()),
        wordpiece(split=None),
        wordpiece(normalizer=normalizers.Replace(" ", "_")),
        wordpiece(normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Strip()])),
        wordpiece(added=[AddedToken("кот пёс")]),
        Tokenizer(models.BPE()),
        Tokenizer(models.Unigram()),
        None,
    ],
)
def test_where_a_cut_is_not_shown_to_be_safe_nothing_is_cut(tokenizer: Tokenizer | None) -> None:
    seen: list[str] = []

    def encode(parts: list[str]) -> list[list[int]]:
        seen.extend(parts)
        return [[0, 0] for _ in parts]

    text = "кот пёс " * 100
    assert not words_stand_alone(tokenizer)
    truncated_ids(encode, tokenizer, [text], 2, "right")
    assert seen == [text]


@pytest.mark.parametrize("side", ["right", "left"])
def test_an_encoder_s_ids_equal_transformers(tiny_encoder: Any, side: str) -> None:
    tokenizer = tiny_encoder.tokenizer
    tokenizer.truncation_side = side
    texts = ["the cat sleeps. " * 2_000, "кошка, спит\n" * 2_000, "a", "a  b\u0301 " * 2_000]
    expected = [tokenizer(text, truncation=True, max_length=20)["input_ids"] for text in texts]
    assert token_ids(tokenizer, texts, 20) == expected


def test_chunks_are_bounded_by_lines_and_by_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "CHUNK_LINES", 3)
    monkeypatch.setattr(lines, "CHUNK_CHARS", 10)
    texts = ["a", "", "b", "c", "d" * 8, "ee", "f" * 30, "", "g" * 9]
    (tmp_path / "x").write_text("\n".join(texts), encoding="utf-8")
    assert list(Lines(tmp_path / "x").chunks()) == [["a", "", "b"], ["c", "d" * 8], ["ee"], ["f" * 30], ["", "g" * 9]]


MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from tokenizers import Tokenizer
from headshrink.exporting.graph_encoder import GraphEncoder
from headshrink.exporting.lines import Lines, encode_lines
tokenizer = Tokenizer.from_file(sys.argv[2])
encoder = GraphEncoder(lambda ids, mask: np.zeros((len(ids), 8), np.float32), 8, tokenizer, workers=1)
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) // 1024

Path("/proc/self/clear_refs").write_text("5")  # the peak so far is the imports'
before = status("VmRSS")
size = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 30), size + (1 << 30)))
rows = sum(len(rows) for _, rows in encode_lines(encoder, Lines(Path(sys.argv[1])), 32))
print(rows, status("VmHWM") - before)
"""


@pytest.mark.parametrize(("split", "megabytes"), [("bert", 30), ("uncut", 60)])
def test_1200_lines_of_119_kb_cost_some_megabytes(tmp_path: Path, split: str, megabytes: int) -> None:
    """Tokenised whole and by 4,096 lines they took 4.8 GB; "uncut" is a tokenizer for which no text is cut."""
    tokenizer = wordpiece(split=SPLITS["bert"] if split == "bert" else pre_tokenizers.Punctuation())
    tokenizer.enable_truncation(64)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "x").write_text(("кот пёс " * 8_500 + "\n") * (1_200 if split == "bert" else 100), encoding="utf-8")
    command = [sys.executable, "-c", MEMORY, tmp_path / "x", tmp_path / "tokenizer.json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    rows, peak = map(int, done.stdout.split())
    assert rows == (1_200 if split == "bert" else 100)
    assert peak < megabytes
