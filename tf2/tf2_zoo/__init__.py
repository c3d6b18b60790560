"""The zoo's networks, losses and gradients in TensorFlow 2, without Keras; `framework.py` is `common/`'s door."""
