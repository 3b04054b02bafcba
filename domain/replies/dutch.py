"""Dutch, as data (docs/behaviour.md 7.8)."""

from domain.replies.language import History, Language

_LISTS = (
    r"(?:\w*lijst(?:en)?|\w*bestand(?:en)?|database|systeem|nieuwsbrie(?:f|ven)|mailings?|e-?mails?|mails|crm|"
    r"campagnes?|distributielijst|contacten|berichten|mailinglist|maillijst|mailinglijst|adressenbestand|"
    r"verzendlijst|abonnement(?:en)?)"
)
_FROM_LIST = rf"(?:van|uit) (?:(?:de|het|uw|jullie|je|deze|dit|alle|al) ){{0,3}}(?:[\w-]+ ){{0,3}}?{_LISTS}\b"
_ME = (
    r"(?:mij|me|ons|(?:het adres )?own@address|mijn (?:\w+ )?(?:adres|e-?mail(?:adres)?|mailadres|gegevens|naam|data|"
    r"contactgegevens)|onze? (?:\w+ )?(?:adres|e-?mail(?:adres)?|gegevens|bedrijf)|dit (?:\w+ )?(?:adres|"
    r"e-?mailadres|mailadres))"
)
_MAILS = (
    r"(?:e-?mails?|mailtjes?|mails?|berichten|nieuwsbrie(?:f|ven)|reclame|spam|aanbiedingen|mailings?|"
    r"correspondentie|post|informatie)"
)
_TAIL = (
    r"(?:\W+(?:aub|alstublieft|alsjeblieft|svp|graag|bedankt|dank|dank u|dank je|per direct|direct|nu|onmiddellijk|"
    r"mvg|groet|groeten))*"
)
_NOT = r"(?:geen|niets meer|niet meer|nooit meer|niet langer|geen enkele)"

