"""Italian, as data (docs/behaviour.md 7.8). Accents are folded."""

from domain.replies.language import History, Language

_LISTS = (
    r"(?:list[ae]|elenc(?:o|hi)|database|db|archivi?o?|newsletters?|mailing(?:[ -]list)?|e-?mail|email|mail|posta|"
    r"crm|campagn[ae]|rubrica|contatti|comunicazioni|messaggi|indirizzario|iscrizion[ei]|distribuzione|invii|sistema|"
    r"registri?)"
)
_FROM_LIST = (
    rf"(?:da|dal|dalla|dalle|dai|dagli|dall'|della|del|delle) ?(?:(?:la|le|vostra|vostro|vostre|vostri|sua|suo|"
    rf"questa|questo|queste|tutte|tutti|tua|tuo) ){{0,3}}(?:[\w-]+ ){{0,3}}?{_LISTS}\b"
)
_ME = (
    r"(?:(?:l'indirizzo )?own@address|(?:il )?(?:mio|nostro) (?:\w+ )?(?:indirizzo|nome|contatto|nominativo|account)|"
    r"(?:la )?(?:mia|nostra) (?:\w+ )?(?:e-?mail|email|mail|casella|azienda|posta)|(?:i )?(?:miei|"
    r"nostri) (?:\w+ )?(?:dati|recapiti|contatti)|quest[oa]'? ?(?:\w+ )?(?:indirizzo|e-?mail|casella))"
)
_MAILS = (
    r"(?:e-?mail|email|mail|messaggi?o?|newsletter|pubblicita|spam|offerte|comunicazion[ei]|promozioni|posta|"
    r"corrispondenza|proposte|contatti)"
)
_TAIL = (
    r"(?:\W+(?:per favore|per cortesia|grazie|grazie mille|subito|immediatamente|adesso|ora|saluti|cordiali saluti|"
    r"distinti saluti))*"
)

_OPPOSE = (
    r"(?:mi oppongo|ci opponiamo|oppormi|opporci) (?:al|alla|all'|a)(?: ?[\w'-]+){0,6}? ?(?:dati|trattamento|pubblicita|invi[oi]|"
    r"comunicazioni|e-?mail|email|marketing|uso|utilizzo)\b"
)

