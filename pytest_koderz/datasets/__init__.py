"""Published problem sets as values of `Problem`."""
