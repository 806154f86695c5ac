"""From a model's reply to the candidate in it."""

from pytest_koderz.core.iteration import Candidate

from .choice import candidate_of

__all__ = ["Candidate", "candidate_of"]
