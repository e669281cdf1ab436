"""Templated HTTP actions: what the configuration wrote out once, with typed values in its blanks, and nothing else."""
