"""What each of several processes measures for test_processes.py: `torchrun … one_of_two.py FOLDER [DATA]`."""

import sys

from torch_zoo.framework import PyTorch
from trizoo.tests.one_of_two import main

if __name__ == "__main__":
    main(PyTorch(), *sys.argv[1:])
