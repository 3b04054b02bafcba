"""CSV of leads: columns by header, each row's fault told, a good row never lost to a bad neighbour."""

from pathlib import Path

import pytest

from api.errors import UserError
from api.leads_file import lead_id_of, read_leads, valid_address

SECRET = b"s" * 32


def hashed(email: str) -> str:
    return lead_id_of(SECRET, email)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "leads.csv"
    path.write_bytes(text.encode("utf-8"))
    return path


def test_columns_are_found_by_their_usual_names_and_others_become_attributes(tmp_path: Path) -> None:
    path = written(tmp_path, "E-Mail,Prénom,Surname,Company name,Rooms\nZoe@Hôtel.example,Zoé,O'Brien,Deux Rives,84\n")
    (row,) = read_leads(path, hashed).rows
    assert row.lead.email == "zoe@xn--htel-vqa.example"
    assert (row.lead.first_name, row.lead.last_name, row.lead.company) == ("Zoé", "O'Brien", "Deux Rives")
    assert row.lead.attributes == {"rooms": "84"}
    assert row.line == 2


def test_without_a_lead_id_the_addresss_keyed_hash_stands_in_and_is_the_same_again(tmp_path: Path) -> None:
    (row,) = read_leads(written(tmp_path, "email\nann@x.example\n"), hashed).rows
    (again,) = read_leads(written(tmp_path, "email\n ANN@X.example \n"), hashed).rows
    assert row.lead_id == again.lead_id == hashed("ann@x.example")
    assert "ann" not in row.lead_id
    assert lead_id_of(b"t" * 32, "ann@x.example") != row.lead_id


def test_each_bad_row_is_told_with_its_line_and_the_good_ones_stay(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "lead_id,email,first_name\n"
        "1,ann@x.example,Ann\n"
        "2,,Bob\n"
        "3,not an address,Cy\n"
        "4,ANN@x.example,Ann again\n"
        "1,other@x.example,Same id\n"
        "5,eve@x.example\n"
        f"{'6' * 201},fay@x.example,Fay\n"
        "7,gus@x.example,Gus\n",
    )
    found = read_leads(path, hashed)
    assert [row.lead_id for row in found.rows] == ["1", "7"]
    assert [(fault.line, fault.code) for fault in found.faults] == [
        (3, "no_email"),
        (4, "invalid_email"),
        (5, "duplicate_address"),
        (6, "duplicate_lead"),
        (7, "columns"),
        (8, "invalid_lead_id"),
    ]


@pytest.mark.parametrize("text", ["email;first_name\na@x.example;Ann\n", "email\tfirst_name\na@x.example\tAnn\n"])
def test_semicolons_and_tabs_are_taken_too(tmp_path: Path, text: str) -> None:
    (row,) = read_leads(written(tmp_path, text), hashed).rows
    assert row.lead.first_name == "Ann"


def test_a_quoted_cell_may_have_lines_and_a_byte_order_mark_is_no_column(tmp_path: Path) -> None:
    path = written(tmp_path, '\ufeffemail,company\na@x.example,"Two\nlines, one ""name"""\nb@x.example,B\n')
    found = read_leads(path, hashed)
    assert [row.lead.company for row in found.rows] == ['Two\nlines, one "name"', "B"]
    assert [row.line for row in found.rows] == [3, 4]


def test_a_mapping_names_the_column_that_no_alias_knows(tmp_path: Path) -> None:
    path = written(tmp_path, "Adresse,Zimmer\na@x.example,12\n")
    with pytest.raises(UserError, match="--map"):
        read_leads(path, hashed)
    (row,) = read_leads(path, hashed, {"Adresse": "email", "Zimmer": "rooms"}).rows
    assert (row.lead.email, row.lead.attributes) == ("a@x.example", {"rooms": "12"})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"email\n\xff\xfe\n", "UTF-8"),
        (b'email\n"open\n', "not CSV"),
        (b"email,email\na,b\n", "two columns"),
        (b"", "header"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=told):
        read_leads(path, hashed)
    with pytest.raises(UserError, match="No such file"):
        read_leads(tmp_path / "none.csv", hashed)


@pytest.mark.parametrize("address", ["a@b.example", "o'hara+x@sub.b.example", "a@xn--htel-vqa.example"])
def test_ordinary_addresses_are_valid(address: str) -> None:
    assert valid_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "a@b",
        "a@@b.example",
        "a b@c.example",
        "a@b.example\nbcc:x@y.example",
        "<a@b.example>",
        "a@-b.example",
        f"{'a' * 65}@b.example",
    ],
)
def test_what_cannot_stand_in_an_envelope_is_invalid(address: str) -> None:
    assert not valid_address(address)


def test_a_campaign_that_sends_no_emails_needs_no_addresses_but_something_to_know_its_leads_by(tmp_path: Path) -> None:
    path = written(
        tmp_path, "id,phone,mail,name\n,+4917012345,,Ann\n7,,,Bo\n,,,Cy\n8,,no address,Di\n9,,e@x.example,Eve\n"
    )
    found = read_leads(path, hashed, needs_email=False)
    assert [row.lead_id for row in found.rows] == [hashed("+4917012345"), "7", "9"]
    assert [row.lead.email for row in found.rows] == [None, None, "e@x.example"]
    assert [(fault.line, fault.code) for fault in found.faults] == [(4, "no_lead_id"), (5, "invalid_email")]
    assert {fault.code for fault in read_leads(path, hashed).faults} == {"no_email", "invalid_email"}
    only_phones = written(tmp_path, "phone\n+4917012345\n")
    assert len(read_leads(only_phones, hashed, needs_email=False).rows) == 1
    with pytest.raises(UserError, match="no column with addresses; "):
        read_leads(only_phones, hashed)
    with pytest.raises(UserError, match="no column with addresses, phone numbers or lead ids"):
        read_leads(written(tmp_path, "name\nAnn\n"), hashed, needs_email=False)
