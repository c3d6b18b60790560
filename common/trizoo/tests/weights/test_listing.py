from trizoo.download.manifest import load_manifest
from trizoo.weights import listing


def test_the_table_of_the_whole_manifest_fits_100_columns(home):
    manifest = load_manifest()
    lines = listing.table(manifest.weights).splitlines()
    assert len(lines) == 1 + len(manifest.weights)
    assert max(map(len, lines)) <= 100
    assert all(tag in line for tag, line in zip(manifest.weights, lines[1:], strict=True))


def test_columns_stand_below_each_other(home):
    lines = listing.table(load_manifest().weights).splitlines()
    start = lines[0].index("in the zoo")
    assert all(line[start - 2 : start] == "  " for line in lines)
    assert {line[start:] for line in lines[1:]} <= {"yes", "not yet"}


def test_data_sets_fit_100_columns():
    text = listing.datasets(load_manifest())
    assert max(map(len, text.splitlines())) <= 100
    assert "voc2007: trainval (460.0), test (451.0)" in text  # 460,032,000 and 451,020,800 bytes


def test_details_say_everything_in_100_columns(home):
    manifest = load_manifest()
    for tag, entry in manifest.weights.items():
        text = listing.details(tag, entry, manifest)
        long = [line for line in text.splitlines() if len(line) > 100]
        assert all("http" in line or str(home) in line for line in long), tag
        joined = " ".join(text.split())
        assert manifest.licences[entry.licence] in joined
        assert all(value in text for value in (*entry.urls, *entry.checksums.values(), entry.trust, entry.format))
        if entry.classes:
            names = manifest.class_lists[entry.classes]
            assert ", ".join(names if len(names) <= 100 else names[:10]) in joined
            assert (
                len(names) <= 100
                or "electric ray, stingray, cock, hen, ostrich and 990 more, the list imagenet1000" in joined
            )


def test_unknown_sizes_are_question_marks():
    assert listing.megabytes(None) == "?"
    assert listing.megabytes(35_434_956) == "35.4"
