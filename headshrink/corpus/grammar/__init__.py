"""A bilingual grammar: meanings, and the Russian and English sentences that say them. All of its output is generated data.

Reading order: `morphology` (forms), `lexicon` (words), `meanings` (records), `english` and `russian` (sentences),
`phrases` (fixed patterns), `sentences` (sampling), `demo_suite` (a benchmark of its own).
"""
