"""The model card of an export: README.md with the hub's metadata, what was cut, and how each form is opened."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headshrink.escape import markdown
from headshrink.exporting.targets import TARGETS, Target
from headshrink.hashing import file_sha256
from headshrink.model import SentenceEncoder
from headshrink.model.checkpoint import own_weight_files
from headshrink.model.files import INDEX, WEIGHTS

DISTILLED = "{name} was made smaller, and the result was distilled from it"  # where the student's kind is not known
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
OTHER_WEIGHTS = ("*.onnx", "*.bin")  # of forms without safetensors
KEPT, CUT = "■", "·"
FASTEMBED = """
import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType

local = ModelSource(hf="local")  # never asked: the folder is given below
TextEmbedding.add_custom_model("student", PoolingType.DISABLED, False, local, {dimension}, "onnx/model.onnx")
model = TextEmbedding("student", specific_model_path=".")
model.model.tokenizer.enable_truncation({tokens})  # the model's limit; fastembed reads the tokenizer's
embeddings = np.array(list(model.embed(["a cat sleeps", "кошка спит"])))
print(embeddings @ embeddings.T)
"""  # pooling and normalisation are in the graph
MAX_MAP = 64  # heads a layer that a map of single characters still shows


def write_card(
    encoder: SentenceEncoder,
    folder: Path,
    teacher: Mapping[str, Any],
    cut: Mapping[str, Any],
    gate: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write README.md into an export folder; the same model gives the same bytes.

    `teacher` is the content of teacher.json, `cut` that of prune.json; where the student is not the cut model, its kind
    is under `student`, and the statement of its kind under `made`. `gate` is the content of gate.json: the targets that
    were written or refused, by name.
    """
    written = [TARGETS[name] for name, figures in gate.items() if not figures.get("refused")]
    parts = [
        metadata(teacher),
        introduction(encoder, teacher, cut.get("made", DISTILLED)),
        forms(folder, gate),
        *(usage(target, folder) for target in written),
        *([fastembed(encoder)] if "onnx" in gate and not encoder.settings.prompt else []),
        *([what_was_cut(cut)] if cut.get("student", "pruned") == "pruned" else []),
        provenance(folder, teacher, cut),
    ]
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def metadata(teacher: Mapping[str, Any]) -> str:
    """The hub's YAML header; a licence that the teacher did not state is left out, not guessed."""
    lines = ["language:", "- ru", "- en"]
    if teacher.get("licence"):
        lines.append(f"license: {scalar(teacher['licence'])}")
    if teacher["source"] == "hub":
        lines.append(f"base_model: {scalar(teacher['label'])}")
    lines += ["library_name: sentence-transformers", "pipeline_tag: sentence-similarity", "tags:"]
    lines += ["- sentence-transformers", "- feature-extraction", "- structured-pruning", "- distillation"]
    return "\n".join(["---", *lines, "---"])


def scalar(text: str) -> str:
    """Text as one value of the YAML header: as it is where it is a plain name, else quoted."""
    return text if PLAIN.fullmatch(text) else json.dumps(text)


def introduction(encoder: SentenceEncoder, teacher: Mapping[str, Any], made: str) -> str:
    """What the model is, in numbers."""
    size = sum(weight.numel() for weight in encoder.parameters())
    name = markdown(teacher["label"])
    text = f"""# {name}, compressed

A Russian-English sentence encoder: {made.format(name=name)} by headshrink.
{size / 1e6:.1f}M parameters ({teacher["parameters"] / 1e6:.1f}M before), embeddings of {encoder.dimension}
dimensions{", of unit length" if encoder.normalise else ""}, at most {encoder.max_length} tokens."""
    if teacher["generated"]:
        text += "\n\n**The teacher saw generated sentences alone: this model shows what the tool does, no more.**"
    return text


def forms(folder: Path, gate: Mapping[str, Mapping[str, Any]]) -> str:
    """What the folder holds: bytes, and how close each form is to the model it was made from."""
    rows = ["| form | folder | MB | on held-out sentences, to the model in fp32 |", "|---|---|--:|---|"]
    for name, figures in gate.items():
        target = TARGETS[name]
        size = "" if figures.get("refused") else f"{megabytes(folder / target.place):.1f}"
        rows.append(f"| {target.title} | {place(target)} | {size} | {closeness(figures)} |")
    return "## Forms\n\n" + "\n".join(rows)


