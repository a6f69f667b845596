"""A Russian-English data set of the Hugging Face hub, at a pinned commit."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headshrink.data.corpus.sources._base import Source
from headshrink.data.text.pairs import Pair
from headshrink.errors import HeadshrinkError
from headshrink.output import scratch_folder


class Hub(Source):
    """A data set with a column `translation` of {en, ru}, or with columns `en` and `ru`.

    Of several configurations the one named after both languages is read (`en-ru`, `ru-en`); of its splits `train`, or
    all where there is none of that name. Downloads land in the hub's own cache, under the commit's hash; the Arrow
    copy that `datasets` makes is beside the path `work`, and goes with the iterator. HF_ENDPOINT names a mirror.
    """

    def __init__(self, hub_id: str, revision: str, work: Path) -> None:
        self.hub_id, self.revision, self.work = hub_id, revision, work
        self.label = f"{hub_id}@{revision[:7]}"

    def pairs(self) -> Iterator[Pair]:
        with scratch_folder(self.work) as cache:
            splits = self.splits(cache)
            self.total = sum(map(len, splits))
            for split in splits:
                for row in split:
                    yield Pair(*self.sides(row), self.hub_id)

    def splits(self, cache: Path) -> list[Any]:
        """The data set's splits, downloaded; any failure of the hub's libraries is a failure to fetch."""
        import datasets

        try:
            names = datasets.get_dataset_config_names(self.hub_id, revision=self.revision)
            config = self.choose(names)
            loaded = datasets.load_dataset(self.hub_id, config, revision=self.revision, cache_dir=str(cache))
        except HeadshrinkError:
            raise
        except Exception as error:  # requests', httpx's, huggingface_hub's and datasets' own: no common ancestor
            first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise HeadshrinkError(
                f"cannot read the data set {self.hub_id} at {self.revision} from the hub: {first_line}"
            ) from error
        return [loaded["train"]] if "train" in loaded else [loaded[name] for name in sorted(loaded)]

    def choose(self, names: list[str]) -> str:
        """The configuration to read."""
        bilingual = [name for name in names if {"en", "ru"} <= set(name.replace("_", "-").split("-"))]
        if len(names) == 1 or len(bilingual) == 1:
            return (bilingual or names)[0]
        raise HeadshrinkError(f"{self.hub_id} has configurations {', '.join(names)}: exactly one must be named en-ru")

    def sides(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """English and Russian text of a row; a null side is an empty one."""
        sides = row.get("translation", row)
        if not {"en", "ru"} <= sides.keys():
            raise HeadshrinkError(
                f"{self.hub_id} has columns {', '.join(row)}: allowed are translation ({{en, ru}}), or en and ru"
            )
        return sides["en"] or "", sides["ru"] or ""
