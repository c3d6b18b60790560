"""Models for other programs: files that runtimes open without a training framework, written and read again.

targets.py lists what can be written, runtimes.py what can be read; metadata.py is what a file says of itself and
check.py holds it against the framework that wrote it. Each target and each runtime is a module and a line in its table.
Of what came from elsewhere nothing is unpickled and no class made that a file names, not even by PyTorch or Keras.
"""
