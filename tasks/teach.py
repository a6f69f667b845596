"""Stage teach: the teacher's embedding of every sentence, computed once for all students."""

from pydantic import Field

from tasks.section import Section


class Params(Section):
    """How the teacher's outputs are computed."""

    batch_size: int = Field(64, ge=1, description="sentences a batch, of similar length")


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "teach")
