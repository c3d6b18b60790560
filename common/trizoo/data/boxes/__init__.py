"""Data sets with boxes: a module a format, and what finds them."""
