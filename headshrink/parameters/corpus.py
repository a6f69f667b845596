"""Parameters of the section `corpus`."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from headshrink.parameters.section import GENERATED, NOTHING, Section, Seed, name_from, only_for
from headshrink.redact import secret_in


class CorpusParams(Section):
    """Which pairs, and which of them are kept."""

    kind_key = "source"

    source: name_from("data/corpus/sources", GENERATED) = Field(description="where pairs come from")  # type: ignore[valid-type]
    path: str = Field(
        NOTHING,
        validate_default=True,
        description="parallel: TSV file, English file of two aligned files, or their folder; yandex: local zip archive",
        json_schema_extra=only_for("parallel", "yandex"),
    )
    url: str | None = Field(
        None,
        validate_default=True,
        description="URL of the zip archive, if it is not local; a password or signature as ${NAME} of an environment "
        "variable",
        json_schema_extra=only_for("yandex"),
    )
    sha256: str | None = Field(
        None,
        validate_default=True,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the zip archive",
        json_schema_extra=only_for("yandex"),
    )
    hub_id: str | None = Field(
        None, validate_default=True, description="data set id on the hub", json_schema_extra=only_for("hub")
    )
    hub_revision: str | None = Field(
        None,
        validate_default=True,
        description="commit of the data set; a branch would not be reproducible",
        json_schema_extra=only_for("hub"),
    )
    pairs: int = Field(
        24_000,
        ge=1_000,
        le=200_000,
        description="number of distinct pairs to generate",
        json_schema_extra=only_for("generated"),
    )
    max_pairs: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        description="maximum number of pairs; a larger limit keeps the same pairs and more; empty: all",
    )
    seed: Seed = Field(0, description="random seed of the generator", json_schema_extra=only_for("generated"))
    min_chars: int = Field(3, ge=1, le=10_000, description="minimum length of a sentence, in characters")
    max_chars: int = Field(
        500, ge=10, le=100_000, validate_default=True, description="maximum length of a sentence, in characters"
    )
    max_length_ratio: float = Field(
        3.0, gt=1, le=1_000, description="maximum ratio of the longer to the shorter sentence of a pair"
    )
    heldout_percent: float = Field(
        5.0, gt=0, le=50, description="percentage of pairs held out, by hash of the English side"
    )

    @field_validator("path")
    @classmethod
    def parallel_has_a_path(cls, path: str, info: ValidationInfo) -> str:
        if info.data.get("source") == "parallel" and path == NOTHING:
            raise ValueError("source parallel needs the path of a TSV file, of two aligned files, or of their folder")
        return path

    @field_validator("url")
    @classmethod
    def one_archive(cls, url: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("source") == "yandex" and (url is None) == (info.data.get("path") == NOTHING):
            raise ValueError("source yandex needs the archive's url or its local path, one of them")
        return url

    @field_validator("url")
    @classmethod
    def url_is_public(cls, url: str | None) -> str | None:
        """A secret in params.yaml would be in dvc.lock, in MLflow and in every copy of the report."""
        if url is None:
            return url
        try:
            parts, secret = urlsplit(url), secret_in(url)
            whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            whole, secret = False, None
        if not whole or not url.isprintable() or " " in url:
            raise ValueError("an http:// or https:// URL without spaces is needed")
        if secret:
            raise ValueError(f"{secret} is written out; put it into an environment variable and ${{ITS_NAME}} here")
        return url

    @field_validator("max_chars")
    @classmethod
    def longest_is_not_below_shortest(cls, max_chars: int, info: ValidationInfo) -> int:
        if max_chars < (shortest := info.data.get("min_chars", 0)):
            raise ValueError(f"at least min_chars = {shortest} is needed")
        return max_chars

    @field_validator("sha256")
    @classmethod
    def url_has_a_hash(cls, sha256: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("url") and sha256 is None:
            raise ValueError("a download needs the SHA-256 it must have, 64 hexadecimal digits")
        return sha256

    @field_validator("hub_id", "hub_revision")
    @classmethod
    def hub_is_pinned(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("source") == "hub" and not value:
            raise ValueError("source hub needs the id of a ru-en data set and its commit")
        return value


DEFAULTS = CorpusParams(source=GENERATED)  # of keys that all sources have
