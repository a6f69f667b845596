"""A tokenizer over the tokens that stay: tokenizer.json and the ids in the files beside it."""

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from headshrink.errors import HeadshrinkError, joined
from headshrink.model.files import read_json
from headshrink.model.saving import write_tokenizer
from headshrink.trimming import TYPES, Content, Vocabulary
from headshrink.trimming.select import Selection

FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model", "spm.model",
         "tokenizer.model", "unigram.json")  # fmt: skip
CONFIG = "tokenizer_config.json"


def open_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """A folder's tokenizer as transformers reads it; HeadshrinkError where it has no file for one, or a damaged one."""
    if not any((folder / name).is_file() for name in FILES):
        raise HeadshrinkError(f"no tokenizer in {folder}: it needs tokenizer.json or one of {', '.join(FILES[1:])}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers and tokenizers raise no narrower class
        raise HeadshrinkError(f"cannot read the tokenizer of {folder} ({joined(error)})") from error
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise HeadshrinkError(f"{folder}: transformers cannot convert its {type(tokenizer).__name__} to tokenizer.json")
    return tokenizer


def vocabulary_of(tokenizer: PreTrainedTokenizerBase) -> Vocabulary:
    """A tokenizer's vocabulary; HeadshrinkError for a type that is not in TYPES."""
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    kind = content["model"].get("type")
    if kind not in TYPES:
        raise HeadshrinkError(f"the tokenizer is {kind}: {', '.join(sorted(TYPES))} can be trimmed")
    return TYPES[kind](content)


def rewritten(
    tokenizer: PreTrainedTokenizerBase, vocabulary: Vocabulary, selection: Selection
) -> PreTrainedTokenizerBase:
    """The same tokenizer over the selected tokens."""
    with tempfile.TemporaryDirectory(prefix="headshrink-") as folder:
        write_trimmed(tokenizer, vocabulary, selection, Path(folder))
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if own := tokenizer.backend_tokenizer.normalizer:
        found.backend_tokenizer.normalizer = own  # sentence-transformers may have added a step, which no file holds
    return found


def write_trimmed(
    tokenizer: PreTrainedTokenizerBase, vocabulary: Vocabulary, selection: Selection, folder: Path
) -> None:
    """Write tokenizer.json and tokenizer_config.json over the selected tokens into a folder without other files.

    Raises HeadshrinkError where transformers gives a token of what is written another id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(tokenizer, folder)
    for path in folder.iterdir():
        if path.is_file() and path.name not in (FILES[0], CONFIG, "chat_template.jinja"):
            path.unlink()
    content = trimmed_content(read_json(folder / FILES[0], dict), vocabulary, selection)
    (folder / FILES[0]).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    ids = selection.ids()
    renumber_config(folder / CONFIG, ids)
    found = AutoTokenizer.from_pretrained(folder, local_files_only=True).get_vocab()
    if found != ids:
        wrong = sorted({token for token, _ in found.items() ^ ids.items()})
        raise HeadshrinkError(
            f"the tokenizer cannot be trimmed: transformers reads {len(wrong)} tokens otherwise than they are written, "
            f"{wrong[0]!r} among them"
        )


def trimmed_content(content: Content, vocabulary: Vocabulary, selection: Selection) -> Content:
    """A tokenizer.json with the selected pieces; added tokens and those of post-processors have their new ids."""
    ids = selection.ids()
    new = copy.deepcopy({name: part for name, part in content.items() if name != "model"})
    new["model"] = vocabulary.cut(selection.tokens[: selection.pieces])
    new["padding"] = new["truncation"] = None
    for entry in new["added_tokens"]:
        entry["id"] = ids[entry["content"]]
    new["added_tokens"].sort(key=lambda entry: entry["id"])
    renumber_ends(new.get("post_processor") or {}, ids)
    return new


def renumber_ends(post_processor: Content, ids: dict[str, int]) -> None:
    """Give the special tokens that post-processors set around a text their new ids."""
    for part in post_processor.get("processors", [post_processor]):
        for name in ("sep", "cls"):  # of RobertaProcessing and BertProcessing: [token, id]
            if name in part:
                part[name][1] = ids[part[name][0]]
        for entry in part.get("special_tokens", {}).values():
            entry["ids"] = [ids[token] for token in entry["tokens"]]


def renumber_config(path: Path, ids: dict[str, int]) -> None:
    """Give the added tokens that a tokenizer_config.json of transformers 4 lists by id their new ones."""
    config: dict[str, Any] = read_json(path, dict)
    if listed := config.get("added_tokens_decoder"):
        config["added_tokens_decoder"] = {str(ids[entry["content"]]): entry for entry in listed.values()}
        path.write_text(json.dumps(config, ensure_ascii=False, indent=2), encoding="utf-8")
