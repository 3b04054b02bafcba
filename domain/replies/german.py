"""German, as data (docs/behaviour.md 7.8). Umlauts are folded (ü: u) or written out (ue)."""

from domain.replies.language import History, Language

_LISTS = (
    r"(?:\w*verteilern?|\w*listen?|datenbank(?:en)?|\w*system|newslettern?|mails|e-?mails|emails|crm|kartei|"
    r"kampagnen?|nachrichten|abonnements?|adressbuch|kontakten?|\w*werbung|zusendungen)"
)
_FROM_LIST = (
    rf"(?:aus|von|vom) (?:(?:der|dem|den|ihrem|ihrer|ihren|eurem|eurer|euren|deinem|deiner|diesem|dieser|diesen|"
    rf"allen|all|saemtlichen|samtlichen) ){{0,3}}(?:[\w-]+ ){{0,3}}?{_LISTS}\b"
)
_ME = (
    r"(?:mich|uns|own@address|die adresse own@address|meine (?:\w+ )?(?:adresse|e-?mail(?:[ -]?adresse)?|mailadresse|"
    r"daten|kontaktdaten)|unsere (?:\w+ )?(?:adresse|e-?mail(?:[ -]?adresse)?|daten)|diese (?:\w+ )?(?:adresse|"
    r"e-?mail(?:[ -]?adresse)?|mailadresse))"
)
_MAILS = (
    r"(?:e-?mails?|emails?|mails?|nachrichten?|newsletter|werbung|werbe\w+|spam|zusendungen|zuschriften|angebote|"
    r"anfragen|infos?|informationen)"
)
_TAIL = (
    r"(?:\W+(?:bitte|danke|vielen dank|sofort|umgehend|jetzt|mfg|gruss|gruesse|grusse|mit freundlichen gruessen|"
    r"mit freundlichen grussen|von ihrem verteiler))*"
)
_USE = (
    r"(?: [\w.-]+){0,8}? (?:\w*daten|nutzung|verwendung|\w*verarbeitung|\w*werbung|werbezwecken?|\w*kontakt\w*|zusendung(?:en)?|"
    r"speicherung|einwilligung|newsletters?|e-?mails?|mails?)\b"
)
"""What somebody objects to who wants to be left alone: one may object to other things, too."""
_NOT = r"(?:keine|keinerlei|nichts mehr|nie wieder|nicht mehr|nicht laenger|nicht langer)"

