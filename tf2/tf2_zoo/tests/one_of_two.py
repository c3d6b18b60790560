"""What each of two processes measures for test_processes.py: `one_of_two.py FOLDER DATA`."""

import sys

from tf2_zoo.framework import TF2
from trizoo.tests.one_of_two import main

if __name__ == "__main__":
    main(TF2(), *sys.argv[1:])
