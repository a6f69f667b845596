"""A SentenceEncoder as a model folder that sentence-transformers opens from version 5.1 on.

The files are written here and not by the library: version 6.2 names modules by paths that 5.1 lacks, leaves the file of
a custom architecture out, and writes the versions of libraries, which change the bytes.
"""

import copy
import shutil
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from safetensors.torch import save_file
from tokenizers import normalizers
from torch import nn
from transformers import PreTrainedTokenizerBase

from headshrink.model.encoder import SentenceEncoder, Settings, UnitLength
from headshrink.model.files import SETTINGS, WEIGHTS, read_json, write_json
from headshrink.model.modeling_bilstm import BiLstmModel
from headshrink.model.modeling_pruned_bert import PrunedBertConfig, PrunedBertModel

MODES = {  # poolings without weights, by the names that sentence-transformers 5 gives their keys
    "cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "mean_sqrt_len_tokens": "mean_sqrt_len_tokens"
}  # fmt: skip
LEFT_BY_CALLS = ("auto_map", "max_length", "stride", "truncation_strategy", "pad_to_multiple_of")
OWN_CODE = {  # the file of this package that a folder of each of our architectures carries, then what that imports
    BiLstmModel: ("modeling_bilstm.py", "modeling_pruned_bert.py"),
    PrunedBertModel: ("modeling_pruned_bert.py",),
}


def save_encoder(encoder: SentenceEncoder, folder: str | Path) -> None:
    """Write an encoder as a transformers folder with sentence-transformers modules beside it.

    A backbone of ours carries a copy of its architecture's file and `auto_map`, so that the folder also opens with
    `trust_remote_code=True` where headshrink is not installed; no other code is ever named. Holds no time, host or
    absolute path.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = encoder.backbone.config
    if isinstance(config, PrunedBertConfig):
        config.has_pooler = encoder.backbone.pooler is not None
    if type(encoder.backbone) in OWN_CODE:
        sources = [Path(__file__).with_name(name) for name in OWN_CODE[type(encoder.backbone)]]
        config.auto_map = {
            "AutoConfig": f"{sources[0].stem}.{type(config).__name__}",
            "AutoModel": f"{sources[0].stem}.{type(encoder.backbone).__name__}",
        }
        for source in sources:
            shutil.copyfile(source, folder / source.name)
    elif hasattr(config, "auto_map"):
        del config.auto_map
    encoder.backbone.save_pretrained(folder)
    write_tokenizer(encoder.tokenizer, folder)
    write_modules(encoder, folder)


def write_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """A tokenizer's files, without what its last call has left in it, and without the name of any code.

    Names that transformers 4 does not know are written as those of old that both versions read.
    """
    unused = copy.deepcopy(tokenizer)
    unused.backend_tokenizer.no_truncation()
    unused.backend_tokenizer.no_padding()
    for key in LEFT_BY_CALLS:
        unused.init_kwargs.pop(key, None)
    unused.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    config = read_json(path, dict)
    if config.get("tokenizer_class") == "TokenizersBackend":
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
    if isinstance(config.get("extra_special_tokens"), list):
        config["additional_special_tokens"] = config.pop("extra_special_tokens")
    write_json(path, config)


def write_modules(encoder: SentenceEncoder, folder: Path) -> None:
    """The sentence-transformers side of a folder: modules.json and what it names."""
    names = [("Transformer", ""), ("Pooling", "1_Pooling")]
    pooler = encoder.pooler
    pooling = encoder.pooling if pooler is None else "cls"
    modes = {f"pooling_mode_{key}": name == pooling for name, key in MODES.items()}
    hidden = {"word_embedding_dimension": encoder.backbone.config.hidden_size}
    write_json(folder / "1_Pooling" / "config.json", hidden | modes)
    written_out = [] if pooler is None else [pooler.dense, pooler.activation]
    parts = [*written_out, *encoder.dense, *([UnitLength()] if encoder.normalise else []), *truncation(encoder)]
    for part, activation in pairwise([*parts, nn.Identity()]):
        if isinstance(part, UnitLength):
            names.append(("Normalize", f"{len(names)}_Normalize"))
        elif isinstance(part, nn.Linear):
            names.append(("Dense", f"{len(names)}_Dense"))
            write_dense(part, activation, folder / names[-1][1])
    listing = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(names)
    ]
    write_json(folder / "modules.json", listing)
    transformer = {"max_seq_length": encoder.max_length, "do_lower_case": lower_cases(encoder.tokenizer)}
    write_json(folder / "sentence_bert_config.json", transformer)
    if encoder.settings != Settings():
        stated = {key: value for key, value in asdict(encoder.settings).items() if value is not None}
        write_json(folder / SETTINGS, stated)


def truncation(encoder: SentenceEncoder) -> list[nn.Module]:
    """A Dense module that keeps the first `truncate_dim` dimensions: version 5.1 does not read that key."""
    whole = encoder.full_dimension
    if encoder.dimension == whole:
        return []
    keep = nn.Linear(whole, encoder.dimension, bias=False)
    nn.init.eye_(keep.weight)
    return [keep, nn.Identity()]


def lower_cases(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether sentence-transformers has put a step before all others that lower-cases: no class builds one there."""
    own = tokenizer.backend_tokenizer.normalizer
    return isinstance(own, normalizers.Sequence) and len(own) > 0 and isinstance(own[0], normalizers.Lowercase)


def write_dense(linear: nn.Linear, activation: nn.Module, place: Path) -> None:
    """One Dense module: its config and its weights as safetensors."""
    kind = type(activation)
    config = {"in_features": linear.in_features, "out_features": linear.out_features, "bias": linear.bias is not None}
    write_json(place / "config.json", config | {"activation_function": f"{kind.__module__}.{kind.__name__}"})
    save_file({f"linear.{key}": value.contiguous() for key, value in linear.state_dict().items()}, place / WEIGHTS)
