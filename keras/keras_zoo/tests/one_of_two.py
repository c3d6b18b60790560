"""What each of two processes measures for test_processes.py: `one_of_two.py FOLDER DATA`."""

import sys

from keras_zoo.framework import Keras
from trizoo.tests.one_of_two import main

if __name__ == "__main__":
    main(Keras(), *sys.argv[1:])
