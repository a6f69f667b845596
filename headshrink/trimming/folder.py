"""A model folder of any family with a trimmed vocabulary: only rows, ids and the tokenizer change."""

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from headshrink.data.text.lines import read_text
from headshrink.errors import HeadshrinkError
from headshrink.model.allowed import MODULE_CONFIGS
from headshrink.model.checkpoint import weight_files
from headshrink.model.files import SETTINGS, WEIGHTS, inside, read_json, write_json
from headshrink.model.mlm_head import FILE as MLM_HEAD
from headshrink.parameters.trim import TrimParams
from headshrink.trimming.count import Counts
from headshrink.trimming.measure import before_and_after, coverage_of
from headshrink.trimming.rewrite import open_tokenizer, write_trimmed
from headshrink.trimming.run import Choice, splitter
from headshrink.trimming.select import Selection
from headshrink.trimming.table import config_ids, new_settings, read_skeleton, trim_head, trim_weights
from headshrink.trimming.text import Hinted

RECORD, IDS = "trim.json", "token_ids.json"
COPIED = ("modules.json", MODULE_CONFIGS, SETTINGS, "LICENSE*", "NOTICE*", "modeling_*.py",
          "prune.json")  # fmt: skip
OF_MODULES = (".json", ".safetensors", ".txt")


def trim_folder(
    folder: Path, texts: Iterable[Iterable[Hinted]], how: TrimParams, target: Path, heldout: Sequence[Hinted] = ()
) -> dict[str, Any]:
    """Write the model of `folder` into `target` with the tokens that `texts` need; returns the content of trim.json.

    Weights keep their names and types; ONNX and other forms of the model are left out, since their tables are whole.
    Also written are token_ids.json, the old id of each token (null for a new piece), and trim.json, what was removed
    and what that means for the texts and for `heldout`.
    """
    place = transformer_place(folder)
    to = target / place.relative_to(folder)
    tokenizer, skeleton = open_tokenizer(place), read_skeleton(place)
    lower_case = lower_cases_first(place)
    choice = Choice(tokenizer, how, lower_case)
    counts = choice.count(*texts)
    ids = config_ids(skeleton.config.to_dict(), choice.vocabulary.size)
    selection = choice.select(counts, read_prompts(folder), ids)
    write_trimmed(tokenizer, choice.vocabulary, selection, to)
    copy_files(folder, target, place)
    write_weights(place, skeleton, selection, to)
    record = record_of(choice, counts, selection) | {"weight_bytes": sizes(place, to)}
    if heldout:
        both = choice.splitter, splitter(open_tokenizer(to), lower_case)
        record["heldout"] = before_and_after(both, str(tokenizer.unk_token), heldout, selection, how.languages)
    write_json(target / RECORD, record)
    write_ids(selection, target / IDS)
    write_card(folder, target, record)
    return record


def transformer_place(folder: Path) -> Path:
    """The folder of the Transformer module: the model folder itself where there is no modules.json."""
    if not folder.is_dir():
        raise HeadshrinkError(f"no folder {folder}: give a transformers model folder")
    for module in read_json(folder / "modules.json", list) if (folder / "modules.json").is_file() else []:
        if str(module.get("type", "")).endswith("Transformer"):
            return inside(folder, str(module.get("path", "")), folder / "modules.json")
    return folder


def read_prompts(folder: Path) -> list[str]:
    """The prompts of config_sentence_transformers.json."""
    path = folder / SETTINGS
    content = read_json(path, dict) if path.is_file() else {}
    return [text for text in (content.get("prompts") or {}).values() if text]


def lower_cases_first(place: Path) -> bool:
    """Whether sentence-transformers lower-cases a text before the tokenizer."""
    configs = (read_json(path, dict) for path in sorted(place.glob(MODULE_CONFIGS)))
    return any(config.get("do_lower_case") for config in configs)


def copy_files(folder: Path, target: Path, place: Path) -> None:
    """Copy what does not depend on the vocabulary: settings, licence and the modules after the Transformer."""
    for source in {folder, place}:
        to = target / source.relative_to(folder)
        for path in (path for pattern in COPIED for path in sorted(source.glob(pattern))):
            shutil.copyfile(inside(folder, str(path.relative_to(folder))), to / path.name)
    for module in read_json(folder / "modules.json", list) if (folder / "modules.json").is_file() else []:
        source = inside(folder, str(module.get("path", "")), folder / "modules.json")
        if source != place and source != folder and source.is_dir():
            copy_module(folder, source, target / source.relative_to(folder))


def copy_module(folder: Path, source: Path, target: Path) -> None:
    """Copy one module after the Transformer; HeadshrinkError where its weights are a pickle."""
    target.mkdir(parents=True, exist_ok=True)
    names = {path.name for path in source.iterdir()}
    if "pytorch_model.bin" in names and WEIGHTS not in names:
        raise HeadshrinkError(f"weights of {source} exist only as pickles: convert them to safetensors")
    for name in sorted(names):
        if name.endswith(OF_MODULES):
            shutil.copyfile(inside(folder, str((source / name).relative_to(folder))), target / name)


def write_weights(place: Path, skeleton: PreTrainedModel, selection: Selection, target: Path) -> None:
    """The weights, the head that the teacher stage keeps beside them, and the configs with the new size and ids."""
    trim_weights(weight_files(place), skeleton, selection, target / WEIGHTS)
    if (place / MLM_HEAD).is_file():
        trim_head(place / MLM_HEAD, skeleton.config.vocab_size, selection, target / MLM_HEAD)
    for name in ("config.json", "generation_config.json"):
        if (place / name).is_file():
            config = read_json(place / name, dict)
            changed = new_settings(config, selection)
            write_json(target / name, config | {key: value for key, value in changed.items() if key in config})


def sizes(before: Path, after: Path) -> dict[str, int]:
    """Bytes of the weights of two folders."""
    folders = {"before": before, "after": after}
    return {when: sum(path.stat().st_size for path in weight_files(place)) for when, place in folders.items()}


def record_of(choice: Choice, counts: Counts, selection: Selection) -> dict[str, Any]:
    """What was removed, by which parameters, and which share of the counted text is covered."""
    return {
        "parameters": choice.how.model_dump(exclude={"keep"}),
        "tokenizer": choice.vocabulary.kind,
        "tokens": {"before": choice.vocabulary.size, "after": len(selection.tokens)},
        "new_pieces": [selection.tokens[i] for i in selection.means],
        "text": coverage_of(counts, selection),
        "foreign_sentences": counts.foreign,
    }


def write_ids(selection: Selection, path: Path) -> None:
    """The old id of each token in the order of the new ids; null for a new piece."""
    ids = [None if old < 0 else old for old in selection.old_ids.tolist()]
    path.write_text(json.dumps({"old_ids": ids}) + "\n", encoding="utf-8")


def write_card(folder: Path, target: Path, record: dict[str, Any]) -> None:
    """The folder's README.md, if it has one, with a section on what was removed."""
    tokens = record["tokens"]
    languages = ", ".join(f"{group} {100 * facts['coverage']:.2f} %" for group, facts in record["text"].items())
    section = (
        "## Trimmed vocabulary\n\n"
        f"headshrink removed tokens from the vocabulary: {tokens['after']:,} of {tokens['before']:,} remain. Share of "
        f"the token occurrences in the counted text that they cover: {languages}. {RECORD} holds the parameters, {IDS} "
        "the former id of each token.\n"
    )
    card = folder / "README.md"
    own = [read_text(card).rstrip() + "\n"] if card.is_file() else []
    (target / "README.md").write_text("\n".join([*own, section]), encoding="utf-8")
