"""Distillation: the teacher's targets, the losses, and the trainer that pulls a cut student back to its teacher."""
