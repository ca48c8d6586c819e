"""Dovetail: a deep-learning compiler made of small rewrite passes over four xDSL dialects."""
