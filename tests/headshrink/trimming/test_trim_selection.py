"""Which tokens stay: per language, by characters and scripts, within a number, a share or a count."""

import gzip
import json

import numpy as np
import pytest
from tiny_tokenizers import make

import headshrink as hs
from headshrink.errors import HeadshrinkError
from headshrink.parameters.checked import checked
from headshrink.parameters.languages import LANGUAGES
from headshrink.parameters.trim import TrimParams
from headshrink.trimming import WordPiece
from headshrink.trimming.count import Counts, count_text, joined
from headshrink.trimming.run import Choice, most_frequent, splitter
from headshrink.trimming.select import select
from headshrink.trimming.text import Languages, sentences
from headshrink.trimming.token_counts import count_tokens

LETTERS = "abcdefghijklmnopqrstuvwxyzабвгдежзийклмнопрстуфхцчшщъыьэюя"


def vocabulary(*words):
    pieces = ["[PAD]", "[UNK]", *LETTERS, *(f"##{letter}" for letter in LETTERS), *words]
    model = {
        "vocab": {piece: i for i, piece in enumerate(pieces)},
        "continuing_subword_prefix": "##",
        "unk_token": "[UNK]",
    }
    return WordPiece({"model": model, "added_tokens": [{"content": "[PAD]", "id": 0}, {"content": "[UNK]", "id": 1}]})


def counts(vocabulary, **languages):
    """Counts of words by language."""
    found = Counts(vocabulary.size)
    found.sentences = dict.fromkeys(languages, 1)
    for code, words in languages.items():
        found.tokens[code] = np.zeros(vocabulary.size, dtype=np.int64)
        for word, count in words.items():
            found.tokens[code][vocabulary.ids[word]] = count
    return found


def kept(vocabulary, found, alphabets="", **how):
    return {*select(vocabulary, found, TrimParams(**how), alphabets).tokens}


def test_the_language_with_less_text_is_not_squeezed_out():
    words = vocabulary("the", "cat", "house", "кот", "дом")
    found = counts(words, en={"the": 9000, "cat": 900, "house": 100}, ru={"кот": 6, "дом": 3, "я": 1})
    least = len(kept(words, counts(words, en={"a": 1}), LETTERS, tokens=1000))
    assert {"the", "кот", "дом"} == kept(words, found, LETTERS, tokens=least + 3) & {*words.ids} - {*vocabulary().ids}
    assert {"the", "cat", "кот"} == kept(words, found, coverage=0.6) & {"the", "cat", "house", "кот", "дом"} | {"cat"}
    assert {"the", "cat", "house"} <= kept(words, found, min_count=7)
    assert not {"кот", "дом"} & kept(words, found, min_count=7)


def test_a_large_text_of_one_kind_does_not_decide_alone():
    words = vocabulary("the", "cat", "house")
    large = counts(words, en={"the": 900, "cat": 100})
    small = counts(words, en={"house": 5, "the": 5})
    least = len(kept(words, counts(words, en={"a": 1}), LETTERS))
    assert "house" in kept(words, joined([large, small]), LETTERS, tokens=least + 2)
    large.add(small)
    assert "house" not in kept(words, large, LETTERS, tokens=least + 2)


def test_coverage_is_reached_in_each_language_by_the_fewest_tokens():
    words = vocabulary("the", "cat", "house", "кот", "дом")
    found = counts(words, en={"the": 50, "cat": 30, "house": 20}, ru={"кот": 90, "дом": 10})
    own = {"the", "cat", "house", "кот", "дом"}
    assert kept(words, found, coverage=0.8) & own == {"the", "cat", "кот"}
    assert kept(words, found, coverage=0.81) & own == {"the", "cat", "house", "кот"}
    assert kept(words, found, coverage=1) & own == own


def test_characters_stay_by_script_and_only_where_they_occur():
    words = vocabulary("é", "##é", "γ", "##γ", "猫", "→", "☃", "café", "naïve", "7")
    found = counts(words, en={"café": 1, "→": 1, "γ": 5})
    small = kept(words, found, "abc")
    assert {"é", "##é", "→", "7", "a", "##a"} <= small
    assert not {"γ", "##γ", "猫", "☃", "d", "naïve"} & small


