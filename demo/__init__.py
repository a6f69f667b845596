"""What the default run is made of, without files and network: pairs of a grammar, a suite and a teacher.

All of it is generated data. It is not in the wheel: stages import it where a source is `generated`.
"""
