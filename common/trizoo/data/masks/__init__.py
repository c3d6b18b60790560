"""Data sets with masks: a module a format, and what finds them."""