def test_a_character_that_only_longer_pieces_hold_gets_a_piece_of_its_own_with_their_mean_row():
    words = vocabulary("niño", "año", "##ñb")
    chosen = select(words, counts(words, en={"año": 2}), TrimParams(languages=["es"]), "añb")
    assert chosen.tokens[-2:] == ["ñ", "##ñ"] or chosen.tokens[-1] == "##ñ"
    new = chosen.tokens.index("##ñ")
    assert sorted(chosen.means[new]) == sorted(words.ids[piece] for piece in ("niño", "año", "##ñb"))
    assert chosen.old_ids[new] == -1


def test_tokens_that_do_not_occur_fill_a_table_only_without_a_minimum():
    words = vocabulary("the", "cat", "[unused1]", "γάτα")
    found = counts(words, en={"the": 3})
    least = len(kept(words, found, LETTERS))
    assert "cat" not in kept(words, found, LETTERS, tokens=least + 5)
    assert len(kept(words, found, LETTERS, tokens=least + 5, min_count=0)) == least + 1
    assert not {"[unused1]", "γάτα"} & kept(words, found, LETTERS, tokens=1000, min_count=0)


def test_the_pad_token_keeps_its_id_where_ids_below_it_go():
    pieces = {"x": 0, "<pad>": 1, "y": 2, "[UNK]": 3, "z": 4}
    model = {"vocab": pieces, "continuing_subword_prefix": "##", "unk_token": "[UNK]"}
    words = WordPiece({"model": model, "added_tokens": [{"content": t, "id": pieces[t]} for t in ("<pad>", "[UNK]")]})
    chosen = select(words, counts(words, en={"z": 1}), TrimParams(), "", pad=1)
    assert chosen.tokens == ["[UNK]", "<pad>", "z"]
    assert chosen.old_ids.tolist() == [3, 1, 4]


def test_one_missing_piece_per_character_is_found_in_one_pass():
    """Half a million rows once took a quarter of an hour."""
    words = vocabulary(*(f"w{chr(0x4E00 + i % 20000)}{i}" for i in range(50_000)))
    assert len(words.missing({chr(0x4E00 + i) for i in range(20000)})) == 20_000


def test_the_language_of_a_sentence_follows_script_and_place():
    def groups(codes, *hinted):
        return Languages(codes).groups(hinted)

    lines = ["the cat", "кошка", "ок cat and dog", "12 %", "γάτα", "кошка γάτα κοιμάται σπίτι"]
    assert groups(["en", "ru"], *((None, line) for line in lines)) == ["en", "ru", "en", "any", None, None]
    assert groups(["en", "de"], ("de", "die Katze"), (None, "the cat"), ("ru", "x")) == ["de", "en+de", "en+de"]
    assert groups(["ja", "zh"], (None, "猫がいる"), ("zh", "猫在屋里"), (None, "猫")) == ["ja", "zh", "ja+zh"]
    assert groups(["ru", "uk"], (None, "cat")) == [None]


