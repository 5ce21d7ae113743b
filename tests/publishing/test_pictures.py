"""Pictures of articles over real HTTP: their sizes, and the copies that an operator asks for."""

from __future__ import annotations

import io
import zlib
from datetime import timedelta
from pathlib import Path

import PIL.Image
import pytest

from newsletter.collect.images import MOST_BYTES, make_copy, parse_picture
from newsletter.errors import NotFoundError, ParseError
from newsletter.publishing.pictures import AT_ONCE, get_copy
from newsletter.store import articles
from newsletter.store.models import Article
from tests.support.feed_server import FeedServer
from tests.support.publishing_builders import DAY, NOW, Desk

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='30' height='20'></svg>"


def make_picture(
    kind: str, size: tuple[int, int] = (300, 200), mode: str = "RGB", **options: object
) -> bytes:
    out = io.BytesIO()
    PIL.Image.new(mode, size, "teal" if mode != "P" else 0).save(out, kind, **options)
    return out.getvalue()


def make_noise(size: tuple[int, int], kind: str) -> bytes:
    """Nothing is harder to pack."""
    out = io.BytesIO()
    PIL.Image.effect_noise(size, 120).convert("RGB").save(out, kind)
    return out.getvalue()


def make_bomb(side: int = 50_000) -> bytes:
    """A PNG of a few bytes that says it has 2.5 thousand million pixels."""
    small = make_picture("PNG", (1, 1))
    head = small[12:16] + side.to_bytes(4) * 2 + small[24:29]
    return small[:12] + head + zlib.crc32(head).to_bytes(4) + small[33:]


def serve_feed(server: FeedServer, *pictures: str, path: str = "/feed.xml") -> str:
    items = "".join(
        f"<item><title>Harbour report {number} {path}</title><link>https://post.example{path}/{number}</link>"
        f"<description>All of it.</description><media:content url='{url}' medium='image'/></item>"
        for number, url in enumerate(pictures)
    )
    head = "<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'><channel><title>T</title>"
    return server.serve(path, f"{head}{items}</channel></rss>".encode())


def collect(desk: Desk, *pictures: str, now: timedelta = timedelta(), most: int = 200) -> list[Article]:
    """Collect a feed with those pictures; its articles in the feed's order."""
    assert desk.feeds
    desk.settings = desk.settings.model_copy(update={"images_per_run": most})
    url = serve_feed(desk.feeds, *pictures)
    if not list_rows(desk):
        desk.add_source(url)
    desk.collect(NOW + now)
    return list_rows(desk)


def list_rows(desk: Desk) -> list[Article]:
    with desk.database.read() as session:
        return sorted(session.query(Article).all(), key=lambda row: row.title)


def size_of(row: Article) -> tuple[int | None, int | None]:
    return row.image_width, row.image_height


def asked(desk: Desk, path: str) -> int:
    assert desk.feeds
    return sum(seen.path == path for seen in desk.feeds.seen)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_size_and_type_are_read_from_the_first_bytes(kind: str) -> None:
    picture = parse_picture(make_picture(kind)[:200] if kind == "PNG" else make_picture(kind)[:700])

    assert (picture.width, picture.height, picture.format) == (300, 200, kind)


def test_a_picture_that_is_to_be_turned_has_its_size_as_shown() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    turned = make_picture("JPEG", exif=exif)

    assert (parse_picture(turned).width, parse_picture(turned).height) == (200, 300)
    assert parse_picture(make_copy(turned).data).height == 300


def test_a_picture_of_more_pixels_than_a_camera_has_is_not_read() -> None:
    for read in (parse_picture, make_copy):
        with pytest.raises(ParseError, match="a picture of 8000 by 8000 pixels is not read"):
            read(make_bomb(8000))


@pytest.mark.parametrize("kind", ["MPO", "JPEG"])
def test_a_camera_may_put_two_pictures_into_one_file(kind: str) -> None:
    assert (parse_picture(make_picture(kind)).width, make_copy(make_picture(kind)).suffix) == (300, "jpg")


