"""Model folders: a transformers checkpoint with sentence-transformers modules beside it, in and out."""

import copy
import shutil
import tempfile
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tokenizers import normalizers
from torch import nn
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerBase

from headshrink.errors import HeadshrinkError
from headshrink.model.allowed import POOLING_MODES, check_folder, read_listing, refused
from headshrink.model.checkpoint import check_finite, check_weights, own_names, weight_files
from headshrink.model.encoder import SentenceEncoder, Settings, UnitLength
from headshrink.model.files import WEIGHTS, damaged, read_json, write_json
from headshrink.model.modeling_bilstm import BiLstmModel
from headshrink.model.modeling_pruned_bert import PrunedBertConfig, PrunedBertModel
from headshrink.model.pickled import converted, pickled_places

SETTINGS = "config_sentence_transformers.json"
OF_FAMILIES = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
TRANSFORMER_CONFIGS = tuple(f"sentence_{name}_config.json" for name in OF_FAMILIES)  # the first not empty counts
MODES = {  # poolings by the names that sentence-transformers gives their keys
    "cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "mean_sqrt_len": "mean_sqrt_len_tokens"
}  # fmt: skip
LEFT_BY_CALLS = ("auto_map", "max_length", "stride", "truncation_strategy", "pad_to_multiple_of")
INCLUDED = ("include_prompt", True)  # and its default
MODEL_CLASSES: dict[str, type[BertModel]] = {"bert": BertModel, "bilstm": BiLstmModel, "pruned_bert": PrunedBertModel}
OWN_CODE = {  # the file of this package that a folder of each of our architectures carries, then what that imports
    BiLstmModel: ("modeling_bilstm.py", "modeling_pruned_bert.py"),
    PrunedBertModel: ("modeling_pruned_bert.py",),
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
    """Pooling, dense layers and normalisation in the order of modules.json: arguments of SentenceEncoder.

    A folder without modules.json is mean-pooled and not normalised. Raises HeadshrinkError for a module or pooling
    that is not supported.
    """
    pooling, after = "mean", list[nn.Module]()
    for kind, place in read_listing(folder):
        if kind == "Pooling":
            pooling = read_pooling(place)
        elif kind == "Dense":
            after += read_dense(place, with_weights)
        elif kind == "Normalize":
            after.append(UnitLength())
    normalise = bool(after) and isinstance(after[-1], UnitLength)
    return {"pooling": pooling, "dense": nn.Sequential(*after[: -1 if normalise else None]), "normalise": normalise}


def read_settings(folder: Path) -> Settings:
    """Prompts and dimensions of config_sentence_transformers.json, which is read where there is a modules.json.

    Raises HeadshrinkError for a default prompt that is not there, or that its pooling leaves out.
    """
    path = folder / SETTINGS
    content = read_json(path, dict) if path.is_file() and (folder / "modules.json").is_file() else {}
    names = [field.name for field in fields(Settings)]
    settings = Settings(**{key: value for key, value in content.items() if key in names and value is not None})
    name = settings.default_prompt_name
    if name is not None and name not in settings.prompts:
        raise refused(path, "default_prompt_name", name, ", ".join(settings.prompts) or "null")
    for kind, place in read_listing(folder):
        if kind == "Pooling" and settings.prompt and not read_json(place / "config.json", dict).get(*INCLUDED):
            raise refused(place / "config.json", INCLUDED[0], False, "true where there is a default prompt")
    return settings


def read_pooling(place: Path) -> str:
    """The one pooling mode that a 1_Pooling folder switches on."""
    config = read_json(place / "config.json", dict)
    modes = {key.removeprefix("pooling_mode_"): value for key, value in config.items() if key != "pooling_mode"}
    on = [mode for mode, value in modes.items() if mode in POOLING_MODES and value]
    stated = config.get("pooling_mode", on)  # sentence-transformers 6 writes the name itself
    names = [stated] if isinstance(stated, str) else list(stated)
    chosen = [name for name, mode in MODES.items() if names in ([name], [mode])]
    if not chosen:
        raise refused(place / "config.json", "pooling_mode", names, f"one of {', '.join(MODES)}")
    return chosen[0]


def read_dense(place: Path, with_weights: bool) -> list[nn.Module]:
    """The linear layer and activation of a Dense module; its weights must be safetensors, or stay random."""
    config = read_json(place / "config.json", dict)
    activation = config.get("activation_function", "torch.nn.modules.activation.Tanh").rsplit(".", 1)[-1]
    linear = nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
    if (place / WEIGHTS).is_file():
        state = {key.removeprefix("linear."): value for key, value in read_weights(place / WEIGHTS).items()}
        try:
            linear.load_state_dict(state)
        except RuntimeError as error:
            raise damaged(place / WEIGHTS, error) from error
    elif with_weights:
        raise HeadshrinkError(f"no {WEIGHTS} in {place}: the dense layer has no weights (pickled ones are not read)")
    return [linear, getattr(nn, activation)()]


def read_transformer(folder: Path) -> dict[str, Any]:
    """The Transformer module's own settings; none where there is no modules.json, without which none are read."""
    paths = [path for name in TRANSFORMER_CONFIGS if (path := folder / name).is_file()]
    if not (folder / "modules.json").is_file():
        return {}
    return next((content for path in paths if (content := read_json(path, dict))), {})


def read_max_length(folder: Path, config: BertConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """Longest input in tokens, as sentence-transformers finds it: never above the position table.

    The Transformer's settings state it, else the tokenizer, as sentence-transformers 6 writes it.
    """
    stated = read_transformer(folder).get("max_seq_length")
    return int(min(stated or tokenizer.model_max_length, config.max_position_embeddings))


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The folder's tokenizer; HeadshrinkError where its files are missing or damaged."""
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        raise HeadshrinkError(f"no tokenizer in {folder}: it needs tokenizer.json or vocab.txt")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # tokenizers raises no narrower class
        raise damaged(folder / "tokenizer.json", error) from error


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """A safetensors file as fp32 tensors, all finite, under BertModel's own names."""
    try:
        with safe_open(path, framework="pt") as file:
            weights = {own: file.get_tensor(name).float() for name, own in own_names(file.keys()).items()}
    except (SafetensorError, OSError) as error:
        raise HeadshrinkError(f"cannot read {path} ({error}): a whole safetensors file is needed") from error
    check_finite(path, weights)
    return weights


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
    check_dimensions(folder, config.hidden_size, modules["dense"])
    tokenizer = read_tokenizer(folder)
    check_tokenizer(folder, tokenizer, config.vocab_size)
    return complete_encoder(folder, backbone, tokenizer, modules)


def complete_encoder(
    folder: Path, backbone: BertModel, tokenizer: PreTrainedTokenizerBase, modules: dict[str, Any]
) -> SentenceEncoder:
    """A folder's backbone, tokenizer and modules with its length and settings, in eval mode."""
    if read_transformer(folder).get("do_lower_case"):
        lower_case(tokenizer)
    max_length, settings = read_max_length(folder, backbone.config, tokenizer), read_settings(folder)
    encoder = SentenceEncoder(backbone, tokenizer, max_length=max_length, settings=settings, **modules)
    return encoder.eval()


def lower_case(tokenizer: PreTrainedTokenizerBase) -> None:
    """Lower-case texts before all else, as sentence-transformers does where its `do_lower_case` says so."""
    own = tokenizer.backend_tokenizer.normalizer
    steps = [own[i] for i in range(len(own))] if isinstance(own, normalizers.Sequence) else [own] if own else []
    if not any(isinstance(step, normalizers.Lowercase) for step in steps):
        tokenizer.backend_tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *steps])


