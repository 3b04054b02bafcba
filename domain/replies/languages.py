"""The languages that the recognisers read, in the order they are tried."""

from domain.replies.english import ENGLISH
from domain.replies.language import Language

LANGUAGES: tuple[Language, ...] = (ENGLISH,)
