"""What a campaign does about answers: for colleagues of who answered, and by itself (docs/behaviour.md 7.3, 7.6)."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Text
from schemas.document import Document

AutoCategory = Literal["STATUS", "SCHEDULING", "REMOVE"]


class OnReplyDoc(Document):
    """What a person's answer means for the campaign's other leads at the same company."""

    colleagues: Literal["none", "hold", "end"] = "none"


class AutoReplyDoc(Document):
    """What answers a reply of its category by itself. Without a subject it is "Re:" to the reply's own."""

    subject: Annotated[str, Field(min_length=1, max_length=998)] | None = None
    body: Annotated[Text, Field(min_length=1)]


AutoReplies = dict[AutoCategory, AutoReplyDoc]
