"""Spanish, as data (docs/behaviour.md 7.8). Accents are folded (ñ: n)."""

from domain.replies.language import History, Language

_LISTS = (
    r"(?:listas?|listados?|base(?: de datos)?|bases(?: de datos)?|bbdd|boletin(?:es)?|newsletters?|correos?|"
    r"e-?mails?|emails?|mailings?|mails?|crm|campanas?|distribucion|envios?|contactos|suscripcion(?:es)?|mensajes|"
    r"comunicaciones|registros?|sistema|agenda|publicidad)"
)
_FROM_LIST = (
    rf"(?:de|del) (?:(?:la|las|los|el|su|sus|tu|tus|vuestra|vuestras|esta|estas|este|estos|toda|todas|"
    rf"todos) ){{0,3}}(?:[\w-]+ ){{0,3}}?{_LISTS}\b"
)
_ME = (
    r"(?:(?:la direccion |el correo )?own@address|mi (?:\w+ )?(?:direccion|correo|e-?mail|mail|nombre|cuenta|"
    r"contacto)|mis (?:\w+ )?(?:datos|correos)|nuestra (?:\w+ )?(?:direccion|empresa)|nuestro (?:\w+ )?(?:correo|"
    r"e-?mail)|nuestros (?:\w+ )?datos|est[ea] (?:\w+ )?(?:direccion|correo|cuenta|e-?mail))"
)
_MAILS = (
    r"(?:correos?|e-?mails?|emails?|mails?|mensajes?|boletin(?:es)?|newsletters?|publicidad|spam|ofertas?|propaganda|"
    r"comunicaci(?:on|ones)|promociones|informacion(?: comercial)?|correspondencia)"
)
_TAIL = (
    r"(?:\W+(?:por favor|gracias|muchas gracias|ya|ahora|inmediatamente|de inmediato|saludos|un saludo|porfavor|pf|"
    r"pfv))*"
)
_OPPOSE = (
    r"(?:me opongo|nos oponemos) (?:a|al)(?: [\w-]+){0,6}? (?:datos|tratamiento|publicidad|envios?|comunicaciones|correos?|"
    r"e-?mails?|marketing|uso)\b"
)
_ENCLITIC = r"(?:me|nos|melo|nosla|le)"

