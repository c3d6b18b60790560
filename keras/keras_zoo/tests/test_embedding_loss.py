"""The losses of embeddings, as in every framework."""

from trizoo.tests.contract.embedding_loss import *  # noqa: F403
