"""Stage benchmark: encodechka's ten tasks and the cost, for student, pruned-only model and teacher in one run."""

from pydantic import Field

from tasks.section import Section, name_from


class Params(Section):
    """What is measured."""

    tasks: list[name_from("benchmark/suite")] = Field(description="encodechka tasks, by name")  # type: ignore[valid-type]
    batch_size: int = Field(64, ge=1, description="texts a batch; scores do not depend on it")
    repeats: int = Field(20, ge=3, description="timed rounds; models alternate, medians count")


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "benchmark")
