"""The XML of pushes: what is read, and all that XML can do and must not do here."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.pushkit import APPID, NOON, TICKET, encrypt, framed, inner, outer, padded, push, query, refused, xml
from support.pushkit import receiver as make

from wxrevenue import Ticket
from wxrevenue.push._component.xml import read_fields
from wxrevenue.push._reply import RefusedError

RECEIVER = make()
BODY = push()[1]
PARAMETERS = push()[0]
ENCRYPTED = read_fields(BODY, {"Encrypt"})["Encrypt"]


def both(document: bytes) -> list[str]:
    """Return why a document is refused as a push's body, and as its signed content."""
    return [refused(RECEIVER.handle, (PARAMETERS, document)), refused(RECEIVER.handle, push(document))]


def declared(head: bytes) -> tuple[bytes, bytes]:
    """Return a body and a content that would be good without this head."""
    return head + BODY, head + inner()


# -- what is read ----------------------------------------------------------------------------------


def test_fields_are_read() -> None:
    """The text of the wanted elements below the root is read, CDATA or not.

    Other elements give no text.
    """
    document = b"<xml>\n <A>1</A><B><![CDATA[<2>&]]></B><C>&lt;&#51;&gt;</C><D><E>4</E></D><F/>\n</xml>"
    assert read_fields(document, {"A", "B", "C", "F", "G"}) == {"A": "1", "B": "<2>&", "C": "<3>", "F": ""}
    assert read_fields('<?xml version="1.0" encoding="UTF-8"?><xml><A>汉</A></xml>'.encode(), {"A"}) == {"A": "汉"}


def test_text_in_pieces_is_one_text() -> None:
    """X-07: text that is split into CDATA sections is one string.

    Every other reader takes it so.
    """
    split = ENCRYPTED[:5] + "<![CDATA[" + ENCRYPTED[5:9] + "]]><![CDATA[" + ENCRYPTED[9:] + "]]>"
    assert RECEIVER.handle(PARAMETERS, xml(Encrypt=split)).event == Ticket(TICKET, NOON)


def test_unknown_elements_are_passed_over() -> None:
    """Unknown elements are ignored, nested or repeated, as WeChat may add some."""
    content = inner(New="1", List="<item>1</item><item>2</item>").replace(b"</xml>", b"<New>2</New></xml>")
    assert RECEIVER.handle(*push(content)).event == Ticket(TICKET, NOON)


# -- DOCTYPE ---------------------------------------------------------------------------------------

_LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
DOCTYPES = {
    "X-01 billion laughs": f'<!DOCTYPE xml [<!ENTITY a0 "ha">{_LAUGHS}]><xml><Encrypt>&a8;</Encrypt></xml>',
    "X-01 quadratic": f'<!DOCTYPE xml [<!ENTITY a "{"a" * 9000}">]><xml><Encrypt>{"&a;" * 9000}</Encrypt></xml>',
    "X-02 two levels": '<!DOCTYPE xml [<!ENTITY a "1"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>',
    "X-02 parameter entity": "<!DOCTYPE xml [<!ENTITY % a \"<!ENTITY b '1'>\">%a;]><xml><Encrypt>&b;</Encrypt></xml>",
    "X-02 default attribute": '<!DOCTYPE xml [<!ATTLIST xml a CDATA "1">]><xml><Encrypt>1</Encrypt></xml>',
    "X-03 external entity": '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/hostname">]><xml><Encrypt>&a;</Encrypt></xml>',
    "X-03 external document type": '<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/a.dtd"><xml><Encrypt>1</Encrypt></xml>',
    "X-03 public document type": '<!DOCTYPE xml PUBLIC "-//A//B" "http://127.0.0.1:1/a.dtd"><xml/>',
    "nothing but a document type": "<!DOCTYPE xml><xml><Encrypt>1</Encrypt></xml>",
}


@pytest.mark.parametrize("document", DOCTYPES.values(), ids=DOCTYPES)
def test_every_doctype_is_refused(document: str) -> None:
    """X-01 to X-03: a document type declaration of any kind is refused at its start.

    No entity is defined, expanded or fetched.
    """
    assert both(document.encode()) == ["a DOCTYPE, a comment or a processing instruction"] * 2


def test_undefined_entities_are_refused() -> None:
    """X-03: an entity without a definition is refused, too."""
    both(b"<xml><Encrypt>&a;</Encrypt></xml>")


@pytest.mark.parametrize("extra", [b"<!-- -->", b"<?php ?>"])
@pytest.mark.parametrize("at", [b"<xml>", b"</xml>"])
def test_comments_and_instructions_are_refused(extra: bytes, at: bytes) -> None:
    """Comments and processing instructions are refused.

    Readers treat them differently.
    """
    refused(RECEIVER.handle, (PARAMETERS, BODY.replace(at, extra + at)))
    refused(RECEIVER.handle, push(inner().replace(at, extra + at)))


