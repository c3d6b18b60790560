"""A network and its loss as one model that Keras's own trainer can step, on every backend."""

import keras

from keras_zoo.layers import mark_built


class TrainingModel(keras.Model):
    """`train_on_batch(images, targets, return_dict=True)` gives the batch's loss terms {name: float}.

    parts: how many batches the optimizer takes the mean of; their losses are made to add up
    input_size: (width, height) of the images; to be set before a step is compiled, as the loss's constants need it
    """

    def __init__(self, network, loss, parts=1):
        super().__init__()
        self.network = network
        self.terms_of = loss
        self.parts = parts
        self.input_size = None
        self.means = {name: keras.metrics.Mean(name=name) for name in loss.terms}
        mark_built(self)

    def call(self, images, training=None):
        return self.network(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """What is differentiated. The terms leave the step as metrics: in JAX there is no other way out of it."""
        terms = self.terms_of(y_pred, y, self.input_size)
        for name, mean in self.means.items():
            mean.update_state(terms[name])
        return terms["loss"] * self.parts
