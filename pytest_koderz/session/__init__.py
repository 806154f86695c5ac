"""One pytest run with --koderz."""