GERMAN = Language(
    code="de",
    away_subjects=(
        r"\babwesenheit", r"\babwesend\b", r"\bnicht im bue?ro\b", r"\bausser haus\b", r"^\W*(?:im|bin im) urlaub\b",
        r"\burlaubsnotiz\b", r"\bout of office\b", r"\belternzeit\b", r"\bmutterschutz\b", r"\bbetriebs(?:ferien|urlaub)\b",
    ),
    auto_subjects=(
        r"^\W*autom\w*[ -]?(?:antwort|rueckantwort|ruckantwort|e-?mail|nachricht|rueckmeldung|ruckmeldung)\b",
        r"^\W*auto(?:-reply|reply|:)",
    ),
    away_phrases=(
        (r"\bnicht (?:[\w.,'/-]+ ){0,4}?(?:im (?:bue?ro|hause?|dienst|unternehmen)|am (?:arbeits)?platz|erreichbar|verfue?gbar|"
        r"anwesend|persoe?nlich erreichbar|zu erreichen)\b"),
        r"\b(?:ausser haus|ausserhalb des bue?ros|abwesend|abwesenheit|ortsabwesend)\b",
        (r"\b(?:bin|sind|befinde|befinden|weile) (?:[\w.,'/-]+ ){0,6}?(?:im|in|auf|in den|in der) (?:\w+ ){0,2}?(?:urlaub|"
        r"ferien|elternzeit|mutterschutz|dienstreise|geschae?ftsreise|fortbildung|krankenstand|betriebsferien)\b"),
        r"\b(?:krankgeschrieben|erkrankt|krankheitsbedingt|urlaubsbedingt)\b",
        r"\b(?:wieder|zurue?ck) (?:[\w.,'/-]+ ){0,4}?(?:im bue?ro|am arbeitsplatz|erreichbar|fue?r sie da|zurue?ck|im haus|da)\b",
        r"\b(?:unser|das) (?:bue?ro|unternehmen|betrieb) (?:ist|bleibt|sind|bleiben) (?:[\w.]+ ){0,10}?geschlossen\b",
        r"\bwir haben (?:[\w.]+ ){0,10}?geschlossen\b", r"\b(?:betriebsferien|betriebsurlaub)\b",
        (r"\b(?:eingeschrae?nkten?|keinen|nur begrenzten?|begrenzten?|unregelmae?ssigen?) zugriff auf (?:meine )?(?:e-?mails?|"
        r"mails)\b"),
        r"\bwird (?:waehrend|wahrend) (?:\w+ ){0,2}?(?:zeit|abwesenheit) nicht (?:gelesen|weitergeleitet)\b",
    ),
    away_words=(
        r"\b(?:im|in) (?:urlaub|ferien|mutterschutz|elternzeit)\b", r"\bauf (?:dienst|geschaefts|geschafts)reise\b",
        r"\bzurue?ck (?:am|ab)\b", r"\bwieder (?:da|erreichbar|im bue?ro)\b",
    ),
    left_phrases=(
        (r"\b(?:nicht (?:mehr|laenger|langer)) (?:\w+ ){0,3}?(?:fue?r|bei|in|im) (?:[\w&.'-]+ ){0,4}?(?:tae?tig|beschae?ftigt|"
        r"angestellt|unternehmen|firma)\b"),
        (r"\b(?:nicht (?:mehr|laenger|langer)) (?:bei (?:uns|der|dem)|in unserem (?:haus|unternehmen)|im (?:unternehmen|haus)|"
        r"mitarbeiter)"),
        r"\barbeitet (?:[\w.]+ ){0,6}?nicht mehr\b", r"\barbeite (?:[\w.]+ ){0,6}?nicht mehr (?:fue?r|bei|hier|in)\b",
        (r"\b(?:hat|habe|haben) (?:\w+ ){0,6}?(?:das unternehmen|die firma|unser haus|unser unternehmen|unsere firma|"
        r"den betrieb|die organisation|unser team)(?: [\w.,]+){0,6}? verlassen\b"),
        r"\b(?:ist|bin) (?:\w+ ){0,4}?(?:aus (?:dem|unserem) (?:unternehmen|haus|betrieb|dienst)|aus der firma) ausgeschieden\b",
        r"\b(?:im|in den|in) (?:wohlverdienten )?(?:ruhestand|rente)\b", r"\bausgeschieden\b",
    ),
    back_cues=(
        r"(?:bin |sind |werde )?(?:ich |wir )?(?:erst )?(?:wieder |zurue?ck )+(?:\w+ ){0,4}?(?:ab|am|seit)(?: dem)?",
        r"(?:rue?ckkehr|wieder da|wieder erreichbar|zurue?ck|wieder im bue?ro)(?: ist)? ?:? ?(?:ab|am)?",
        r"(?:kehre|komme|kehren|kommen) (?:\w+ ){0,2}?(?:am|ab)",
        r"(?:melde|melden|antworte|antworten|beantworte) (?:\w+ ){0,8}?(?:ab|am|nach meiner rue?ckkehr am)(?: dem)?",
        r"(?:wieder geoe?ffnet|oe?ffnen wieder)(?: ab| am)?",
    ),
    back_frames=(
        r"{back} (?:bin ich |sind wir )?(?:wieder|zurue?ck)\b",
        r"(?:ab|am|vom) (?:dem |den )?{back},? (?:an )?(?:[\w-]+ ){0,8}?(?:wieder|zurue?ck|zur verfue?gung|erreichbar)",
    ),
    until_cues=(r"bis(?: zum| einschl)?", r"vor dem"),
    last_day_cues=(
        r"bis (?:einschliesslich|inklusive|inkl\.?|und mit|einschl\.?)(?: zum| dem)?", r"bis zum einschliesslich",
        (r"(?:vom|von|zwischen|zwischen dem) {date} ?(?:bis|-|und|bis zum|und dem|bis einschliesslich) ?(?:zum |"
        r"einschliesslich |einschl\.? |inkl\.? |dem )*"),
        r"{date} ?(?:-|bis|bis zum|bis einschliesslich) ?",
    ),
    last_day_frames=(r"bis (?:zum )?{back}\)?,? ?\(?(?:einschliesslich|inklusive|inkl\b|einschl\b)",),
    engaging=(
        (r"\b(?:interessiert|interesse|klingt|gerne|rufen sie|ruf mich|melden sie sich|melde dich|angebot|preise?|kosten|"
        r"termin|kein bedarf|sprechen wir|lassen sie uns|telefonieren|schicken sie|schick mir|freue mich)\b"),
    ),
    ask_words=(
        r"abmeld", r"\bmeld", r"\btrag", r"abbestell", r"abgemeldet", r"austrag", r"ausgetragen", r"entfern", r"loe?sch",
        r"streich", r"gestrichen", r"keine", r"nichts? mehr", r"nie wieder", r"unterlassen", r"hoe?ren", r"hoe?rt", r"stop",
        r"aufhoe?r", r"in ruhe", r"verzicht", r"absehen", r"sehen sie", r"widerspr", r"widerruf", r"unsub", r"nehmen", r"nimm",
        r"abo", r"verschon", r"stell", r"unterlass", r"schluss", r"raus", r"verteiler",
    ),
    asks=(
        (rf"(?:meld(?:en|e|et)? (?:sie |du )?|tragen (?:sie )?|trag(?:e|t)? |nehmen (?:sie )?|nimm |nehmt |streichen (?:sie )?|"
        rf"streich(?:e|t)? |entfernen (?:sie )?|entfern(?:e|t)? |loe?schen (?:sie )?|loe?sch(?:e|t)? |werf(?:en|"
        rf"t) (?:sie )?)(?:bitte |umgehend |sofort )*{_ME}(?: [\w@.-]+){{0,5}}? (?:{_FROM_LIST}|ab\b|aus\b|raus\b|heraus\b)"),
        (rf"{_ME}(?: [\w@.-]+){{0,5}}? {_FROM_LIST}(?: [\w-]+){{0,3}}? (?:zu )?(?:entfernen|entfernt|loe?schen|geloe?scht|"
        rf"streichen|gestrichen|nehmen|abmelden|austragen|auszutragen|abzumelden|herauszunehmen|rauszunehmen|entfern|"
        rf"genommen)\b"),
        rf"{_ME}(?: [\w@.-]+){{0,3}}? (?:abmelden|austragen|abzumelden|auszutragen|loe?schen)\b",
        (r"(?:loe?schen|loe?sche|loe?sch|loe?scht|entfernen|entferne|entfernt) (?:sie )?(?:bitte |umgehend |sofort |alle |"
        r"saemtliche |samtliche )*(?:mich|uns|(?:meine|unsere) (?:[\w-]+ ){0,2}?(?:\w*daten|\w*adresse\w*|e-?mail\w*|mail\w*|"
        r"kontakt\w*|namen?|eintrag))\b"),
        (rf"(?:ich |wir )?(?:verzichte|verzichten) (?:kue?nftig |gerne |dankend )?auf (?:weitere |ihre |die |"
        rf"jegliche )*(?:{_MAILS}|"
        r"zusendung|kontakt)"),
        (rf"sehen sie (?:bitte )?(?:kue?nftig )?von (?:weiteren |jeglichen |ihren )?(?:[\w-]+ )?(?:{_MAILS}|kontakt\w*|"
        r"anfragen|zusendungen) ab\b"),
        rf"(?:widerspreche|widersprechen|widerrufe|widerrufen) (?:ich|wir){_USE}",
        (r"(?:meine|unsere) (?:\w+ ){0,3}?(?:daten|adresse|e-?mail-?adresse|mailadresse|kontaktdaten|"
        r"emailadresse) (?:[\w-]+ ){0,6}?(?:zu )?(?:loe?schen|entfernen|streichen|geloe?scht|entfernt)\b"),
        (rf"(?:schicken|senden|schick(?:e|t)?|send(?:e|et)?|schreib(?:en|e|t)?|kontaktier(?:en|e|t)?|kontaktieren|"
        rf"belae?stig(?:en|e|t)?|mailen|anschreiben) (?:sie )?(?:bitte )?(?:mich|mir|uns) (?:bitte )?(?:in zukunft |"
        rf"kue?nftig |zukue?nftig )?{_NOT}\b(?: [\w-]+)?"),
        (rf"(?:mich|mir|uns) (?:bitte )?(?:in zukunft |kue?nftig |zukue?nftig )?{_NOT} (?:[\w-]+ ){{0,4}}?(?:zu )?(?:schicken|"
        rf"senden|schreiben|kontaktieren|anschreiben|belae?stigen|mailen|zusenden|zuzusenden|anzuschreiben)\b"),
        (rf"{_NOT} (?:[\w-]+ ){{0,4}}?{_MAILS}\b(?: [\w-]+){{0,3}}?(?:$|[.,;!]| mehr| (?:zu )?(?:schicken|senden|erhalten|"
        rf"bekommen|zuschicken|zusenden|zuzusenden))"),
        (rf"(?:ich|wir) (?:moe?chte|moe?chten|will|wollen|wue?nsche|wue?nschen) (?:[\w-]+ ){{0,3}}?{_NOT} (?:[\w-]+ "
        rf"){{0,4}}?(?:{_MAILS}|kontakt|kontaktiert|angeschrieben|kontaktaufnahme)\b"),
        r"(?:hoe?ren|hoe?rt|hoe?r) (?:sie )?(?:bitte )?(?:endlich )?auf,? (?:mir|mich|uns)\b",
        r"(?:lassen|lass|lasst) (?:sie )?(?:mich|uns) (?:bitte |endlich )?in ruhe\b",
        (r"(?:die |um |um die )?(?:umgehende |sofortige )?(?:loe?schung|entfernung) (?:aller |saemtlicher )?(?:meiner|unserer|"
        r"meiner e-mail)\b"),
        rf"(?:ich|wir) (?:widerspreche|widersprechen|widerrufe|widerrufen){_USE}",
        (r"(?:der |einer |jeglicher )(?:[\w-]+ )?(?:nutzung|verwendung|\w*verarbeitung|speicherung|zusendung|kontaktaufnahme)"
        r"(?: [\w-]+){0,8}? (?:widerspreche|widersprechen) (?:ich|wir)\b"),
        (rf"stellen (?:sie )?(?:bitte )?(?:den|die|das|jegliche[nr]?|alle|ihre|diese[n]?|weitere) (?:[\w-]+ ){{0,6}}?(?:\w*versand|"
        rf"\w*sendung(?:en)?|kontakt\w*|{_MAILS})(?: [\w@.-]+){{0,6}}? ein\b"),
        (r"(?:unterlassen|unterlass(?:e|t)?) (?:sie )?(?:bitte )?(?:es,? |kue?nftig |in zukunft |jegliche |weitere |diese |"
        r"solche |die zusendung )"),
        rf"(?:von weiteren|von weiterer|von) (?:[\w-]+ )?{_MAILS} (?:abzusehen|absehen|verschonen)\b",
        (rf"(?:nehmen|nimm|streichen|setzen) (?:sie )?(?:bitte )?(?:mich|uns) (?:bitte )?(?:von|aus|"
        rf"auf) (?:[\w-]+ ){{0,4}}?(?:{_LISTS}|sperrliste|blacklist|blockliste)"),
        (r"(?:newsletter|abonnement|abo|mails?|e-?mails?) (?:bitte )?(?:abbestellen|abmelden|stoppen|stornieren|kue?ndigen|"
        r"beenden)\b"),
        (rf"(?:aus|von|vom) (?:[\w-]+ ){{0,4}}?{_LISTS} (?:bitte )?(?:entfernen|loe?schen|streichen|nehmen|austragen|abmelden|"
        rf"entfernt werden|geloe?scht werden|gestrichen werden|ausgetragen werden|abgemeldet werden)\b"),
        (r"(?:diesen|den|ihren|euren|diese|ihre) (?:[\w-]+ )?(?:newsletter|verteiler|mailings?|abonnement|e-?mails|"
        r"mails) (?:bitte )?(?:nicht mehr (?:erhalten|bekommen)|abbestellen|abzubestellen|abbestellt)"),
        r"wie (?:kann|koe?nnen) (?:ich|wir) (?:mich|uns|diesen|diese|ihren) (?:[\w-]+ ){0,6}?(?:abmelden|austragen|abbestellen)\b",
        r"(?:un-?subscribe|abmelden) (?:me|mich|uns)\b",
        rf"(?:stop|stopp|stoppen|schluss) (?:sie )?(?:bitte )?(?:mit )?(?:den|diese|die|ihre|diesen|dem) (?:[\w-]+ )?{_MAILS}",
    ),
    bare=(
        (rf"(?:abmelden|abmeldung|abbestellen|abbestellung|austragen|austragung|entfernen|loe?schen|stop|stopp|unsubscribe|"
        rf"abmeldung vom newsletter|abmelden bitte|aufhoe?ren|streichen){_TAIL}"),
        (rf"(?:austragen|abmelden|entfernen|loe?schen|streichen) (?:lassen|sie mich|mich|uns|aus dem verteiler|vom verteiler|"
        rf"aus ihrem verteiler){_TAIL}"),
        rf"(?:nicht mehr|nie wieder|nicht) (?:schreiben|kontaktieren|mailen|anschreiben|melden|zusenden){_TAIL}",
        (rf"keine (?:weiteren |weitere )?(?:e-?mails?|mails?|werbung|kontaktaufnahme|nachrichten|zusendungen|"
        rf"newsletter)(?: mehr)?{_TAIL}"),
        rf"hoe?ren sie auf{_TAIL}", rf"(?:raus|weg) (?:aus|mit|von) (?:\w+ )?(?:verteiler|liste){_TAIL}",
        rf"(?:keinen|kein) (?:weiteren )?kontakt(?: mehr)?{_TAIL}",
    ),
    sure_words=(r"abmeld", r"abbestell", r"austrag", r"unsub", r"verteiler"),
    openings=(
        (r"(?:hallo|hi|hey|moin|servus|gruess gott|grue?ezi|guten (?:tag|morgen|abend)|liebe|lieber|"
        r"sehr geehrte[rs]?)(?: [\w.'-]+){0,4}\s*(?:[,:;.!-]+|$)"),
        r"(?:sehr geehrte damen und herren|hallo zusammen|hallo|guten tag|moin)\b\W*",
        (r"(?:nein|sorry|ok|ja|nochmals?|bitte|jetzt|sofort|umgehend|endlich|hiermit|daher|also|und|aber|kuenftig|kunftig|"
        r"zukuenftig|zukunftig|in zukunft|ab sofort|gerne|dann|deshalb|einfach|letztmalig)\b\W*"),
        r"(?:nein,? )?(?:vielen |besten |herzlichen )?dank(?:e)?\b(?: (?:aber|fue?r (?:ihre|die|das|den|eure) [\w-]+))?\W*",
        (r"(?:wir haben |ich habe |es besteht |habe |haben )?kein(?:erlei)? (?:\w+ )?(?:interesse|bedarf)(?: (?:mehr|daran|"
        r"an \w+ \w+|unsererseits))?\W*(?:und )?"),
        r"(?:ich bin |wir sind |bin )?nicht (?:\w+ )?interessiert\W*(?:und )?",
        r"(?:kann|koe?nnen|koe?nnten|koe?nnte|wue?rden|wollen|koe?nntet|wue?rdest) (?:sie|du|ihr|jemand)\b\W*(?:bitte )?",
        (r"(?:ich|wir) (?:moe?chte|moe?chten|will|wollen|bitte|bitten|wue?nsche|wue?nschen|fordere|fordern|verlange|ersuche|"
        r"ersuchen)(?: (?:sie|hiermit|euch|dich|darum|gerne|sie hiermit|hiermit darum|sie darum)\b)*,?\s*"),
        r"(?:bitte )?(?:ich |wir )?(?:wae?re|wae?ren) (?:ihnen )?dankbar,? wenn sie\W*",
        r"(?:zum letzten mal|ein letztes mal)\b\W*",
        r"(?:gemae?ss|nach|laut|entsprechend|gem\.?) (?:(?:art\w*|abs\w*|lit|der|\d+|[a-f]) )*(?:eu-)?(?:ds-?gvo|bdsg)\b\W*",
        r"seien sie so (?:gut|freundlich|nett) und\W*",
    ),
    unless=(
        r"es sei denn", r"ausser", r"bis", r"wenn", r"falls", r"aber", r"sondern", r"stattdessen", r"vor dem", r"rufen sie",
        r"ruf mich", r"anrufen", r"solange", r"waehrend", r"wahrend", r"diese woche", r"nae?chste woche", r"morgen",
        r"noch nicht", r"nur", r"am wochenende", r"(?:alte|neue|fru?e?here)[nrs]? (?:e-?mail-?)?adresse", r"eintragen",
        (r"(?:mich|uns|\w*adresse|\w*daten) (?:bitte )?nicht(?: (?:aus|von|vom|ab|raus|austragen|abmelden|loe?schen|entfernen|"
        r"streichen|zu entfernen|zu loe?schen)\b|$)"),
        r"ho(?:e)?r(?:en|t)? (?:sie )?nicht auf",
    ),
    harmless=(
        r"\b(?:aber|und) (?:vielen )?dank\w*\b", r"\baber (?:viel erfolg|alles gute)\b",
        r"\bwenn (?:moe?glich|es geht|sie so nett)\b", r"\b(?:sonst|ansonsten|andernfalls)\b.*",
        r"\bwenn (?:sie|ihr|das) (?:\w+ ){0,5}?(?:nochmal|weiter|nicht aufhoe?r)\w*\b.*",
    ),
    joins=(r"und", r"daher", r"deshalb", r"bitte", r"also", r"darum", r"deswegen", r"dann"),
    receipt_subjects=(
        r"^\W*(?:gelesen|ungelesen|nicht gelesen|lesebestae?tigung|empfangsbestae?tigung|gelesen worden)\b.{0,30}:?",
        r"lesebestae?tigung",
    ),
    receipt_phrases=(
        r"\b(?:nachricht|e-?mail)\b.{0,300}\b(?:wurde|ist) .{0,120}(?:gelesen|angezeigt|geoe?ffnet|geloe?scht)\b",
        r"\blesebestae?tigung\b",
    ),
    calendar_subjects=(
        (r"^\W*(?:zugesagt|abgesagt|abgelehnt|mit vorbehalt|vorlae?ufig zugesagt|neuer (?:termin|zeitpunkt) vorgeschlagen|"
        r"angenommen)\b.{0,30}:"),
    ),
    delay_subjects=(r"\bverzoe?ger", r"\bverspae?tet"),
    failure_subjects=(
        r"unzustellbar", r"nicht zugestellt", r"zustellung .{0,40}fehlgeschlagen", r"fehlgeschlagen", r"zustellungsfehler",
    ),
    challenge_phrases=(
        (r"\b(?:bestae?tigen|verifizieren|beweisen) sie,? (?:bitte |dass |ihre |einmalig )*.{0,160}\b(?:zugestellt|mensch|spam|"
        r"roboter|absender|freigeschaltet|freigegeben|postfach)"),
        (r"\b(?:ihre (?:nachricht|e-?mail|mail)) .{0,80}(?:zurue?ckgehalten|in quarantae?ne|wartet|"
        r"zugestellt werden kann).{0,240}\b(?:klick|bestae?tig|link|captcha|antwort)"),
        r"\b(?:klicken|antworten) sie\b.{0,160}\b(?:freigeben|freigeschaltet|weisse liste|whitelist|freizuschalten|zugestellt)",
    ),
    history=History(
        attribution_fronts=("am ", "on "),
        attributions=(
            r"(?:am|on|gesendet am)\b.{4,300}\bschrieb(?:en)?\b.{0,160}:", r".{3,200}\bschrieb(?:en)?(?: am .{4,80})?\s*:",
            r".{3,120} hat (?:am .{3,80} )?geschrieben\s*:",
        ),
        dividers=(
            "urspruengliche nachricht", "ursprungliche nachricht", "originalnachricht", "original-nachricht",
            "weitergeleitete nachricht", "ursprunglicher termin", "weitergeleitet von .{1,100}",
        ),
        forwards=(r"anfang der weitergeleiteten (?:nachricht|e-?mail)\s*:",),
        from_words=("von",),
        header_words=("gesendet", "datum", "an", "betreff", "cc", "kopie", "gesendet am", "wann"),
        mobile=(
            r"von meine[mr]? .{1,60} gesendet", r"gesendet (?:von|mit|aus) ", r"outlook fue?r .{2,20} (?:beziehen|herunterladen)",
            r"holen sie sich outlook", r"diese nachricht wurde von meine",
        ),
        disclaimers=(
            (r"(?:diese|die in dieser) .{0,60}(?:e-?mail|nachricht|mitteilung)\b.{0,200}\b(?:vertraulich|rechtlich geschue?tzt|"
            r"empfae?nger bestimmt|adressaten|bestimmt)"),
            (r"(?:haftungsausschluss|vertraulichkeitshinweis|wichtiger hinweis|rechtlicher hinweis|hinweis zum datenschutz|"
            r"datenschutzhinweis)"),
            r"bitte (?:denken sie an die umwelt|prue?fen sie.{0,60}ausdruck)",
            (r"(?:geschae?ftsfue?hr(?:er|ung|erin)|vorstand|sitz der gesellschaft|amtsgericht|registergericht|handelsregister|"
            r"ust-?id)\b.{0,3}[:]"),
            r"(?:amtsgericht|registergericht|handelsregister) \w+.{0,40}hr ?b",
        ),
        reply_above=(
            r"(?:antwort(?:en)?|antworten sie|schreiben sie).{0,60}(?:ueber|uber|oberhalb) (?:von )?diese[rn]? (?:zeile|linie)",
        ),
        closings=(
            (r"(?:mit )?(?:freundlichen?|besten?|vielen|herzlichen?|schoe?nen?|liebe[nr]?|viele|schoe?ne|beste|"
            r"herzliche) (?:grue?ss(?:e|en)|dank|gruss)(?: .{0,30})?"),
            r"mfg|vg|lg|gruss|grue?sse|hochachtungsvoll|freundlichst|bg|mit freundlichem gruss",
        ),
    ),
    months={
        "januar": 1, "jan": 1, "janner": 1, "jaenner": 1, "februar": 2, "feb": 2, "marz": 3, "maerz": 3, "mrz": 3, "mar": 3,
        "april": 4, "apr": 4, "mai": 5, "juni": 6, "jun": 6, "juli": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9,
        "sep": 9, "oktober": 10, "okt": 10, "november": 11, "nov": 11, "dezember": 12, "dez": 12,
    },
    weekdays={
        "montag": 0, "mo": 0, "dienstag": 1, "di": 1, "mittwoch": 2, "mi": 2, "donnerstag": 3, "do": 3, "freitag": 4, "fr": 4,
        "samstag": 5, "sa": 5, "sonnabend": 5, "sonntag": 6, "so": 6,
    },
    ordinals=(r"\.", "ten", "te"),
    of_words=(),
    fillers=("am", "ab", "dem", "den", "der", "zum", "vom", "um den"),
    next_words=(r"nae?chsten?", r"kommenden?", "diesen", "dem"),
    day_fronts=("am", "ab dem", "zum", "dem"),
    day_words={
        "morgen": 1, "ubermorgen": 2, "uebermorgen": 2,
    },
    next_week=(r"nae?chste[rn]? woche", r"kommende[rn]? woche"),
    day_first=".",
)  # fmt: skip
