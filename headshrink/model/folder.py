"""Model folders: read by sentence-transformers, after checks of what they say, into a SentenceEncoder."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerBase
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER
from transformers.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

from headshrink.errors import HeadshrinkError
from headshrink.model.allowed import check_folder, dense_places, read_listing, refused
from headshrink.model.checkpoint import check_dense, check_finite, check_weights, dense_shapes
from headshrink.model.encoder import POOLINGS, SentenceEncoder, Settings, UnitLength
from headshrink.model.files import WEIGHTS, damaged, read_json
from headshrink.model.modeling_bilstm import BiLstmModel
from headshrink.model.modeling_pruned_bert import PrunedBertModel
from headshrink.model.pickled import pickled_places, read_pickle, with_weights

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MODEL_CLASSES: dict[str, type[BertModel]] = {"bert": BertModel, "bilstm": BiLstmModel, "pruned_bert": PrunedBertModel}


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
            weights = {file.parent: read_pickle(file) for file in pickled}
            return load_encoder(with_weights(folder, weights, Path(scratch) / folder.name))
    pooler = check_weights(folder, empty_backbone(folder, config))
    check_dense(folder, config.hidden_size)
    with torch.random.fork_rng(devices=[]):
        model = open_model(folder)
        backbone = MODEL_CLASSES[config.model_type](config, add_pooling_layer=pooler)
    read = model[0].state_dict()
    backbone.load_state_dict({name: read[f"model.{name}"] for name in backbone.state_dict()})
    return complete_encoder(folder, backbone, model)


def random_encoder(folder: str | Path, seed: int = 0) -> SentenceEncoder:
    """An encoder of a folder's shape with random weights, for cost alone (latency, size, memory); never for quality."""
    folder = Path(folder)
    config = read_config(folder)
    check_folder(folder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        weights = {folder: MODEL_CLASSES[config.model_type](config).state_dict()}
        for place in dense_places(folder):
            weights[place] = {name: torch.randn(shape) for name, shape in dense_shapes(place).items()}
    with tempfile.TemporaryDirectory(prefix="headshrink-") as scratch:
        return load_encoder(with_weights(folder, weights, Path(scratch) / folder.name))


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


def empty_backbone(folder: Path, config: BertConfig) -> BertModel:
    """A model of the config's shape that takes no memory, with a pooler if its architecture has one."""
    try:
        with torch.device("meta"):
            return MODEL_CLASSES[config.model_type](config, add_pooling_layer=True)
    except (ValueError, TypeError, RuntimeError) as error:
        raise damaged(folder / "config.json", error) from error


def open_model(folder: Path) -> "SentenceTransformer":
    """A checked folder as sentence-transformers reads it; a pooler that the checkpoint lacks is random in it."""
    check_tokenizer_files(folder)
    from sentence_transformers import SentenceTransformer

    fp32 = {"dtype": torch.float32}
    try:
        with without_messages():
            return SentenceTransformer(
                str(folder), device="cpu", local_files_only=True, trust_remote_code=False, model_kwargs=fp32
            )
    except Exception as error:  # tokenizers raises no narrower class
        raise damaged(folder, error) from error


@contextmanager
def without_messages() -> Iterator[None]:
    """The library's progress bars and warnings off, afterwards as before: what it warns of has been checked."""
    level, bars = logging.root.manager.disable, is_progress_bar_enabled()
    logging.disable(logging.WARNING)
    disable_progress_bar()
    try:
        yield
    finally:
        logging.disable(level)
        if bars:
            enable_progress_bar()


def complete_encoder(folder: Path, backbone: BertModel, model: "SentenceTransformer") -> SentenceEncoder:
    """The backbone with the tokenizer, modules and settings of a model that sentence-transformers has read.

    Raises HeadshrinkError for what the fast pass cannot compute, and for damage that the library does not see.
    """
    pooling, modules = read_modules(folder, model)
    check_finite(folder / WEIGHTS, backbone.state_dict())
    if pooling == "cls" and is_pooler(modules[:2], backbone):
        pooling, modules = "pooler", modules[2:]
    if is_truncation(modules[-2:], model.truncate_dim):
        modules = modules[:-2]
    normalise = bool(modules) and isinstance(modules[-1], UnitLength)
    dense = nn.Sequential(*modules[: -1 if normalise else None])
    max_length = int(min(model.max_seq_length or VERY_LARGE_INTEGER, backbone.config.max_position_embeddings))
    tokenizer = checked_tokenizer(folder, model, backbone.config.vocab_size)
    prompts = {name: prompt or "" for name, prompt in model.prompts.items()}
    settings = Settings(prompts, model.default_prompt_name, model.similarity_fn_name, model.truncate_dim)
    return SentenceEncoder(backbone, tokenizer, pooling, dense, normalise, max_length, settings).eval()


def read_modules(folder: Path, model: "SentenceTransformer") -> tuple[str, list[nn.Module]]:
    """The pooling's name, and what comes after it in its order: Linear and activation of a Dense module, UnitLength.

    Raises HeadshrinkError for another pooling than one of POOLINGS, one that leaves a prompt out, and for weights that
    are not finite.
    """
    from sentence_transformers.base.modules import Dense, Normalize
    from sentence_transformers.sentence_transformer.modules import Pooling

    pooling, modules = "", list[nn.Module]()
    places = [place for _, place in read_listing(folder)] or [folder, folder]
    for place, module in zip(places, model, strict=True):
        if isinstance(module, Pooling):
            pooling = str(module.pooling_mode)
            if module.pooling_mode not in POOLINGS:
                raise refused(place / "config.json", "pooling_mode", pooling, "one of " + ", ".join(POOLINGS[:-1]))
            if not module.include_prompt and any(model.prompts.values()):
                raise refused(place / "config.json", "include_prompt", False, "true where there is a prompt")
        elif isinstance(module, Dense):
            check_finite(place / WEIGHTS, module.state_dict())
            modules += [module.linear, module.get_submodule("activation_function")]
        elif isinstance(module, Normalize):
            modules.append(UnitLength())
    return pooling, modules


def is_pooler(modules: Sequence[nn.Module], backbone: BertModel) -> bool:
    """Whether a Dense module over [CLS] is the backbone's pooler written out (LaBSE): the same weights, then tanh."""
    if backbone.pooler is None or [type(module) for module in modules] != [nn.Linear, nn.Tanh]:
        return False
    own, other = backbone.pooler.dense.state_dict(), modules[0].state_dict()
    return own.keys() == other.keys() and all(torch.equal(own[name], other[name]) for name in own)


def is_truncation(modules: Sequence[nn.Module], length: int | None) -> bool:
    """Whether a Dense module keeps the first `length` dimensions as they are, as `save_encoder` writes truncate_dim."""
    linear = modules[0] if len(modules) == 2 and isinstance(modules[1], nn.Identity) else None
    if not isinstance(linear, nn.Linear) or linear.bias is not None or linear.out_features != length:
        return False
    return torch.equal(linear.weight, torch.eye(*linear.weight.shape))


def checked_tokenizer(folder: Path, model: "SentenceTransformer", rows: int) -> PreTrainedTokenizerBase:
    """The model's tokenizer for a table of so many rows, with its own length: the library puts the model's there.

    Raises HeadshrinkError for ids beyond the table or twice or never given, and where there is no pad token.
    """
    path = folder / "tokenizer_config.json"
    tokenizer: PreTrainedTokenizerBase = model.tokenizer
    if tokenizer.pad_token_id is None:
        raise HeadshrinkError(f"{path}: pad_token is missing: a token is needed")
    stated = read_json(path, dict) if path.is_file() else {}
    tokenizer.model_max_length = stated.get("model_max_length", VERY_LARGE_INTEGER)
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
    return tokenizer


def check_tokenizer_files(folder: Path) -> None:
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        raise HeadshrinkError(f"no tokenizer in {folder}: it needs tokenizer.json or vocab.txt")


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder without a model; HeadshrinkError where its files are missing or damaged."""
    check_tokenizer_files(folder)
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # tokenizers raises no narrower class
        raise damaged(folder / "tokenizer.json", error) from error
