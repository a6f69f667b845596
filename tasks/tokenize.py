"""Stage tokenize: pairs to Arrow shards of token ids."""

import json

from pydantic import Field

from tasks.section import Section


class Params(Section):
    """How pairs become ids."""

    max_length: int = Field(128, ge=8, le=512, description="longest sentence in tokens, special ones included")
    shards: int = Field(4, ge=1, le=1024, description="Arrow files a split; fixed, so that ids never depend on cores")


def run(params) -> None:
    """Write artifacts/shards."""
    from headshrink.cores import cores
    from headshrink.errors import HeadshrinkError
    from headshrink.output import new_folder
    from headshrink.shards import write_shards
    from tasks.stage import ARTIFACTS, die_with_parent

    settings = params.tokenize
    corpus, tokenizer = ARTIFACTS / "corpus", ARTIFACTS / "teacher" / "tokenizer.json"
    config = json.loads((ARTIFACTS / "teacher" / "config.json").read_text(encoding="utf-8"))
    if settings.max_length > (positions := config["max_position_embeddings"]):
        raise HeadshrinkError(f"max_length = {settings.max_length}: the teacher has {positions} positions")
    with new_folder(ARTIFACTS / "shards") as folder:
        write_shards(corpus, tokenizer, folder, settings.max_length, settings.shards, cores(), die_with_parent)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "tokenize", "shards")
