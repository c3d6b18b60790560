"""The zoo's networks, losses and gradients in Keras 3; `framework.py` is the door that `common/` comes in by."""
