"""Data sets whose images have a class each: folders of classes, lists of images with their class."""
