"""STS: how alike two sentences are, against graded human judgement (STS-B dev in Russian)."""

from headshrink.benchmarking.suite._pairs import PairSimilarity

TASK = PairSimilarity(
    name="sts",
    title="STS",
    about="similarity of two sentences, graded 0 to 5 (STS-B dev, translated)",
    files=("stsb_dev.csv",),
    columns=("sentence1", "sentence2", "similarity_score"),
)
