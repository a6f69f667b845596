"""A bilingual grammar: meanings, and Russian and English sentences that say them. All its output is generated data.

Reading order: `morphology` (forms), `lexicon` (words), `meanings` (records), `english` and `russian` (sentences),
`phrases` (fixed patterns), `sentences` (sampling).
"""
