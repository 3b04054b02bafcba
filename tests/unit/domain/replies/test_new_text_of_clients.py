"""New text apart from history in seven languages and in the habits of many programs, and what only looks like history."""

import pytest

from domain.replies.html_text import html_to_text
from domain.replies.mime import parse_mail
from domain.replies.quotes import separate

ATTRIBUTIONS = [
    "On Mon, Mar 2, 2026 at 9:00 AM Anna Berg via Touchline <anna@sender.example> wrote:",
    "On 02/03/2026 09:00, Anna Berg wrote:",
    "On Monday, March 2nd, 2026 at 9:00 AM, Anna Berg <anna@sender.example> wrote:",
    "Am Mo., 2. März 2026 um 09:00 Uhr schrieb Anna Berg <anna@sender.example>:",
    "Am 02.03.2026 um 09:00 schrieb Anna Berg:",
    "Anna Berg <anna@sender.example> schrieb am Mo., 2. März 2026, 09:00:",
    "Le lun. 2 mars 2026 à 09:00, Anna Berg <anna@sender.example> a écrit :",
    "Le 02/03/2026 à 09:00, Anna Berg a écrit\u00a0:",
    "El lun, 2 mar 2026 a las 9:00, Anna Berg (<anna@sender.example>) escribió:",
    "El 2/3/26 a las 9:00, Anna Berg escribió:",
    "Il giorno lun 2 mar 2026 alle ore 09:00 Anna Berg <anna@sender.example> ha scritto:",
    "Il 02/03/2026 09:00, Anna Berg ha scritto:",
    "Em seg., 2 de mar. de 2026 às 09:00, Anna Berg <anna@sender.example> escreveu:",
    "No dia 2 de mar. de 2026, às 09:00, Anna Berg <anna@sender.example> escreveu:",
    "Op ma 2 mrt 2026 om 09:00 schreef Anna Berg <anna@sender.example>:",
    "Op 02-03-2026 om 09:00 schreef Anna Berg:",
    "Den mån 2 mars 2026 kl 09:00 skrev Anna Berg <anna@sender.example>:",
    "pon., 2 mar 2026 o 09:00 Anna Berg <anna@sender.example> napisał(a):",
    "пн, 2 мар. 2026 г. в 09:00, Anna Berg <anna@sender.example>:",
    "2026年3月2日(月) 9:00 Anna Berg <anna@sender.example>:",
    "* Anna Berg <anna@sender.example> [2026-03-02 09:00]:",
]
DIVIDERS = [
    "-----Original Message-----", "-------- Original message --------", "---------- Forwarded message ---------",
    "-----Ursprüngliche Nachricht-----",
    "-------- Ursprüngliche Nachricht --------", "-----Message d'origine-----", "-------- Message d’origine --------",
    "-----Mensaje original-----", "-----Messaggio originale-----",
    "-----Mensagem original-----", "-----Oorspronkelijk bericht-----", "Begin forwarded message:",
    "Anfang der weitergeleiteten Nachricht:", "Début du message réexpédié :",
    "Inicio del mensaje reenviado:", "Inizio messaggio inoltrato:", "Início da mensagem reencaminhada:",
    "Begin doorgestuurd bericht:",
    "##- Please type your reply above this line -##", "--- Bitte antworten Sie über dieser Zeile ---",
    "##- Veuillez saisir votre réponse au-dessus de cette ligne -##",
]  # fmt: skip
BLOCKS = [
    "From: Anna Berg <anna@sender.example>\nSent: Monday, March 2, 2026 9:00 AM\nTo: Per\nSubject: Hi",
    "*From:* Anna Berg <anna@sender.example>\n*Date:* Monday\n*To:* Per\n*Subject:* Hi",
    "Von: Anna Berg <anna@sender.example>\nGesendet: Montag, 2. März 2026 09:00\nAn: Per\nBetreff: Hi",
    "De : Anna Berg <anna@sender.example>\nEnvoyé : lundi 2 mars 2026 09:00\nÀ : Per\nObjet : Hi",
    "De: Anna Berg\nEnviado el: lunes, 2 de marzo de 2026 9:00\nPara: Per\nAsunto: Hi",
    "Da: Anna Berg\nInviato: lunedì 2 marzo 2026 09:00\nA: Per\nOggetto: Hi",
    "De: Anna Berg\nEnviada em: segunda-feira, 2 de março de 2026 09:00\nPara: Per\nAssunto: Hi",
    "Van: Anna Berg\nVerzonden: maandag 2 maart 2026 09:00\nAan: Per\nOnderwerp: Hi",
    "Från: Anna Berg\nSkickat: den 2 mars 2026\nTill: Per\nÄmne: Hi",
    "发件人: Anna Berg\n发送时间: 2026年3月2日\n收件人: Per\n主题: Hi",
]
SIGNED = [
    "Sent from my iPhone", "Get Outlook for Android", "Sent from Mail for Windows", "Von meinem iPhone gesendet",
    "Envoyé de mon iPhone", "Enviado desde mi iPhone", "Inviato da iPhone",
    "Enviado do meu iPhone", "Verstuurd vanaf mijn iPhone", "Sent from Yahoo Mail on Android",
    "Holen Sie sich Outlook für iOS", "Télécharger Outlook pour iOS",
]  # fmt: skip
DISCLAIMERS = [
    "This e-mail and its attachments are confidential and intended solely for the addressee.",
    "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Empfänger sind, löschen Sie sie.",
    "Ce message et ses pièces jointes sont confidentiels et destinés à leur seul destinataire.",
    "Este mensaje y sus adjuntos son confidenciales y van dirigidos exclusivamente a su destinatario.",
    "Questo messaggio e i suoi allegati sono riservati e destinati esclusivamente al destinatario.",
    "Esta mensagem e os seus anexos são confidenciais e destinam-se ao destinatário.",
    "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde.",
]
TYPED = [
    "As Tolstoy once wrote:\nall happy families are alike.",
    "On the whole:\nwe like it.",
    "From: what I hear you are cheap.\nTo: be honest, we wait.",
    "Le prix est à voir.\nEn attendant :\nrappelez-moi.",
    "Am Montag ginge es:\num neun oder um zehn.",
    "Il prezzo:\nquanto costa?",
    "We pay in euro.\n\n1) freight\n2) tax",
    "This is confidential between us: we will switch in May.",
    "Two questions:\n- price\n- term",
]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_what_follows_an_attribution_is_history(line: str) -> None:
    assert separate(f"Yes, call me.\n\n{line}\n\n> Hi Per\n> unsubscribe")[0] == "Yes, call me."
    assert separate(f"Yes, call me.\n\n{line}\nHi Per, unsubscribe")[0] == "Yes, call me."
    assert separate(f"{line}\n> Hi Per\n\nYes, call me.")[0] == "Yes, call me."


