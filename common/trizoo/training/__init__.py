"""From a recipe to trained weights: schedule, loop, evaluation, the run folder, and train.py's command line."""
