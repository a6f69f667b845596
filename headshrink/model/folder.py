"""Model folders: a transformers checkpoint with sentence-transformers modules beside it, in and out."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerBase

from headshrink.errors import HeadshrinkError
from headshrink.model import modeling_bilstm, modeling_pruned_bert
from headshrink.model.allowed import check_folder, read_listing, refused
from headshrink.model.checkpoint import BUFFERS, HEADS, check_finite, check_weights, current_name, weight_files
from headshrink.model.encoder import POOLINGS, SentenceEncoder
from headshrink.model.files import WEIGHTS, damaged, read_json, write_json
from headshrink.model.modeling_bilstm import BiLstmModel
from headshrink.model.modeling_pruned_bert import PrunedBertConfig, PrunedBertModel
from headshrink.model.pickled import converted, pickled_places

ACTIVATIONS = {"Tanh": nn.Tanh, "Identity": nn.Identity, "GELU": nn.GELU, "ReLU": nn.ReLU}
MODEL_CLASSES: dict[str, type[BertModel]] = {"bert": BertModel, "bilstm": BiLstmModel, "pruned_bert": PrunedBertModel}
OWN_CODE = {  # the file that a folder of each architecture of ours carries, then what that imports
    BiLstmModel: (modeling_bilstm, modeling_pruned_bert),
    PrunedBertModel: (modeling_pruned_bert,),
}


def read_config(folder: Path) -> BertConfig:
    """The folder's config, of its architecture's class.

    Raises HeadshrinkError for a missing folder or config, and names the architecture where it is not BERT.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise HeadshrinkError(f"no config.json in the model folder {folder}: give a transformers model folder")
    raw = read_json(path, dict)
    if raw.get("model_type") not in MODEL_CLASSES:
        found = (raw.get("architectures") or [raw.get("model_type")])[0]
        raise HeadshrinkError(f"{folder} holds a {found}, no BERT: allowed model types are {', '.join(MODEL_CLASSES)}")
    try:
        return MODEL_CLASSES[raw["model_type"]].config_class.from_dict(raw)  # type: ignore[union-attr,return-value]
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise damaged(path, error) from error


def read_modules(folder: Path, with_weights: bool = True) -> dict[str, Any]:
    """Pooling, dense layers, normalisation and length from the folder's sentence-transformers files.

    A folder without modules.json counts as sentence-transformers counts it: mean pooling, no normalisation.
    Raises HeadshrinkError for a module or pooling that is not supported.
    """
    modules: dict[str, Any] = {"pooling": "mean", "dense": nn.Sequential(), "normalise": False}
    for kind, place in read_listing(folder):
        if kind == "Pooling":
            modules["pooling"] = read_pooling(place)
        elif kind == "Dense":
            if modules["normalise"]:
                listing = folder / "modules.json"
                raise refused(listing, "the order of modules", "Dense after Normalize", "Dense before Normalize")
            modules["dense"].extend(read_dense(place, with_weights))
        elif kind == "Normalize":
            modules["normalise"] = True
    return modules


def read_pooling(place: Path) -> str:
    """The one pooling mode that a 1_Pooling folder switches on."""
    config = read_json(place / "config.json", dict)
    modes = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens", "max": "pooling_mode_max_tokens"}
    on = [key for key, value in config.items() if key.startswith("pooling_mode") and value is True]
    chosen = [name for name, key in modes.items() if on == [key]]
    if config.get("pooling_mode") in POOLINGS:  # sentence-transformers 5 and later write the name itself
        chosen = [config["pooling_mode"]]
    if not chosen:
        raise HeadshrinkError(f"pooling {on or config} in {place} is not supported: allowed are {', '.join(modes)}")
    return chosen[0]


def read_dense(place: Path, with_weights: bool) -> list[nn.Module]:
    """The linear layer and activation of a Dense module; its weights must be safetensors, or stay random."""
    config = read_json(place / "config.json", dict)
    if not {"in_features", "out_features"} <= config.keys():
        raise damaged(place / "config.json", "no in_features or out_features")
    activation = config.get("activation_function", "torch.nn.modules.activation.Tanh").rsplit(".", 1)[-1]
    if activation not in ACTIVATIONS:
        raise HeadshrinkError(f"activation {activation} in {place}: allowed are {', '.join(ACTIVATIONS)}")
    linear = nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
    if (place / WEIGHTS).is_file():
        state = {key.removeprefix("linear."): value for key, value in read_weights(place / WEIGHTS).items()}
        try:
            linear.load_state_dict(state)
        except RuntimeError as error:
            raise damaged(place / WEIGHTS, error) from error
    elif with_weights:
        raise HeadshrinkError(f"no {WEIGHTS} in {place}: the dense layer has no weights (pickled ones are not read)")
    return [linear, ACTIVATIONS[activation]()]


