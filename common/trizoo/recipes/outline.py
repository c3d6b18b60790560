"""What a pydantic schema allows at a place in it: its keys, its defaults, and how two mappings for it combine."""

import types
from dataclasses import dataclass
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from trizoo.ground.yaml_tree import Node, wrap


@dataclass(frozen=True)
class Spot:
    """The type at one place of a schema.

    Args:
        members: the types it may have, None and Annotated removed; more than one for a union
        discriminator: the key whose value chooses among them, or None
    """

    members: tuple = ()
    discriminator: str | None = None

    @classmethod
    def of(cls, annotation, discriminator=None):
        """The spot of a type annotation."""
        if get_origin(annotation) is Annotated:
            annotation, *metadata = get_args(annotation)
            for item in metadata:
                if isinstance(item, FieldInfo) and isinstance(item.discriminator, str):
                    discriminator = item.discriminator
            return cls.of(annotation, discriminator)
        if get_origin(annotation) in (Union, types.UnionType):
            members = tuple(member for member in get_args(annotation) if member is not types.NoneType)
            return cls.of(members[0], discriminator) if len(members) == 1 else cls(members, discriminator)
        return cls((annotation,))

    @property
    def model(self):
        """The pydantic model that has to be here, or None where there is a choice or it is no model."""
        only = self.members[0] if len(self.members) == 1 else None
        return only if isinstance(only, type) and issubclass(only, BaseModel) else None

    def alternatives(self):
        """(key, its alternative) of the model's keys of which one at most is given, both ways."""
        pairs = getattr(self.model, "alternatives", ())
        return [both for pair in pairs for both in (pair, pair[::-1])]

    @property
    def words(self):
        """{word that may stand in the mapping's place here: the mapping that it stands for}."""
        return getattr(self.model, "words", {})

    def meant_by(self, value):
        """The mapping that a word stands for here; None for all else."""
        return self.words.get(value) if isinstance(value, str) else None

    def narrow(self, label):
        """The member of a union that `label` means: a value of the discriminator or the name of a class."""
        for member in self.members:
            spot = Spot.of(member)
            if spot.model is None:
                continue
            if self.discriminator in spot.model.model_fields:
                tags = get_args(spot.model.model_fields[self.discriminator].annotation)
                if label in tags:
                    return spot
            elif spot.model.__name__ == label:
                return spot
        return Spot()

    def settle(self, node):
        """The member of a union that a mapping's discriminator chooses; without members where it chooses none."""
        if len(self.members) < 2:
            return self
        tag = node.value.get(self.discriminator) if isinstance(node.value, dict) else None
        return Spot() if tag is None else self.narrow(tag.value)

    def step(self, key):
        """The spot of a key or an index; one without members where the schema has nothing there."""
        if self.model is not None:
            field = self.model.model_fields.get(key)
            return Spot() if field is None else Spot.of(field.annotation, field.discriminator)
        arguments = get_args(self.members[0]) if len(self.members) == 1 else ()
        if not arguments or get_origin(self.members[0]) is Literal:
            return Spot()
        fixed = get_origin(self.members[0]) is tuple and arguments[-1] is not Ellipsis
        if fixed:
            return Spot.of(arguments[key]) if isinstance(key, int) and key < len(arguments) else Spot()
        return Spot.of(arguments[0] if isinstance(key, int) else arguments[-1])


def spot_of(schema, path):
    """The spot of a path of keys."""
    spot = Spot((schema,))
    for key in path:
        spot = spot.step(key)
    return spot


def kinds_with(schema, location):
    """The kinds that have the unknown key at a pydantic error's location, and the key that says the section's own."""
    union = Spot((schema,))
    for key in location[:-2]:  # the last but one is the section's own kind
        union = union.narrow(key) if len(union.members) > 1 else union.step(key)
    if union.discriminator is None:
        return [], None
    fields = [Spot.of(member).model.model_fields for member in union.members]
    able = [get_args(own[union.discriminator].annotation)[0] for own in fields if location[-1] in own]
    return able, union.discriminator


def locate(schema, location):
    """A pydantic error's location as a path of text keys, and the field names known where its last key stands.

    Inside unions pydantic's locations also hold the member that it tried; those are no keys and are left out.
    """
    spot, parent, path = Spot((schema,)), Spot(), []
    for key in location:
        if len(spot.members) > 1:
            spot = spot.narrow(key)
        else:
            path.append(str(key))
            parent, spot = spot, spot.step(key)
    return tuple(path), tuple(parent.model.model_fields) if parent.model is not None else ()


def to_plain(value):
    """A recipe, or a part of one, as JSON-able data in the order of its fields; floats stay as they are."""
    return to_jsonable_python(value, round_trip=True, by_alias=False, inf_nan_mode="constants")


def default_tree(model, location):
    """The tree of every value that a model class has without being given any; required ones are absent."""
    values = {}
    for name, field in model.model_fields.items():
        nested = Spot.of(field.annotation).model
        if not field.is_required():
            values[name] = wrap(to_plain(field.get_default(call_default_factory=True)), location)
        elif nested is not None:
            values[name] = default_tree(nested, location)
    return Node(values, location)


def merge(below, above, spot):
    """The tree `above` laid over the tree `below`: mappings merge deeply, everything else replaces.

    A mapping replaces one of another kind: with another value of the discriminator, or in a union without one.

    Args:
        spot: what the schema has at the root of both trees
    """
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return above
    if len(spot.members) > 1:
        tag = below.value.get(spot.discriminator)
        if tag is None or above.value.get(spot.discriminator, tag).value != tag.value:
            return above
    inside = spot.settle(below)
    merged = dict(below.value)
    for key, node in above.value.items():
        merged[key] = merge(merged[key], node, inside.step(key)) if key in merged else node
    return Node(merged, above.location)


def spell_out(tree, spot):
    """The tree in which a word in a mapping's place is the mapping that it stands for: a schema class's `words`.

    Args:
        spot: what the schema has at the root
    """
    meant = spot.meant_by(tree.value)
    if meant is not None:
        return wrap(meant, tree.location)
    if not isinstance(tree.value, dict):
        return tree
    inside = spot.settle(tree)
    return Node({key: spell_out(node, inside.step(key)) for key, node in tree.value.items()}, tree.location)


def displace(tree, spot):
    """The tree of a file, in which a key that is given sets its alternative, which isn't, to null.

    Such pairs are a schema class's `alternatives`; a base may have the one and a file that changes it the other.

    Args:
        spot: what the schema has at the root
    """
    if not isinstance(tree.value, dict):
        return tree
    inside = spot.settle(tree)
    values = {key: displace(node, inside.step(key)) for key, node in tree.value.items()}
    for given, other in inside.alternatives():
        if given in values and values[given].value is not None and other not in values:
            values[other] = Node(None, values[given].location)
    return Node(values, tree.location)
