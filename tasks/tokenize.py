"""Stage tokenize: pairs to Arrow shards of token ids."""

import json

from headshrink.parameters.tokenize import TokenizeParams


def run(tokenize: TokenizeParams) -> None:
    """Write artifacts/shards."""
    from headshrink.cores import cores
    from headshrink.data.shards import write_shards
    from headshrink.errors import HeadshrinkError
    from headshrink.output import new_folder
    from tasks.stage import ARTIFACTS

    corpus, tokenizer = ARTIFACTS / "corpus", ARTIFACTS / "teacher" / "tokenizer.json"
    config = json.loads((ARTIFACTS / "teacher" / "config.json").read_text(encoding="utf-8"))
    if tokenize.max_length > (positions := config["max_position_embeddings"]):
        raise HeadshrinkError(f"max_length = {tokenize.max_length}: the teacher has {positions} positions")
    with new_folder(ARTIFACTS / "shards") as folder:
        write_shards(corpus, tokenizer, folder, tokenize.max_length, tokenize.shards, cores())


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "tokenize", "shards")
