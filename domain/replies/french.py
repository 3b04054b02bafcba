"""French, as data (docs/behaviour.md 7.8). Accents are folded."""

from domain.replies.language import History, Language

_LISTS = (
    r"(?:listes?|fichiers?|base(?: de donnees)?|bases|mailings?(?:[ -]lists?)?|diffusions?|newsletters?|infolettres?|"
    r"envois?|e-?mails?|mails?|courriels?|contacts|carnet|crm|campagnes?|prospections?|communications?|messages?|"
    r"sollicitations?|registres?|systeme|emailings?)"
)
_FROM_LIST = (
    rf"(?:de|d'|du|des) ?(?:(?:la|le|les|l'|votre|vos|cette|ce|ces|toute?s?|tous|ta|"
    rf"tes) ?){{0,3}}(?:[\w'-]+ ){{0,3}}?{_LISTS}\b"
)
_ME = (
    r"(?:moi|nous|(?:l'adresse )?own@address|mon (?:\w+ )?(?:adresse|e-?mail|mail|courriel|nom|contact)|"
    r"mes (?:\w+ )?(?:donnees|coordonnees|informations)|notre (?:\w+ )?(?:adresse|e-?mail|mail|societe|entreprise|"
    r"nom)|nos (?:\w+ )?(?:donnees|coordonnees)|cette adresse|ma (?:\w+ )?(?:boite|messagerie|adresse))"
)
_MAILS = (
    r"(?:e-?mails?|mails?|courriels?|messages?|newsletters?|publicites?|pubs?|spams?|sollicitations?|offres?|"
    r"infolettres?|courriers?|envois?|prospections?|propositions?|communications?|demarchages?)"
)
_TAIL = (
    r"(?:\W+(?:svp|s'il vous plait|s'il te plait|merci|merci d'avance|immediatement|maintenant|cordialement|"
    r"tout de suite|de suite|definitivement))*"
)
_STOP = r"(?:arretez|arrete|arreter|cessez|cesse|cesser|stoppez|stopper|veuillez cesser|veuillez arreter)"
_OFF = (
    r"(?:retirer?z?|supprimer?z?|enlever?z?|desinscrire|desinscrivez|desabonner?z?|effacer?z?|radier?z?|rayer?z?|"
    r"exclure|oter)"
)

