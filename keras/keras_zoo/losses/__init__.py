"""Losses in Keras; common/losses.py defines what they must equal."""