SPANISH = Language(
    code="es",
    away_subjects=(
        r"\bfuera de (?:la )?oficina\b", r"\bausen(?:te|cia)\b", r"\b(?:de|por) vacaciones\b", r"\bestoy de vacaciones\b",
        r"\bvacaciones\b.{0,30}$",
    ),
    auto_subjects=(
        r"^\W*(?:respuesta|contestacion|mensaje|auto-?respuesta) ?(?:automatic[ao]|auto)?:",
        r"^\W*(?:respuesta|contestacion|mensaje) automatic[ao]\b", r"^\W*autorespuesta\b",
    ),
    away_phrases=(
        (r"\b(?:estoy|estare|estamos|estaremos|me encuentro|nos encontramos|me encontrare|"
        r"encontrandome) (?:[\w.,'/-]+ ){0,4}?(?:fuera de la oficina|fuera de oficina|ausente|de vacaciones|de baja|de viaje|"
        r"de permiso|fuera del? (?:despacho|pais)|sin acceso|en vacaciones|fuera hasta)\b"),
        r"\b(?:actualmente|en estos momentos) (?:\w+ )?(?:ausente|de vacaciones|fuera de la oficina)\b",
        r"\bfuera de (?:la )?oficina\b",
        (r"\b(?:acceso limitado|sin acceso|poco acceso|acceso restringido) (?:a|al) (?:mi |mis |el )?(?:correos?|e-?mail|"
        r"internet)\b"),
        (r"\b(?:regreso|volvere|regresare|vuelvo|estare de vuelta|me incorporo|me reincorporo|me incorporare|de regreso|"
        r"de vuelta|me reincorporare) (?:a la oficina |al trabajo |a mi puesto |en la oficina )?(?:el|a partir|en la oficina|"
        r"la semana|manana)\b"),
        r"\bdurante mi ausencia\b", r"\ba mi (?:regreso|vuelta)\b",
        r"\bnuestras? (?:oficinas?|empresa) (?:[\w.,'/-]+ ){0,4}?(?:cerradas?|cerrada)\b",
        r"\b(?:baja (?:maternal|medica|por maternidad|paternal)|permiso de (?:maternidad|paternidad))\b",
        r"\b(?:estamos|estaremos|permaneceremos) (?:\w+ ){0,2}?cerrad[oa]s\b",
        r"\bno (?:estare|estoy) (?:disponible|en la oficina|localizable)\b",
    ),
    away_words=(r"\bde (?:vacaciones|viaje|permiso|baja)\b", r"\bausente\b", r"\bde (?:vuelta|regreso)\b"),
    left_phrases=(
        (r"\bya no (?:trabajo|trabaja|trabajan|forma|formo|pertenece|pertenezco|presta|esta|estoy) (?:\w+ ){0,2}?(?:en|con|"
        r"para|aqui|parte|a|servicios)\b"),
        (r"\b(?:ha|he) (?:dejado|abandonado|causado baja en) (?:de trabajar (?:en|con|para)|la empresa|la compania|"
        r"nuestra empresa|nuestra compania|la organizacion|el grupo|su puesto|mi puesto|(?-i:[A-Z])[\w&.'-]+)"),
        r"\bdej[oe] (?:de trabajar|la empresa|la compania)\b", r"\b(?:se ha|me he|se) (?:jubilado|jubilo|retirado)\b",
        r"\bno (?:trabaja|trabajo) (?:mas|ya) (?:en|con|para|aqui)\b",
        r"\bha(?:n)? dejado de (?:trabajar|formar parte|pertenecer|prestar)\b",
        r"\bno (?:forma|formo) (?:ya )?parte (?:ya )?de\b",
    ),
    back_cues=(
        (r"(?:regreso|regresando|volviendo|volvere|regresare|vuelvo|regresaremos|volveremos|regresa|retorno|retornare)(?: (?:a|"
        r"en) (?:la oficina|mi puesto|trabajar))?(?: al trabajo| a estar disponible)? ?(?:el|a partir del|desde el|"
        r":)?(?: dia)?"),
        (r"(?:estare|estaremos|estoy) (?:de (?:regreso|vuelta|nuevo)|disponible|nuevamente|otra vez|"
        r"en la oficina)(?: [\w]+){0,4}?(?: (?:el|a partir del|desde el))?(?: dia)?"),
        (r"(?:me incorporo|me reincorporo|me incorporare|me reincorporare|reincorporacion|incorporacion|"
        r"nos reincorporamos)(?: (?:de nuevo|nuevamente|a mi puesto|al trabajo|a la oficina))* ?(?:el|a partir del|"
        r":)?(?: dia)?"),
        r"(?:de (?:regreso|vuelta|nuevo))(?: en la oficina| al trabajo)? ?(?:el|a partir del|:)?(?: dia)?",
        r"(?:fecha de (?:regreso|vuelta|reincorporacion|retorno)|regreso|vuelta)(?: es)? ?:?(?: el)?",
        r"(?:respondere|contestare|atendere|responderemos) (?:[\w]+ ){0,8}?(?:el|a partir del)(?: dia)?",
        r"(?:reabriremos|abriremos|reabre|abrimos)(?: [\w]+){0,3}?(?: (?:el|a partir del))?(?: dia)?",
    ),
    back_frames=(
        r"(?:el )(?:dia )?{back} (?:de (?:vuelta|regreso))",
        (r"(?:a partir del|desde el|el) (?:dia |proximo )?{back},? (?:estare|estaremos|volvere|regresare|me incorporo|"
        r"me reincorporo|vuelvo)\b"),
    ),
    until_cues=(r"hasta(?: el)?(?: dia)?(?: proximo)?", r"antes del?"),
    last_day_cues=(
        r"hasta el final del", r"(?:del|desde el|de|entre el|desde) (?:dia )?{date} ?(?:al|hasta el|y el|a|-|hasta) ?(?:dia )?",
        r"{date} ?(?:al|-) ?",
    ),
    last_day_frames=(r"(?:hasta|al) (?:el )?(?:dia )?{back}\)?,? ?\(?(?:inclusive|incluido|inclusivo)",),
    engaging=(
        (r"\b(?:interesa|interesado|interesada|interesante|llamame|llameme|llamar|precios?|presupuesto|reunion|no me interesa|"
        r"no estamos interesados|envieme|enviame|hablamos|hablar|con gusto|cotizacion|escribeme|contacteme|contactame)\b"),
    ),
    ask_words=(
        r"\bbaja\b", r"desuscri", r"darme", r"deme", r"dame", r"elimin", r"borr", r"quit", r"saqu", r"sacar", r"sacame",
        r"dej[ae]", r"\bno (?:me|nos|quier|dese|quer|vuelv|mas|envi|mand|escrib|contact)", r"no mas", r"basta", r"stop",
        r"cancel", r"en paz", r"opon", r"consentimiento", r"unsub", r"supres", r"cancel", r"suprim", r"remuev", r"retir", r"cese",
        r"par[ea] de", r"paren",
    ),
    asks=(
        (r"(?:dar(?:me|nos)|den(?:me|nos)|de(?:me|nos)|da(?:me|nos)|dad(?:me|nos)|me (?:den|de|des)|nos (?:den|de)|darse|"
        r"causar) (?:por favor )?(?:de )?baja\b"),
        rf"dar (?:por favor )?de baja(?:$|[.,;!]| (?:a )?{_ME}\b| {_FROM_LIST})",
        (r"(?:quiero|queremos|deseo|deseamos|solicito|solicitamos|pido|pedimos|ruego) (?:\w+ )?(?:la |mi |nuestra |darme de |"
        r"que me den de |que me des de )?baja\b"),
        rf"(?:elimin|borr|quit|sac|saqu|retir|suprim|remuev|exclu|tach)\w*(?:me|nos)\b(?: [\w@.-]+){{0,5}}? {_FROM_LIST}",
        rf"(?:me|nos) (?:elimin|borr|quit|saqu|sac|retir|suprim|remuev|exclu)\w*(?: [\w@.-]+){{0,5}}? {_FROM_LIST}",
        rf"(?:elimin|borr|quit|saqu|sac|retir|suprim|remuev)\w* (?:por favor )?(?:a )?(?:tod[oa]s )?{_ME}\b",
        r"(?:desuscrib|desuscrip|desapunt|desinscrib)\w*(?:me|nos)\b", r"(?:me|nos) desuscrib\w*",
        r"(?:desuscribir|desuscribe|desuscriban)(?:me)? (?:de|del)\b",
        (r"(?:dej(?:e|a|en|ad)|pare|paren|para|cese|cesen) (?:ya )?de (?:enviar|mandar|escribir|contactar|molestar|mandar|"
        r"spamear|llamar|bombardear)(?:me|nos|le)?\b"),
        (r"(?:no|nunca|jamas) (?:me|nos) (?:env|mand|escrib|contact|molest|vuelv|remit|llam|"
        r"manda)\w*(?: a)?(?: \w+){0,2}? (?:mas|nunca|correos?|e-?mails?|emails?|mensajes?|de nuevo|publicidad|mails?|jamas|"
        r"escribir|contactar|enviar|mandar|nada|a escribir|otra vez)\b"),
        r"(?:no|nunca|jamas) (?:vuelva|vuelvas|vuelvan) a (?:escribir|contactar|enviar|mandar|molestar)(?:me|nos)?\b",
        (rf"(?:no|ya no|nunca mas) (?:quiero|queremos|deseo|deseamos|quisiera|me interesa|quiere) (?:\w+ )?(?:recibir|"
        rf"seguir recibiendo|que me (?:\w+ )?(?:env|mand|escrib|contact)\w*|ser contactad[oa]|mas (?:{_MAILS}))"),
        rf"(?:no recibir|dejar de recibir|no seguir recibiendo) (?:[\w]+ ){{0,3}}?(?:{_MAILS}|nada)\b",
        rf"(?:no|ningun|ninguna) (?:mas|otro|otra) {_MAILS}\b",
        r"(?:no|ni) (?:me |nos )?(?:env|mand)\w+ (?:mas|ningun|ninguna|nuevos)(?: [\w]+)?",
        rf"(?:basta|ya basta|alto) (?:ya )?(?:de|con|a) (?:[\w]+ ){{0,3}}?{_MAILS}",
        r"(?:dej(?:e|a|en)me|dejenme|dejame|dejeme|dejennos) (?:ya )?en paz\b",
        r"(?:la )?(?:eliminacion|supresion|cancelacion|borrado) (?:inmediata )?de (?:todos )?(?:mis?|nuestros?|nuestra)\b",
        _OPPOSE, r"(?:retiro|retirar|revoco|revocar) mi consentimiento\b",
        r"(?:cancel)\w* (?:mi|nuestra|esta|la) suscripcion\b",
        r"(?:ser|sea) (?:eliminad[oa]|borrad[oa]|dad[oa] de baja|quitad[oa]|removid[oa])\b",
        r"como (?:me doy|puedo darme|darme|nos damos|puedo dar) de baja\b",
        r"(?:stop|alto) (?:a )?(?:los |sus |estos |a los )?(?:correos|emails|mensajes|mails)", r"unsubscribe me\b",
    ),
    bare=(
        (rf"(?:baja|dar de baja|darme de baja|desuscribir|desuscribirme|cancelar(?: suscripcion)?|eliminar|borrar|stop|"
        rf"unsubscribe|borrenme|eliminenme|quitenme|saquenme|borrame|eliminame|quitame|sacame|basta|ya basta|"
        rf"quiero darme de baja|solicito baja){_TAIL}"),
        rf"(?:no|nunca) mas(?: (?:correos|e-?mails|emails|mensajes|publicidad|mails|spam))?{_TAIL}",
        rf"no (?:escribir|enviar|contactar|molestar|mandar) mas{_TAIL}",
        rf"(?:baja|cancelar) (?:de|del|la) (?:\w+ ){{0,3}}\w+{_TAIL}", rf"(?:borr|elimin|quit|saqu)\w+(?:me|nos)(?: ya)?{_TAIL}",
    ),
    sure_words=(r"baja", r"desuscri", r"unsub", r"suscripcion", r"(?:me|nos)$"),
    openings=(
        (r"(?:hola|buenos dias|buenas tardes|buenas noches|buenas|buen dia|estimad[oa]s?|querid[oa]s?|senor(?:a|"
        r"es)?)(?: (?:senor(?:a|es)?|sr\.?|sra\.?|[\w.'-]+)){0,3}\s*(?:[,:;.!-]+|$)"),
        r"(?:hola|buenos dias|buenas tardes|buenas)\b\W*",
        (r"(?:no\b\W*[,.;:!-]|perdon|disculpe|ok|de nuevo|urgente|por favor|porfavor|favor(?: de)?|y|pero|entonces|asi que|por tanto|"
        r"por lo tanto|ya|inmediatamente|ahora|tambien|solo|por eso)(?:\b|$|\s)\W*"),
        r"(?:no,? )?(?:muchas )?gracias\b(?: (?:pero|por (?:su|tu|el|la|los) [\w-]+))?\W*",
        (r"(?:no (?:estoy|estamos) (?:\w+ )?interesad[oa]s?|no (?:me|nos) interesa(?:n)?|sin interes)(?: (?:en|"
        r"por) (?:\w+ ){0,3}?(?:oferta|propuesta|producto|servicios?|esto))?\W*(?:y )?"),
        r"(?:puede|podria|puedes|podrias|pueden|podrian|podeis|quiere|quieres)\b\W*(?:usted |ustedes |por favor )*",
        (r"(?:(?:yo|nosotros) )?(?:quiero|queremos|quisiera|quisieramos|deseo|deseamos|solicito|solicitamos|pido|pedimos|ruego|"
        r"rogamos|le pido|les pido|les ruego|le ruego|te pido|exijo|necesito|me gustaria|agradeceria|le agradeceria|"
        r"les agradeceria)(?: (?:que|de|a)\b)*\s*"),
        r"(?:ya )?(?:le |les |te )?(?:he|hemos) (?:pedido|solicitado|dicho)(?: \w+){0,2}? que\W*", r"haga(?:n)? el favor de\W*",
        r"(?:por (?:ultima|segunda|tercera|enesima) vez|conforme al rgpd|segun el rgpd|en virtud del rgpd)\b\W*",
        r"(?:ser tan amable de|serian tan amables de|seria tan amable de)\W*",
    ),
    unless=(
        r"a menos que", r"salvo", r"excepto", r"hasta", r"pero", r"si", r"antes de", r"en vez", r"en lugar", r"mejor", r"llamame",
        r"llameme", r"durante", r"esta semana", r"la semana que viene", r"la proxima semana", r"manana", r"todavia", r"aun",
        r"mientras", r"sino", r"(?:fin|fines) de semana",
    ),
    harmless=(
        r"\bpero (?:gracias|muchas gracias|suerte)\b", r"\bsi (?:es posible|puede ser|es tan amable|fuera posible)\b",
        r"\b(?:de lo contrario|sino|si no)\b.*", r"\blo antes posible\b", r"\ba la mayor brevedad\b", r"\bcuanto antes\b",
        r"\bantes de que (?:los |le |les )?(?:denuncie|bloquee|reporte)\b.*", r"\bsi (?:siguen|sigue|continuan|vuelven)\b.*",
    ),
    joins=(r"y", r"asi que", r"por favor", r"por lo que", r"pero", r"entonces", r"ruego", r"por tanto"),
    receipt_subjects=(r"^\W*(?:leido|no leido|confirmacion de lectura|acuse de recibo|lectura)\b.{0,30}:?",),
    receipt_phrases=(
        r"\b(?:mensaje|correo)\b.{0,300}\b(?:fue|ha sido|se ha) .{0,60}(?:leido|mostrado|abierto|eliminado)",
        r"\bconfirmacion de lectura\b", r"\bacuse de recibo\b",
    ),
    calendar_subjects=(
        r"^\W*(?:aceptad[oa]|aceptada|rechazad[oa]|provisional|nueva hora propuesta|cancelad[oa])\b.{0,30}:",
    ),
    delay_subjects=(r"\b(?:retrasad[oa]|demorad[oa]|retraso|demora)\b",),
    failure_subjects=(
        r"no se puede entregar", r"no se ha podido entregar", r"no entregado", r"error (?:de|en la) entrega",
        r"entrega .{0,40}(?:fallida|fallado)", r"mensaje devuelto", r"no se pudo entregar", r"devuelto",
    ),
    challenge_phrases=(
        (r"\b(?:confirm|verifi|demuestr|autentif)\w* (?:que usted|que es|su|tu|que no|que eres).{0,160}\b(?:entregado|humano|"
        r"spam|robot|remitente|bandeja|persona|entrega)"),
        (r"\b(?:su|tu) (?:mensaje|correo|e-?mail) .{0,80}(?:retenido|en espera|cuarentena|pendiente|"
        r"bloqueado).{0,240}\b(?:clic|confirm|enlace|captcha|respond|verifi)"),
        r"\b(?:haga|haz|pulse) (?:clic|click)\b.{0,160}\b(?:lista blanca|permitid|autoriz|liberar|aprob)",
    ),
    history=History(
        attribution_fronts=("el ", "on "),
        attributions=(r"el\b.{4,300}\bescribio\b.{0,60}:", r".{3,200}\b(?:escribio|ha escrito)(?: el .{4,80})?\s*:"),
        dividers=(
            "mensaje original", "mensaje reenviado", "cita original", "correo original", "forwarded message",
            "reenviado por .{1,100}",
        ),
        forwards=(r"inicio del mensaje reenviado\s*:",),
        from_words=("de",),
        header_words=("enviado", "enviado el", "fecha", "para", "asunto", "cc", "a"),
        mobile=(
            r"enviado (?:desde|con|por|a traves) ", r"(?:obtener|descargar|obtenga|descarga|consigue) outlook para ",
        ),
        disclaimers=(
            (r"(?:este|esta|el presente|la presente|la informacion (?:contenida|incluida) en (?:este|el))\b.{0,60}(?:mensaje|"
            r"correo|e-?mail|comunicacion)\b.{0,200}\b(?:confidencial|destinatario|exclusivamente|dirigid)"),
            r"(?:aviso (?:legal|de confidencialidad)|clausula de confidencialidad|confidencialidad|proteccion de datos)\b",
            r"(?:antes de imprimir|no imprima|piense en el medio ambiente|por favor,? piense)",
        ),
        reply_above=(
            r"(?:escrib\w+|respond\w+|responda|respuesta|ingrese).{0,60}(?:encima|arriba|por encima) de esta linea",
        ),
        closings=(
            r"(?:un |reciba un |recibe un )?(?:cordial|atento|afectuoso|fuerte)? ?(?:saludo|abrazo)(?: cordial)?",
            r"(?:muchos |cordiales )?saludos(?: cordiales| a todos)?",
            r"atentamente|cordialmente|atte\.?|muchas gracias|gracias|gracias de antemano|quedo a la espera.{0,40}|slds",
        ),
    ),
    months={
        "enero": 1, "ene": 1, "febrero": 2, "feb": 2, "marzo": 3, "mar": 3, "abril": 4, "abr": 4, "mayo": 5, "may": 5, "junio": 6,
        "jun": 6, "julio": 7, "jul": 7, "agosto": 8, "ago": 8, "septiembre": 9, "setiembre": 9, "sept": 9, "sep": 9, "octubre": 10,
        "oct": 10, "noviembre": 11, "nov": 11, "diciembre": 12, "dic": 12,
    },
    weekdays={
        "lunes": 0, "lun": 0, "martes": 1, "mar": 1, "miercoles": 2, "mie": 2, "jueves": 3, "jue": 3, "viernes": 4, "vie": 4,
        "sabado": 5, "sab": 5, "domingo": 6, "dom": 6,
    },
    ordinals=("o", "ro", "º"),
    of_words=("de", "del"),
    fillers=("el", "del", "dia", "al", "a partir del", "proximo"),
    next_words=("proximo", "este"),
    day_fronts=("dia",),
    day_words={
        "manana": 1, "pasado manana": 2,
    },
    next_week=("la proxima semana", "la semana que viene", "la semana proxima", "proxima semana"),
    day_first=".",
)  # fmt: skip