def test_files_folders_and_corpora_are_read_alike(tmp_path):
    (tmp_path / "pairs.tsv").write_text("the cat\tкошка\t0.9\n\tдом\n", encoding="utf-8")
    (tmp_path / "mono.en.txt").write_text("a dog\n\n", encoding="utf-8")
    with gzip.open(tmp_path / "mono.ru.txt.gz", "wt", encoding="utf-8") as file:
        file.write("собака\n")
    (tmp_path / "README.md").write_text("no text\n")
    wanted = [("en", "a dog"), ("ru", "собака"), ("en", "the cat"), ("ru", "кошка"), ("ru", "дом")]
    assert list(sentences(tmp_path, ["en", "ru"])) == wanted
    assert list(sentences([tmp_path / "pairs.tsv", {"en": ["x", " "]}], ["en", "ru"])) == [*wanted[2:], ("en", "x")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(HeadshrinkError, match="no text in"):
        list(sentences(tmp_path / "empty", ["en", "ru"]))


def test_counts_are_those_of_the_tokenizer_whatever_the_parts(tmp_path, monkeypatch):
    tokenizer = splitter(make("unigram", tmp_path))
    lines = [("en", f"the cat reads {n} books") for n in range(40)] + [("ru", "кошка спит")] * 7
    whole = count_text(tokenizer, lines, ["en", "ru"], tokenizer.get_vocab_size())
    monkeypatch.setattr("headshrink.trimming.count.SENTENCES", 3)
    parts = count_text(tokenizer, lines, ["en", "ru"], tokenizer.get_vocab_size())
    assert whole.sentences == parts.sentences == {"en": 40, "ru": 7}
    ids = [i for _, line in lines for i in tokenizer.encode(line, add_special_tokens=False).ids]
    for found in (whole, parts):
        np.testing.assert_array_equal(found.total(), np.bincount(ids, minlength=tokenizer.get_vocab_size()))


def test_text_in_none_of_the_languages_and_bad_parameters_are_one_line(tiny_encoder, tmp_path):
    for text, options, message in (
        ({"el": ["γάτα", "σπίτι"]}, {}, "no sentence of the text is in en or ru .2 are in other scripts"),
        ({"en": ["the cat"]}, {"tokens": 20}, "tokens = 20: special tokens, characters and words to keep need 1"),
        ({"en": ["the cat"]}, {"languages": ["en", "xx"]}, "unknown language code 'xx'; allowed: af, am"),
        ({"en": ["the cat"]}, {"languages": []}, "at least one language code"),
        ({"en": ["the cat"]}, {"languages": ["en", "en"]}, "twice"),
        ({"en": ["the cat"]}, {"tokens": 300, "coverage": 0.9}, "exclude each other"),
        (tmp_path / "absent", {}, "cannot read"),
    ):
        with pytest.raises(HeadshrinkError, match=message) as error:
            hs.trim(tiny_encoder, text, **options)
        assert "\n" not in str(error.value)
    (tmp_path / "cp1251.txt").write_bytes("кошка".encode("cp1251"))
    with pytest.raises(HeadshrinkError, match=r"cp1251.txt, line 1, byte 1"):
        hs.trim(tiny_encoder, tmp_path / "cp1251.txt")


def test_words_to_keep_and_prompts_stay(tiny_encoder, tmp_path):
    (tmp_path / "words.txt").write_text("house\nдерево\n", encoding="utf-8")
    tiny_encoder.settings.prompts["query"] = "man: "
    small = hs.trim(tiny_encoder, {"en": ["the cat"]}, keep=tmp_path / "words.txt")
    assert {"the", "cat", "house", "дерево", "man"} <= small.tokenizer.get_vocab().keys()
    assert "woman" not in small.tokenizer.get_vocab()


@pytest.mark.parametrize("spare", [0, 5])  # rows of the table without a token
def test_a_budget_of_tokens_is_met(tiny_encoder, spare):
    ids = np.arange(len(tiny_encoder.tokenizer))
    assert len(most_frequent(tiny_encoder, count_tokens([ids], len(ids) + spare), 139).tokenizer) == 139


def test_every_alphabet_is_of_its_own_scripts():
    for code, language in LANGUAGES.items():
        found = Languages([code]).groups([(None, letter) for letter in sorted(language.alphabet())])
        assert {*found} <= {code, "any"}, code
        assert found.count("any") < len(found) or not found, code  # marks alone have no letter
    assert {"Я", "я", "ё"} <= LANGUAGES["ru"].alphabet()
    assert checked(TrimParams, {"languages": ["de", "el"]}).languages == ["de", "el"]


def test_the_command_trims_a_folder(tiny_folder, tmp_path):
    from typer.testing import CliRunner

    from headshrink.cli import VERBS, build

    (tmp_path / "pairs.tsv").write_text("the cat sleeps\tкошка спит\n", encoding="utf-8")
    (tmp_path / "held.en.txt").write_text("the dog\n", encoding="utf-8")
    words = ["trim", tiny_folder, "--text", tmp_path / "pairs.tsv", "--out", tmp_path / "small", "--heldout"]
    run = CliRunner().invoke(build({"trim": VERBS["trim"]}), [*map(str, words), str(tmp_path / "held.en.txt")])
    assert run.exit_code == 0, run.output
    assert "heldout, en: 1 sentences, 500.0 of 1,000 token occurrences removed; tokens per sentence 2.00" in run.output
    small = hs.load_encoder(tmp_path / "small")
    assert len(small.tokenizer) == json.loads((tmp_path / "small" / "trim.json").read_text())["tokens"]["after"]
    np.testing.assert_array_equal(small.encode(["кошка"]), hs.load_encoder(tiny_folder).encode(["кошка"]))


def test_a_choice_of_the_whole_text_covers_it(tiny_encoder):
    choice = Choice(tiny_encoder.tokenizer, TrimParams(coverage=1.0))
    found = choice.count([("en", "the big cat"), ("ru", "кошка")])
    assert choice.select(found).coverage(found.total()) == 1
