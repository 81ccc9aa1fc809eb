"""Records on disk come back as they were put, joined and in the order asked for."""

import gc

from scrapers.shelf import Records, Shelf

NAMES = [["key", "price", "note", "url"], ["key", "note", "area", "url"]]
OWN = frozenset({"key", "url"})


def shelf() -> Shelf:
    kept = Shelf(NAMES)
    kept.put(0, {"key": "a", "price": 1.5, "note": None, "url": "/a"})
    kept.put(1, {"key": "a", "note": "å\n", "area": True, "url": "/a/more"})
    kept.put(0, {"key": "b", "price": None, "note": "", "url": "/b"})
    return kept


def test_records_come_back_with_their_types() -> None:
    kept = shelf()
    assert [kept[at] for at in (2, 0)] == [
        {"key": "b", "price": None, "note": "", "url": "/b"},
        {"key": "a", "price": 1.5, "note": None, "url": "/a"},
    ]
    kept.put(1, {"key": "c", "note": "later", "area": None, "url": "/c"})
    assert (len(kept), kept[3]["note"]) == (4, "later")


def test_a_partner_fills_in_and_keeps_its_own_url() -> None:
    names = ["key", "price", "note", "area", "url"]
    records = Records(shelf(), names, OWN, [(0, 1), (2,)])
    assert records == [
        {"key": "a", "price": 1.5, "note": "å\n", "area": True, "url": "/a"},
        {"key": "b", "price": None, "note": "", "area": None, "url": "/b"},
    ]
    assert [list(record) for record in records] == [names, names]
    assert records[-1:] == [records[1]]


def test_records_outlive_the_name_of_their_shelf_and_close_it_with_them() -> None:
    records = Records(shelf(), NAMES[0], OWN, [(0,)])
    gc.collect()
    assert records[0]["price"] == 1.5
    del records
    gc.collect()  # an unclosed file would be a warning, and so an error here