def test_what_is_no_picture_is_said_in_plain_words() -> None:
    with pytest.raises(
        ParseError, match="not a picture that can be read: it is none of JPEG, PNG, GIF, WEBP, BMP"
    ):
        parse_picture(b"<html>not a picture</html>")


@pytest.mark.parametrize("data", [b"", b"<html>not a picture</html>", SVG, make_bomb(), b"\x89PNG\r\n\x1a\n"])
def test_what_has_no_size_or_far_too_much_of_it_is_an_error(data: bytes) -> None:
    for read in (parse_picture, make_copy):
        with pytest.raises(ParseError):
            read(data)


@pytest.mark.parametrize("cut", [300, 3000])
def test_a_damaged_picture_gives_no_copy(cut: int) -> None:
    with pytest.raises(ParseError):
        make_copy(make_noise((100, 100), "PNG")[:cut])


@pytest.mark.parametrize(
    ("data", "suffix", "size"),
    [
        (make_picture("PNG", (2400, 1200)), "png", (1200, 600)),
        (make_picture("GIF", (60, 40), "P"), "png", (60, 40)),
        (make_picture("JPEG", (3000, 1000)), "jpg", (1200, 400)),
        (make_picture("WEBP", (300, 200)), "jpg", (300, 200)),
        (make_picture("PNG", (300, 200), "RGBA"), "png", (300, 200)),
        (make_picture("JPEG", (300, 200), "CMYK"), "jpg", (300, 200)),
    ],
)
def test_a_copy_is_of_a_kind_that_every_client_shows(data: bytes, suffix: str, size: tuple[int, int]) -> None:
    copy = make_copy(data)
    picture = parse_picture(copy.data)

    assert copy.suffix == suffix
    assert (picture.width, picture.height) == size
    assert picture.format == {"png": "PNG", "jpg": "JPEG"}[suffix]


def test_a_copy_is_light_however_rich_the_picture() -> None:
    for data in (make_noise((1300, 900), "PNG"), make_noise((1300, 900), "JPEG")):
        copy = make_copy(data)
        assert len(copy.data) <= MOST_BYTES
        assert parse_picture(copy.data).format == "JPEG"


def test_a_clear_picture_too_heavy_for_png_stands_on_white() -> None:
    noise = PIL.Image.effect_noise((900, 900), 120).convert("RGBA")
    noise.putalpha(PIL.Image.linear_gradient("L").resize((900, 900)))
    out = io.BytesIO()
    noise.save(out, "PNG")
    copy = make_copy(out.getvalue())

    with PIL.Image.open(io.BytesIO(copy.data)) as image:
        top = image.convert("L").crop((0, 0, image.width, 1)).tobytes()
        assert min(top) > 200


def test_each_picture_is_asked_for_once_whatever_comes_of_it(collecting_desk: Desk) -> None:
    server = collecting_desk.feeds
    assert server
    pictures = [
        server.serve("/a.png", make_picture("PNG")),
        server.serve("/b.jpg", make_picture("JPEG", (640, 480))),
        server.serve("/c.gif", make_picture("GIF", (20, 10), "P")),
        server.serve("/d.svg", SVG, headers={"Content-Type": "image/svg+xml"}),
        server.serve("/e.png", b"<!DOCTYPE html><html><body>Not here</body></html>"),
        server.serve("/f.png", make_bomb()),
        server.url("/gone.png"),
    ]
    rows = collect(collecting_desk, *pictures)
    collect(collecting_desk, *pictures, now=DAY)

    assert [size_of(row) for row in rows] == [(300, 200), (640, 480), (20, 10), *[(None, None)] * 4]
    assert [row.image for row in rows] == pictures
    assert all(row.image_asked_at == NOW for row in list_rows(collecting_desk))
    assert {asked(collecting_desk, path) for path in ("/a.png", "/d.svg", "/f.png", "/gone.png")} == {1}
    assert not any(row.image_copy for row in rows)


