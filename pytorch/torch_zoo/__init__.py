"""The zoo's networks, losses and gradients in PyTorch; `framework.py` is the door that `common/` comes in by."""
