"""Every parameter: its default, range and description, one file for each section of params.yaml; imports no torch.

The front door (headshrink/api.py), the command line, the stages, the form and the documentation read them here.
"""
