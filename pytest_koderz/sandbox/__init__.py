"""The judge of model-written code."""
