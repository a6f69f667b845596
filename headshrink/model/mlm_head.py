"""The masked-language-model head: from a BERT's last hidden states to the pieces that it expects behind [MASK]."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel
from transformers.models.bert.modeling_bert import BertPredictionHeadTransform

from headshrink.errors import HeadshrinkError
from headshrink.model.checkpoint import current_name
from headshrink.model.files import WEIGHTS

FILE = "mlm_head.safetensors"  # beside the model's own weights, which every reader of the folder takes alone
PREFIX = "cls.predictions."
TABLE, OUTPUT_TABLE = "embeddings.word_embeddings.weight", f"{PREFIX}decoder.weight"


class MlmHead(nn.Module):
    """Dense layer, activation, LayerNorm, then a product with the word table and a bias a piece.

    The table is the model's own ("tied") and no part of the head. Parameters have BERT's names.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.transform = BertPredictionHeadTransform(config)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, states: Tensor, table: Tensor) -> Tensor:
        """Logits [..., vocabulary] of states [..., hidden] over a word table [vocabulary, hidden]."""
        return nn.functional.linear(self.transform(states), table, self.bias)


def word_table(backbone: BertModel) -> Tensor:
    """[vocabulary, hidden]: the word embeddings, multiplied out where they are a product of two."""
    words: nn.Module = backbone.embeddings.word_embeddings
    if isinstance(words, nn.Embedding):
        return words.weight
    table: Tensor = words(torch.arange(backbone.config.vocab_size, device=backbone.device))
    return table


def mlm_head_from(weights: Mapping[str, Tensor], config: BertConfig) -> MlmHead | None:
    """The head among a checkpoint's weights; None where they hold none that fits the config.

    One with an output table of its own is none either: what a tied head says follows from the model's own words.
    """
    weights = {current_name(name): value for name, value in weights.items()}
    table = next((value for name, value in weights.items() if name.endswith(TABLE)), None)
    output = weights.get(OUTPUT_TABLE)
    if output is not None and (table is None or not torch.equal(output, table)):
        return None
    mlm_head = MlmHead(config)
    own = {name: weights.get(PREFIX + name) for name in mlm_head.state_dict()}
    if any(value is None or value.shape != mlm_head.state_dict()[name].shape for name, value in own.items()):
        return None
    mlm_head.load_state_dict({name: value.float() for name, value in own.items()})  # type: ignore[union-attr]
    return mlm_head.requires_grad_(False).eval()


def load_mlm_head(folders: Sequence[Path], backbone: BertModel) -> MlmHead | None:
    """The head of a model, frozen and on its device, from the first folder that has one; None where none has.

    A folder's own file comes before its checkpoint.
    """
    for path in (folder / name for folder in folders for name in (FILE, WEIGHTS)):
        mlm_head = mlm_head_from(_read(path), backbone.config) if path.is_file() else None
        if mlm_head:
            return mlm_head.to(backbone.device)
    return None


def _read(path: Path) -> dict[str, Tensor]:
    """What a safetensors file holds of a head, and the word table where an output table must be compared with it."""
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            wanted = [name for name in names if name.startswith(PREFIX)]
            wanted += [name for name in names if name.endswith(TABLE) and OUTPUT_TABLE in wanted]
            return {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise HeadshrinkError(f"cannot read {path} ({error}): a whole safetensors file is needed") from error


def save_mlm_head(mlm_head: MlmHead, folder: str | Path) -> None:
    """Write a head into a folder, under the names that a BERT checkpoint gives it."""
    tensors = {PREFIX + name: value.detach().cpu().contiguous() for name, value in mlm_head.state_dict().items()}
    save_file(tensors, Path(folder) / FILE)
