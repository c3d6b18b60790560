"""Each way in which a server goes wrong: the right file in the end, or one clear sentence."""

import gzip
import hashlib

import pytest


def test_well_behaved_server(engine, server, content):
    assert engine.fetch(engine.remote(server.url())) == engine.path
    assert engine.path.read_bytes() == content
    assert engine.left() == ["file.bin"]
    assert engine.said == engine.slept == []


def test_truncated_body_is_gone_on_with(engine, server, content, answer):
    file = engine.remote(server.url(answer(stop=1 << 20), answer(stop=1 << 20), answer()))
    assert engine.fetch(file).read_bytes() == content
    assert server.ranges == [None, "bytes=1048576-", "bytes=2097152-"]
    assert engine.slept == []  # each of them brought it on


def test_truncated_body_without_a_length_is_noticed(engine, server, content, answer):
    file = engine.remote(server.url(answer(stop=1 << 20, length=False), answer()))
    assert engine.fetch(file).read_bytes() == content
    assert server.ranges == [None, "bytes=1048576-"]


def test_body_that_is_always_truncated_ends_in_a_sentence_and_keeps_the_part(engine, server, answer):
    sentence = engine.refused(engine.remote(server.url(answer(stop=1000, ranges=False))))
    assert "connection" in sentence
    assert engine.slept == [1, 2, 4, 8]  # five rounds, the pauses doubled
    assert engine.part.stat().st_size == 1000


def test_wrong_length_is_refused_before_the_body(engine, server, answer):
    sentence = engine.refused(engine.remote(server.url(answer(body=b"short"))))
    assert "5 bytes instead of 3,145,728" in sentence
    assert len(server.requests) == 1


def test_content_length_that_is_too_small_for_the_body_is_refused(engine, server, answer):
    assert "100 bytes instead of" in engine.refused(engine.remote(server.url(answer(claimed_length=100))))


def test_endless_body_is_cut_off_at_the_known_size(engine, server, content, answer):
    sentence = engine.refused(engine.remote(server.url(answer(body=content * 4, length=False))))
    assert "more than 3,145,728 bytes" in sentence
    assert not engine.part.exists()


def test_wrong_bytes_never_get_the_name(engine, server, content, answer):
    wrong = bytes([content[0] ^ 1]) + content[1:]
    sentence = engine.refused(engine.remote(server.url(answer(body=wrong))))
    assert f"sha256 {hashlib.sha256(wrong).hexdigest()} instead of" in sentence
    assert len(server.requests) == 1  # asking the same server again would bring the same
    assert not engine.part.exists()


@pytest.mark.parametrize("code", [403, 404, 410])
def test_code_that_stays_ends_at_once(engine, server, code, answer):
    assert f"HTTP {code}" in engine.refused(engine.remote(server.url(answer(b"", code))))
    assert len(server.requests) == 1
    assert engine.slept == []


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_code_that_may_pass_is_asked_again(engine, server, code, content, answer):
    file = engine.remote(server.url(answer(b"", code), answer(b"", code), answer()))
    assert engine.fetch(file).read_bytes() == content
    assert engine.slept == [1, 2]


def test_code_that_doesnt_pass_ends_in_a_sentence(engine, server, answer):
    assert "HTTP 503" in engine.refused(engine.remote(server.url(answer(b"", 503))))
    assert len(server.requests) == 5
    assert engine.slept == [1, 2, 4, 8]


def test_retry_after_in_seconds_is_heeded(engine, server, answer):
    engine.fetch(engine.remote(server.url(answer(b"", 429, {"Retry-After": "30"}), answer())))
    assert engine.slept == [30]


def test_retry_after_as_a_date_is_heeded(engine, server, answer, http_date):
    engine.fetch(
        engine.remote(server.url(answer(b"", 503, {"Retry-After": http_date(1045)}), answer())), clock=lambda: 1000.0
    )
    assert engine.slept == [45]


