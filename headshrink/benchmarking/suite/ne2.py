"""NE2: drugs, diseases and side effects in reviews (RuDReC)."""

from headshrink.benchmarking.suite._words import WordTask

TASK = WordTask(name="ne2", title="NE2", about="medical entities in drug reviews (RuDReC)", files=("rudrec.json",))
