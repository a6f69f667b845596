"""Text as every stage, command and benchmark reads it: lines, pairs, sentences, tables, and its start as tokens."""