def read_max_length(folder: Path, config: BertConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """Longest input in tokens, as sentence-transformers finds it: never above the position table.

    sentence_bert_config.json states it, else the tokenizer, as sentence-transformers 6 writes it.
    """
    path = folder / "sentence_bert_config.json"
    stated = read_json(path, dict).get("max_seq_length") if path.is_file() else None
    if not isinstance(stated, int | None):
        raise damaged(path, f"max_seq_length is {stated!r}, no number of tokens")
    return min(stated or tokenizer.model_max_length, config.max_position_embeddings)


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The folder's tokenizer; HeadshrinkError where its files are missing or damaged."""
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        raise HeadshrinkError(f"no tokenizer in {folder}: it needs tokenizer.json or vocab.txt")
    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # tokenizers raises no narrower class
        raise damaged(folder / "tokenizer.json", error) from error


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """A safetensors file as fp32 tensors under BertModel's own names (heads of tasks dropped)."""
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if not name.startswith(HEADS)]  # noqa: SIM118
            return {current_name(name.removeprefix("bert.")): file.get_tensor(name).float() for name in names}
    except (SafetensorError, OSError) as error:
        raise HeadshrinkError(f"cannot read {path} ({error}): a whole safetensors file is needed") from error


def load_encoder(folder: str | Path, allow_pickle: bool = False) -> SentenceEncoder:
    """Load a model folder as a SentenceEncoder: fp32, CPU, eval mode. torch's random state stays as it was.

    Code in the folder is never run, and no path out of it followed. Weights are safetensors, in one file or several;
    `allow_pickle` reads those that exist only as .bin, by way of a converted copy. A pooler that the checkpoint does
    not hold is None, never random. Raises HeadshrinkError for a folder that is missing, holds no BERT, no tokenizer,
    keys or values that are not listed in `allowed`, or weights that do not fit its config or are not finite.
    """
    folder = Path(folder)
    config = read_config(folder)
    check_folder(folder)
    if pickled := pickled_places(folder):
        if not allow_pickle:
            found = ", ".join(str(file.relative_to(folder)) for file in pickled)
            raise HeadshrinkError(
                f"weights of {folder} exist only as pickles ({found}): convert them to safetensors, or set allow_pickle"
            )
        with tempfile.TemporaryDirectory(prefix="headshrink-") as scratch:
            return load_encoder(converted(folder, pickled, Path(scratch) / folder.name))
    with torch.random.fork_rng(devices=[]):
        backbone = read_backbone(folder, config)
        modules = read_modules(folder)
    check_finite(folder, modules["dense"].state_dict())
    check_dimensions(folder, config.hidden_size, modules["dense"])
    tokenizer = read_tokenizer(folder)
    check_tokenizer(folder, tokenizer, config.vocab_size)
    return SentenceEncoder(backbone, tokenizer, max_length=read_max_length(folder, config, tokenizer), **modules).eval()


def check_dimensions(folder: Path, hidden_size: int, dense: nn.Sequential) -> None:
    """Raises HeadshrinkError where a Dense module takes another dimension than the module before it gives."""
    given = hidden_size
    for linear in (module for module in dense if isinstance(module, nn.Linear)):
        if linear.in_features != given:
            raise refused(folder / "modules.json", "in_features of a Dense module", linear.in_features, f"{given}")
        given = linear.out_features


def read_backbone(folder: Path, config: BertConfig) -> BertModel:
    """The folder's backbone, every weight of it from the checkpoint; shapes are compared before memory is taken."""
    model_class = MODEL_CLASSES[config.model_type]
    try:
        with torch.device("meta"):
            skeleton = model_class(config, add_pooling_layer=True)
    except (ValueError, TypeError, RuntimeError) as error:
        raise damaged(folder / "config.json", error) from error
    pooler = check_weights(folder, skeleton)
    weights = {name: value for path in weight_files(folder) for name, value in read_weights(path).items()}
    weights = {name: value for name, value in weights.items() if name not in BUFFERS}
    check_finite(folder, weights)
    backbone = model_class(config, add_pooling_layer=pooler)
    backbone.load_state_dict(weights)
    return backbone


