"""prune.json: what went, what stayed, and the settings of the cut."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from headshrink.model import SentenceEncoder
from headshrink.model.sites import widths
from headshrink.pruning.plan import Plan


def parameters(module: nn.Module) -> int:
    """Parameters of a module: of an encoder, those of the backbone and of the dense layers after it."""
    return sum(weight.numel() for weight in module.parameters())


def describe(teacher: SentenceEncoder, cut: SentenceEncoder, plan: Plan, **settings: Any) -> dict[str, Any]:
    """The record of one cut, layers and hidden dimensions null where all stay; `settings` are those of the cut."""
    return {
        "heads": {"kept": plan.heads, "of": widths(teacher.backbone, "heads")},
        "ffn": {"kept": plan.ffn, "of": widths(teacher.backbone, "ffn")},
        "layers": {"kept": plan.layers, "of": len(teacher.backbone.encoder.layer)},
        "hidden": {"kept": plan.hidden, "of": teacher.backbone.config.hidden_size},
        "embedding_rank": getattr(cut.backbone.config, "embedding_rank", None),
        "vocabulary": {"kept": len(cut.tokenizer), "of": len(teacher.tokenizer)},
        "parameters": {"before": parameters(teacher), "after": parameters(cut)},
        "settings": settings,
    }


def write_record(record: dict[str, Any], folder: Path) -> None:
    """Write prune.json into a model folder."""
    (folder / "prune.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
