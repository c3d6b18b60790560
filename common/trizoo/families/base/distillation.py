"""What a student lacks of its teacher: the reference of distillation in NumPy float64, and what its targets are called.

A run's loss is then the model's own, times `distill.labels`, plus two terms, times `distill.outputs` and
`distill.features`:
    teacher   the divergence of the student's outputs from the teacher's, see each family's `reference.py`
    features  the mean over strides of `feature_error`, summed over images and divided by the images of the whole batch

Both are 0 where the student says what its teacher says.
"""

import numpy as np

from trizoo.families.base.terms import binary_cross_entropy, log_softmax, sigmoid

OUTPUT = "teacher_output_{}"  # targets: an output of the teacher's, by its number
FEATURE = "teacher_features_{}"  # features of the teacher's, by the number of their stride
COUNT = "num_taught"  # float32 (), images of the whole batch
LEAST_SQUARE = 1e-3  # mean of features in which the teacher sees next to nothing


def softmax_divergence(logits, taught, temperature):
    """Kullback and Leibler's divergence of softmax over the last axis: (..., C), (..., C) -> (...).

    Logits are divided by the temperature first, and the divergence is multiplied by its square, so that gradients stay
    as large (Hinton et al. 2015, section 2).

    Args:
        logits: the student's
        taught: the teacher's
    """
    truth, logs = (log_softmax(np.asarray(array, np.float64) / temperature) for array in (taught, logits))
    return temperature**2 * (np.exp(truth) * (truth - logs)).sum(axis=-1)


def sigmoid_divergence(logits, taught):
    """The same of decisions between two: (...), (...) -> (...)."""
    logits, taught = np.asarray(logits, np.float64), np.asarray(taught, np.float64)
    truth = sigmoid(taught)
    return binary_cross_entropy(logits, truth) - binary_cross_entropy(taught, truth)


def feature_error(adapted, features):
    """Mean squared error of features over the mean square of the teacher's, image by image: (B, ...), twice -> (B,).

    The hints of Romero et al. 2015, section 2.2, made independent of how large a network's features are.

    Args:
        adapted: the student's, by a 1x1 convolution of as many channels as the teacher's
        features: the teacher's
    """
    adapted, features = (np.asarray(array, np.float64).reshape(len(array), -1) for array in (adapted, features))
    return ((adapted - features) ** 2).mean(axis=1) / np.maximum((features**2).mean(axis=1), LEAST_SQUARE)
