"""Can a cheap local model, with tries, test feedback and a little supervision, match a frontier model? A pytest plugin."""
