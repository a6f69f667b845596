"""The single path for text: any source -> cleaned, split, tokenised sentences with the teacher's targets.

In reading order:

    text/         lines, pairs, sentences and tables of files, the same for every reader
    corpus/       pairs of a source, cleaned, without the benchmark's sentences, split into train and held-out
    shards.py     the corpus as token ids in Arrow files
    targets.py    the teacher's embedding of every sentence, in files
    table.py      sentences with their translations and targets, out of those files: what a student learns from
    in_memory.py  the same table of a corpus that is in memory, without shards
    batches.py    which sentences share a batch, and in which order

Modules are imported one by one: a stage depends on those that it uses.
"""
