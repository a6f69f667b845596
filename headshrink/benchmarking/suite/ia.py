"""IA: messages inappropriate in a polite talk, whatever their tone."""

from headshrink.benchmarking.suite._labelled import LabelAuc

TASK = LabelAuc(
    name="ia",
    title="IA",
    about="inappropriate messages on sensitive topics, two classes",
    files=("inappropriate_train.csv", "inappropriate_test.csv"),
    label="y",
)