@pytest.mark.parametrize("words", [line.split(" ") for line in ATTRIBUTIONS if len(line) > 50 and line[0] != "*"])
def test_an_attribution_that_was_wrapped_is_one(words: list[str]) -> None:
    half = len(words) // 2
    wrapped = " ".join(words[:half]) + "\n" + " ".join(words[half:])
    assert separate(f"Yes.\n\n{wrapped}\n\n> Hi")[0] == "Yes."


@pytest.mark.parametrize("line", [*DIVIDERS, *BLOCKS])
def test_what_follows_a_divider_or_a_block_of_headers_is_history(line: str) -> None:
    assert separate(f"Yes, call me.\n\n{line}\n\nHi Per, unsubscribe")[0] == "Yes, call me."
    assert separate(f"Yes, call me.\n________________________________\n{line}\n\nHi Per")[0] == "Yes, call me."


@pytest.mark.parametrize("line", SIGNED)
def test_what_a_program_signs_with_is_not_the_writers(line: str) -> None:
    assert separate(f"Yes, call me.\n\n{line}")[0] == "Yes, call me."


@pytest.mark.parametrize("line", DISCLAIMERS)
def test_what_lawyers_add_is_not_the_writers(line: str) -> None:
    assert separate(f"Yes, call me.\n\n{line}\nUnsubscribe.")[0] == "Yes, call me."