def place(target: Target) -> str:
    return f"`{target.place}`" if target.place else "this one"


def megabytes(folder: Path) -> float:
    """Weights of one form, MB (10^6 bytes)."""
    return sum(path.stat().st_size for path in form_weights(folder)) / 1e6


def form_weights(folder: Path) -> list[Path]:
    """The weight files of the form in a folder, without those of other forms in its subfolders."""
    if (folder / WEIGHTS).is_file() or (folder / INDEX).is_file():
        return own_weight_files(folder)
    return [path for pattern in OTHER_WEIGHTS for path in folder.glob(pattern)]


def closeness(figures: Mapping[str, Any]) -> str:
    """One form's figures of the gate in words."""
    if figures.get("refused"):
        return f"not offered: {markdown(figures['refused'])}"
    if "lowest_cosine" in figures:
        return f"lowest cosine {figures['lowest_cosine']:.6f}"
    kept = f"; in fp32: {', '.join(figures['kept_in_fp32'])}" if figures["kept_in_fp32"] else ""
    return (
        f"mean cosine {figures['cosine']:.4f}, translations lost {figures['retrieval_loss']:.2%}, rank agreement "
        f"{figures['rank']:.4f}{kept}"
    )


def usage(target: Target, folder: Path) -> str:
    """How one form is opened: what to install, and code that runs in the folder itself."""
    return f"## {target.title}\n\n`pip install {' '.join(target.needs)}`\n\n```python\n{snippet(target, folder)}\n```"


def fastembed(encoder: SentenceEncoder) -> str:
    """How fastembed opens the ONNX form, with this folder's own tokenizer, which knows no prompt."""
    limit = f'{encoder.max_length}, direction="{encoder.tokenizer.truncation_side}"'
    code = FASTEMBED.strip().replace("{dimension}", str(encoder.dimension)).replace("{tokens}", limit)
    return f"## fastembed\n\n`pip install fastembed`\n\n```python\n{code}\n```"


def snippet(target: Target, folder: Path) -> str:
    """Code that opens a form and embeds two sentences; it trusts the folder's code only where the shape needs it."""
    trust = ", trust_remote_code=True" if any((folder / target.place).glob("*.py")) else ""
    return target.snippet.strip().replace("{trust}", trust)


def what_was_cut(cut: Mapping[str, Any]) -> str:
    """Heads and FFN neurons kept in each layer."""
    before, after = (cut["parameters"][key] for key in ("before", "after"))
    rows = ["| layer | heads kept | which | FFN neurons kept |", "|---|---|---|---|"]
    sites = zip(cut["heads"]["kept"], cut["heads"]["of"], cut["ffn"]["kept"], cut["ffn"]["of"], strict=True)
    for layer, (heads, of_heads, neurons, of_neurons) in enumerate(sites):
        shown = head_map(heads, of_heads)
        rows.append(f"| {layer} | {len(heads)} of {of_heads} | {shown} | {len(neurons)} of {of_neurons} |")
    share = 1 - after / before
    return f"## What was cut\n\n{share:.0%} of the parameters: {before:,} before, {after:,} after.\n\n" + "\n".join(
        rows
    )


def head_map(kept: Sequence[int], of: int) -> str:
    """One character a head."""
    return "".join(KEPT if head in set(kept) else CUT for head in range(of)) if of <= MAX_MAP else ""


def provenance(folder: Path, teacher: Mapping[str, Any], cut: Mapping[str, Any]) -> str:
    """What it was made from, and by which choices."""
    how = f"\n- cut by: `{json.dumps(cut['settings'], sort_keys=True)}`" if "settings" in cut else ""
    revision = f" at revision {markdown(teacher['revision'])}" if teacher["revision"] else ""
    return f"""## How it was made

`dvc repro` in a checkout of headshrink.

- teacher: {markdown(teacher["label"])}{revision}, weights SHA-256 `{teacher["weights_sha256"]}`
- this model: weights SHA-256 `{file_sha256(folder / "model.safetensors")}`{how}"""
