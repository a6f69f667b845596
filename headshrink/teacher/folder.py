"""A teacher from a local transformers or sentence-transformers folder."""

from pathlib import Path

from safetensors import SafetensorError
from transformers import BertModel

from headshrink.errors import HeadshrinkError, joined
from headshrink.model import SentenceEncoder, load_encoder
from headshrink.model.mlm_head import MlmHead, load_mlm_head, mlm_head_from
from headshrink.model.pickled import pickled_places, read_pickle


def open_folder(path: str | Path, allow_pickle: bool = False) -> SentenceEncoder:
    """Load a model folder; the folder itself is only read.

    Its modules.json decides what an embedding is: LaBSE's is the normalised pooler output ([CLS] pooling, then a
    Dense layer with tanh), MiniLM's the normalised mean. A masked-language-model head is no part of it: `open_mlm_head`
    reads it.

    `allow_pickle` converts weights that exist only as .bin; off by default, since a folder from elsewhere should not
    be unpickled unasked, not even by PyTorch's restricted reader. Raises HeadshrinkError for pickled weights
    otherwise, and for a folder that is missing, damaged, or holds no BERT, no tokenizer, no fitting weights.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise HeadshrinkError(f"no model folder {folder}: give a transformers or sentence-transformers folder")
    try:
        return load_encoder(folder, allow_pickle)
    except (OSError, ValueError, KeyError, SafetensorError) as error:  # a file of the folder missing, cut or not JSON
        reason = joined(error)
        raise HeadshrinkError(f"cannot read the model folder {folder} ({reason}): a whole one is needed") from error


def open_mlm_head(folder: Path, backbone: BertModel) -> MlmHead | None:
    """The MLM head of a folder that `open_folder` has opened as `backbone`; None where its checkpoint has none."""
    if pickled := [path for path in pickled_places(folder) if path.parent == folder]:
        return mlm_head_from(read_pickle(pickled[0]), backbone.config)
    return load_mlm_head([folder], backbone)
