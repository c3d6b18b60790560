"""Losses in PyTorch; common/losses.py defines what they must equal."""
