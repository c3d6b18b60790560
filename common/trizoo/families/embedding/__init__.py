"""Embeddings: a vector for a whole image, near those of images of the same class."""
