"""The benchmark: encodechka's ten tasks, what a model costs, and which differences between models are real."""
