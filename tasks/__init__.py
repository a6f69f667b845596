"""The pipeline's stages, one thin module each: `python -m tasks.NAME` is what dvc.yaml runs."""
