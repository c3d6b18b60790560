"""Ground truth to training targets, vectorised, in NumPy: it runs in the loader's workers."""