FRENCH = Language(
    code="fr",
    away_subjects=(
        r"\babsen(?:ce|te?s?)\b", r"\bhors (?:du )?bureau\b", r"\bconges?\b", r"\ben vacances\b", r"\bmessage d'absence\b",
        r"\bindisponib",
    ),
    auto_subjects=(
        r"^\W*(?:reponse|message|courriel|accuse) (?:automatique|auto)\b", r"^\W*(?:reponse|message) d'absence\b",
    ),
    away_phrases=(
        (r"\b(?:je suis|nous sommes|je serai|nous serons|etant|suis) (?:[\w.,'/-]+ ){0,4}?(?:absente?s?|en conges?|en vacances|"
        r"en deplacement|hors du bureau|indisponibles?|en arret|en formation|en rtt|en mission|injoignables?|hors bureau)\b"),
        r"\b(?:actuellement|momentanement) (?:absente?|en conges?|en vacances|en deplacement|indisponible)\b",
        r"\b(?:absente?s?|absence) (?:du bureau|jusqu'au|du \d|du lundi|pour conges?|jusqu)",
        r"\b(?:conge|conges) (?:maternite|parental|paternite|annuels?|maladie)\b",
        r"\bde retour (?:au bureau |parmi vous )?(?:le|a partir|lundi|mardi|mercredi|jeudi|vendredi|des|au bureau)\b",
        r"\bsans acces (?:regulier )?a (?:ma messagerie|mes (?:e-?mails|mails|messages|courriels))\b",
        r"\bacces (?:limite|restreint|reduit|tres limite) a (?:ma messagerie|mes|internet)\b",
        r"\b(?:nos bureaux|notre (?:societe|entreprise|agence|bureau)) (?:est|sont|sera|seront) (?:[\w']+ ){0,3}?fermee?s?\b",
        r"\bnous (?:sommes|serons) (?:[\w']+ ){0,3}?fermes?\b", r"\bpendant mon absence\b", r"\ben mon absence\b",
        r"\ba mon retour\b",
    ),
    away_words=(
        r"\bne (?:suis|serai|sommes|serons) pas (?:[\w']+ ){0,2}?(?:disponibles?|joignables?|au bureau|presente?s?)\b",
        r"\ben (?:conges?|vacances|deplacement|formation)\b", r"\babsente?\b", r"\bretour prevu\b", r"\bde retour\b",
    ),
    left_phrases=(
        (r"\b(?:a|ai|avons|ayant) (?:\w+ )?quitte (?:la |l'|notre |le |nos |ses |mes )?(?:societe|entreprise|groupe|compagnie|"
        r"organisation|cabinet|agence|equipe|fonctions|association|etablissement|effectifs|poste)"),
        r"\b(?:a|ai) (?:\w+ )?quitte (?-i:[A-Z])[\w&.'-]+",
        r"\bne (?:travaille|fait|fais|font|travaillent) (?:\w+ )?plus (?:partie |chez|pour|dans|ici|a la|au sein|parmi)",
        r"\bn'est plus (?:en poste|chez|parmi|dans|employee?|salariee?|joignable a cette adresse|au sein|membre|collaborat)",
        r"\bne suis plus (?:en poste|chez|dans|employee?|salariee?|au sein)", r"\bn'exerce plus\b",
        r"\b(?:a pris|ai pris|est parti[e]? (?:a|en)|suis partie? (?:a|en)|prend) (?:sa |ma |la )?retraite\b",
        r"\best a la retraite\b",
    ),
    back_cues=(
        (r"(?:de )?retour (?:parmi vous |au bureau |prevu |au travail |effectif |prevu |sera |est |en poste )*(?:le|des le|"
        r"a partir du|a compter du|:)?"),
        (r"(?:je )?(?:serai|revenant|reprenant|reviens|reviendrai|rentre|rentrerai|reprends|reprendrai|reprise|serons|revenons|"
        r"reprendrons) (?:[\w']+ ){0,5}?(?:le|des le|a partir du|a compter du)?"),
        r"(?:joignable|disponible|presente?) (?:a nouveau |de nouveau )?(?:le|des le|a partir du|a compter du)?",
        r"(?:date de retour|retour|reouverture|reprise)(?: prevue?)? ?:?(?: le)?",
        (r"(?:repondrai|traiterai|repondrons|recontacterai|prendrai connaissance) (?:[\w']+ ){0,8}?(?:le|des le|a partir du|"
        r"a compter du)"),
        r"(?:rouvri\w+|reouvri\w+|ouvri\w+) (?:[\w']+ ){0,3}?(?:le|a partir du|des le)?",
    ),
    back_frames=(
        r"(?:le|des le) {back} (?:de retour|au bureau)",
        (r"(?:a partir du|a compter du|des le|le) {back},? (?:je serai|nous serons|je reviens|je suis|"
        r"je reprend\w+) (?:[\w']+ ){0,3}?(?:de retour|disponible|joignable|presente?|au bureau)"),
    ),
    until_cues=(r"jusqu'(?:au|a|a la date du|en)", r"jusqu au", r"avant(?: le)?"),
    last_day_cues=(
        r"(?:du|de|entre le|entre) {date} ?(?:au|a|et le|et|-|jusqu'au|jusqu'a) ?", r"{date} ?(?:au|-) ?",
        r"jusqu'a la fin de la journee du",
    ),
    last_day_frames=(r"(?:jusqu'(?:au|a)|au) {back}\)?,? ?\(?(?:inclus|compris)",),
    engaging=(
        (r"\b(?:interesse|interessant|interessee|appelez|rappelez|contactez-moi|tarifs?|prix|devis|rendez-vous|volontiers|"
        r"avec plaisir|merci de m'envoyer|envoyez|pas interesse|discuter|recontactez|relancez|on en parle|parlons)\b"),
    ),
    ask_words=(
        r"desinscri", r"desabon", r"retir", r"supprim", r"enlev", r"efface", r"radi", r"ray[e|o]", r"arret", r"cess", r"stop",
        r"ne plus", r"\bplus\b", r"suppression", r"retrait", r"m'envo", r"ne m'", r"ne me", r"tranquille", r"laisse", r"oppos",
        r"consentement", r"unsub", r"aucun", r"exclu", r"rgpd", r"plus rien", r"resili",
    ),
    asks=(
        rf"(?:me |m'|nous ){_OFF} (?:immediatement |definitivement |svp |s'il vous plait )*(?:[\w'-]+ ){{0,3}}?{_FROM_LIST}",
        r"(?:me|nous) (?:desinscrire|desabonner|radier)\b",
        rf"(?:desinscrire|desinscrivez|desinscris|desabonner|desabonnez|desabonne|radiez|radier)[ -]{_ME}\b",
        rf"{_OFF}[ -]{_ME}(?: [\w@.'-]+){{0,5}}? {_FROM_LIST}",
        (r"(?:supprimer?z?|effacer?z?|retirer?z?|enlever?z?|bien vouloir supprimer) (?:immediatement |svp |toutes? )*(?:mes|"
        r"nos|mon|notre|l'ensemble de mes) (?:[\w'-]+ ){0,2}?(?:donnees|coordonnees|adresse|informations|e-?mail|mail|"
        r"courriel|contact)\b"),
        rf"{_OFF} (?:mon|mes|cette|notre|nos) (?:[\w@.'-]+ ){{1,4}}?{_FROM_LIST}",
        (rf"{_STOP} (?:immediatement |svp |donc |tout de suite )*(?:de |d')(?:me |m'|nous |vos )(?:envoyer|ecrire|contacter|"
        rf"adresser|solliciter|spammer|harceler|importuner|demarcher|relancer|deranger|mailer)"),
        (rf"{_STOP} (?:immediatement |svp |donc )*(?:(?:de|d'|vos|ces|cet|cette|les|tous|"
        rf"tout) ?){{1,3}}(?:[\w'-]+ ){{0,2}}?(?:{_MAILS}|envoyer|envoi)"),
        (r"(?:de |merci de |veuillez |priere de |a )?ne plus (?:jamais |me |m'|nous |vouloir )*(?:envoyer|ecrire|contacter|"
        r"adresser|solliciter|importuner|demarcher|recontacter|deranger|spammer|relancer|faire parvenir|transmettre)"),
        (r"ne (?:me |m'|nous )?(?:envoyez|ecrivez|contactez|adressez|sollicitez|recontactez|relancez|envoie|ecris|contacte|"
        r"spammez|derangez)(?:[ -](?:moi|nous))? (?:plus|jamais)\b"),
        r"n'envoyez plus\b", r"ne m'(?:envoyez|ecrivez|adressez|importunez|envoie|ecris) (?:plus|jamais)\b",
        (r"(?:je|nous) ne (?:souhaite|souhaitons|veux|voulons|desire|desirons|voudrais|souhaiterais|tiens|tenons) (?:pas|plus|"
        r"absolument plus|vraiment plus)(?: a)? (?:recevoir|etre (?:contacte|sollicite|demarche|recontacte)|faire partie|"
        r"avoir|que vous (?:me|m'|nous))"),
        r"ne (?:souhaite|souhaitons|veux|desire) plus (?:recevoir|etre (?:contacte|sollicite|demarche))",
        r"ne plus (?:recevoir|etre (?:contactee?s?|sollicitee?s?|demarchee?s?|destinataires?|sur))",
        (rf"(?:plus|aucun|pas) (?:de |d'|aucun )?(?:vos |autres? |ces )?{_MAILS}(?: de (?:votre part|vous))?(?:$|[.,;!]| svp|"
        rf" s'il| merci| a l'avenir)"),
        r"(?:laissez|laisse|fichez|foutez)[ -](?:moi|nous) (?:\w+ )?(?:tranquilles?|la paix|en paix)",
        (r"(?:m'|me |nous |je |je m'|nous nous )?oppos(?:e|er|ons) (?:formellement )?(?:a|au|aux)\b(?:[ ']?[\w-]+){0,8}? ?"
        r"(?:donnees|coordonnees|traitement|utilisation|prospection|publicite|demarchage|e-?mails?|mails?|courriels?|messages|"
        r"communications|adresse)\b"),
        r"retir(?:e|er|ons) mon consentement",
        r"etre (?:retiree?s?|supprimee?s?|enlevee?s?|desinscrite?s?|desinscrit|desabonnee?s?|radiee?s?|exclue?s?|rayee?s?)\b",
        r"(?:me|m'|nous) desabonner\b", r"(?:je )?(?:me|m') (?:desabonne|desinscris)\b",
        r"(?:comment|ou) (?:puis-je |peut-on |faire pour )?(?:me|m'|se) (?:desinscrire|desabonner)",
        (r"(?:la |le |au )?(?:suppression|radiation|retrait|effacement) (?:immediate? |definitive )?de (?:toutes )?(?:mes|mon|"
        r"nos|notre|l'ensemble)\b"),
        r"(?:annuler?z?|resilier?z?) (?:mon|notre|cet) (?:abonnement|inscription)",
    ),
    bare=(
        (rf"(?:desinscription|desinscrire|desinscrivez[- ]moi|desabonnement|desabonner|se desinscrire|se desabonner|stop|"
        rf"stop svp|retirer|supprimer|unsubscribe|arretez|arret|radiation|cessez|ca suffit){_TAIL}"),
        rf"stop (?:aux |les |a |vos )?(?:{_MAILS}|pub|merci|ca){_TAIL}",
        rf"(?:retirez|enlevez|supprimez|effacez|sortez|oubliez)[- ](?:moi|nous){_TAIL}",
        rf"(?:retirez|enlevez|supprimez)[- ]moi (?:de la|de votre|de cette|de) \w+{_TAIL}",
        rf"(?:desinscription|desabonnement)(?: de (?:votre|la|cette) [\w -]{{1,40}})?{_TAIL}",
        rf"plus (?:rien|aucun \w+|de \w+){_TAIL}", rf"arretez (?:ca|tout){_TAIL}",
    ),
    sure_words=(r"desinscri", r"desabon", r"unsub", r"[- ]moi"),
    openings=(
        (r"(?:bonjour|bonsoir|salut|cher|chere|madame|monsieur|chers|hello|re-bonjour)(?: (?:madame|monsieur|"
        r"[\w.'-]+)){0,3}\s*(?:[,:;.!-]+|$)"),
        r"(?:madame,? monsieur|bonjour|bonsoir|salut|hello)\b\W*",
        (r"(?:non|desole|desolee|ok|oui|encore|urgent|enfin|donc|et|mais|alors|ainsi|immediatement|svp|s'il vous plait|"
        r"s'il te plait|pourriez vous|bref|vraiment)\b\W*"),
        (r"(?:non,? )?merci(?: beaucoup| bien| d'avance)?(?: (?:mais|pour (?:votre|ce|cette|le) [\w-]+))?\b(?: (?:de |"
        r"d')(?:bien |vouloir |bien vouloir )*)?\W*"),
        (r"(?:je ne suis pas|nous ne sommes pas|pas|je ne suis plus) (?:du tout |"
        r"vraiment )?(?:interessee?s?)(?: par (?:\w+ ){0,3}?(?:offre|proposition|produits?|services?|cela|ca))?\W*(?:et )?"),
        (r"(?:veuillez|merci de|merci d'|priere de|prière de|svp|pouvez-vous|pourriez-vous|peux-tu|pourrais-tu|pouvez vous|"
        r"pourriez vous|vous prie de|vous demande de|demande de)\b\W*(?:bien vouloir |vouloir |svp |s'il vous plait )*(?:de |"
        r"d')?"),
        (r"(?:je|nous) (?:vous )?(?:prie|prions|demande|demandons|souhaite|souhaitons|voudrais|voudrions|veux|voulons|aimerais|"
        r"aimerions|desire|souhaiterais|exige|remercie|remercions|saurais gre|serais reconnaissante?)(?: (?:a|de|d'|que|"
        r"bien)\b)*(?: (?:bien )?vouloir)?\s*"),
        r"(?:je|nous) (?:vous )?(?:ai|avons) (?:deja )?demande (?:de |d')?\s*",
        (r"(?:conformement|en application|au titre|en vertu) (?:(?:a|au|aux|du|de|des|la|l'|articles?|art|\d+) ?)*(?:rgpd|reglement)"
        r"(?: (?:ue|europeen|general))?\b\W*"),
        r"pour la (?:derniere|deuxieme|troisieme|enieme) fois\W*", r"bien vouloir\W*", r"de\b\W*",
    ),
    unless=(
        r"sauf", r"a moins", r"jusqu'au?", r"avant", r"si", r"mais", r"plutot", r"sinon", r"appelez", r"telephonez", r"pendant",
        r"cette semaine", r"la semaine prochaine", r"demain", r"pour l'instant", r"sans", r"tant que", r"par telephone",
        r"le week-?end",
    ),
    harmless=(
        r"\bmais (?:merci|bonne (?:chance|continuation|journee))\b",
        r"\bs(?:i|')(?:l )?(?:possible|vous plait|te plait|c'est possible)\b", r"\bsi vous (?:voulez bien|pouvez)\b",
        r"\b(?:sinon|faute de quoi|sans quoi)\b.*", r"\bsans (?:delai|attendre|tarder)\b", r"\bs'il (?:vous|te) plait\b",
        r"\bavant que je\b.*", r"\bsi (?:vous|cela|ca) (?:\w+ ){0,4}?(?:continu|recommenc)\w*\b.*",
    ),
    joins=(r"et", r"donc", r"merci de", r"veuillez", r"mais", r"alors", r"ainsi", r"aussi"),
    receipt_subjects=(r"^\W*(?:lu|lue|non lu|lecture|confirmation de lecture|accuse de (?:lecture|reception))\b.{0,30}:?",),
    receipt_phrases=(
        r"\b(?:message|courriel|mail)\b.{0,300}\b(?:a ete|est) .{0,60}(?:lu|affiche|ouvert|supprime)",
        r"\baccuse de (?:lecture|reception)\b",
    ),
    calendar_subjects=(
        (r"^\W*(?:accepte|acceptee?|refuse|refusee?|provisoire|decline|declinee?|annule|annulee?|nouvel horaire propose|"
        r"nouvelle heure proposee)\b.{0,30}:"),
    ),
    delay_subjects=(
        r"\b(?:retarde|differe|en retard)", r"\bretard de remise\b", r"\bremise differee\b", r"\bdistribution .{0,20}retard",
    ),
    failure_subjects=(
        r"non remis", r"echec (?:de|d')\W*(?:la )?(?:remise|distribution|envoi|livraison)", r"non distribue",
        r"n'a pas pu etre (?:remis|distribue|delivre)", r"courrier retourne",
    ),
    challenge_phrases=(
        (r"\b(?:confirmer?z?|verifier?z?|prouver?z?|authentifier?z?) (?:que vous|votre|vous|l'envoi|"
        r"qu'il).{0,160}\b(?:distribue|humain|spam|robot|expediteur|remis|boite|destinataire|personne|autoris)"),
        (r"\b(?:votre (?:message|e-?mail|mail|courriel)) .{0,80}(?:retenu|bloque|en attente|quarantaine|sera (?:delivre|remis|"
        r"distribue)).{0,240}\b(?:cliqu|confirm|lien|captcha|repond|valid)"),
        r"\bcliquez\b.{0,160}\b(?:liste blanche|autoris|debloqu|authentifi|valid)", r"\bmailinblack\b",
    ),
    history=History(
        attribution_fronts=("le ", "on "),
        attributions=(
            r"le\b.{4,300}\ba ecrit\b.{0,60}:", r".{3,200}\ba ecrit(?: le .{4,80})?\s*:",
            r"(?:le\b).{4,200}<[^<>\s]+@[^<>\s]+> a ecrit.{0,20}",
        ),
        dividers=(
            "message d'origine", "message original", "message transfere", "message initial", "courriel original",
            "e-?mail d'origine", "rendez-vous d'origine", "forwarded message", "transfere par .{1,100}",
        ),
        forwards=(r"debut du message (?:reexpedie|transfere)\s*:",),
        from_words=("de", "expediteur"),
        header_words=("envoye", "date", "a", "objet", "cc", "sujet", "envoye le", "pour"),
        mobile=(
            r"envoye (?:de|depuis|a partir d|a l'aide d|via|par|avec)\w* ?",
            r"(?:obtenir|telecharger|telechargez|obtenez) outlook pour ", r"provenance : ",
        ),
        disclaimers=(
            (r"(?:ce|cet|cette|le present|les informations contenues dans ce)\b.{0,60}(?:message|e-?mail|courriel|mail|"
            r"courrier)\b.{0,200}\b(?:confidentiel|destine|exclusivement|usage exclusif|destinataire)"),
            r"(?:avis de confidentialite|clause de confidentialite|avertissement|confidentialite|mentions? legales?)\b",
            r"(?:pensez|merci de penser|avant d'imprimer|n'imprimez).{0,80}(?:environnement|imprimer|planete)",
        ),
        reply_above=(
            r"(?:repon\w+|saisir votre reponse|ecri\w+|tape\w+|saisissez).{0,60}au[ -]dessus de cette ligne",
        ),
        closings=(
            r"(?:bien |tres )?(?:cordialement|cdlt|cdt|sincerement|amicalement|respectueusement)(?: (?:a vous|votre))?",
            r"(?:bonne|belle|excellente) (?:journee|soiree|semaine|fin de journee|continuation)(?: a vous)?",
            r"(?:meilleures|sinceres|sentiments) salutations", r"salutations(?: distinguees)?",
            r"(?:je vous prie|veuillez) (?:d'agreer|agreer|recevoir).{0,120}", r"bien a (?:vous|toi)",
            r"merci(?: d'avance| beaucoup)?", r"a bientot",
        ),
    ),
    months={
        "janvier": 1, "janv": 1, "jan": 1, "fevrier": 2, "fevr": 2, "fev": 2, "mars": 3, "avril": 4, "avr": 4, "mai": 5, "juin": 6,
        "juillet": 7, "juil": 7, "aout": 8, "septembre": 9, "sept": 9, "octobre": 10, "oct": 10, "novembre": 11, "nov": 11,
        "decembre": 12, "dec": 12,
    },
    weekdays={
        "lundi": 0, "lun": 0, "mardi": 1, "mar": 1, "mercredi": 2, "mer": 2, "jeudi": 3, "jeu": 3, "vendredi": 4, "ven": 4,
        "samedi": 5, "sam": 5, "dimanche": 6, "dim": 6,
    },
    ordinals=("er", "eme", "e"),
    of_words=(),
    fillers=("le", "au", "du", "des", "a partir du", "a compter du"),
    next_words=("ce",),
    day_fronts=("le", "au", "du"),
    day_words={
        "demain": 1, "apres-demain": 2, "apres demain": 2,
    },
    next_week=("la semaine prochaine", "semaine prochaine"),
    day_first=".",
)  # fmt: skip
