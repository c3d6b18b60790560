"""What is likely wrong with a run, and what would do: read from its folder and its data set, without a framework.

`trizoo.diagnosis.diagnose.diagnose` does it; every number that something is judged by stands in `limits.py`.
"""
