"""A repository's own functions as problems: which tests run them, what these are worth, the suite file."""
