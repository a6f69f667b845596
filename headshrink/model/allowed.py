"""What the files of a model folder may say: lists of keys and values, checked before any library reads the folder.

sentence-transformers and transformers act on many more keys: some load code or adapters, read files elsewhere, or
change the model's shape. A key that is not listed here is refused, with the file, the key and what is allowed.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from transformers import BertConfig

from headshrink.errors import HeadshrinkError
from headshrink.model.files import damaged, inside, read_json
from headshrink.model.modeling_bilstm import BiLstmConfig
from headshrink.model.modeling_pruned_bert import PrunedBertConfig

CONFIG_CLASSES: dict[str, type[BertConfig]] = {
    config.model_type: config for config in (BertConfig, BiLstmConfig, PrunedBertConfig)
}
ACTIVATIONS = ("Tanh", "Identity", "GELU", "ReLU", "LeakyReLU", "ELU", "SiLU", "Sigmoid")
HIDDEN_ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "tanh")
KINDS = ("Transformer", "Pooling", "Dense", "Normalize")
MODULE_TYPE = re.compile(
    rf"sentence_transformers\.(?:models|base\.modules|sentence_transformer\.modules)(?:\.\w+)?\.({'|'.join(KINDS)})"
)
ACTIVATION_TYPE = re.compile(rf"torch\.nn\.(\w+\.)*({'|'.join(ACTIVATIONS)})")
ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
MODULE_CONFIGS = "sentence_*_config.json"  # sentence-transformers reads seven names of this form

Check = Callable[[Any], bool]


def one_of(*values: object) -> Check:
    return lambda value: any(type(value) is type(allowed) and value == allowed for allowed in values)


def whole(least: int, most: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def of_type(*types: type) -> Check:
    return lambda value: isinstance(value, types)


def either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


ANY: Check = lambda value: True  # noqa: E731
NOTHING: Check = lambda value: value is None or value == {} or value == [] or value is False  # noqa: E731
NUMBER = of_type(int, float)
DIMENSIONS = whole(1, 1 << 16)

# Shapes: (check, what is allowed). The weights' own sizes are compared with these, so that memory follows the file.
SHAPES: dict[str, tuple[Check, str]] = {
    "vocab_size": (whole(1, 1 << 23), "1 to 8388608"),
    "hidden_size": (DIMENSIONS, "1 to 65536"),
    "num_hidden_layers": (whole(0, 1024), "0 to 1024"),
    "num_attention_heads": (whole(1, 1024), "1 to 1024"),
    "intermediate_size": (whole(1, 1 << 20), "1 to 1048576"),
    "max_position_embeddings": (whole(1, 1 << 20), "1 to 1048576"),
    "type_vocab_size": (whole(1, 1024), "1 to 1024"),
}
MEANINGS: dict[str, tuple[Check, str]] = {  # a BertModel with another value computes something else
    "is_decoder": (one_of(False), "false"),
    "is_encoder_decoder": (one_of(False), "false"),
    "add_cross_attention": (one_of(False), "false"),
    "pruned_heads": (NOTHING, "none: the fewer heads of such a checkpoint are not read"),
    "position_embedding_type": (one_of("absolute", None), "absolute"),
    "attn_implementation": (one_of("eager", "sdpa", None), "eager, sdpa"),
    "_attn_implementation": (one_of("eager", "sdpa", None), "eager, sdpa"),
    "_attn_implementation_internal": (one_of("eager", "sdpa", None), "eager, sdpa"),
    "hidden_act": (one_of(*HIDDEN_ACTIVATIONS), ", ".join(HIDDEN_ACTIVATIONS)),
    "chunk_size_feed_forward": (one_of(0), "0"),
    "return_dict": (one_of(True), "true"),
}
INERT = set(  # of older transformers, or of heads that are not read; a BertModel computes the same with any value
    """_name_or_path _num_labels architectures bad_words_ids begin_suppress_tokens classifier_dropout
    cross_attention_hidden_size decoder_start_token_id directionality diversity_penalty do_sample dtype early_stopping
    emb_size encoder_no_repeat_ngram_size exponential_decay_length_penalty finetuning_task forced_bos_token_id
    forced_eos_token_id gradient_checkpointing id2label label2id language length_penalty max_length
    min_length model_max_length name name_or_path no_repeat_ngram_size num_beam_groups num_beams num_labels
    num_return_sequences output_attentions output_hidden_states output_past output_scores pooler_fc_size
    pooler_num_attention_heads pooler_num_fc_layers
    pooler_size_per_head pooler_type prefix problem_type remove_invalid_values repetition_penalty
    return_dict_in_generate sentence_transformers sep_token_id suppress_tokens task_specific_params temperature
    tf_legacy_loss tie_encoder_decoder tie_word_embeddings tokenizer_class top_k top_p torch_dtype torchscript
    transformers_version typical_p use_bfloat16 use_cache""".split()
)
AUTO_CLASSES = ("AutoConfig", "AutoModel")

EMPTY = (NOTHING, "nothing: such a value changes how the model is read")
TRANSFORMER: dict[str, tuple[Check, str]] = {
    "max_seq_length": (either(one_of(None), whole(3, 1 << 20)), "3 to 1048576 tokens"),
    "do_lower_case": (of_type(bool), "true, false"),
    "transformer_task": (one_of("feature-extraction"), "feature-extraction"),
    "module_output_name": (one_of("token_embeddings"), "token_embeddings"),
    "modality_config": (
        lambda value: value == {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        "text by forward, last_hidden_state",
    ),
    "unpad_inputs": (one_of(None, False), "false"),
    "query_length": (one_of(None), "null"),
    "document_length": (one_of(None), "null"),
    "query_expansion": (one_of(None), "null"),
    **dict.fromkeys(
        ("model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args", "config_kwargs",
         "processing_kwargs", "tokenizer_name_or_path"), EMPTY),
}  # fmt: skip
SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
SENTENCES: dict[str, tuple[Check, str]] = {
    "__version__": (of_type(dict), "an object"),
    "model_type": (one_of("SentenceTransformer"), "SentenceTransformer"),
    "prompts": (
        lambda value: isinstance(value, dict) and all(isinstance(text, str | None) for text in value.values()),
        "an object of texts",
    ),
    "default_prompt_name": (of_type(str, type(None)), "the name of a prompt, null"),
    "similarity_fn_name": (one_of(*SIMILARITIES, None), ", ".join(SIMILARITIES)),
    "truncate_dim": (either(one_of(None), DIMENSIONS), "1 to 65536, null"),
}
POOLING_MODES = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
POOLING: dict[str, tuple[Check, str]] = {
    "word_embedding_dimension": (DIMENSIONS, "the model's hidden size"),
    "embedding_dimension": (DIMENSIONS, "the model's hidden size"),
    "include_prompt": (of_type(bool), "true, false"),
    "pooling_mode": (of_type(str, list), "the name of a pooling"),
    **{f"pooling_mode_{mode}": (of_type(bool), "true, false") for mode in POOLING_MODES},
}
DENSE: dict[str, tuple[Check, str]] = {
    "in_features": (DIMENSIONS, "1 to 65536"),
    "out_features": (DIMENSIONS, "1 to 65536"),
    "bias": (of_type(bool), "true, false"),
    "activation_function": (
        lambda value: isinstance(value, str) and ACTIVATION_TYPE.fullmatch(value) is not None,
        ", ".join(ACTIVATIONS) + " of torch.nn",
    ),
    "module_input_name": (one_of("sentence_embedding"), "sentence_embedding"),
    "module_output_name": (one_of("sentence_embedding", None), "sentence_embedding"),
    "use_residual": (one_of(False), "false"),
}
NORMALIZE = {key: DENSE[key] for key in ("module_input_name", "module_output_name")}
TOKENIZER: dict[str, tuple[Check, str]] = {
    "padding_side": (one_of("right"), "right: the positions of BERT count from the left"),
    "truncation_side": (one_of("left", "right"), "left, right"),
    "model_max_length": (lambda value: NUMBER(value) and value >= 3, "a number of tokens from 3 on"),
    "tokenizer_class": (lambda value: isinstance(value, str) and value.isidentifier(), "a class of transformers"),
    **dict.fromkeys(
        ("tokenizer_file", "vocab_file", "processor_class", "chat_template", "split_special_tokens"), EMPTY),
    **dict.fromkeys(
        """do_lower_case do_basic_tokenize never_split tokenize_chinese_chars strip_accents wordpieces_prefix
        clean_up_tokenization_spaces cls_token sep_token pad_token unk_token mask_token bos_token eos_token
        additional_special_tokens extra_special_tokens added_tokens_decoder model_input_names special_tokens_map_file
        name_or_path backend is_local local_files_only max_length stride truncation_strategy pad_to_multiple_of
        pad_token_type_id max_len use_fast full_tokenizer_file do_lower remove_space keep_accents
        sp_model_kwargs trim_offsets add_prefix_space errors lowercase model_specific_special_tokens
        special_tokens return_token_type_ids pad_token_id""".split(), (ANY, "any")),
}  # fmt: skip


def check_values(path: Path, content: Mapping[str, Any], allowed: Mapping[str, tuple[Check, str]]) -> None:
    """Refuse a key that is not in `allowed`, or a value that its check does not accept."""
    for key, value in content.items():
        if key not in allowed:
            raise refused(path, key, value, "the keys " + ", ".join(sorted(allowed)))
        check, words = allowed[key]
        if not check(value):
            raise refused(path, key, value, words)


def refused(path: Path, key: str, value: object, allowed: str) -> HeadshrinkError:
    shown = " ".join(repr(value).split())[:80]
    return HeadshrinkError(f"{path}: {key} is {shown}: allowed is {allowed}"[:600])


def check_folder(folder: Path) -> None:
    """Check every file of a model folder that decides what its model computes.

    Raises HeadshrinkError with file, key, value and what is allowed; nothing is loaded and no path outside is opened.
    """
    for path in folder.iterdir():
        inside(folder, path.name)
    for name in ADAPTERS:
        if (folder / name).exists():
            raise HeadshrinkError(f"{folder / name}: adapters are not read: merge them into the model's own weights")
    check_config(folder / "config.json")
    listed = [(path, TRANSFORMER) for path in sorted(folder.glob(MODULE_CONFIGS))]
    listed += [(folder / "config_sentence_transformers.json", SENTENCES), (folder / "tokenizer_config.json", TOKENIZER)]
    for path, allowed in listed:
        if path.is_file():
            check_values(path, read_json(path, dict), allowed)
    for kind, place in read_listing(folder):
        for path in place.iterdir() if place.is_dir() else ():
            inside(folder, str(path.relative_to(folder)))
        check_module(kind, place)


def check_config(path: Path) -> None:
    """config.json: keys of its architecture, shapes within limits, no code but our own."""
    content = read_json(path, dict)
    config = CONFIG_CLASSES[content["model_type"]]
    own = {name for name in config().to_dict() if name not in MEANINGS}
    keys = dict.fromkeys(own | INERT, (ANY, "any")) | SHAPES | MEANINGS
    keys["model_type"] = (ANY, "any")
    if config is not BertConfig:
        name = f"modeling_{config.model_type}"
        classes = (config.__name__, config.__name__.replace("Config", "Model"))
        code = {auto: f"{name}.{cls}" for auto, cls in zip(AUTO_CLASSES, classes, strict=True)}
        keys["auto_map"] = (one_of(code), "headshrink's own code")
    elif "auto_map" in content:
        raise refused(path, "auto_map", content["auto_map"], "no code of the folder's own")
    check_values(path, content, keys)


def read_listing(folder: Path) -> list[tuple[str, Path]]:
    """Kind and folder of each module that modules.json names, in its order; none where there is no modules.json.

    Raises HeadshrinkError for another kind, a path that leads out of the folder, and an order that the fast forward
    pass has no form for: Transformer at the top, Pooling, then Dense and Normalize in any number and order.
    """
    path = folder / "modules.json"
    if not path.is_file():
        return []
    found = []
    for module in read_json(path, list):
        if not isinstance(module, dict) or not all(isinstance(module.get(key), str) for key in ("type", "path")):
            raise damaged(path, "a module without type or path")
        kind = MODULE_TYPE.fullmatch(module["type"])
        if kind is None:
            raise refused(path, "type", module["type"], "sentence_transformers.models with " + ", ".join(KINDS))
        found.append((kind[1], inside(folder, module["path"], path)))
    kinds = [kind for kind, _ in found]
    if kinds[:2] != ["Transformer", "Pooling"] or set(kinds[2:]) - {"Dense", "Normalize"} or found[0][1] != folder:
        order = "Transformer with the path '', Pooling, then any of Dense and Normalize"
        raise refused(path, "the order of modules", kinds, order)
    return found


def check_module(kind: str, place: Path) -> None:
    path = place / "config.json"
    if kind == "Transformer" or (kind == "Normalize" and not path.is_file()):
        return
    content = read_json(path, dict)
    check_values(path, content, {"Pooling": POOLING, "Dense": DENSE, "Normalize": NORMALIZE}[kind])
    if kind == "Dense" and not {"in_features", "out_features"} <= content.keys():
        raise damaged(path, "no in_features or out_features")


def dense_places(folder: Path) -> Iterable[Path]:
    """The folders of the Dense modules."""
    return [place for kind, place in read_listing(folder) if kind == "Dense"]