ITALIAN = Language(
    code="it",
    away_subjects=(
        r"\bfuori (?:sede|ufficio)\b", r"\bassen(?:te|za)\b", r"\b(?:in|per) ferie\b", r"\bferie\b", r"\bnon in ufficio\b",
    ),
    auto_subjects=(r"^\W*(?:risposta|risponditore|messaggio) automatic[ao]\b", r"^\W*(?:r: )?risposta auto"),
    away_phrases=(
        (r"\b(?:sono|saro|siamo|saremo|sara|mi trovo|essendo) (?:[\w.,'/-]+ ){0,4}?(?:fuori (?:sede|ufficio|dall'ufficio)|"
        r"assente|in ferie|in vacanza|in viaggio|in trasferta|in malattia|in maternita|in congedo|fuori dall'ufficio|"
        r"in permesso|fuori fino)\b"),
        r"\b(?:attualmente|momentaneamente) (?:\w+ )?(?:assente|in ferie|fuori (?:sede|ufficio))\b",
        r"\bfuori (?:dall')?ufficio\b",
        (r"\b(?:saro|sono|torno|rientro|tornero|rientrero|saremo) (?:[\w]+ ){0,3}?(?:di nuovo|nuovamente|in ufficio|"
        r"disponibile|operativ[oi]|in sede)\b"),
        r"\baccesso (?:limitato|ridotto|saltuario) (?:alla|alle) (?:mia |mie |posta )?(?:e-?mail|posta|casella|elettronica)?",
        r"\bnon (?:avro|ho) accesso (?:alla|alle|a)\b", r"\bnon saro (?:in ufficio|disponibile|raggiungibile|reperibile)\b",
        r"\b(?:i nostri uffici|il nostro ufficio|l'azienda|gli uffici|la nostra azienda) (?:[\w.,'/-]+ ){0,4}?(?:chius[oia])\b",
        r"\b(?:siamo|saremo|restiamo|resteremo|rimarremo|rimaniamo) (?:\w+ ){0,2}?chius[ie]\b", r"\bdurante la mia assenza\b",
        r"\bal mio (?:rientro|ritorno)\b", r"\b(?:congedo (?:di maternita|parentale)|maternita)\b",
        r"\bchiusura (?:estiva|natalizia|aziendale|per ferie)\b",
    ),
    away_words=(
        r"\bin (?:ferie|vacanza|trasferta|maternita|malattia)\b", r"\bassente\b", r"\brientr(?:o|ero) (?:il|previsto|dal|a)\b",
    ),
    left_phrases=(
        (r"\bnon (?:lavora|lavoro|fa|faccio|e|sono|presta|collabora) piu (?:\w+ )?(?:in|con|per|presso|parte|qui|alle|alla|"
        r"dipendente|servizio|nell|da noi|un dipendente)"),
        r"\bnon (?:lavora|lavoro|collabora) piu\b",
        (r"\b(?:ha|ho) (?:\w+ )?lasciato (?:l'azienda|la societa|la nostra|l'organizzazione|il gruppo|la ditta|lo studio|"
        r"l'incarico|il suo|il mio|la compagnia|(?-i:[A-Z])[\w&.'-]+)"),
        r"\b(?:e|sono) (?:\w+ )?(?:in pensione|andat[oa] in pensione|pensionat[oa])\b",
        r"\bnon e piu (?:in forza|dipendente|parte|presente|attiv[oa] presso)",
        r"\bha (?:cessato|concluso|terminato) (?:\w+ ){0,3}?(?:attivita|rapporto|collaborazione|servizio)\b",
    ),
    back_cues=(
        (r"(?:rientro|rientrando|tornando|rientrero|tornero|torno|ritorno|ritornero|rientreremo|torneremo|rientra|"
        r"rientriamo)(?: (?:in (?:ufficio|sede|servizio)|al lavoro|operativ[oi]|disponibile|previsto|dalle ferie|"
        r"a lavorare))* ?(?:il|dal|a partire dal|per il|da|:)?(?: giorno)?"),
        (r"(?:saro|saremo|sono) (?:di nuovo|nuovamente|in ufficio|in sede|disponibile|operativ[oi]|di ritorno|"
        r"ancora)(?: [\w]+){0,4}?(?: (?:il|dal|a partire dal|da))?(?: giorno)?"),
        (r"(?:di nuovo|nuovamente)(?: (?:in ufficio|disponibile|operativ[oi]|reperibile|raggiungibile|aperti|"
        r"in sede))?(?: (?:il|dal|a partire dal|da))?(?: giorno)?"),
        r"(?:data (?:di|del) (?:rientro|ritorno)|rientro|ritorno)(?: previsto)? ?:?(?: il)?",
        r"(?:rispondero|risponderemo|ti rispondero|le rispondero|contattero) (?:[\w]+ ){0,8}?(?:il|dal|a partire dal)(?: giorno)?",
        r"(?:riapriremo|riaprira|riapre|riapertura)(?: [\w]+){0,3}? ?(?:il|dal|da|:)?",
    ),
    back_frames=(
        r"il {back} (?:di nuovo|nuovamente|in ufficio)",
        (r"(?:dal|a partire dal|da|il) (?:giorno )?{back},? (?:saro|sono|tornero|rientrero|saremo|"
        r"torneremo) (?:[\w]+ ){0,3}?(?:di nuovo|nuovamente|disponibile|in ufficio|operativ[oi]|raggiungibile)"),
    ),
    until_cues=(r"fino (?:al|a|alla data del|all')", r"sino (?:al|a|all')", r"prima del?(?:l')?"),
    last_day_cues=(
        r"(?:fino a tutto|sino a tutto)(?: il)?",
        r"(?:dal|da|dall'|tra il|fra il) ?(?:giorno )?{date} ?(?:al|a|fino al|e il|-|all'|sino al|ad?) ?(?:giorno )?",
        r"{date} ?(?:al|-|all') ?",
    ),
    last_day_frames=(r"(?:fino|sino)? ?(?:al|a|all') ?(?:giorno )?{back}\)?,? ?\(?(?:compres[oa]|inclus[oa])",),
    engaging=(
        (r"\b(?:interessa|interessato|interessata|interessante|interessati|chiamami|mi chiami|chiamarmi|prezz[oi]|preventivo|"
        r"appuntamento|non (?:mi|ci) interessa|volentieri|invii|inviami|mi mandi|parliamo|parlarne|sentiamoci|offerta|"
        r"ricontatt\w+|mi scriva)\b"),
    ),
    ask_words=(
        r"cancell", r"disiscri", r"rimuov", r"rimoss", r"elimin", r"tog[l]", r"tolg", r"\bnon\b", r"basta", r"smett", r"stop",
        r"disdi", r"opp?on", r"consenso", r"unsub", r"in pace", r"depenn", r"nessun", r"mai piu", r"disabbon", r"cessa",
    ),
    asks=(
        (rf"(?:cancell|disiscriv|rimuov|elimin|togli|tolg|depenn|disabbon|esclud|lev)\w*(?:mi|ci|temi|teci|rmi|"
        rf"rci)\b(?: [\w@.-]+){{0,5}}? {_FROM_LIST}"),
        (rf"(?:mi|ci) (?:cancell|rimuov|elimin|togl|tolg|disiscriv|depenn|esclud|disabbon|"
        rf"lev)\w*(?: [\w@.-]+){{0,5}}? {_FROM_LIST}"),
        r"(?:disiscriv|disabbon)\w*(?:mi|ci|temi|rmi|rci)\b", r"(?:mi|ci) (?:disiscriv|disabbon)\w*",
        r"(?:disiscriv|cancell)(?:er|ar|ere|are)(?:mi|ci)\b",
        rf"(?:cancell|rimuov|elimin|togl|tolg)\w* (?:per favore )?(?:tutti )?{_ME}\b",
        (r"(?:essere|venire|sia|venga|vengano) (?:\w+ )?(?:cancellat[oaei]|rimoss[oaei]|eliminat[oaei]|tolt[oaei]|"
        r"disiscritt[oaei]|depennat[oaei])\b"),
        (r"(?:smett|pianta|finit|cess)\w*(?:la)? (?:subito )?(?:di|con) (?:le |queste |le vostre )?(?:scriver|mandar|inviar|"
        r"contattar|disturbar|tempestar|importunar|e-?mail|mail|spam|chiamar)"),
        (r"(?:non|mai) (?:mi|ci) (?:\w+ )?(?:scriv|mand|inviat|invi|contatt|disturb|spedi|importun)\w* (?:piu|mai|altr|"
        r"ulterior|nessun|di nuovo)"),
        r"non (?:scriv|mand|invi|contatt|disturb|spedi)\w*(?:mi|ci|temi|teci)\b(?: \w+){0,3}? ?(?:piu|mai)",
        r"(?:non|mai) (?:scriv|mand|invi|contatt|disturb)\w*(?:mi|ci|temi|rmi|rci|telo|teci)\b(?: piu| mai piu)?",
        (rf"(?:non|mai piu) (?:voglio|vogliamo|desidero|desideriamo|intendo|vorrei|gradisco|"
        rf"ho intenzione) (?:di )?(?:piu )?(?:\w+ )?(?:ricever|essere contattat|che mi|altre|{_MAILS}|continuare a ricever)"),
        r"(?:di )?non (?:voler )?(?:ricever|essere contattat)\w*(?: piu| altre| ulteriori)",
        (rf"(?:nessun'?|niente|basta|stop|non) (?:piu |altre |altra |ulterior[ei] |con (?:le |queste )?|a )?(?:le |le vostre |"
        rf"queste )?{_MAILS}\b"),
        r"(?:di )?non (?:inviarmi|mandarmi|scrivermi|contattarmi|inviarci|mandarci|scriverci|contattarci|disturbarmi|spedirmi)\b",
        r"lasciate?(?:mi|ci) (?:in pace|stare)\b", r"(?:mi lasci|ci lasci|lasciarmi) (?:in pace|stare)\b",
        _OPPOSE, r"(?:revoco|ritiro|revocare|ritirare) (?:il )?(?:mio )?consenso\b",
        r"(?:disdi|annull|cancell)\w* (?:la )?(?:mia |nostra |l')?iscrizione\b", r"disdire (?:la |l')",
        (r"(?:la )?(?:cancellazione|rimozione|eliminazione) (?:immediata )?(?:di tutti )?(?:dei miei|del mio|della mia|"
        r"dei nostri|del nostro|i miei)\b"),
        r"come (?:posso|faccio a|si fa a|possiamo) (?:disiscriv|cancell|disabbon)\w*(?:mi|ci|rmi|si)\b", r"unsubscribe me\b",
        rf"(?:la |una )?(?:mia |nostra )?(?:cancellazione|rimozione|disiscrizione|esclusione) {_FROM_LIST}",
    ),
    bare=(
        (rf"(?:cancellami|cancellatemi|cancellazione|cancella|disiscrizione|disiscrivimi|disiscrivetemi|disiscrivi|rimuovi|"
        rf"rimuovimi|rimuovetemi|eliminami|eliminatemi|toglietemi|mi tolga|stop|basta|unsubscribe|disiscrivere|rimuovere|"
        rf"disdetta|mi cancelli|mi rimuova|smettetela|smettila){_TAIL}"),
        (rf"(?:non|mai) (?:scrivermi|scrivetemi|contattatemi|contattarmi|disturbate|mandate|scrivete|scrivere|"
        rf"contattare)(?: mai)? ?piu(?: nulla| niente)?{_TAIL}"),
        (rf"(?:basta|stop|niente|no)(?: (?:con|a|alle|piu))? ?(?:le |queste )?(?:e-?mail|mail|pubblicita|spam|messaggi|"
        rf"newsletter){_TAIL}"),
        rf"(?:mi )?(?:tolg|togli|cancell|rimuov|elimin)\w+(?: subito)?{_TAIL}",
    ),
    sure_words=(r"disiscri", r"disabbon", r"unsub", r"cancella(?:mi|temi|zione)", r"(?:mi|ci)$"),
    openings=(
        (r"(?:buongiorno|buonasera|buon giorno|salve|ciao|gentile|gentili|egregio|egregi|spett\.?le|caro|cara|"
        r"spettabile)(?: (?:signor[ae]?|dott\.?|sig\.?ra|sig\.?|[\w.'-]+)){0,3}\s*(?:[,:;.!-]+|$)"),
        r"(?:buongiorno|buonasera|salve|ciao)\b\W*",
        (r"(?:no|scusi|scusa|ok|si|ancora|urgente|per favore|per cortesia|cortesemente|gentilmente|e|ma|quindi|pertanto|allora|"
        r"subito|immediatamente|perfavore|adesso|ora|anche|dunque)\b\W*"),
        (r"(?:no,? )?(?:grazie|la ringrazio|vi ringrazio|ti ringrazio)(?: mille| molte)?\b(?: (?:ma|per (?:la|il|l'|"
        r"le)? ?[\w-]+))?\W*"),
        (r"(?:non (?:sono|siamo) (?:\w+ )?interessat[oaie]|non (?:mi|ci) interessa(?:no)?)(?: (?:al|alla|a|alle|"
        r"ai) (?:\w+ ){0,3}?(?:offerta|proposta|prodotto|servizi|servizio|questo))?\W*(?:e )?"),
        (r"(?:potete|potreste|puoi|potresti|puo|potrebbe|vogliate|volete|voglia|possono)\b\W*(?:per favore |gentilmente |"
        r"cortesemente )*"),
        (r"(?:(?:io|noi) )?(?:vorrei|vorremmo|voglio|vogliamo|desidero|desideriamo|chiedo|chiediamo|richiedo|richiediamo|prego|"
        r"preghiamo|vi prego|la prego|ti prego|vi chiedo|le chiedo|vi chiediamo|esigo|gradirei)(?: (?:di|che|a)\b)*\s*"),
        r"(?:vi|le|ti) (?:ho|abbiamo) (?:gia )?(?:chiesto|detto|scritto) (?:\w+ ){0,2}?(?:di )?",
        r"(?:si prega|prega|siete pregati|e pregato|prego) (?:cortesemente )?(?:di )?",
        r"(?:per l'ultima volta|per la (?:seconda|terza|ennesima) volta)\b\W*",
        r"ai sensi (?:del|dell'|della) ?(?:(?:articolo|art\.?|\d+|del|dell'|della) ?)*(?:gdpr|rgpd|regolamento)\b\W*",
        r"di\b\W*",
    ),
    unless=(
        r"a meno che", r"salvo", r"tranne", r"eccetto", r"fino", r"finche", r"se", r"ma", r"prima", r"invece", r"piuttosto",
        r"chiamatemi", r"mi chiami", r"chiamami", r"durante", r"questa settimana", r"la prossima settimana", r"domani",
        r"ancora non", r"bensi", r"mentre", r"(?:weekend|fine settimana)",
    ),
    harmless=(
        r"\bma (?:grazie|grazie mille|buona fortuna|buon lavoro)\b", r"\bse (?:possibile|e possibile|puo|potete)\b",
        r"\b(?:altrimenti|in caso contrario)\b.*", r"\bquanto prima\b", r"\bprima possibile\b", r"\bil prima possibile\b",
        r"\bprima che (?:vi |la |io )?(?:denunci|segnal|blocch)\w*\b.*", r"\bse (?:continuate|continua|insistete)\b.*",
    ),
    joins=(
        r"e", r"quindi", r"pertanto", r"per favore", r"ma", r"perche", r"vi prego di", r"si prega di", r"allora",
    ),
    receipt_subjects=(
        r"^\W*(?:letto|letta|non letto|conferma di lettura|ricevuta di (?:lettura|ritorno|consegna)|lettura)\b.{0,30}:?",
    ),
    receipt_phrases=(
        r"\bmessaggio\b.{0,300}\b(?:e stato|stato) .{0,60}(?:letto|visualizzato|aperto|eliminato)",
        r"\b(?:conferma|ricevuta) di (?:lettura|ritorno)\b",
    ),
    calendar_subjects=(
        (r"^\W*(?:accettato|accettata|rifiutato|rifiutata|provvisorio|provvisoria|nuova ora proposta|nuovo orario proposto|"
        r"annullato|annullata)\b.{0,30}:"),
    ),
    delay_subjects=(r"\britard(?:o|ato|ata)\b",),
    failure_subjects=(
        r"recapito non riuscito", r"non recapitabile", r"mancato recapito", r"impossibile (?:recapitare|consegnare)",
        r"mancata consegna", r"consegna non riuscita", r"errore di consegna",
    ),
    challenge_phrases=(
        (r"\b(?:conferm|verific|dimostr)\w* (?:che|di|il|la|l'|il tuo|la tua|il suo).{0,160}\b(?:consegnat|umano|spam|robot|"
        r"mittente|recapitat|persona|posta in arrivo)"),
        (r"\b(?:il|la) (?:suo|tuo|sua|tua|vostro|vostra) (?:messaggio|e-?mail|mail) .{0,80}(?:trattenut|in attesa|quarantena|"
        r"bloccat).{0,240}\b(?:clic|conferm|link|captcha|rispond|verific)"),
        r"\b(?:fare|faccia|fai|cliccare|clicca|clicchi)\b.{0,160}\b(?:whitelist|lista bianca|autorizzat|sbloccar|approv)",
    ),
    history=History(
        attribution_fronts=("il ", "in ", "on "),
        attributions=(r"(?:il|in data)\b.{4,300}\bha scritto\b.{0,60}:", r".{3,200}\bha scritto(?: il .{4,80})?\s*:"),
        dividers=(
            "messaggio originale", "messaggio inoltrato", "messaggio originario", "appuntamento originale", "forwarded message",
            "inoltrato da .{1,100}",
        ),
        forwards=(r"inizio (?:del )?messaggio inoltrato\s*:",),
        from_words=("da",),
        header_words=("inviato", "data", "a", "oggetto", "cc", "inviato il"),
        mobile=(r"inviato (?:da|dal|con|tramite) ", r"(?:scarica|ottieni|scaricare) outlook per "),
        disclaimers=(
            (r"(?:questo|questa|il presente|la presente|le informazioni contenute in (?:questo|questa))\b.{0,60}(?:messaggio|"
            r"e-?mail|mail|comunicazione)\b.{0,200}\b(?:riservat|confidenzial|destinatari|esclusiv)"),
            r"(?:avviso di riservatezza|riservatezza|informativa privacy|privacy|avvertenza|disclaimer|ai sensi del)\b.{0,120}",
            r"(?:prima di stampare|rispetta l'ambiente|pensa all'ambiente)",
        ),
        reply_above=(
            r"(?:rispond\w+|risposta|digita\w*|scriv\w+|inserisc\w+).{0,60}(?:sopra|al di sopra) (?:di )?questa (?:riga|linea)",
        ),
        closings=(
            r"(?:cordiali|distinti|cari|migliori|tanti|i migliori)? ?saluti",
            (r"cordialmente|cordialita|distintamente|grazie|grazie mille|a presto|un saluto|un cordiale saluto|"
            r"buona (?:giornata|serata)|buon lavoro|grazie e (?:cordiali )?saluti|in fede"),
        ),
    ),
    months={
        "gennaio": 1, "gen": 1, "febbraio": 2, "feb": 2, "marzo": 3, "mar": 3, "aprile": 4, "apr": 4, "maggio": 5, "mag": 5,
        "giugno": 6, "giu": 6, "luglio": 7, "lug": 7, "agosto": 8, "ago": 8, "settembre": 9, "sett": 9, "set": 9, "ottobre": 10,
        "ott": 10, "novembre": 11, "nov": 11, "dicembre": 12, "dic": 12,
    },
    weekdays={
        "lunedi": 0, "lun": 0, "martedi": 1, "mar": 1, "mercoledi": 2, "mer": 2, "giovedi": 3, "gio": 3, "venerdi": 4, "ven": 4,
        "sabato": 5, "sab": 5, "domenica": 6, "dom": 6,
    },
    ordinals=("°", "o"),
    of_words=(),
    fillers=("il", "dal", "al", "giorno", "l'", "prossimo", "a partire dal"),
    next_words=("prossimo", "questo"),
    day_fronts=("giorno", "il", "dal"),
    day_words={
        "domani": 1, "dopodomani": 2,
    },
    next_week=("la prossima settimana", "la settimana prossima", "settimana prossima", "prossima settimana"),
    day_first=".",
)  # fmt: skip
