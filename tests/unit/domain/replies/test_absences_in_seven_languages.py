"""Absences, returns and departures in the seven languages, as people and programs write them (docs/behaviour.md 7.8)."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.replies.mail import Mail
from domain.replies.recognise import Recognised, recognise

RECEIVED = datetime(2026, 12, 3, 10, tzinfo=UTC)  # a Thursday
ZONE = ZoneInfo("Europe/Berlin")

AWAY: list[tuple[str, str | None]] = [
    ("Thank you for your email. I am on annual leave and will return on Monday 14 December 2026.", "2026-12-14"),
    ("I'm currently out of the office with limited access to email, returning December 21st.", "2026-12-21"),
    ("I will be out of office from 7 December to 11 December.", "2026-12-12"),
    ("I'm OOO until Jan 4. For urgent matters call reception.", "2027-01-04"),
    ("Our offices are closed from 24/12 until 03/01. We reopen on 4 January.", "2027-01-04"),
    ("I am on maternity leave. Please contact Jane.", None),
    ("I am away through 15 December inclusive.", "2026-12-16"),
    ("Hi, I'm off sick at the moment and not checking my emails.", None),
    ("I am travelling and will be back in the office next week.", "2026-12-07"),
    ("I am out of the office until 03/04/2027.", None),
    ("Vielen Dank für Ihre Nachricht. Ich bin bis zum 11.12.2026 nicht im Büro.", "2026-12-11"),
    ("Ich befinde mich im Urlaub und bin ab dem 14. Dezember wieder für Sie da.", "2026-12-14"),
    ("Vom 21.12. bis 03.01. bin ich im Urlaub.", "2027-01-04"),
    ("Ich bin derzeit nicht am Arbeitsplatz und ab Montag, 7. Dezember, wieder erreichbar.", "2026-12-07"),
    ("Ab dem 7. Januar 2027 bin ich wieder im Büro erreichbar.", "2027-01-07"),
    ("Ich bin bis einschließlich 18. Dezember abwesend.", "2026-12-19"),
    ("Ich bin in Elternzeit. Ihre E-Mail wird nicht weitergeleitet.", None),
    ("Unser Büro ist vom 24. Dezember bis 1. Januar geschlossen.", "2027-01-02"),
    ("Ich bin krankheitsbedingt nicht im Hause.", None),
    ("Ich kehre am 10.12. zurück und bin bis dahin ausser Haus.", "2026-12-10"),
    ("Bonjour, je suis absent du bureau jusqu'au 11 décembre 2026.", "2026-12-11"),
    ("Je suis en congés du 21 décembre au 3 janvier inclus.", "2027-01-04"),
    ("Absente pour congés, je serai de retour le lundi 14 décembre.", "2026-12-14"),
    ("Je suis actuellement en déplacement, avec un accès limité à ma messagerie. De retour le 9.", "2026-12-09"),
    ("Je serai de retour au bureau à partir du 4 janvier.", "2027-01-04"),
    ("Je suis en congé maternité.", None),
    ("Nos bureaux sont fermés du 24 au 31 décembre.", "2027-01-01"),
    ("En mon absence, contactez Paul. Retour le 1er février.", "2027-02-01"),
    ("Estoy de vacaciones hasta el 11 de diciembre.", "2026-12-11"),
    ("Me encuentro fuera de la oficina. Regreso el lunes 14 de diciembre de 2026.", "2026-12-14"),
    ("Estaré ausente del 21 de diciembre al 3 de enero, ambos inclusive.", "2027-01-04"),
    ("Estoy de baja médica, sin fecha de vuelta.", None),
    ("Fuera de la oficina; me incorporo el día 7 de enero.", "2027-01-07"),
    ("A partir del 4 de enero estaré de nuevo disponible; ahora estoy de vacaciones.", "2027-01-04"),
    ("Durante mi ausencia, escriba a info@ceramicas.example. Volveré la próxima semana.", "2026-12-07"),
    ("Sono fuori ufficio fino all'11 dicembre.", "2026-12-11"),
    ("Sarò in ferie dal 21 dicembre al 3 gennaio compreso.", "2027-01-04"),
    ("Sono assente, rientro previsto lunedì 14 dicembre.", "2026-12-14"),
    ("Sarò di nuovo in ufficio il 7 gennaio 2027.", "2027-01-07"),
    ("I nostri uffici resteranno chiusi per ferie dal 24/12 al 06/01.", "2027-01-07"),
    ("Sono in maternità.", None),
    ("Attualmente in viaggio, con accesso limitato alla posta. Torno mercoledì.", "2026-12-09"),
    ("Estou de férias até 11 de dezembro.", "2026-12-11"),
    ("Estarei ausente de 21 de dezembro a 3 de janeiro.", "2027-01-04"),
    ("Encontro-me fora do escritório, regresso no dia 14 de dezembro.", "2026-12-14"),
    ("Estarei de volta na segunda-feira, 14 de dezembro.", "2026-12-14"),
    ("Estou de licença-maternidade. Obrigada.", None),
    ("Volto ao escritório em 07/01/2027.", None),
    ("Ausente até 04/01/27. Para urgências ligue para a recepção. Estou em férias desde 21/12/26.", "2027-01-04"),
    ("Ik ben afwezig tot 14 december.", "2026-12-14"),
    ("Van 21 december t/m 3 januari ben ik met vakantie.", "2027-01-04"),
    ("Ik ben op vakantie en vanaf maandag 7 december weer bereikbaar.", "2026-12-07"),
    ("Momenteel ben ik niet op kantoor. Ik ben terug op 09-12-2026.", "2026-12-09"),
    ("Ik ben met zwangerschapsverlof.", None),
    ("Tot en met 11 december ben ik afwezig.", "2026-12-12"),
    ("Wegens verlof ben ik niet bereikbaar, terug op woensdag.", "2026-12-09"),
    ("I am currently out of the office and will return Monday, December 14.", "2026-12-14"),
    ("I'm on PTO Dec 7-11. For urgent matters call the front desk.", "2026-12-12"),
    ("I am out of the office December 7 through 11, 2026.", "2026-12-12"),
    ("I am out of the office and back on Tuesday the 15th.", "2026-12-15"),
    ("I am out of the office and back on Monday 9 am.", "2026-12-07"),
    ("I am out of the office and back on Monday 9.", None),
    ("Sono fuori ufficio, torno martedì 15.", "2026-12-15"),
    ("Je suis absente, de retour lundi 8h30.", "2026-12-07"),
    ("Je suis absente, de retour mardi 15.", "2026-12-15"),
    ("Estoy de vacaciones, vuelvo el lunes 11.", "2027-01-11"),
    ("I will be out of the office starting 12/07/2026 and will not return until 12/21/2026.", "2026-12-21"),
    ("Thanks for your email. I'm on PTO through Friday, Dec 11th.", "2026-12-12"),
    ("I'm away from my desk until Wednesday.", "2026-12-09"),
    ("On annual leave. Back 4th January 2027.", "2027-01-04"),
    ("I am attending a conference until 9 Dec.", "2026-12-09"),
    ("I'm out of office this week, back Monday.", "2026-12-07"),
    ("The office is closed for the holidays from December 24 through January 1.", "2027-01-02"),
    ("I am on vacation and back on the 15th.", "2026-12-15"),
    ("Currently on parental leave until March 2027.", None),
    ("Ich bin am 7. Dezember wieder im Büro.", "2026-12-07"),
    ("Vielen Dank für Ihre E-Mail. Ich bin vom 07.12.2026 bis einschließlich 11.12.2026 im Urlaub.", "2026-12-12"),
    ("Ich bin bis Mittwoch, den 9. Dezember außer Haus.", "2026-12-09"),
    ("Bis 14.12. bin ich nicht erreichbar.", "2026-12-14"),
    ("Aktuell bin ich im Urlaub (bis 18.12.).", "2026-12-18"),
    ("Ich bin zurück am Montag, 14.12.", "2026-12-14"),
    ("Ich bin nächste Woche wieder da. Derzeit bin ich im Urlaub.", "2026-12-07"),
    ("Absence : je suis en vacances jusqu'au 14/12/2026.", "2026-12-14"),
    ("Je suis absente jusqu'au mercredi 9 décembre inclus.", "2026-12-10"),
    ("Actuellement en congés, je reviens lundi 14 décembre.", "2026-12-14"),
    ("Je ne suis pas disponible, retour prévu le 14 décembre.", "2026-12-14"),
    ("Estoy fuera de la oficina hasta el 14/12/2026 inclusive.", "2026-12-15"),
    ("Estaré de vacaciones del 7 al 11 de diciembre.", "2026-12-12"),
    ("Vuelvo el 14 de diciembre. Estoy de vacaciones.", "2026-12-14"),
    ("No estaré disponible hasta el miércoles 9 de diciembre.", "2026-12-09"),
    ("Sono in ferie fino al 14/12/2026.", "2026-12-14"),
    ("Sarò assente dal 7 all'11 dicembre.", "2026-12-12"),
    ("In ferie. Rientro il 14/12.", "2026-12-14"),
    ("Sono fuori sede e rientrerò mercoledì 9 dicembre.", "2026-12-09"),
    ("Estarei fora do escritório até ao dia 14 de dezembro.", "2026-12-14"),
    ("Estou de férias de 7 a 11 de dezembro.", "2026-12-12"),
    ("De férias, volto dia 14/12.", "2026-12-14"),
    ("Estou ausente, regressando na quarta-feira.", "2026-12-09"),
    ("Ik ben met vakantie tot en met 11 december.", "2026-12-12"),
    ("Van 7 t/m 11 december ben ik afwezig.", "2026-12-12"),
    ("Ik ben vandaag niet aanwezig, morgen weer.", None),
    ("Ik ben er niet, vanaf 14 december weer bereikbaar.", "2026-12-14"),
    ("Ik ben op vakantie. Maandag 14 december ben ik weer terug.", "2026-12-14"),
    ("Bedankt voor uw bericht. Ik ben afwezig t/m 11-12-2026.", "2026-12-12"),
]

LEFT = [
    "Peter Miller no longer works for Harbour Foods. Please write to sales@harbour.example.",
    "Anna has left the company as of 1 November.",
    "I have left Harbour Foods. Please contact my successor.",
    "Please note that John Smith is no longer employed by us.",
    "I have retired. Your mail is not read.",
    "Herr Weidner ist nicht mehr für unser Unternehmen tätig.",
    "Frau Adler hat das Unternehmen zum 31.10. verlassen.",
    "Ich bin nicht mehr bei der Holzbau GmbH beschäftigt.",
    "Der Kollege ist aus dem Unternehmen ausgeschieden.",
    "Frau Adler arbeitet nicht mehr bei uns.",
    "Madame Roussel ne fait plus partie de la société.",
    "Monsieur Petit a quitté l'entreprise.",
    "Je ne travaille plus chez Ateliers Roussel.",
    "Ce collaborateur n'est plus en poste.",
    "Lucía ya no trabaja en la empresa.",
    "He dejado la empresa. Contacte con ventas.",
    "El señor Ruiz ya no forma parte de la compañía.",
    "Me he jubilado.",
    "La dottoressa Marchetti non lavora più in azienda.",
    "Ho lasciato l'azienda il 31 ottobre.",
    "Il signor Neri non fa più parte della società.",
    "Sono andato in pensione.",
    "O Rafael já não trabalha na empresa.",
    "A colega deixou a empresa.",
    "Não faço mais parte da equipa.",
    "Esse colaborador saiu da empresa.",
    "Sanne is niet meer werkzaam bij Bloemenhuis.",
    "Ik werk niet meer bij Bloemenhuis.",
    "Mijn collega heeft het bedrijf verlaten.",
    "Ik ben met pensioen.",
    "Jane Doe is no longer at Acme. Contact Bob.",
    "Please be advised that Mark Lee has left our organization.",
    "I have moved on from Acme Corp.",
    "My last day at Acme was 30 November.",
    "Herr Müller ist seit dem 1.11. nicht mehr im Unternehmen.",
    "Frau Schmidt ist nicht mehr bei uns tätig.",
    "Ich habe die Firma zum 30. November verlassen.",
    "Ich bin in Rente gegangen.",
    "Cette personne ne travaille plus dans notre société.",
    "J'ai quitté la société le 30 novembre.",
    "M. Durand n'est plus joignable à cette adresse, il a quitté notre groupe.",
    "Esta persona ya no trabaja con nosotros.",
    "Juan Pérez ha dejado de prestar sus servicios en la empresa.",
    "La persona que busca ya no está en la compañía.",
    "Il dott. Rossi non è più in azienda.",
    "Non lavoro più per questa società.",
    "Mario Bianchi ha lasciato la società.",
    "O João já não colabora connosco.",
    "Maria não trabalha mais aqui.",
    "O colaborador deixou de exercer funções na empresa.",
    "Jan werkt niet langer bij ons.",
    "De heer Jansen is niet langer in dienst.",
    "Mevrouw Bakker is uit dienst.",
    "Ik ben niet meer werkzaam bij Acme.",
]

ACKNOWLEDGED = [
    "Thank you for contacting us. Your ticket 123 was created. We answer within two days.",
    "Wir haben Ihre Anfrage erhalten und melden uns in Kürze.",
    "Votre demande a bien été reçue. Nous vous répondrons sous 48 heures.",
    "Su solicitud ha sido recibida. Le responderemos en breve.",
    "Abbiamo ricevuto la sua richiesta. Le risponderemo entro 48 ore.",
    "Recebemos o seu pedido. Responderemos em breve.",
    "Wij hebben uw bericht ontvangen en nemen spoedig contact op.",
    "Your order has shipped and will be back in stock on 14 December.",
]

ANSWERS = [
    "Sounds good. I'm on holiday next week, call me after that.",
    "Yes, but I am away until Monday. Let's talk then!",
    "Klingt gut, ich bin bis Montag im Urlaub. Rufen Sie mich danach an.",
    "Oui, cela m'intéresse, je suis absent demain, rappelez-moi jeudi.",
    "Me interesa. Estoy de vacaciones, llámeme el lunes.",
    "Sono interessato, ma in ferie fino a lunedì: mi chiami dopo.",
    "Tenho interesse, estou de férias até segunda, ligue depois.",
    "Klinkt goed, ik ben tot maandag met vakantie, bel me daarna.",
    "Our old supplier left the market, so yes: what do you charge?",
    "We left it to the board. They will look at it on 4 January.",
    "Bis Montag brauche ich ein Angebot.",
    "J'attends votre devis jusqu'au 11 décembre.",
    "Let us do it before 11 December.",
]


def verdict(text: str, *, automatic: bool, subject: str = "Re: Question") -> Recognised | None:
    headers = {"auto-submitted": "auto-replied"} if automatic else {}
    return recognise(Mail(subject=subject, text=text, headers=headers), RECEIVED, ZONE)


def day(found: Recognised | None) -> date | None:
    return None if found is None or found.return_at is None else found.return_at.astimezone(ZONE).date()


@pytest.mark.parametrize(("text", "back"), AWAY)
def test_an_absence_is_known_with_its_return(text: str, back: str | None) -> None:
    found = verdict(text, automatic=True)
    assert found is not None
    assert (found.disposition, day(found)) == ("OUT_OF_OFFICE", back and date.fromisoformat(back))


@pytest.mark.parametrize("text", LEFT)
def test_who_has_left_is_for_a_person_by_machine_or_by_hand(text: str) -> None:
    for automatic in (True, False):
        found = verdict(text, automatic=automatic)
        assert found is not None
        assert found.disposition == "ESCALATE_UNCLEAR"


@pytest.mark.parametrize("text", ACKNOWLEDGED)
def test_an_acknowledgement_by_a_machine_is_no_absence(text: str) -> None:
    found = verdict(text, automatic=True)
    assert found is not None
    assert found.disposition == "AUTOMATED"


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_that_mentions_an_absence_or_a_day_is_read(text: str) -> None:
    assert verdict(text, automatic=False) is None


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Question", "Out of Office: Question", "Automatische Antwort: Frage", "Abwesenheitsnotiz: Frage",
        "Réponse automatique : Question", "Absence du bureau Re: Question", "Respuesta automática: Pregunta",
        "Fuera de la oficina: Pregunta",
        "Risposta automatica: Domanda", "Fuori ufficio: Domanda", "Resposta automática: Pergunta",
        "Ausência do escritório: Pergunta",
        "Automatisch antwoord: Vraag", "Afwezig: Vraag",
    ],
)  # fmt: skip
def test_a_subject_of_an_absence_and_a_day_are_enough(subject: str) -> None:
    found = verdict("14.12.2026", automatic=True, subject=subject)
    assert found is not None
    assert found.disposition in {"OUT_OF_OFFICE", "AUTOMATED"}
    assert verdict("Yes, call me.", automatic=False, subject=f"Re: {subject}") is None


def test_a_number_date_is_read_where_the_same_text_shows_its_order() -> None:
    assert day(verdict("Out of office from 21/12/2026 to 03/01/2027.", automatic=True)) == date(2027, 1, 4)
    assert day(verdict("Out of office from 12/21/2026 to 01/03/2027.", automatic=True)) == date(2027, 1, 4)
    assert day(verdict("Out of office until 03/01/2027.", automatic=True)) is None


def test_a_weekday_that_contradicts_its_date_is_refused() -> None:
    assert day(verdict("Out of office. Back on Monday 15 December 2026.", automatic=True)) is None
    assert day(verdict("Out of office. Back on Tuesday 15 December 2026.", automatic=True)) == date(2026, 12, 15)


def test_each_language_of_a_notice_may_name_the_day() -> None:
    text = "I am out of the office.\n\nIch bin nicht im Büro und am 14.12.2026 wieder erreichbar."
    assert day(verdict(text, automatic=True)) == date(2026, 12, 14)
