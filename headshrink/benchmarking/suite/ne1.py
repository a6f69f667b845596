"""NE1: named entities in news (factRuEval 2016)."""

from headshrink.benchmarking.suite._words import WordTask

TASK = WordTask(name="ne1", title="NE1", about="named entities in news (factRuEval 2016)", files=("factru.json",))
