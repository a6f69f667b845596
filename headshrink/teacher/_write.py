"""The folder that every teacher becomes, and teacher.json, which says where it came from."""

from pathlib import Path

from headshrink.hashing import file_sha256
from headshrink.model import SentenceEncoder, save_encoder
from headshrink.model.files import WEIGHTS, write_json
from headshrink.model.mlm_head import MlmHead, save_mlm_head


def write_teacher(
    encoder: SentenceEncoder,
    folder: Path,
    label: str,
    source: str,
    revision: str | None = None,
    licence: str | None = None,
    mlm_head: MlmHead | None = None,
) -> None:
    """Write an encoder as the pipeline's teacher: fp32 safetensors, modules, tokenizer.json and teacher.json.

    `label` is the name that reports print; `source` is one of SOURCES; `revision` the hub's commit; `licence` what the
    teacher states, for the student's model card; `mlm_head` goes into a file of its own. teacher.json adds the weights'
    SHA-256 and the number of parameters, dense layers after the pooling included.
    """
    save_encoder(encoder.float(), folder)
    if mlm_head:
        save_mlm_head(mlm_head, folder)
    facts = {
        "label": label,
        "source": source,
        "revision": revision,
        "licence": licence,
        "generated": source == "generated",
        "weights_sha256": file_sha256(folder / WEIGHTS),
        "parameters": sum(parameter.numel() for parameter in encoder.parameters()),
    }
    write_json(folder / "teacher.json", facts)
