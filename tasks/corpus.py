"""Stage corpus: train and held-out pairs as Parquet, and the suite that they must not contain."""

from pydantic import Field, model_validator

from tasks.section import NOTHING, Section, name_from


class Params(Section):
    """Which pairs, and which of them are kept."""

    source: name_from("corpus/sources") = Field(description="where pairs come from")  # type: ignore[valid-type]
    path: str = Field(NOTHING, description="parallel: TSV file or folder; yandex: local zip; profiles/none otherwise")
    url: str | None = Field(None, description="yandex: the archive's URL, where it is not local")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="yandex: the archive's SHA-256")
    hub_id: str | None = Field(None, description="hub: data set id")
    hub_revision: str | None = Field(None, description="hub: commit; a branch would not reproduce")
    pairs: int = Field(24_000, ge=1_000, le=200_000, description="generated: number of distinct pairs")
    max_pairs: int | None = Field(None, ge=1, description="keep at most so many pairs (lowest hashes first); empty: all")
    seed: int = Field(0, ge=0, description="of the generated grammar")
    min_chars: int = Field(3, ge=1, description="shortest side, in characters")
    max_chars: int = Field(500, ge=10, description="longest side, in characters")
    max_length_ratio: float = Field(3.0, gt=1, description="longest to shortest side, in characters")
    heldout_percent: float = Field(5.0, gt=0, le=50, description="share of pairs held out, by hash of the English side")


def run(params) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "corpus")
