"""The one exception a user's mistake raises: one line that says what, where, and what is allowed."""


class HeadshrinkError(Exception):
    """A mistake in the input, not a bug of ours.

    The message is one line in the form "what, where, what is allowed". Stages and the command line print it without a
    traceback and exit with status 2; everything else that escapes is our bug and shows its traceback.
    """