# -- size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [9, 200, 200_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    """X-04: a document is refused at its ninth level, however many there are."""
    with pytest.raises(RefusedError, match="too deep"):
        read_fields(b"<a>" * depth + b"</a>" * depth, {"Encrypt"})
    refused(RECEIVER.handle, (PARAMETERS, b"<a>" * depth + b"</a>" * depth))
    assert read_fields(b"<a>" * 8 + b"</a>" * 8, {"Encrypt"}) == {}


@pytest.mark.parametrize("body", [b"<xml><Encrypt>" + b"A" * 20_000_000, b"<" * 65_537, b" " * 65_537], ids=["20 MB", "open", "blank"])
def test_large_bodies_are_refused_unread(body: bytes) -> None:
    """X-05: a body above 64 KiB is refused before it is parsed."""
    assert refused(RECEIVER.handle, (PARAMETERS, body)) == "the body is larger than 64 KiB"


@pytest.mark.parametrize("body", [b"<xml><Encrypt>" + b"A" * 65_000, b"<a " * 20_000, b"<" + b"a" * 65_000], ids=["text", "tags", "name"])
def test_unclosed_bodies_are_refused(body: bytes) -> None:
    """X-05: a document without an end is refused."""
    assert refused(RECEIVER.handle, (PARAMETERS, body))


def test_the_largest_body_is_read() -> None:
    """X-05: 64 KiB, many times what a push has, are taken."""
    room = 65_536 - len(BODY)
    assert RECEIVER.handle(PARAMETERS, BODY + b" " * room).is_success
    assert refused(RECEIVER.handle, (PARAMETERS, BODY + b" " * (room + 1)))


# -- encodings -------------------------------------------------------------------------------------