def check_tokenizer(folder: Path, tokenizer: PreTrainedTokenizerBase, rows: int) -> None:
    """Raises HeadshrinkError for ids beyond the word table or twice or never given, and where there is no pad token."""
    if tokenizer.pad_token_id is None:
        raise HeadshrinkError(f"{folder / 'tokenizer_config.json'}: pad_token is missing: a token is needed")
    vocabulary = tokenizer.get_vocab()
    last, highest = max(vocabulary.items(), key=lambda item: item[1])
    if highest >= rows:
        raise HeadshrinkError(f"{folder}: the token {last!r} has the id {highest}: the word table has {rows} rows")
    if len(set(vocabulary.values())) != highest + 1:
        hole = min(set(range(highest + 1)) - set(vocabulary.values()))
        twice = "is a token twice in vocab.txt?"
        raise HeadshrinkError(f"{folder}: no token has the id {hole} ({twice}): a token for every id is needed")
    ids = tokenizer("a")["input_ids"]
    special = ids[:1] + ids[-1:]
    if max(ids) >= rows or not set(special) <= set(vocabulary.values()):
        path = folder / "tokenizer.json"
        raise HeadshrinkError(f"{path}: post_processor gives the ids {special}: ids of the vocabulary are needed")


def random_encoder(folder: str | Path, seed: int = 0) -> SentenceEncoder:
    """An encoder of a folder's shape with random weights, for cost alone (latency, size, memory); never for quality."""
    folder = Path(folder)
    config = read_config(folder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone = MODEL_CLASSES[config.model_type](config)
        modules = read_modules(folder, with_weights=False)
    tokenizer = read_tokenizer(folder)
    return SentenceEncoder(backbone, tokenizer, max_length=read_max_length(folder, config, tokenizer), **modules).eval()


def save_encoder(encoder: SentenceEncoder, folder: str | Path) -> None:
    """Write an encoder as a transformers folder with sentence-transformers modules beside it.

    A backbone of ours carries a copy of its architecture's file and `auto_map`, so that the folder also opens with
    `trust_remote_code=True` where headshrink is not installed. Holds no time, host or absolute path.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = encoder.backbone.config
    if isinstance(config, PrunedBertConfig):
        config.has_pooler = encoder.backbone.pooler is not None
    if type(encoder.backbone) in OWN_CODE:
        sources = [Path(str(module.__file__)) for module in OWN_CODE[type(encoder.backbone)]]
        config.auto_map = {
            "AutoConfig": f"{sources[0].stem}.{type(config).__name__}",
            "AutoModel": f"{sources[0].stem}.{type(encoder.backbone).__name__}",
        }
        for source in sources:
            shutil.copyfile(source, folder / source.name)
    encoder.backbone.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    write_modules(encoder, folder)


def write_modules(encoder: SentenceEncoder, folder: Path) -> None:
    """The sentence-transformers side of a folder: modules.json and what it names."""
    names = [("Transformer", "")]
    names.append(("Pooling", "1_Pooling"))
    modes = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}
    pooling: dict[str, Any] = {"word_embedding_dimension": encoder.backbone.config.hidden_size}
    pooling |= {f"pooling_mode_{key}": name == encoder.pooling for name, key in modes.items()}
    write_json(folder / "1_Pooling" / "config.json", pooling)
    for i in range(0, len(encoder.dense), 2):
        place = f"{len(names)}_Dense"
        write_dense(encoder.dense[i], encoder.dense[i + 1], folder / place)
        names.append(("Dense", place))
    if encoder.normalise:
        names.append(("Normalize", f"{len(names)}_Normalize"))
    listing = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(names)
    ]
    write_json(folder / "modules.json", listing)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": encoder.max_length, "do_lower_case": False})


def write_dense(linear: Any, activation: nn.Module, place: Path) -> None:
    """One Dense module: its config and its weights as safetensors."""
    kind = type(activation)
    config = {"in_features": linear.in_features, "out_features": linear.out_features, "bias": linear.bias is not None}
    write_json(place / "config.json", config | {"activation_function": f"{kind.__module__}.{kind.__name__}"})
    save_file({f"linear.{key}": value.contiguous() for key, value in linear.state_dict().items()}, place / WEIGHTS)
