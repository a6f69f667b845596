"""IC: intents of requests to an assistant, in Russian (NLU evaluation data, translated)."""

from headshrink.benchmarking.suite._labelled import LabelAccuracy

TASK = LabelAccuracy(
    name="ic",
    title="IC",
    about="intent of a request to an assistant, 68 classes",
    files=("intents_train.csv", "intents_test.csv"),
    label="label",
)
