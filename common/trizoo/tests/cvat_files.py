"""CVAT's XML written for tests."""


def image(name, *shapes, size=(40, 30), subset="", id=0):
    """The XML of an image, each shape on a line of its own below."""
    subset = f' subset="{subset}"' if subset else ""
    lines = "".join(f"{shape}\n" for shape in shapes)
    return f'<image id="{id}" name="{name}"{subset} width="{size[0]}" height="{size[1]}">\n{lines}</image>\n'


def shape(kind, label, inside="", z_order=0, **attributes):
    """The XML of a box, polygon, …"""
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<{kind} label="{label}" source="manual" occluded="0"{written} z_order="{z_order}">{inside}</{kind}>'


def box(label, xtl, ytl, xbr, ybr, **more):
    """The XML of a box."""
    return shape("box", label, xtl=xtl, ytl=ytl, xbr=xbr, ybr=ybr, **more)


def write(path, *images, labels=(), of="task", more=""):
    """A file with these labels, of a task or a project. Gives its path."""
    named = "".join(f"<label><name>{name}</name><type>any</type><attributes/></label>" for name in labels)
    meta = f"<meta><{of}><name>mine</name><labels>{named}</labels></{of}><dumped>2026</dumped></meta>\n"
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{meta}'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "".join(images) + more + "</annotations>\n", encoding="utf-8")
    return path
