"""The experiment itself: values, prompts and the loop, on the standard library alone."""