def lower_cases(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether `lower_case` has changed this tokenizer: its class builds none that begins so."""
    own = tokenizer.backend_tokenizer.normalizer
    return isinstance(own, normalizers.Sequence) and len(own) > 0 and isinstance(own[0], normalizers.Lowercase)


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
    check_folder(folder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone = MODEL_CLASSES[config.model_type](config)
        modules = read_modules(folder, with_weights=False)
    return complete_encoder(folder, backbone, read_tokenizer(folder), modules)


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
    """A tokenizer's files, without what its last call has left in it, and without the name of any code."""
    unused = copy.deepcopy(tokenizer)
    unused.backend_tokenizer.no_truncation()
    unused.backend_tokenizer.no_padding()
    for key in LEFT_BY_CALLS:
        unused.init_kwargs.pop(key, None)
    unused.save_pretrained(folder)


def write_modules(encoder: SentenceEncoder, folder: Path) -> None:
    """The sentence-transformers side of a folder: modules.json and what it names."""
    names = [("Transformer", ""), ("Pooling", "1_Pooling")]
    pooling: dict[str, Any] = {"word_embedding_dimension": encoder.backbone.config.hidden_size}
    pooling |= {f"pooling_mode_{MODES[name]}": name == encoder.pooling for name in MODES}
    write_json(folder / "1_Pooling" / "config.json", pooling)
    for i, module in enumerate(encoder.dense):
        if isinstance(module, UnitLength):
            names.append(("Normalize", f"{len(names)}_Normalize"))
        elif isinstance(module, nn.Linear):
            names.append(("Dense", f"{len(names)}_Dense"))
            write_dense(module, encoder.dense[i + 1], folder / names[-1][1])
    if encoder.normalise:
        names.append(("Normalize", f"{len(names)}_Normalize"))
    listing = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(names)
    ]
    write_json(folder / "modules.json", listing)
    transformer = {"max_seq_length": encoder.max_length, "do_lower_case": lower_cases(encoder.tokenizer)}
    write_json(folder / TRANSFORMER_CONFIGS[0], transformer)
    if encoder.settings != Settings():
        stated = {key: value for key, value in asdict(encoder.settings).items() if value is not None}
        write_json(folder / SETTINGS, stated)


def write_dense(linear: Any, activation: nn.Module, place: Path) -> None:
    """One Dense module: its config and its weights as safetensors."""
    kind = type(activation)
    config = {"in_features": linear.in_features, "out_features": linear.out_features, "bias": linear.bias is not None}
    write_json(place / "config.json", config | {"activation_function": f"{kind.__module__}.{kind.__name__}"})
    save_file({f"linear.{key}": value.contiguous() for key, value in linear.state_dict().items()}, place / WEIGHTS)