@pytest.mark.parametrize(("header", "pause"), [("86400", 120), ("soon", 1), ("-5", 1)])
def test_retry_after_that_is_too_long_or_nonsense_is_bounded(engine, server, answer, header, pause):
    engine.fetch(engine.remote(server.url(answer(b"", 429, {"Retry-After": header}), answer())))
    assert engine.slept == [pause]


def test_stall_is_given_up_and_gone_on_with(engine, server, content, answer):
    file = engine.remote(server.url(answer(stop=2 << 20, hang=True), answer()))
    assert engine.fetch(file, read_timeout=0.2).read_bytes() == content
    assert server.ranges == [None, "bytes=2097152-"]


def test_stall_for_ever_ends_in_a_sentence(engine, server, answer):
    sentence = engine.refused(engine.remote(server.url(answer(stop=10, hang=True))), read_timeout=0.05)
    assert "nothing came for 0.05 s" in sentence


def test_server_that_takes_the_call_and_says_nothing_ends_in_a_sentence(engine, server):
    server.shutdown()  # the system still takes connections for it
    assert "no answer within 0.05 s" in engine.refused(engine.remote(server.url()), read_timeout=0.05, rounds=2)


def test_redirect_is_followed(engine, server, content, answer):
    there = server.url(path="/there")
    file = engine.remote(server.url(answer(b"", 302, {"Location": there}), path="/here"))
    assert engine.fetch(file).read_bytes() == content


def test_redirect_to_another_kind_of_address_is_refused(engine, server, answer):
    secret = engine.folder / "secret"
    secret.write_text("x")
    sentence = engine.refused(engine.remote(server.url(answer(b"", 302, {"Location": secret.as_uri()}))))
    assert "InvalidSchema" in sentence or "connection adapters" in sentence


def test_redirect_loop_ends_in_a_sentence(engine, server, answer):
    url = server.url(answer(b"", 302, {"Location": "/file.bin"}))
    assert "more than 10 redirects" in engine.refused(engine.remote(url))


def test_server_without_range_support_starts_from_the_first_byte(engine, server, content, answer):
    engine.begin(content[:1000])
    file = engine.remote(server.url(answer(ranges=False)))
    assert engine.fetch(file).read_bytes() == content
    assert server.ranges == ["bytes=1000-"]


def test_range_lie_with_another_offset_starts_from_the_first_byte(engine, server, content, answer):
    engine.begin(content[:1000])
    file = engine.remote(server.url(answer(claimed_start=0), answer()))
    assert engine.fetch(file).read_bytes() == content
    assert server.ranges == ["bytes=1000-", None]


def test_range_lie_in_the_bytes_themselves_is_found_by_the_checksum(engine, server, content, answer):
    engine.begin(content[:1000])
    lie = content[:500] + content[:500] + content[:-1000]  # 206 says byte 1000, but the bytes begin at 0
    file = engine.remote(server.url(answer(body=lie), answer()))
    assert engine.fetch(file).read_bytes() == content
    assert server.ranges == ["bytes=1000-", None]


def test_partial_answer_that_nobody_asked_for_is_refused(engine, server, content, answer):
    lie = answer(content[10:], 206, {"Content-Range": f"bytes 10-{len(content) - 1}/{len(content)}"})
    file = engine.remote(server.url(lie, answer()))
    assert engine.fetch(file).read_bytes() == content


def test_partial_answer_that_doesnt_say_which_part_is_refused(engine, server, content, answer):
    engine.begin(content[:1000])
    file = engine.remote(server.url(answer(content[1000:], 206), answer()))
    assert engine.fetch(file).read_bytes() == content


def test_first_mirror_dead_gives_way_to_the_second(engine, server, content, answer):
    dead = server.url(answer(b"", 404), path="/dead")
    assert engine.fetch(engine.remote(dead, server.url())).read_bytes() == content
    assert engine.said == [f"{dead}: HTTP 404 Not Found"]


def test_first_mirror_that_refuses_connections_gives_way_to_the_second(engine, server, content, closed_port):
    dead = f"http://127.0.0.1:{closed_port}/file.bin"
    assert engine.fetch(engine.remote(dead, server.url())).read_bytes() == content
    assert engine.said == [f"{dead}: no connection (Connection refused)"]
    assert engine.slept == []


