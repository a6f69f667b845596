"""The held-out pairs that stages check what they made on."""

from tasks.stage import ARTIFACTS


def heldout(count: int) -> tuple[list[str], list[str]]:
    """English and Russian sides of the first held-out pairs; fewer where the corpus holds fewer."""
    import pandas as pd

    table = pd.read_parquet(ARTIFACTS / "corpus" / "heldout.parquet", columns=["en", "ru"]).head(count)
    return list(table["en"]), list(table["ru"])
