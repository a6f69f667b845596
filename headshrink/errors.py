"""The one exception a user's mistake raises: one line that says what, where, and what is allowed."""

from headshrink.escape import visible
from headshrink.redact import redacted


class HeadshrinkError(Exception):
    """A mistake in the input, not a bug of ours.

    The message is one line in the form "what, where, what is allowed". Stages and the command line print it without a
    traceback and exit with status 2; everything else that escapes is our bug and shows its traceback. As text it holds
    no secret and no control character, wherever it is printed, logged or stored.
    """

    def __str__(self) -> str:
        return visible(redacted(" ".join(super().__str__().splitlines())))
