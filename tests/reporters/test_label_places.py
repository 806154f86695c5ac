"""Words in a drawing stand where nothing else is."""

from __future__ import annotations

from pytest_koderz.reporters.label_places import Box, FreeSpace, around, beside

WHOLE = Box(0, 0, 200, 100)


def test_words_stand_at_the_first_side_that_is_free() -> None:
    """Neither over a line, nor over a mark, nor over other words, nor outside of the drawing."""
    boxes = beside((100, 50), "word")
    room = FreeSpace(WHOLE)
    room.draw([(120, 0), (120, 100)])
    room.taken += [around((80, 50)), around((140, 50))]
    assert room.take(boxes.values()) == boxes["above"]
    assert room.take(boxes.values()) == boxes["below"]
    assert room.take(boxes.values()) is None


def test_what_leaves_the_drawing_is_not_free() -> None:
    """At its left edge words stand right of a mark, at its upper edge beneath it."""
    for place, sides, side in (((0, 50), ("left", "right"), "right"), ((100, 0), ("above", "below"), "below")):
        boxes = beside(place, "word")
        assert FreeSpace(WHOLE).take(boxes[each] for each in sides) == boxes[side]


def test_a_slanted_line_is_in_the_way_between_its_ends() -> None:
    """Each few pixels of it."""
    room = FreeSpace(WHOLE)
    room.draw([(0, 0), (200, 100)])
    assert room.take([Box(90, 42, 110, 58)]) is None
    assert room.take([Box(90, 60, 110, 76)]) is not None
