"""Vocabulary trimming: count the tokens of a text, choose which stay, rewrite tokenizer, embedding table and head."""

from headshrink.trimming._base import Content, Vocabulary
from headshrink.trimming.byte_bpe import ByteBpe
from headshrink.trimming.unigram import Unigram
from headshrink.trimming.wordpiece import WordPiece

TYPES: dict[str, type[Vocabulary]] = {type_.kind: type_ for type_ in (ByteBpe, Unigram, WordPiece)}

__all__ = ["TYPES", "ByteBpe", "Content", "Unigram", "Vocabulary", "WordPiece"]
