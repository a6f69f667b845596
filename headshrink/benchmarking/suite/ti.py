"""TI: toxic comments (Odnoklassniki)."""

from headshrink.benchmarking.suite._labelled import LabelAuc

TASK = LabelAuc(
    name="ti",
    title="TI",
    about="toxic comments, two classes (Odnoklassniki)",
    files=("toxic_train.csv", "toxic_test.csv"),
    label="toxic",
)
