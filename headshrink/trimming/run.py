"""An encoder or a model folder with a vocabulary for a text: what the front door, the command and the stage call."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass

from tokenizers import Tokenizer, normalizers
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from headshrink.data.text.sentences import read_sentences
from headshrink.model import SentenceEncoder
from headshrink.parameters.languages import LANGUAGES
from headshrink.parameters.section import given_path
from headshrink.parameters.trim import TrimParams
from headshrink.trimming._base import Vocabulary
from headshrink.trimming.count import Counts, count_text, joined
from headshrink.trimming.rewrite import rewritten, vocabulary_of
from headshrink.trimming.select import Selection, select
from headshrink.trimming.table import config_ids, with_selected_rows
from headshrink.trimming.text import Hinted


@dataclass(frozen=True)
class Trimmed:
    """An encoder over fewer tokens, and where they were in the table before."""

    encoder: SentenceEncoder
    selection: Selection


class Choice:
    """The choice of a tokenizer's tokens for a text, which is first lower-cased where `lower_case` says so."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, how: TrimParams, lower_case: bool = False) -> None:
        self.tokenizer, self.how = tokenizer, how
        self.vocabulary: Vocabulary = vocabulary_of(tokenizer)
        self.splitter = splitter(tokenizer, lower_case)

    def count(self, *texts: Iterable[Hinted]) -> Counts:
        """Occurrences of each token in texts, by language; each text is a source of its own."""
        return joined([count_text(self.splitter, text, self.how.languages, self.vocabulary.size) for text in texts])

    def select(self, counts: Counts, prompts: Iterable[str] = (), ids: Iterable[int] = ()) -> Selection:
        """The tokens that stay: besides those that `select` keeps, those of prompts, of words to keep, and `ids`."""
        words = {*ids, *self.tokenizer.all_special_ids, *self.ids_of(prompts), *self.ids_of(self.words_to_keep())}
        pad = self.tokenizer.pad_token_id
        return select(self.vocabulary, counts, self.how, self.alphabets(), words, -1 if pad is None else pad)

    def words_to_keep(self) -> list[str]:
        path = given_path(self.how.keep)
        return list(read_sentences(path)) if path else []

    def ids_of(self, words: Iterable[str]) -> set[int]:
        """The tokens of words, at the start of a text and inside it; of those without a token none."""
        forms = [form for word in words for form in (word, word.strip(), f" {word}", f"{word}a")]
        found = self.splitter.encode_batch_fast(forms, add_special_tokens=False)
        return {i for encoding in found for i in encoding.ids}

    def alphabets(self) -> str:
        """The letters of the languages as the normaliser leaves them."""
        letters = " ".join(sorted({letter for code in self.how.languages for letter in LANGUAGES[code].alphabet()}))
        return self.splitter.normalizer.normalize_str(letters) if self.splitter.normalizer else letters


def splitter(tokenizer: PreTrainedTokenizerBase, lower_case: bool = False) -> Tokenizer:
    """A copy of what splits a text, which neither cuts nor pads."""
    own: Tokenizer = copy.deepcopy(tokenizer.backend_tokenizer)
    own.no_truncation()
    own.no_padding()
    if lower_case:
        own.normalizer = normalizers.Sequence([normalizers.Lowercase(), *([own.normalizer] if own.normalizer else [])])
    return own


def trim_encoder(encoder: SentenceEncoder, counts: Counts, how: TrimParams) -> Trimmed:
    """A new encoder that knows only the tokens that the counts and parameters choose."""
    choice = Choice(encoder.tokenizer, how)
    ids = config_ids(encoder.backbone.config.to_dict(), choice.vocabulary.size)
    selection = choice.select(counts, prompts_of(encoder.settings.prompts), ids)
    return Trimmed(with_selection(encoder, choice.vocabulary, selection), selection)


def most_frequent(encoder: SentenceEncoder, counts: Tensor, size: int) -> SentenceEncoder:
    """A new encoder with at most `size` tokens: the needed ones and the most frequent ones by counts [vocabulary].

    Tokens that do not occur fill the table; rows of the table without a token are left out. Raises HeadshrinkError
    where the needed ones are more.
    """
    how, rows = TrimParams(tokens=size, min_count=0), vocabulary_of(encoder.tokenizer).size
    return trim_encoder(encoder, Counts(rows, {"text": counts[:rows].numpy()}), how).encoder


def with_selection(encoder: SentenceEncoder, vocabulary: Vocabulary, selection: Selection) -> SentenceEncoder:
    """A new encoder over the selected tokens.

    Text whose tokens all stay gets the same embeddings as before, to the bit.
    """
    trimmed = with_selected_rows(encoder, selection)
    trimmed.tokenizer = rewritten(encoder.tokenizer, vocabulary, selection)
    return trimmed


def prompts_of(prompts: dict[str, str]) -> list[str]:
    return [text for text in prompts.values() if text]
