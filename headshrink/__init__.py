"""headshrink: smaller, faster bilingual BERT sentence encoders by structured pruning and distillation.

Importing the package registers the pruned architecture, so that `AutoModel.from_pretrained(student_folder)` works.
"""

from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder, load_encoder, save_encoder

__all__ = ["HeadshrinkError", "SentenceEncoder", "load_encoder", "save_encoder"]
__version__ = "0.1.0"