def test_a_run_asks_for_so_many_pictures_the_newest_first(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    pictures = [collecting_desk.feeds.serve(f"/{name}.png", make_picture("PNG")) for name in "abc"]

    for run, most, sizes in ((0, 0, 0), (1, 2, 2), (2, 2, 3)):
        rows = collect(collecting_desk, *pictures, now=run * DAY, most=most)
        assert sum(row.image_width is not None for row in rows) == sizes
    assert [row.image_asked_at for row in rows] == [NOW + 2 * DAY, NOW + DAY, NOW + DAY]


def test_a_new_picture_of_an_article_is_asked_for_anew(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    first = collecting_desk.feeds.serve("/a.png", make_picture("PNG"))
    second = collecting_desk.feeds.serve("/b.png", make_picture("PNG", (50, 40)))

    assert size_of(collect(collecting_desk, first)[0]) == (300, 200)
    assert size_of(collect(collecting_desk, second, now=DAY)[0]) == (50, 40)
    assert size_of(collect(collecting_desk, collecting_desk.feeds.url("/gone"), now=2 * DAY)[0]) == (
        None,
        None,
    )


def test_no_more_of_a_picture_is_read_than_its_beginning(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    url = collecting_desk.feeds.serve("/a.png", make_picture("PNG") + bytes(70_000), endless=True)

    assert size_of(collect(collecting_desk, url)[0]) == (300, 200)
    assert collecting_desk.feeds.seen[-1].headers["range"] == "bytes=0-65535"


def test_a_picture_leads_to_this_machine_only_where_its_source_does(collecting_desk: Desk) -> None:
    assert collecting_desk.feeds
    collecting_desk.feeds.serve("/a.png", make_picture("PNG"))
    elsewhere = collecting_desk.feeds.url("/a.png", host="localhost")

    assert size_of(collect(collecting_desk, elsewhere)[0]) == (None, None)
    assert asked(collecting_desk, "/a.png") == 0


def test_a_host_that_cannot_be_reached_is_left_for_the_next_run(collecting_desk: Desk) -> None:
    pictures = [f"http://10.0.0.1/{number}.png" for number in range(AT_ONCE + 2)]
    rows = collect(collecting_desk, *pictures)

    assert sum(row.image_asked_at is None for row in rows) == 2


def test_a_copy_takes_the_place_of_the_picture(collecting_desk: Desk, tmp_path: Path) -> None:
    assert collecting_desk.feeds
    folder = tmp_path / "copies"
    collecting_desk.settings = collecting_desk.settings.model_copy(update={"image_copies": folder})
    url = collecting_desk.feeds.serve("/a.png", make_picture("PNG", (2400, 1200)))
    svg = collecting_desk.feeds.serve("/b.svg", SVG)
    row, kept = collect(collecting_desk, url, svg)
    with collecting_desk.database.read() as session:
        shown, as_it_is = articles.load_articles(session, [row.id, kept.id], "https://news.example")

    assert [path.name for path in folder.iterdir()] == [row.image_copy]
    assert shown.image == f"https://news.example/archive/images/{row.image_copy}"
    assert (shown.image_width, shown.image_height) == (2400, 1200)
    assert as_it_is.image == svg
    path = get_copy(collecting_desk.settings, str(row.image_copy))
    assert parse_picture(path.read_bytes()).width == 1200


def test_nothing_but_a_copy_is_given(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / ("0" * 32 + ".png")).write_bytes(b"x")
    given = desk.settings.model_copy(update={"image_copies": tmp_path})

    assert get_copy(given, "0" * 32 + ".png").is_file()
    for settings, name in (
        (given, "secret.png"),
        (given, "../secret.png"),
        (given, "1" * 32 + ".png"),
        (desk.settings, "0" * 32 + ".png"),
    ):
        with pytest.raises(NotFoundError):
            get_copy(settings, name)
