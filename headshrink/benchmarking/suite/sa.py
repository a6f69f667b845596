"""SA: sentiment of tweets about telephone companies and banks (SentiRuEval 2016)."""

from headshrink.benchmarking.suite._labelled import LabelAccuracy

TASK = LabelAccuracy(
    name="sa",
    title="SA",
    about="sentiment of tweets on companies, three classes (SentiRuEval 2016)",
    files=("SentiRuEval2016_small_train.csv", "SentiRuEval2016_small_test.csv"),
    label="answer",
)
