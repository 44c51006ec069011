"""Bytes to values: whatever a file holds, the answer is a value or an error with a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops_rca.documents import json_lines, parse
from aiops_rca.domain.errors import InputError

DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        pytest.param("a.yaml", DEEP, "a.yaml line 1: nested too deeply", id="deep YAML"),
        pytest.param("a.json", DEEP, "a.json line 1: nested too deeply", id="deep JSON"),
        pytest.param(
            "a.json", b'{"a":\n' + b"1" * 5001 + b"}", "a.json line 2: a number of too", id="digits"
        ),
        pytest.param("a.yaml", b"a: 1\nb: " + b"1" * 5001, "a.yaml line 2: not YAML: not a value", id="int"),
        pytest.param("a.yaml", b"a: 1\nb: !!int ''", "a.yaml line 2: not YAML: not a value", id="tag"),
        pytest.param("a.yaml", b"a: 1\nb: !!timestamp x", "a.yaml line 2: not YAML: not a value", id="date"),
        pytest.param("a.json", b'{\n"a": "\xff"}', "a.json line 2: not UTF-8", id="bytes in JSON"),
        pytest.param("a.yaml", b"a: b\nc: \xff", "a.yaml line 2: not UTF-8", id="bytes in YAML"),
        pytest.param("a.yaml", b"a: b\nc: \x07", "a.yaml line 2: not YAML: control characters", id="bell"),
        pytest.param(
            "a.json", b'[{"a":1},{"a":1,\n\t"a" : 2}]', "a.json line 2: key 'a' stands", id="JSON key"
        ),
        pytest.param(
            "a.yaml", b"x:\n  - {a: 1}\n  - a: 1\n    a: 2", "a.yaml line 4: key 'a' st", id="YAML key"
        ),
        pytest.param("a.json", b"{\n", "a.json line 2: not JSON", id="JSON that ends"),
        pytest.param("a.json", b"", "a.json line 1: not JSON", id="no JSON"),
        pytest.param("a.yaml", b"a: [", "a.yaml line 2: not YAML", id="YAML that ends"),
        pytest.param("a.yaml", b"a: b\n---\nc: d", "a.yaml line 2: not YAML", id="two documents"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(name: str, data: bytes, said: str) -> None:
    """No parser's own exception gets out, and every message says where."""
    with pytest.raises(InputError) as caught:
        parse(data, name=name)

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{}\n\n{"a":1,"a":2}', "line 3: key 'a' stands twice"),
        (b"{}\n\xff", "line 2: not UTF-8"),
        (b"{}\n" + DEEP, "line 2: nested too deeply"),
        (b"1" * 5001, "line 1: a number of too many digits"),
        (b"{}\n{", "line 2: not JSON"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(data: bytes, said: str) -> None:
    """In JSON Lines the line is the file's, whatever is wrong with it."""
    with pytest.raises(InputError) as caught:
        list(json_lines(data))

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("written", ["2026-06-01", "2026-99-99", "2026-06-01T10:00:00Z"])
def test_dates_in_yaml_are_text(written: str) -> None:
    """What looks like a date stays as written, possible or not."""
    assert parse(f"version: {written}".encode(), name="a.yaml").content == {"version": written}


def test_yaml_merges_are_no_doubles() -> None:
    """A key that overrides one of a merged map stands once."""
    document = parse(b"a: &x {b: 1, c: 1}\nd: {<<: *x, b: 2}", name="a.yaml")

    assert document.content["d"] == {"b": 2, "c": 1}


@pytest.mark.parametrize(
    ("path", "line"), [("nodes[1].id", 4), ("nodes[1].kind", 3), ("nodes[9]", 2), ("x", 1), ("document", 1)]
)
@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_a_path_leads_to_a_line(name: str, path: str, line: int) -> None:
    """The line of the value, or of what lacks it; the same for JSON as for YAML."""
    document = parse(b'{"nodes":\n[{"id": "a"},\n {"id":\n "b", "x [y]": {"z": [1]}}], "e": {}}', name=name)

    assert document.located(InputError("bad", field=path)).field == f"{name} line {line}: {path}"


def read(data: bytes, name: str) -> str:
    """What becomes of *data*: `value`, or the place that the error names."""
    try:
        parse(data, name=name).line_of(["a", "0", "b"])
    except InputError as error:
        return str(error.field)
    return "value"


@given(st.binary(max_size=200), st.sampled_from(["a.json", "a.yaml"]))
def test_any_bytes_are_a_value_or_an_input_error(data: bytes, name: str) -> None:
    """Nothing else comes out, and any path leads to some line."""
    assert read(data, name).startswith(("value", f"{name} line "))


@given(st.text(alphabet="[]{}:,&*!<>?|-'\"#% \nab10~.", max_size=60))
def test_any_yaml_like_text_is_a_value_or_an_input_error(text: str) -> None:
    """Text made of YAML's own signs gets further into the parser than bytes do."""
    assert read(text.encode(), "a.yaml").startswith(("value", "a.yaml line "))