def test_second_mirror_goes_on_where_the_first_broke_off(engine, server, content, answer):
    first = server.url(answer(stop=1000), path="/first")
    assert engine.fetch(engine.remote(first, server.url())).read_bytes() == content
    assert server.ranges == [None, "bytes=1000-"]


def test_all_mirrors_dead_are_all_named(engine, server, answer):
    urls = [server.url(answer(b"", 404), path="/a"), server.url(answer(b"", 403), path="/b")]
    sentence = engine.refused(engine.remote(*urls))
    assert f"{urls[0]}: HTTP 404 Not Found; {urls[1]}: HTTP 403 Forbidden" in sentence
    assert str(engine.path) in sentence


def test_encrypted_address_of_an_unencrypted_server_gives_way(engine, server, content):
    url = server.url()
    assert engine.fetch(engine.remote(url.replace("http:", "https:"), url)).read_bytes() == content
    assert "no safe connection" in engine.said[0]


def test_web_page_instead_of_the_file_is_a_failed_mirror(engine, server, content, answer):
    page = answer(b"<html>virus scan</html>", headers={"Content-Type": "text/html; charset=utf-8"})
    unknown = {"size": None, "checksums": {}}
    share = server.url(page, path="/share")
    assert "a web page instead of the file" in engine.refused(engine.remote(share, **unknown))
    assert engine.first_use.recorded("thing.coco") is None
    assert engine.fetch(engine.remote(share, server.url(), **unknown)).read_bytes() == content


@pytest.mark.parametrize("marks", [("ETag", '"1"', '"2"'), ("Last-Modified", "Mon", "Tue")])
def test_file_that_changed_between_two_parts_starts_over(engine, server, content, answer, marks):
    header, old, new = marks
    first = answer(content[::-1], headers={header: old}, stop=2000)
    second = answer(headers={header: new})
    file = engine.remote(server.url(first, second), size=None)
    engine.fetch(file)
    assert engine.path.read_bytes() == content
    assert server.requests[1][1]["if-range"] == old


def test_file_that_changed_its_size_starts_over(engine, server, content, answer):
    url = server.url(answer(content + b"more", stop=2000), answer(), answer())
    file = engine.remote(url, size=None)
    assert engine.fetch(file).read_bytes() == content
    assert server.ranges == [None, "bytes=2000-", None]


def test_part_that_nothing_would_judge_is_not_resumed(engine, server, content):
    engine.begin(b"of unknown origin")
    assert engine.fetch(engine.remote(server.url(), size=None, checksums={})).read_bytes() == content
    assert server.ranges == [None]


def test_part_with_other_bytes_is_found_and_begun_again(engine, server, content):
    engine.begin(b"x" * 1000)
    assert engine.fetch(engine.remote(server.url())).read_bytes() == content
    assert server.ranges == ["bytes=1000-", None]


def test_part_that_is_complete_costs_no_request(engine, server, content):
    engine.begin(content)
    assert engine.fetch(engine.remote(server.url())).read_bytes() == content
    assert server.requests == []


def test_part_that_is_complete_without_a_known_size_is_recognised(engine, server, content):
    engine.begin(content)
    assert engine.fetch(engine.remote(server.url(), size=None)).read_bytes() == content
    assert server.ranges == [f"bytes={len(content)}-"]


def test_part_that_is_too_long_is_begun_again(engine, server, content):
    engine.begin(content + b"x")
    assert engine.fetch(engine.remote(server.url())).read_bytes() == content
    assert server.ranges == [None]


def test_body_in_another_encoding_is_not_decoded(engine, server, answer):
    packed = gzip.compress(b"weights" * 1000)
    file = engine.remote(
        server.url(answer(packed, headers={"Content-Encoding": "gzip"})),
        size=len(packed),
        checksums={"md5": hashlib.md5(packed).hexdigest()},
    )
    assert engine.fetch(file).read_bytes() == packed
