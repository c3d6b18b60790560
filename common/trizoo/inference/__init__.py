"""From a trained model to its results: which images to read, pictures of what was found, and result files.

sources.py finds the images that a command line names, draw.py draws boxes and contact sheets (fonts.py gives it letters
for class names in any script), writers.py writes pictures, JSON, VOC annotations and crops.
"""