@pytest.mark.parametrize("text", TYPED)
def test_what_only_looks_like_history_stays(text: str) -> None:
    assert separate(text)[0] == text


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (
            "Yes.\n\nKind regards,\nPer Berg\nCEO | Corp AB\n+46 8 123 456 78\nwww.corp.example",
            "Yes.\n\nKind regards,\nPer Berg",
        ),
        (
            "Ja.\n\nMit freundlichen Grüßen\nPer Berg\nCorp GmbH\nTel.: +49 30 1234567",
            "Ja.\n\nMit freundlichen Grüßen\nPer Berg",
        ),
        ("Yes.\n\nBest,\nPer\n\nPS: bring the contract", "Yes.\n\nBest,\nPer\n\nPS: bring the contract"),
        ("Call me:\n+46 70 123 45 67", "Call me:\n+46 70 123 45 67"),
        ("Yes.\n\nPer Berg\nCEO\nTel: +46 8 123 456 78\nper@corp.example", "Yes."),
    ],
)
def test_a_signature_without_a_delimiter_ends_after_the_name(text: str, new: str) -> None:
    assert separate(text)[0] == new


def test_a_ticket_systems_newest_entry_is_the_new_text() -> None:
    rule = "-----------------------"
    text = f"##- Please type your reply above this line -##\n\n{rule}\nLeah, Dec 1\n\nYes please.\n\n{rule}\nAnna\n\nHi, unsubscribe"
    assert "Yes please." in separate(text)[0]
    assert "unsubscribe" not in separate(text)[0]


@pytest.mark.parametrize(
    ("markup", "new"),
    [
        (
            '<p>Yes</p><div class="gmail_quote"><div class="gmail_attr">On Mon Anna wrote:</div><blockquote>Hi</blockquote></div>',
            "Yes",
        ),
        (
            '<div class="gmail_quote"><blockquote>Want it?</blockquote><p>Yes.</p><blockquote>When?</blockquote><p>Monday.</p></div>',
            "Yes.\n\nMonday.",
        ),
        ("<p>two words\nin one\nparagraph</p>", "two words in one paragraph"),
        ("<pre>two\nlines</pre>", "two\nlines"),
        ('<p>Yes</p><p style="display:none">unsubscribe</p><p hidden>stop</p>', "Yes"),
        ("<blockquote>a<blockquote>b<blockquote>c</blockquote></blockquote></blockquote><p>Yes</p>", "Yes"),
        ('<div id="Signature"><p>I wrote in here</p></div>', "I wrote in here"),
        ('<p>Yes</p><div id="divRplyFwdMsg">From: Anna</div><div id="divRplyFwdMsg">From: Per</div><p>old</p>', "Yes"),
    ],
)  # fmt: skip
def test_html_shows_what_was_typed(markup: str, new: str) -> None:
    assert html_to_text(markup)[0] == new


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        ("text/plain; format=flowed", "one \r\nparagraph\r\n\r\nanother \r\none", "one paragraph\n\nanother one"),
        ("text/plain; format=flowed; delsp=yes", "one  \r\nparagraph", "one paragraph"),
        ("text/plain; format=flowed", "> quoted \r\n> words\r\nanswer", "answer"),
        ("multipart/mixed; boundary=never", "just words", "just words"),
        ("multipart/mixed; boundary=never", "--other\r\nContent-Type: text/plain\r\n\r\nwords\r\n--other--", "words"),
        (
            "text/calendar; method=REPLY",
            "BEGIN:VCALENDAR\r\nCOMMENT:I cannot\\, sorry\r\nEND:VCALENDAR",
            "I cannot, sorry",
        ),
        ("text/html", '<meta charset="windows-1252"><p>Gr\xfc\xdfe</p>', "Grüße"),
    ],
)
def test_a_body_is_read_as_its_program_meant_it(head: str, body: str, text: str) -> None:
    assert parse_mail(f"Content-Type: {head}\r\n\r\n{body}".encode("latin-1")).text == text


def test_text_that_goes_on_after_a_picture_is_read_to_its_end() -> None:
    part = "--x\r\nContent-Type: {}\r\n\r\n{}\r\n"
    raw = (
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        + part.format("text/plain", "First.")
        + part.format("image/png; name=a.png", "x")
        + part.format("text/plain", "Last.")
        + "--x--"
    )
    mail = parse_mail(raw.encode())
    assert (mail.text, mail.attachments) == ("First.\nLast.", ("a.png",))
