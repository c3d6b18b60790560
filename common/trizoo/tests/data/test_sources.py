"""Files, folders and patterns, and what is said when they name no image."""

from pathlib import Path

import pytest

from trizoo.data.sources import find_images, natural_key
from trizoo.ground.errors import UserError


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder that is the working folder, with a function that makes empty files in it."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()

    return make


def names(paths):
    return [path.as_posix() for path in paths]


def test_a_folder_gives_its_images_and_those_below_in_natural_order(photos):
    photos("d/10.jpg", "d/2.JPG", "d/sub/1.png", "d/notes.txt", "d/.hidden.jpg", "d/.cache/a.jpg", "d/._2.jpg")
    assert names(find_images(["d"])) == ["d/2.JPG", "d/10.jpg", "d/sub/1.png"]


def test_one_source_needs_no_list(photos):
    photos("a.jpg")
    assert find_images("a.jpg") == find_images(Path("a.jpg")) == [Path("a.jpg")]


def test_the_order_of_sources_is_kept_and_each_image_comes_once(photos):
    photos("b.jpg", "d/a.jpg", "d/c.jpg")
    found = find_images(["d/c.jpg", "b.jpg", "d", "*.jpg", Path("d/c.jpg").resolve(), "d/../b.jpg"])
    assert names(found) == ["d/c.jpg", "b.jpg", "d/a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("d/*.jpg", ["d/1.jpg", "d/2.jpg", "d/11.jpg"]),
        ("d/?.jpg", ["d/1.jpg", "d/2.jpg"]),
        ("d/[12].jpg", ["d/1.jpg", "d/2.jpg"]),
        ("d/**/*.jpg", ["d/1.jpg", "d/2.jpg", "d/11.jpg", "d/e/f/3.jpg"]),
        ("d/**", ["d/1.jpg", "d/2.jpg", "d/11.jpg", "d/e/f/3.jpg"]),
        ("*/1*", ["d/1.jpg", "d/11.jpg"]),
    ],
)
def test_patterns_are_expanded_and_other_files_passed_over(photos, pattern, expected):
    photos("d/1.jpg", "d/2.jpg", "d/11.jpg", "d/e/f/3.jpg", "d/1.txt", "d/.2.jpg")
    assert names(find_images([pattern])) == expected


def test_absolute_patterns_and_home_folders_are_expanded(photos, tmp_path, monkeypatch):
    photos("d/1.jpg")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    expected = [tmp_path / "d" / "1.jpg"]
    assert find_images([f"{tmp_path}/d/*.jpg"]) == find_images(["~/d/*.jpg"]) == find_images(["~/d"]) == expected


def test_a_name_with_brackets_that_exists_is_no_pattern(photos):
    photos("[1].jpg", "1.jpg", "photos [1]/a.jpg", "photos [1]/b.png", "photos 1/a.jpg")
    assert names(find_images(["[1].jpg"])) == ["[1].jpg"]
    assert names(find_images(["photos [1]"])) == ["photos [1]/a.jpg", "photos [1]/b.png"]
    assert names(find_images(["photos [1]/*.jpg"])) == ["photos [1]/a.jpg"]


def test_names_in_any_script_and_with_spaces_are_found(photos):
    wanted = ["снимки/кот 1.jpg", "снимки/猫.png", "снимки/صورة.jpg"]
    photos(*wanted)
    assert set(names(find_images(["снимки"]))) == set(names(find_images(["сним*/*"]))) == set(wanted)


def test_links_to_folders_are_followed_and_loops_end(photos):
    photos("real/a.jpg", "d/b.jpg")
    try:
        Path("d/link").symlink_to(Path("real").resolve())
        Path("d/loop").symlink_to(Path("d").resolve())
    except OSError:
        pytest.skip("this system lets nobody make links")
    assert names(find_images(["d"])) == ["d/b.jpg", "d/link/a.jpg"]
    assert names(find_images(["d/**/*.jpg"])) == ["d/b.jpg", "d/link/a.jpg"]


def test_two_links_to_one_file_are_two_images(photos):
    photos("store/x.jpg")
    try:
        Path("a.jpg").symlink_to(Path("store/x.jpg").resolve())
        Path("b.jpg").symlink_to(Path("store/x.jpg").resolve())
    except OSError:
        pytest.skip("this system lets nobody make links")
    assert names(find_images("*.jpg")) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("gone.jpg", ["'gone.jpg'", "no file or folder", "working"]),
        ("notes.txt", ["'notes.txt'", "no image", ".png"]),
        ("empty", ["'empty'", "hold no image", ".png"]),
        ("*.png", ["'*.png'", "matches 0 names", "working"]),
        ("*.txt", ["'*.txt'", "matches 1 names", "suffix"]),
        ("", ["empty text"]),
    ],
)
def test_a_source_without_images_is_named_in_the_error(photos, tmp_path, monkeypatch, source, words):
    folder = tmp_path / "working"
    folder.mkdir()
    monkeypatch.chdir(folder)
    photos("a.jpg", "notes.txt", "empty/readme.md")
    with pytest.raises(UserError) as error:
        find_images(["a.jpg", source])
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_folder_with_videos_alone_says_how_they_are_taken(photos):
    photos("clips/a.mp4", "clips/readme.md")
    with pytest.raises(UserError, match=r"hold no image \(.*\); others are taken where they are named, .*a\.mp4'$"):
        find_images("clips", also=(".mp4",))


def test_no_source_is_an_error():
    with pytest.raises(UserError, match="no source"):
        find_images([])


def test_natural_order_is_total_and_compares_any_names():
    wanted = ["1.jpg", "01.jpg", "2.jpg", "2/a.jpg", "10.jpg", "a1b2.jpg", "a1b10.jpg", "B.jpg", "猫.jpg"]
    ordered = sorted(wanted, key=natural_key)
    backwards = wanted[::-1]
    assert sorted(backwards, key=natural_key) == ordered
    assert ordered.index("2.jpg") < ordered.index("10.jpg") < ordered.index("a1b2.jpg") < ordered.index("a1b10.jpg")
    assert ordered.index("a1b10.jpg") < ordered.index("B.jpg")


def test_the_masks_of_a_voc_data_set_are_no_photos(photos):
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject"):
        photos(f"VOC2012/{folder}/a.png", f"mine/{folder.replace('JPEGImages', 'photos')}/a.png")
    assert names(find_images("VOC2012")) == ["VOC2012/JPEGImages/a.png"]
    assert len(find_images("mine")) == 3
    assert names(find_images("VOC2012/SegmentationClass")) == ["VOC2012/SegmentationClass/a.png"]