HEADS = {
    "a declaration of another encoding": b'<?xml version="1.0" encoding="gbk"?>',
    "a declaration of UTF-16": b'<?xml version="1.0" encoding="UTF-16"?>',
    "a declaration of ASCII": b'<?xml version="1.0" encoding="us-ascii"?>',
    "a byte order mark": b"\xef\xbb\xbf",
    "a blank before the declaration": b' <?xml version="1.0"?>',
    "NUL": b"\0",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_heads_that_are_refused(head: bytes) -> None:
    """X-06: anything before the first element is refused.

    Examples are a byte order mark and a declared encoding other than UTF-8.
    """
    body, content = declared(head)
    refused(RECEIVER.handle, (PARAMETERS, body))
    refused(RECEIVER.handle, push(content))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_other_encodings_are_refused(encoding: str) -> None:
    """X-06: every encoding but UTF-8 is refused, declared or not."""
    refused(RECEIVER.handle, (PARAMETERS, BODY.decode().encode(encoding)))
    refused(RECEIVER.handle, push(inner().decode().encode(encoding)))


@pytest.mark.parametrize("raw", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe6\xb1", b"\0", b"\x0b", b"\xef\xbf\xbe"])
def test_bytes_that_are_no_text(raw: bytes) -> None:
    """X-06: bytes that are no text are refused wherever they stand.

    Such bytes are no UTF-8, overlong forms, half surrogates, NUL or control characters.
    """
    refused(RECEIVER.handle, (PARAMETERS, BODY.replace(b"</xml>", b"<A>" + raw + b"</A></xml>")))
    refused(RECEIVER.handle, push(inner().replace(b"</xml>", b"<A>" + raw + b"</A></xml>")))


@pytest.mark.parametrize("head", [b"", b'<?xml version="1.0"?>', b'<?xml version="1.0" encoding="utf-8"?>\n', b"\n"])
def test_heads_that_are_taken(head: bytes) -> None:
    """A document without a declaration, or with one of UTF-8, is taken."""
    body, content = declared(head)
    assert RECEIVER.handle(PARAMETERS, body).event == Ticket(TICKET, NOON)
    assert RECEIVER.handle(*push(content)).event == Ticket(TICKET, NOON)


# -- elements --------------------------------------------------------------------------------------

ONE = f"<Encrypt>{ENCRYPTED}</Encrypt>"
BODIES = {
    "twice": f"<xml>{ONE}{ONE}</xml>",
    "twice, once empty": f"<xml>{ONE}<Encrypt/></xml>",
    "nested": f"<xml><A>{ONE}</A></xml>",
    "nested and right": f"<xml><A>{ONE}</A>{ONE}</xml>",
    "in itself": f"<xml><Encrypt>{ONE}</Encrypt></xml>",
    "with an element inside": f"<xml><Encrypt>{ENCRYPTED}<A/></Encrypt></xml>",
    "the root": ONE,
    "two roots": f"<xml>{ONE}</xml><xml>{ONE}</xml>",
    "text behind the root": f"<xml>{ONE}</xml>x",
    "never closed": f"<xml>{ONE}",
    "crossed": f"<xml><A>{ONE}</xml></A>",
    "another case": f"<xml>{ONE.replace('Encrypt', 'encrypt')}</xml>",
    "another name space": f'<xml xmlns:a="b">{ONE.replace("Encrypt", "a:Encrypt")}</xml>',
    "missing": "<xml></xml>",
    "empty": "<xml><Encrypt></Encrypt></xml>",
    "with a blank": f"<xml><Encrypt> {ENCRYPTED}</Encrypt></xml>",
    "no XML": "success",
    "JSON": '{"Encrypt":"x"}',
    "nothing": "",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bodies_that_are_refused(body: str) -> None:
    """X-07: the encrypted element must stand once, right below the one root.

    What two readers could read in two ways is refused.
    """
    refused(RECEIVER.handle, (PARAMETERS, body.encode()))


@pytest.mark.parametrize("name", ["AppId", "CreateTime", "InfoType", "ComponentVerifyTicket"])
def test_fields_that_come_twice_are_refused(name: str) -> None:
    """X-07: a wanted element that comes twice in the content is refused."""
    field = {"AppId": APPID, "CreateTime": NOON, "InfoType": "component_verify_ticket", "ComponentVerifyTicket": TICKET}[name]
    again = f"<{name}>{field}</{name}>".encode()
    assert "twice" in refused(RECEIVER.handle, push(inner().replace(b"</xml>", again + b"</xml>")))
    assert "place" in refused(RECEIVER.handle, push(inner().replace(b"</xml>", b"<A>" + again + b"</A></xml>")))


@pytest.mark.parametrize("document", [b"<xml><A><B>1</B></A></xml>", b"<B>1</B>", b"<B><A/></B>"])
def test_fields_out_of_place_are_refused(document: bytes) -> None:
    """X-07: a wanted element elsewhere than right below the root is refused.

    It is not skipped like an unknown one.
    """
    with pytest.raises(RefusedError, match="out of place"):
        read_fields(document, {"B"})


# -- anything --------------------------------------------------------------------------------------

_TAGS = ["<xml>", "</xml>", "<Encrypt>", "</Encrypt>", "<Encrypt/>", "<AppId>", "</AppId>", '<a b="', '">', "<CreateTime>1</CreateTime>"]
_SIGNS = ["<![CDATA[", "]]>", "<!DOCTYPE a>", "<!--", "-->", "<?xml?>", "&a;", "&#0;", "&lt;", "a", " ", "\0", "汉", ENCRYPTED, APPID]
_PIECES = st.sampled_from(_TAGS + _SIGNS)
_DOCUMENTS = st.one_of(st.binary(max_size=200), st.lists(_PIECES, max_size=12).map(lambda pieces: "".join(pieces).encode()))
_QUERIES = st.one_of(st.text(max_size=80), st.binary(max_size=80), st.just(PARAMETERS), st.just(PARAMETERS.encode()))


@pytest.mark.slow("soaks the receiver in random pushes")
@given(parameters=_QUERIES, body=_DOCUMENTS)
@example(parameters=PARAMETERS, body=BODY)
def test_any_push_gets_a_reply(parameters: str | bytes, body: bytes) -> None:
    """X-06, X-07: any push gets a reply; no exception is raised.

    The reply is the one refusal, unless the push is the one good push.
    """
    reply = RECEIVER.handle(parameters, body)
    if reply.is_success:
        assert reply.event == Ticket(TICKET, NOON)
    else:
        assert refused(RECEIVER.handle, (parameters, body))


@given(content=_DOCUMENTS)
@example(content=inner(CreateTime="0"))
@example(content=inner(CreateTime="9" * 12))
@example(content=inner(CreateTime="\u0661\u0667"))
def test_any_signed_content_gets_a_reply(content: bytes) -> None:
    """X-06, X-07: any content that is signed and sealed gets a reply."""
    pushed = outer(encrypt(padded(framed(content))))
    reply = RECEIVER.handle(*pushed)
    assert reply.is_success or refused(RECEIVER.handle, pushed)


@given(st.dictionaries(st.sampled_from(["timestamp", "nonce", "msg_signature", "encrypt_type", "signature"]), st.text(max_size=70)))
def test_any_parameters_get_a_reply(changed: dict[str, str]) -> None:
    """X-06, X-08: a push with any parameters gets a reply.

    The push is taken when the parameters are those that were signed.
    """
    pushed = query(ENCRYPTED, **changed), BODY
    reply = RECEIVER.handle(*pushed)
    assert reply.is_success or refused(RECEIVER.handle, pushed)