DUTCH = Language(
    code="nl",
    away_subjects=(
        r"\bafwezig", r"\bniet (?:op kantoor|aanwezig|op het werk)\b", r"\bmet (?:vakantie|verlof)\b", r"\bop vakantie\b",
        r"\bvakantie(?:bericht|melding)\b", r"\bniet bereikbaar\b", r"\bverlof\b",
    ),
    auto_subjects=(
        r"^\W*(?:automatisch|automatische|auto)[ -]?(?:antwoord|bericht|reactie|reply|e-?mail|ontvangstbevestiging)\b",
    ),
    away_phrases=(
        (r"\b(?:ben|zijn|is|ben ik|zal|wij zijn) (?:[\w.,'/-]+ ){0,6}?(?:afwezig|niet aanwezig|niet op kantoor|"
        r"niet op het werk|met vakantie|op vakantie|met verlof|met zwangerschapsverlof|niet bereikbaar|op reis|buiten kantoor|"
        r"vrij|onbereikbaar|op zakenreis|ziek|niet beschikbaar)\b"),
        (r"\b(?:momenteel|tijdelijk|vandaag) (?:\w+ )?(?:afwezig|met vakantie|op vakantie|niet op kantoor|niet aanwezig|"
        r"met verlof)\b"),
        r"\b(?:weer|terug) (?:op kantoor|aanwezig|bereikbaar|aan het werk|beschikbaar|van vakantie)\b",
        r"\b(?:beperkt|geen|weinig|slechts beperkt) toegang tot (?:mijn )?(?:e-?mail|mail|mailbox)\b",
        r"\bons kantoor is (?:[\w-]+ ){0,4}?gesloten\b", r"\bwij zijn (?:[\w-]+ ){0,4}?gesloten\b",
        r"\b(?:tijdens|gedurende) mijn (?:afwezigheid|vakantie|verlof)\b",
        r"\b(?:zwangerschapsverlof|ouderschapsverlof|ziekteverlof|bevallingsverlof)\b",
    ),
    away_words=(
        r"\b(?:op|met) (?:vakantie|verlof|reis)\b", r"\bafwezig\b", r"\bweer (?:terug|aanwezig|bereikbaar)\b",
    ),
    left_phrases=(
        (r"\b(?:niet (?:meer|langer)) (?:[\w-]+ )?(?:werkzaam|in dienst|werkend|actief|verbonden) ?(?:bij|voor|binnen|aan|is|$|"
        r"[.,])"),
        r"\bwerkt? (?:[\w-]+ ){0,4}?niet (?:meer|langer) (?:bij|voor|hier|binnen|op)",
        r"\bwerkt? niet (?:meer|langer) (?:bij|voor|hier|binnen|op)",
        (r"\b(?:heeft|heb) (?:[\w-]+ ){0,6}?(?:het bedrijf|de organisatie|ons bedrijf|onze organisatie|de firma|ons kantoor|"
        r"het team|de onderneming) (?:[\w-]+ ){0,4}?verlaten\b"),
        r"\b(?:is|ben) (?:[\w-]+ ){0,6}?(?:uit dienst|met pensioen|gepensioneerd)\b", r"\buit dienst (?:getreden|gegaan)\b",
        r"\bniet (?:meer|langer) (?:voor|bij) (?-i:[A-Z])[\w&.'-]+ (?:werkzaam|werk)",
    ),
    back_cues=(
        r"(?:weer |terug |opnieuw )+(?:[\w-]+ ){0,4}?(?:op|vanaf|per)",
        r"(?:weer|terug)(?: weer)?(?: op kantoor| aanwezig| bereikbaar| aan het werk| beschikbaar)? ?(?:op|vanaf|per|:)?",
        r"(?:datum terugkeer|terugkomst|terugkeer|terug)(?: is)? ?:? ?(?:op)?",
        r"(?:reageer|beantwoord|antwoord|beantwoorden|reageren) (?:[\w-]+ ){0,8}?(?:op|vanaf|na mijn terugkomst op)",
        r"(?:keer|kom) (?:[\w-]+ ){0,3}?(?:terug )?(?:op|vanaf)?",
    ),
    back_frames=(
        r"{back} (?:ben|zijn|is) (?:[\w-]+ ){0,3}?(?:weer|terug)\b", r"(?:op|vanaf|per) {back} (?:[\w-]+ ){0,2}?(?:weer|terug)",
        (r"(?:op|vanaf|per|met ingang van) {back},? (?:ben|zijn|kunt|zal|is|kan|keer|sta|hoop) (?:[\w-]+ ){0,6}?(?:weer|terug|"
        r"bereikbaar|aanwezig|beschikbaar)"),
    ),
    until_cues=(r"tot(?: aan)?", r"voor"),
    last_day_cues=(
        r"tot en met", r"t/?m", r"t\.?/?e\.?/?m\.?", r"(?:van|vanaf|tussen) {date} ?(?:tot en met|t/m|t\.e\.m\.|tot|en|-) ?",
        r"{date} ?(?:t/m|tot en met|tot|-) ?",
    ),
    last_day_frames=(r"tot (?:en met )?{back}\)?,? ?\(?inclusief",),
    engaging=(
        (r"\b(?:interesse|geinteresseerd|klinkt|bel me|bel mij|bellen|graag|offerte|prijs|prijzen|kosten|afspraak|stuur|"
        r"mail me|geen behoefte|neem contact|spreek|overleggen)\b"),
    ),
    ask_words=(
        r"uitschrijv", r"uitgeschreven", r"schrijf", r"afmeld", r"afgemeld", r"meld", r"verwijder", r"haal", r"halen", r"geen",
        r"niets? meer", r"nooit", r"stop", r"opzeg", r"met rust", r"bezwaar", r"toestemming", r"unsub", r"uitschrijf", r"schrap",
        r"wis", r"niet langer", r"houd op", r"hou op",
    ),
    asks=(
        (rf"(?:schrijf|schrijft|schrijven|meld|meldt|melden|haal|haalt|halen|verwijder|verwijdert|verwijderen|schrap|schrappen|"
        rf"wis|wissen|neem|gooi) (?:u |jullie )?(?:aub |svp |alstublieft |alsjeblieft |direct |onmiddellijk |"
        rf"graag )*{_ME}(?: [\w@.-]+){{0,5}}? (?:{_FROM_LIST}|uit\b|af\b|eruit\b|eraf\b)"),
        (r"(?:verwijder|verwijdert|verwijderen|wis|wissen) (?:aub |svp |alstublieft |direct |al )*(?:mijn|onze|ons|"
        r"mij) (?:[\w-]+ ){0,3}?(?:gegevens|adres|e-?mailadres|mailadres|data|contactgegevens)\b"),
        rf"{_ME} (?:aub |svp |alstublieft |graag |direct )*(?:uit te schrijven|af te melden|uitschrijven|afmelden)\b",
        (rf"{_ME}(?: [\w@.-]+){{0,5}}? {_FROM_LIST}(?: [\w-]+){{0,2}}? (?:te )?(?:verwijderen|halen|schrappen|verwijderd|"
        rf"gehaald|schrijven|uitschrijven|af te halen|wissen|afhalen)\b"),
        (r"(?:mijn|onze) (?:[\w-]+ ){0,3}?(?:gegevens|adres|e-?mailadres|mailadres) (?:[\w-]+ ){0,4}?(?:te )?(?:verwijderen|"
        r"wissen|verwijderd|schrappen)\b"),
        (rf"(?:stuur|stuurt|sturen|zend|zenden|mail|mailt|mailen|e-?mail|schrijf|benader|benadert|benaderen|contacteer|"
        rf"contacteert|contacteren|spam|neem) (?:u |jullie )?(?:aub |svp |alstublieft |alsjeblieft )*(?:mij |me |ons )(?:aub |"
        rf"svp |alstublieft |alsjeblieft )*{_NOT}\b"),
        rf"(?:stuur|stuurt|sturen|zend|zenden|mail|mailen) (?:aub |svp )?{_NOT} (?:[\w-]+ ){{0,3}}?{_MAILS}\b",
        (rf"(?:mij|me|ons) {_NOT} (?:[\w-]+ ){{0,4}}?(?:te )?(?:mailen|sturen|benaderen|contacteren|e-mailen|schrijven|"
        rf"te sturen|lastig(?: te)? vallen)\b"),
        rf"{_NOT} (?:[\w-]+ ){{0,3}}?{_MAILS}\b(?: [\w-]+){{0,3}}?(?:$|[.,;!]| meer| (?:te )?(?:sturen|ontvangen|krijgen))",
        (rf"(?:ik|wij|we) (?:wil|willen|wens|wensen|hoef|hoeven) (?:[\w-]+ ){{0,3}}?{_NOT} (?:[\w-]+ ){{0,4}}?(?:{_MAILS}|"
        rf"contact|benaderd|gemaild|te ontvangen)\b"),
        (r"(?:neem|nemen) (?:aub |svp |alstublieft |alsjeblieft )?(?:geen|"
        r"nooit) (?:\w+ )?contact (?:\w+ )?(?:meer )?(?:op )?met (?:mij|me|ons)(?: \w+)?"),
        r"(?:laat|laten) (?:mij|me|ons) (?:nu |eindelijk |aub |alstublieft )*met rust\b",
        (r"(?:(?:ik|wij|we) (?:maak|maken|teken)|(?:maak|maken|teken) (?:ik|wij|we)) (?:hierbij )?bezwaar (?:aan )?"
        r"tegen(?: [\w-]+){0,6}? (?:\w*gegevens|gebruik|"
        r"verwerking|reclame|marketing|e-?mails?|mails?|berichten|\w*benadering|contact)\b"),
        r"(?:trek|trekken) (?:hierbij )?(?:mijn|onze) toestemming\b",
        (rf"stop(?:pen|t)? (?:aub |svp |direct |onmiddellijk |nu )*(?:met )?(?:het )?(?:[\w-]+ ){{0,3}}?(?:{_MAILS}|mailen|"
        rf"sturen|spammen|benaderen|lastigvallen|e-mailen|contact)\b"),
        r"(?:uitgeschreven|afgemeld) (?:\w+ )?(?:worden|te worden)\b",
        rf"(?:verwijderd|gehaald) (?:\w+ )?(?:worden|te worden) {_FROM_LIST}",
        rf"{_FROM_LIST} (?:\w+ )?(?:verwijderd|gehaald|geschrapt) (?:\w+ )?worden\b",
        r"(?:mij|me|ons) (?:\w+ )?(?:uitschrijven|afmelden|uit te schrijven|af te melden)\b",
        r"(?:zeg|zeggen) (?:hierbij )?(?:mijn|dit|onze|het) abonnement(?:\w+ )? op\b",
        (r"(?:de |deze |uw |jullie )?(?:nieuwsbrief|mailing|mails|e-mails|abonnement) (?:aub |graag )?(?:opzeggen|stopzetten|"
        r"stoppen|afmelden)\b"),
        r"(?:de )?verwijdering van (?:mijn|onze|al mijn)\b",
        r"(?:ik |wij |we )?(?:stel|stellen) geen (?:enkele )?prijs op (?:uw|jullie|deze|dit|verdere|de|dergelijke)\b",
        r"hoe (?:kan|moet) (?:ik|wij) (?:mij|me|ons) (?:[\w-]+ ){0,5}?(?:uitschrijven|afmelden)\b",
        r"(?:schrijf|meld) me (?:uit|af)\b", r"(?:schrijf|haal|meld|gooi) (?:mij|me|ons) (?:er )?(?:uit|eruit|eraf|af)\b",
        rf"{_FROM_LIST} (?:aub |svp )?(?:verwijderen|halen|afhalen)\b", r"unsubscribe me\b",
        r"(?:hou|houd) (?:aub |nu )?op met (?:mij|me|ons|mailen|het)",
    ),
    bare=(
        (rf"(?:uitschrijven|uitschrijving|afmelden|afmelding|verwijderen|stop|stoppen|opzeggen|unsubscribe|schrijf me uit|"
        rf"meld me af|houd op|hou op|verwijder){_TAIL}"),
        rf"(?:geen|niet) (?:mail|mails|e-mails|berichten|contact|mailen|reclame)(?: meer)?{_TAIL}",
        rf"(?:niet|nooit) meer (?:mailen|sturen|contacteren|benaderen|e-mailen){_TAIL}",
        rf"(?:van|uit) (?:de|uw|jullie) (?:lijst|mailinglijst) (?:halen|verwijderen|af){_TAIL}",
        rf"verwijder (?:mij|me|ons|mijn adres|mijn e-mailadres|dit adres){_TAIL}",
    ),
    sure_words=(r"uitschrij", r"afmeld", r"unsub", r"meld me af", r"schrijf me uit"),
    openings=(
        (r"(?:hallo|hoi|beste|dag|goedemorgen|goedemiddag|goedenavond|goedendag|geachte)(?: (?:heer|mevrouw|"
        r"[\w.'-]+)){0,3}\s*(?:[,:;.!-]+|$)"),
        r"(?:hallo|hoi|goedemorgen|goedemiddag|goedendag|dag)\b\W*",
        (r"(?:nee|sorry|ok|oke|ja|nogmaals|graag|dus|en|maar|voortaan|in de toekomst|dan|daarom|gelieve|aub|svp|alstublieft|"
        r"alsjeblieft|direct|onmiddellijk|hierbij|nu|eindelijk)\b\W*"),
        (r"(?:nee,? )?(?:hartelijk |veel )?(?:bedankt|dank u wel|dank je wel|dank u|dank je|dank)\b(?: (?:maar|voor (?:uw|je|"
        r"de|het|jullie) [\w-]+))?\W*"),
        (r"(?:wij hebben |ik heb |we hebben |heb )?geen (?:enkele )?(?:interesse|behoefte|belangstelling)(?: (?:meer|hierin|"
        r"in \w+ \w+|aan \w+))?\W*(?:en )?"),
        r"(?:ik ben |wij zijn |we zijn )?niet geinteresseerd\W*(?:en )?",
        (r"(?:kunt|kan|kunnen|wilt|wil|zou|zouden|kun|willen) (?:u|je|jullie|jij|iemand)\b\W*(?:zo vriendelijk zijn |"
        r"misschien |kunnen |willen )*(?:om )?(?:aub |svp |alstublieft )?"),
        (r"(?:ik|wij|we) (?:wil|willen|zou|zouden|verzoek|verzoeken|vraag|vragen|wens|wensen|eis)(?: (?:graag|u|jullie|je|"
        r"hierbij|vriendelijk|willen|om|nogmaals)\b)*\s*"),
        r"(?:ik|wij|we) (?:heb|hebben) (?:u |jullie )?(?:al )?(?:\w+ )?(?:gevraagd|verzocht)(?: om)?\W*",
        r"(?:voor de (?:laatste|tweede|derde) keer)\b\W*",
        r"(?:conform|op grond van|op basis van|volgens|krachtens) (?:(?:artikel|art|lid|de|van|\d+) )*avg\b\W*",
        r"(?:gelieve|om)\b\W*",
        r"(?:vriendelijk )?verzoek(?: om| u)?(?: om)?\b\W*",
    ),
    unless=(
        r"tenzij", r"behalve", r"tot(?: en met)?", r"als", r"maar", r"voordat", r"in plaats", r"liever", r"bel me", r"bel mij",
        r"bellen", r"tijdens", r"deze week", r"volgende week", r"morgen", r"nog niet", r"zolang", r"alleen", r"in het weekend",
        r"(?:mij|me|ons|\w*adres|gegevens) (?:aub |svp )?niet(?: (?:van|uit|af|te verwijderen|te wissen)\b|$)",
        r"(?:stop|stopt|stoppen|hou|houd) (?:aub |vooral )?niet",
    ),
    harmless=(
        r"\bmaar (?:bedankt|dank|veel succes)\b", r"\bals (?:mogelijk|u zo vriendelijk|het kan|dat kan)\b", r"\b(?:anders)\b.*",
        r"\btot (?:ziens|nader order)\b", r"\bals (?:u|jullie|je|dit|het) (?:\w+ ){0,5}?(?:doorgaa?t|nogmaals|niet stop\w*)\b.*",
    ),
    joins=(r"en", r"dus", r"daarom", r"gelieve", r"maar", r"graag"),
    receipt_subjects=(r"^\W*(?:gelezen|niet gelezen|leesbevestiging|ontvangstbevestiging)\b.{0,30}:?",),
    receipt_phrases=(
        r"\b(?:bericht|e-?mail)\b.{0,300}\b(?:is|werd) .{0,80}(?:gelezen|weergegeven|geopend|verwijderd)", r"\bleesbevestiging\b",
    ),
    calendar_subjects=(
        r"^\W*(?:geaccepteerd|geweigerd|afgewezen|voorlopig|voorlopig geaccepteerd|nieuwe tijd voorgesteld|geannuleerd)\b.{0,30}:",
    ),
    delay_subjects=(r"\bvertraag", r"\bvertraging\b"),
    failure_subjects=(
        r"onbestelbaar", r"niet (?:worden )?(?:bezorgd|afgeleverd)", r"bezorging .{0,40}mislukt", r"aflevering .{0,40}mislukt",
    ),
    challenge_phrases=(
        (r"\b(?:bevestig|verifieer|bewijs)\w* (?:dat u|uw|dat je|je|eenmalig|hier).{0,160}\b(?:bezorgd|mens|spam|robot|"
        r"afzender|afgeleverd|inbox|toegestaan)"),
        (r"\b(?:uw|je) (?:bericht|e-?mail|mail) .{0,80}(?:vastgehouden|in quarantaine|wacht|tegengehouden|"
        r"geblokkeerd).{0,240}\b(?:klik|bevestig|link|captcha|antwoord)"),
        r"\bklik\b.{0,160}\b(?:whitelist|toegestaan|witte lijst|vrij te geven|goedgekeurd)",
    ),
    history=History(
        attribution_fronts=("op ", "on ", "van "),
        attributions=(
            r"(?:op|van)\b.{4,300}\bschree?f\b.{0,160}:",
            r".{3,200}\bschree?f(?: (?:op|het volgende op) .{4,80})?(?: het volgende)?\s*:", r"op\b.{4,300}\bgeschreven\s*:",
            r".{3,200}\bheeft (?:op .{4,80} )?(?:het volgende )?geschreven\s*:",
        ),
        dividers=(
            "oorspronkelijk bericht", "origineel bericht", "oorspronkelijk e-?mailbericht", "doorgestuurd bericht",
            "oorspronkelijke afspraak", "forwarded message", "doorgestuurd door .{1,100}",
        ),
        forwards=(r"begin doorgestuurd bericht\s*:",),
        from_words=("van",),
        header_words=("verzonden", "datum", "aan", "onderwerp", "cc", "verstuurd"),
        mobile=(
            r"(?:verstuurd|verzonden|gestuurd) (?:vanaf|vanuit|van|via|met) ",
            r"(?:outlook voor .{2,20} (?:downloaden|ophalen)|download outlook|outlook downloaden)",
        ),
        disclaimers=(
            (r"(?:dit|deze|de informatie in (?:dit|deze))\b.{0,60}(?:bericht|e-?mail|mail)\b.{0,200}\b(?:vertrouwelijk|"
            r"uitsluitend bestemd|bestemd voor|geadresseerde)"),
            r"(?:disclaimer|vertrouwelijkheidsverklaring)\b", r"denk aan het milieu",
        ),
        reply_above=(r"(?:antwoord|reageer|typ\w*|schrijf).{0,60}boven (?:deze|dit) (?:lijn|regel|streep)",),
        closings=(
            r"(?:met )?(?:vriendelijke|hartelijke|beste|groetjes|warme) ?(?:groet|groeten|groetjes)?(?: uit .{1,20})?",
            r"groet|groeten|groetjes|mvg|gr|hoogachtend|bedankt|alvast bedankt|dank u wel|fijne (?:dag|avond|week)|m\.?v\.?g\.?",
        ),
    ),
    months={
        "januari": 1, "jan": 1, "februari": 2, "feb": 2, "maart": 3, "mrt": 3, "april": 4, "apr": 4, "mei": 5, "juni": 6, "jun": 6,
        "juli": 7, "jul": 7, "augustus": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9, "oktober": 10, "okt": 10,
        "november": 11, "nov": 11, "december": 12, "dec": 12,
    },
    weekdays={
        "maandag": 0, "ma": 0, "dinsdag": 1, "di": 1, "woensdag": 2, "wo": 2, "donderdag": 3, "do": 3, "vrijdag": 4, "vr": 4,
        "zaterdag": 5, "za": 5, "zondag": 6, "zo": 6,
    },
    ordinals=("ste", "de", "e"),
    of_words=(),
    fillers=("op", "vanaf", "de", "per", "met"),
    next_words=("aanstaande", "komende", "volgende", "a.s."),
    day_fronts=("de",),
    day_words={
        "morgen": 1, "overmorgen": 2,
    },
    next_week=("volgende week", "komende week"),
    day_first=".-",
)  # fmt: skip
