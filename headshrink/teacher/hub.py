"""A teacher from the Hugging Face hub or a mirror of it, at a pinned revision."""

import sys
from collections.abc import Sequence
from pathlib import Path

from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder
from headshrink.model.allowed import MODULE_CONFIGS
from headshrink.model.files import INDEX, SETTINGS, WEIGHTS
from headshrink.model.pickled import PICKLED, PICKLED_INDEX, SAFE, weight_places
from headshrink.teacher.folder import open_folder

NEEDED = [  # what makes a BERT sentence encoder; a repository often holds ONNX, TensorFlow and Flax copies beside it
    "config.json",
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "adapter_config.json",  # to be refused
    "modules.json",
    MODULE_CONFIGS,
    SETTINGS,
    "[0-9]_*/config.json",
    WEIGHTS,
    INDEX,
    "model-*-of-*.safetensors",
    f"[0-9]_*/{WEIGHTS}",
]
PICKLES = (PICKLED, PICKLED_INDEX, "pytorch_model-*-of-*.bin")


def download(hub_id: str, revision: str, allow_pickle: bool = False) -> SentenceEncoder:
    """Download a model and load it as `open_folder` does.

    `revision` should be a commit: a branch moves, and the result with it. The hub's own client does the work, so a
    mirror named by HF_ENDPOINT, HF_TOKEN and HF_HOME work, a broken download resumes, a file lands whole or not at
    all, and what is in the cache needs no network. Pickled weights are fetched only where `allow_pickle` and no
    safetensors exists.

    Raises HeadshrinkError where the hub cannot be reached, the model or revision is unknown, and as `open_folder`.
    """
    folder = fetch(hub_id, revision, NEEDED)
    if allow_pickle:
        bare = [place for place in weight_places(folder) if not any((place / name).is_file() for name in SAFE)]
        pickled = [str((place / name).relative_to(folder)) for place in bare for name in PICKLES]
        folder = fetch(hub_id, revision, [*NEEDED, *pickled]) if pickled else folder
    if not any((folder / name).is_file() for name in (*SAFE, PICKLED, PICKLED_INDEX)):
        raise HeadshrinkError(f"no {WEIGHTS} in {hub_id}@{revision}: give a revision that has it, or allow_pickle")
    return open_folder(folder, allow_pickle)


def fetch(hub_id: str, revision: str, patterns: Sequence[str]) -> Path:
    """The files of a hub repository that match `patterns`, as a local folder."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    print(f"teacher {hub_id}@{revision} from {constants.ENDPOINT}", file=sys.stderr)
    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=list(patterns)))
    except RevisionNotFoundError as error:
        raise HeadshrinkError(f"{hub_id} has no revision {revision} at {constants.ENDPOINT}: give a commit") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise HeadshrinkError(
            f"no model {hub_id!r} at {constants.ENDPOINT}: give an existing id, and HF_TOKEN where it is private"
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, ConnectionError) as error:
        reason = str(error.__cause__ or error).split("\n", 1)[0][:160]
        raise HeadshrinkError(
            f"cannot download {hub_id}@{revision} from {constants.ENDPOINT} ({reason}): "
            "a network, a mirror in HF_ENDPOINT, or the model in the local cache is needed"
        ) from error
