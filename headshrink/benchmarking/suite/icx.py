"""ICX: the same intents across languages, trained on the English requests and tested on the Russian ones."""

from headshrink.benchmarking.suite._labelled import LabelAccuracy

TASK = LabelAccuracy(
    name="icx",
    title="ICX",
    about="intent across languages: trained on English, tested on Russian",
    files=("intents_train.csv", "intents_test.csv"),
    label="label",
    train_text="answer",
)
