"""PI: paraphrases among news headlines (paraphraser.ru, gold part)."""

from headshrink.benchmarking.suite._pairs import PairSimilarity

TASK = PairSimilarity(
    name="pi",
    title="PI",
    about="headlines that are no (-1), near (0) or exact (1) paraphrases (paraphraser.ru)",
    files=("para_gold.csv",),
    columns=("text_1", "text_2", "class"),
)
