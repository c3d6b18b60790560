"""The command lines: argparse lives here and nowhere else."""
