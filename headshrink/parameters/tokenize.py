"""Parameters of the section `tokenize`."""

from pydantic import Field

from headshrink.parameters.section import Section


class TokenizeParams(Section):
    """How sentences become token ids."""

    max_length: int = Field(128, ge=8, le=512, description="maximum tokens per sentence, special tokens included")
    shards: int = Field(
        4,
        ge=1,
        le=1024,
        description="Arrow files per split; fixed, so that the bytes do not depend on the number of cores",
    )


DEFAULTS = TokenizeParams()
