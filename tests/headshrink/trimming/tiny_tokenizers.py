"""A small trained tokenizer of each type, as transformers reads it from a folder."""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerBase

LATIN = "the big cat sleeps in the house a man reads books women see small dogs running near trees café Übung".split()
CYRILLIC = "кошка спит в большом доме мужчина читает книги женщины видят маленьких собак бегут около деревьев".split()
FOREIGN = "γάτα κοιμάται σπίτι 猫在屋里睡觉 חתול ישן".split()
TRAINING = [
    " ".join(words[i : i + 4]) for words in (LATIN, CYRILLIC, FOREIGN) for i in range(len(words)) for _ in range(6)
]
TRAINING += ["12 books, 345 books! «книги» — 67%", "π ≈ 3.14; 90° → 180°"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
NAMES = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>",
         "pad_token": "<pad>", "mask_token": "<mask>"}  # fmt: skip
CLASSES = {
    "wordpiece": "BertTokenizer",
    "unigram": "XLMRobertaTokenizer",
    "unigram_bytes": "PreTrainedTokenizerFast",
    "byte_bpe": "RobertaTokenizer",
    "byte_bpe_plain": "PreTrainedTokenizerFast",
}


def wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=names, show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    return tokenizer


def unigram(byte_fallback: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    names = SPECIAL + ([f"<0x{byte:02X}>" for byte in range(256)] if byte_fallback else [])
    trainer = trainers.UnigramTrainer(
        vocab_size=200 + len(names), special_tokens=names, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(TRAINING, trainer)
    if byte_fallback:
        state = json.loads(tokenizer.to_str())
        state["model"]["byte_fallback"] = True
        state["added_tokens"] = [entry for entry in state["added_tokens"] if entry["content"] in SPECIAL]
        tokenizer = Tokenizer.from_str(json.dumps(state))
    return with_ends(tokenizer)


def byte_bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TRAINING, trainer)
    return with_ends(tokenizer)


def with_ends(tokenizer: Tokenizer) -> Tokenizer:
    """With <mask> after all pieces, and <s> and </s> around a text."""
    tokenizer.add_special_tokens(["<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def make(kind: str, folder: Path) -> PreTrainedTokenizerBase:
    """Write a tokenizer of CLASSES into a folder, and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"tokenizer_class": CLASSES[kind], "do_lower_case": False}
    if kind == "wordpiece":
        ids = wordpiece().get_vocab()
        (folder / "vocab.txt").write_text("\n".join(sorted(ids, key=ids.__getitem__)) + "\n", encoding="utf-8")
    else:
        makers = {"unigram": unigram, "unigram_bytes": lambda: unigram(True)}
        makers.get(kind, byte_bpe)().save(str(folder / "tokenizer.json"))
        config |= NAMES
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return AutoTokenizer.from_pretrained(folder)
