"""What trimming promises, for each type of tokenizer: the same pieces where they stay, smaller ones elsewhere."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_tokenizers import CLASSES, CYRILLIC, FOREIGN, LATIN, make
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from headshrink.model import SentenceEncoder
from headshrink.parameters.languages import LANGUAGES
from headshrink.parameters.trim import TrimParams
from headshrink.trimming.rewrite import trimmed_content
from headshrink.trimming.run import Choice, with_selection

COUNTED = [("en", "the big cat sees the house"), ("ru", "кошка спит в доме, 12"), ("en", "café → 90°")]
CHARACTERS = "".join(sorted(set("".join(LATIN + CYRILLIC + FOREIGN)))) + " ,.!?0123456789→°«»π"
WORDS = st.one_of(st.sampled_from(LATIN + CYRILLIC + FOREIGN), st.text(alphabet=CHARACTERS, min_size=1, max_size=8))
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=5).map(" ".join), min_size=10, max_size=30)


@pytest.fixture(scope="module", params=CLASSES)
def tokenizer(request, tmp_path_factory):
    return make(request.param, tmp_path_factory.mktemp(request.param))


def trimmed(tokenizer, share, seed, **how):
    """The choice, the selection with a random share of all tokens, and the tokenizer over it."""
    choice = Choice(tokenizer, TrimParams(**how))
    kept = (torch.rand(choice.vocabulary.size, generator=torch.Generator().manual_seed(seed)) < share).nonzero()
    selection = choice.select(choice.count(COUNTED), ids=kept.flatten().tolist())
    content = trimmed_content(json.loads(tokenizer.backend_tokenizer.to_str()), choice.vocabulary, selection)
    return choice, selection, Tokenizer.from_str(json.dumps(content))


@settings(max_examples=25, deadline=None)
@given(texts=TEXTS, share=st.floats(0, 1), seed=st.integers(0, 99))
def test_pieces_that_all_stay_are_the_same_and_no_others_become_unknown(tokenizer, texts, share, seed):
    choice, selection, small = trimmed(tokenizer, share, seed)
    new_ids = selection.new_ids()
    letters = set(choice.alphabets()) | set("".join(text for _, text in COUNTED))
    for text in [*texts, *(text for _, text in COUNTED)]:
        before = choice.splitter.encode(text, add_special_tokens=False).ids
        after = small.encode(text, add_special_tokens=False).ids
        if new_ids.keys() >= {*before}:
            assert after == [new_ids[i] for i in before]
        if tokenizer.unk_token_id not in before and letters.issuperset(text):
            assert new_ids[tokenizer.unk_token_id] not in after


@settings(max_examples=10, deadline=None)
@given(share=st.floats(0, 0.5), seed=st.integers(0, 99))
def test_special_tokens_stand_around_a_text_as_before(tokenizer, share, seed):
    choice, _, small = trimmed(tokenizer, share, seed)
    for text in (("the cat",), ("the cat", "кошка")):
        one, other = choice.splitter.encode(*text), small.encode(*text)
        assert [one.tokens[i] for i in (0, -1)] == [other.tokens[i] for i in (0, -1)]
        assert other.ids == [small.token_to_id(token) for token in other.tokens]
    assert small.get_vocab_size() == max(small.get_vocab().values()) + 1


def test_the_penalty_of_an_unknown_character_stays(tmp_path):
    tokenizer = make("unigram", tmp_path)
    choice, selection, _ = trimmed(tokenizer, 0, 0)
    scores = dict(choice.vocabulary.model["vocab"])
    assert min(scores[token] for token in selection.tokens if token in scores) == min(scores.values())


def test_alphabets_stay_in_both_cases_and_other_scripts_do_not(tokenizer):
    choice, selection, small = trimmed(tokenizer, 0, 0)
    text = " ".join(sorted(LANGUAGES["en"].alphabet() | LANGUAGES["ru"].alphabet()))
    unknown = [one.encode(text).ids.count(one.token_to_id(tokenizer.unk_token)) for one in (choice.splitter, small)]
    assert unknown[0] == unknown[1]
    foreign = {char for word in FOREIGN for char in word}
    always = choice.vocabulary.always()  # the piece of lowest score of a Unigram may be of any script
    surfaces = [choice.vocabulary.surfaces[i] for i in selection.old_ids.tolist() if i >= 0 and i not in always]
    assert not foreign & set("".join(surfaces))
    assert {"→", "°"} <= set("".join(surfaces))
    assert "π" not in "".join(surfaces)


def test_embeddings_of_kept_text_are_the_same_to_the_bit(tokenizer):
    config = BertConfig(
        vocab_size=len(tokenizer) + 7, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        pad_token_id=tokenizer.pad_token_id, initializer_range=0.3,
    )  # fmt: skip
    encoder = SentenceEncoder(BertModel(config, add_pooling_layer=False), tokenizer, max_length=64).eval()
    choice = Choice(tokenizer, TrimParams())
    small = with_selection(encoder, choice.vocabulary, choice.select(choice.count(COUNTED)))
    texts = [text for _, text in COUNTED]
    assert (small.encode(texts) == encoder.encode(texts)).all()
    assert small.backbone.config.vocab_size == len(small.tokenizer) < len(tokenizer)
    assert small.tokenizer.pad_token_id == tokenizer.pad_token_id
    assert encoder.backbone.config.vocab_size == len(tokenizer) + 7
