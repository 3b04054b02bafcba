"""The languages that the recognisers read, in the order they are tried."""

from domain.replies.dutch import DUTCH
from domain.replies.english import ENGLISH
from domain.replies.french import FRENCH
from domain.replies.german import GERMAN
from domain.replies.italian import ITALIAN
from domain.replies.language import Language
from domain.replies.portuguese import PORTUGUESE
from domain.replies.spanish import SPANISH

LANGUAGES: tuple[Language, ...] = (ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH)
