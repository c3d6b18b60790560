"""The proof that frameworks agree: weights made from names, and goldens to compare outputs with."""
