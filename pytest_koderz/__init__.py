"""A pytest plugin: can a cheap local model under a little frontier supervision match a frontier model?"""
