"""Losses in TensorFlow 2; common/losses.py defines what they must equal."""
