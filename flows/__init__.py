"""Orchestration: starts the stages of dvc.yaml as processes, and knows nothing of what they compute."""
