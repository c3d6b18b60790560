"""TensorFlow's DeepLab, as in every framework."""

from trizoo.tests.contract.published_deeplab import *  # noqa: F403
