"""What was: journals written, read again and gone on with."""
