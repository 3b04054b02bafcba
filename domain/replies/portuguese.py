"""Portuguese of Portugal and Brazil, as data (docs/behaviour.md 7.8). Accents are folded."""

from domain.replies.language import History, Language

_LISTS = (
    r"(?:listas?|listagem|bases?(?: de dados)?|banco de dados|newsletters?|e-?mails?|emails?|mailings?|mails?|crm|"
    r"campanhas?|correio|cadastros?|contatos|contactos|distribuicao|envios?|comunicacoes|mensagens|sistema|"
    r"subscric(?:ao|oes)|boletim|registos?)"
)
_FROM_LIST = (
    rf"(?:de|da|das|do|dos|desta|deste|dessa|desse|destas|destes) (?:(?:a|o|as|os|sua|suas|seu|seus|vossa|vosso|toda|"
    rf"todas|todos|esta|este|tua) ){{0,3}}(?:[\w-]+ ){{0,3}}?{_LISTS}\b"
)
_ME = (
    r"(?:(?:o e-?mail |o endereco )?own@address|(?:o |os )?(?:meu|nosso|meus|nossos) (?:\w+ )?(?:e-?mails?|emails?|"
    r"enderecos?|nomes?|contatos?|contactos?|dados|cadastros?)|(?:a |as )?(?:minha|nossa|minhas|"
    r"nossas) (?:\w+ )?(?:conta|morada|empresa|informacoes|inscricao)|est[ea] (?:\w+ )?(?:endereco|e-?mail|email|"
    r"conta))"
)
_MAILS = (
    r"(?:e-?mails?|emails?|mails?|mensagens|mensagem|newsletters?|publicidade|spam|ofertas|propagandas?|"
    r"comunicac(?:ao|oes)|promocoes|correio|contatos?|contactos?|correspondencia)"
)
_TAIL = (
    r"(?:\W+(?:por favor|obrigad[oa]|muito obrigad[oa]|ja|agora|imediatamente|de imediato|cumprimentos|att|grat[oa]|"
    r"urgente))*"
)

PORTUGUESE = Language(
    code="pt",
    away_subjects=(
        r"\bfora d[oe] (?:escritorio|servico)\b", r"\bausen(?:te|cia)\b", r"\b(?:de|em) ferias\b", r"\bferias\b",
        r"\bfora da empresa\b", r"\blicenca[ -]maternidade\b",
    ),
    auto_subjects=(r"^\W*(?:resposta|mensagem|e-?mail) automatic[ao]\b", r"^\W*(?:auto-?resposta|autorresposta)\b"),
    away_phrases=(
        (r"\b(?:estou|estarei|estamos|estaremos|encontro-me|me encontro|encontrar-me-ei|vou estar|"
        r"encontramo-nos) (?:[\w.,'/-]+ ){0,4}?(?:fora d[oe] (?:escritorio|servico)|ausente|de ferias|em ferias|de licenca|"
        r"em viagem|de baixa|fora da empresa|fora do pais|fora ate|sem acesso|em licenca)\b"),
        r"\b(?:atualmente|actualmente|neste momento|no momento) (?:\w+ )?(?:ausente|de ferias|em ferias|fora do escritorio)\b",
        r"\bfora do escritorio\b",
        (r"\b(?:acesso limitado|sem acesso|pouco acesso|acesso restrito) (?:a|ao|aos) (?:meu |meus |minha )?(?:e-?mails?|"
        r"emails?|caixa|internet|correio)\b"),
        (r"\b(?:regresso|regressarei|voltarei|volto|retorno|retornarei|estarei de volta|de regresso|"
        r"estarei de regresso) (?:ao escritorio |ao trabalho |ao servico |no escritorio )?(?:no|em|a partir|dia|na|amanha|"
        r"ao escritorio|ao trabalho|a)\b"),
        r"\b(?:estamos|estaremos|permaneceremos) (?:\w+ ){0,2}?(?:fechad|encerrad)[oa]s\b",
        r"\bdurante (?:a minha|minha|este periodo a minha) ausencia\b",
        r"\b(?:no|apos|depois do) (?:o )?meu (?:regresso|retorno)\b",
        r"\b(?:os nossos|nossos|o nosso|nosso) (?:escritorios?|servicos) (?:[\w.,'/-]+ ){0,4}?(?:fechados?|encerrados?)\b",
        r"\blicenca[ -](?:maternidade|paternidade|medica|de maternidade|parental)\b",
        r"\bnao estarei (?:no escritorio|disponivel|contactavel)\b",
    ),
    away_words=(r"\b(?:de|em) (?:ferias|licenca|viagem)\b", r"\bausente\b", r"\bde (?:volta|regresso)\b"),
    left_phrases=(
        (r"\b(?:ja )?nao (?:trabalha|trabalho|faz|faco|pertence|pertenco|integra|esta|colabora|"
        r"exerce) (?:mais )?(?:\w+ )?(?:na|no|com|para|aqui|em|parte|a|nesta|connosco|conosco|funcoes|ao|da)\b"),
        r"\bnao (?:trabalha|trabalho|faz parte|faco parte) mais\b",
        (r"\b(?:deixou|deixei|saiu|sai|desligou-se|desliguei-me|se desligou|me desliguei) (?:\w+ )?(?:a empresa|da empresa|"
        r"a companhia|da companhia|a organizacao|o grupo|do grupo|a nossa|de trabalhar|de fazer parte|de exercer|de integrar|"
        r"de colaborar|(?:a |o |da |do )?(?-i:[A-Z])[\w&.'-]+)"),
        (r"\b(?:aposentou-se|se aposentou|reformou-se|me aposentei|reformei-me|esta aposentad[oa]|esta reformad[oa]|"
        r"aposentei-me)\b"),
        r"\bnao faz mais parte\b", r"\bja nao e (?:\w+ )?(?:colaborador|funcionari)",
    ),
    back_cues=(
        (r"(?:regresso|regressando|voltando|retornando|regressarei|voltarei|volto|retorno|retornarei|voltaremos|regressaremos|"
        r"retornaremos)(?: (?:ao (?:escritorio|trabalho|servico)|as atividades|a trabalhar|previsto|no escritorio))* ?(?:no|"
        r"em|a partir d[eo]|na|a|:|ao|para o|para)?(?: dia)?"),
        (r"(?:estarei|estaremos|estou) (?:de (?:volta|regresso)|novamente|disponivel|no escritorio|"
        r"outra vez)(?: [\w]+){0,4}? (?:no|em|a partir d[eo]|na|a)?(?: ?dia)?"),
        r"de (?:volta|regresso)(?: ao (?:escritorio|trabalho))?(?: no| em| a partir d[eo]| na| a| ao)?(?: dia)?",
        (r"(?:data de (?:regresso|retorno|volta)|regresso|retorno|volta)(?: previst[oa])? ?:?(?: no| em| a| para o|"
        r" para)?(?: dia)?"),
        (r"(?:responderei|responderemos|darei resposta|retomarei|entrarei em contato|"
        r"entrarei em contacto) (?:[\w]+ ){0,8}?(?:no dia|em|a partir d[eo]|na)(?: dia)?"),
        r"(?:reabriremos|reabre|reabertura|reabrimos)(?: [\w]+){0,3}? ?(?:no|em|a|:)?(?: dia)?",
    ),
    back_frames=(
        r"(?:no|em) (?:dia )?{back} (?:de (?:volta|regresso)|no escritorio)",
        r"(?:a partir d[eo]|no|em|dia) (?:dia )?{back},? (?:estarei|voltarei|regressarei|retornarei|estaremos|volto)\b",
    ),
    until_cues=(r"ate(?: ao?| o)?(?: dia)?", r"antes d[eo]"),
    last_day_cues=(
        (r"(?:de|do|entre|desde|entre o|entre os dias|no periodo de|desde o|dos dias) (?:dia )?{date} ?(?:a|ate|e|ao|ate ao|-|"
        r"ate o) ?(?:dia )?"),
        r"{date} ?(?:a|-|ao) ?(?:dia )?",
    ),
    last_day_frames=(r"(?:ate|a) (?:ao? |o )?(?:dia )?{back}\)?,? ?\(?(?:inclusive|inclusivamente)",),
    engaging=(
        (r"\b(?:interessa|interessado|interessada|interessante|ligue|liga-me|me ligue|preco|precos|orcamento|reuniao|"
        r"nao tenho interesse|nao temos interesse|envie|envia-me|falar|conversar|conversamos|com prazer|proposta|contacte-me|"
        r"entre em contato)\b"),
    ),
    ask_words=(
        r"remo[vc]", r"retir", r"elimin", r"apag", r"exclu", r"cancel", r"descadastr", r"desinscr", r"\btir", r"\bpar[ea]",
        r"deix[ea]", r"\bnao\b", r"chega", r"stop", r"sair", r"em paz", r"opo", r"consentimento", r"unsub", r"nenhum", r"subscri",
        r"nunca", r"sem mais", r"basta",
    ),
    asks=(
        rf"(?:remov|retir|elimin|exclu|apag|tir|risqu)\w*-(?:me|nos)\b(?: [\w@.-]+){{0,5}}? {_FROM_LIST}",
        rf"(?:me|nos) (?:remov|retir|elimin|exclu|apag|tir|descadastr|desinscr)\w*(?: [\w@.-]+){{0,5}}? {_FROM_LIST}",
        r"(?:me|nos) (?:descadastr|desinscr)\w*", r"(?:descadastr|desinscr)\w*-(?:me|nos)\b",
        r"(?:descadastrar|descadastre|descadastrem|desinscrever)(?: (?:me|nos|meu|este|esse|o meu))\b",
        rf"(?:remov|retir|elimin|exclu|apag|tir|descadastr|cancel)\w* (?:por favor )?(?:imediatamente )?(?:todos )?{_ME}\b",
        (r"(?:ser|seja|sejam) (?:\w+ )?(?:removid[oa]s?|retirad[oa]s?|eliminad[oa]s?|excluid[oa]s?|apagad[oa]s?|"
        r"descadastrad[oa]s?|desinscrit[oa]s?)\b"),
        (r"(?:par(?:e|em|a|ar)|deix(?:e|em|a|ar)|cess(?:e|em|ar)) (?:ja |imediatamente )?(?:de|com) (?:me |nos )?(?:enviar|"
        r"mandar|escrever|contactar|contatar|incomodar|importunar|os |estes |esses |e-?mails|emails|spam|ligar)"),
        (r"nao (?:me|nos) (?:envi|mand|escrev|contact|contat|incomod|volt|perturb|remet)\w*(?: \w+){0,2}? (?:mais|e-?mails?|"
        r"emails?|mensagens|novamente|de novo|publicidade|nada|nunca|contactar|escrever)\b"),
        r"nao volt\w+ a (?:contact|contat|escrev|envi|mand|incomod)\w*",
        r"nao (?:volte|voltem|voltes) a (?:me |nos )?(?:escrever|contactar|contatar|enviar|mandar|incomodar)(?:-me|-nos)?\b",
        r"nao (?:envi|mand|escrev|contact|contat)\w*(?:-me|-nos)? mais\b",
        r"nunca mais (?:me |nos )?(?:envi|mand|escrev|contact|contat|incomod)\w*",
        (rf"(?:ja )?nao (?:quero|queremos|desejo|desejamos|pretendo|pretendemos|gostaria de|tenciono|"
        rf"aceito) (?:mais )?(?:\w+ )?(?:receber|ser contactad|ser contatad|que me|continuar a receber|{_MAILS}|nenhum)"),
        r"nao (?:receber|querer receber|ser contactad[oa]|ser contatad[oa]) (?:mais|nenhum)", r"(?:deixar|parar) de receber\b",
        rf"(?:nenhum|nao|sem|chega de|basta de) (?:mais |outros? )?(?:os |estes |esses |seus |vossos )?{_MAILS}\b",
        r"deix(?:e|em|a)(?:-me|-nos| me| nos)? em paz\b", r"me deix(?:e|em|a) em paz\b",
        (r"(?:oponho-me|opomo-nos|me oponho) (?:ao?s?)(?: [\w-]+){0,6}? (?:dados|tratamento|publicidade|envios?|comunicacoes|"
        r"e-?mails?|marketing|uso|utilizacao)\b"),
        r"(?:retiro|revogo|retirar|revogar) (?:o )?(?:meu )?consentimento\b",
        r"(?:cancel|anul)\w* (?:a )?(?:minha |nossa |esta )?(?:subscricao|inscricao|assinatura|cadastro)\b",
        (r"(?:a )?(?:remocao|eliminacao|exclusao|retirada) (?:imediata )?(?:de todos )?(?:do meu|dos meus|da minha|do nosso|"
        r"dos nossos|os meus)\b"),
        r"como (?:posso|faco para|podemos) (?:me |nos )?(?:descadastrar|desinscrever|remover|cancelar|sair|deixar de receber)\b",
        r"(?:quero|gostaria de|desejo|pretendo) (?:\w+ )?sair d[aeo]s? (?:\w+ ){0,3}?(?:lista|mailing|newsletter)\b",
        rf"sair {_FROM_LIST}", r"unsubscribe me\b", r"(?:dar|de|deem) baixa (?:n[oa]|d[oae]|em|ao) (?:meu|minha|este)",
    ),
    bare=(
        (rf"(?:remover|removam-me|remova-me|retirar|retirem-me|cancelar(?: subscricao| inscricao| a subscricao)?|descadastrar|"
        rf"descadastro|desinscrever|cancelamento|stop|sair|unsubscribe|parar|parem|pare|chega|basta|anular subscricao|excluir|"
        rf"excluir cadastro|me remova|me remove|me tira|me tire|me descadastre){_TAIL}"),
        (rf"(?:nao|nunca) (?:enviar|enviem|mandar|contactar|escrever|envie|incomodar) mais(?: (?:nada|e-?mails?|emails?|"
        rf"mensagens))?{_TAIL}"),
        rf"(?:nao|nunca) mais(?: (?:e-?mails|emails|mensagens|contacto|contato))?{_TAIL}",
        rf"(?:me |nos )?(?:remov|retir|tir|exclu)\w+(?:-me|-nos| me)? (?:daqui|disso|disto|fora|por favor|ja){_TAIL}",
        rf"(?:remov|retir|exclu|elimin)\w+-(?:me|nos){_TAIL}",
    ),
    sure_words=(r"descadastr", r"desinscr", r"unsub", r"subscricao", r"-(?:me|nos)$", r"inscricao"),
    openings=(
        (r"(?:ola|oi|bom dia|boa tarde|boa noite|car[oa]s?|prezad[oa]s?|exm[oa]s?\.?|estimad[oa]s?)(?: (?:senhor(?:a|es)?|"
        r"sr\.?a?|[\w.'-]+)){0,3}\s*(?:[,:;.!-]+|$)"),
        r"(?:ola|oi|bom dia|boa tarde)\b\W*",
        (r"(?:nao\b\W*[,.;:!-]|desculpe|ok|sim|de novo|novamente|urgente|por favor|por gentileza|favor|gentileza|e|mas|entao|portanto|"
        r"por isso|imediatamente|ja|agora|tambem|so|por obsequio)(?:\b|$|\s)\W*"),
        r"(?:nao,? )?(?:muito )?(?:obrigad[oa]|agradeco|grat[oa])\b(?: (?:mas|pel[oa]s? [\w-]+|desde ja))?\W*(?:que )?",
        (r"(?:nao (?:estou|estamos) (?:\w+ )?interessad[oa]s?|nao (?:tenho|temos) (?:\w+ )?interesse|nao (?:me|nos) interessa|"
        r"sem interesse)(?: (?:em|na|no|por|pel[oa]) (?:\w+ ){0,3}?(?:oferta|proposta|produto|servicos?|isto|isso))?\W*(?:e )?"),
        (r"(?:pode|poderia|podem|poderiam|podes|consegue|voce pode|voces podem|queira|queiram)\b\W*(?:por favor |"
        r"por gentileza )*(?:fazer o favor de )?"),
        (r"(?:(?:eu|nos) )?(?:quero|queremos|gostaria|gostariamos|desejo|desejamos|solicito|solicitamos|peco|pedimos|exijo|"
        r"pretendo|pretendemos|venho|preciso|agradeco|agradecia|agradecemos)(?: (?:que|de|a|por favor|solicitar|pedir|lhe|"
        r"lhes|vos)\b)*\s*"),
        r"(?:ja )?(?:lhe |lhes |vos )?(?:pedi|solicitei|pedimos)(?: \w+){0,2}? (?:para|que)\W*",
        (r"(?:pela (?:ultima|segunda|terceira|enesima) vez|nos termos do rgpd|conforme a lgpd|de acordo com (?:a lgpd|"
        r"o rgpd))\b\W*"),
        r"(?:faca|facam) o favor de\W*", r"para\b\W*",
    ),
    unless=(
        r"a menos que", r"a nao ser", r"exceto", r"salvo", r"ate", r"mas", r"se", r"antes", r"em vez", r"ligue", r"me ligue",
        r"durante", r"esta semana", r"na proxima semana", r"semana que vem", r"amanha", r"ainda", r"enquanto", r"sem antes",
        r"(?:fim|fins) de semana",
    ),
    harmless=(
        r"\bmas (?:obrigad[oa]|muito obrigad[oa]|boa sorte)\b", r"\bse (?:possivel|for possivel|faz favor|puder)\b",
        r"\b(?:caso contrario|senao|do contrario)\b.*", r"\bo quanto antes\b", r"\bquanto antes\b",
        r"\bo mais (?:rapido|breve|rapidamente) possivel\b", r"\bantes que (?:eu )?(?:denuncie|bloqueie)\b.*",
        r"\bse (?:continuarem|continuar|insistirem)\b.*",
    ),
    joins=(r"e", r"por isso", r"portanto", r"por favor", r"mas", r"entao", r"pelo que", r"peco que", r"favor"),
    receipt_subjects=(r"^\W*(?:lida|lido|nao lida|nao lido|confirmacao de leitura|recibo de leitura|leitura)\b.{0,30}:?",),
    receipt_phrases=(
        (r"\b(?:mensagem|e-?mail)\b.{0,300}\b(?:foi|foram) .{0,60}(?:lid[oa]|exibid[oa]|apresentad[oa]|abert[oa]|eliminad[oa]|"
        r"excluid[oa])"),
        r"\b(?:confirmacao|recibo) de leitura\b",
    ),
    calendar_subjects=(
        (r"^\W*(?:aceite|aceito|aceita|aceitou|recusad[oa]|recusou|provisorio|tentativa|nova hora proposta|"
        r"novo horario proposto|cancelad[oa])\b.{0,30}:"),
    ),
    delay_subjects=(r"\b(?:atrasad[oa]|atraso|demora)\b",),
    failure_subjects=(
        r"nao (?:e possivel|foi possivel) entregar", r"nao entregue", r"falha (?:na|de) entrega",
        r"entrega .{0,40}(?:falhou|falhada)", r"devolvid[oa]", r"nao pode ser entregue",
    ),
    challenge_phrases=(
        (r"\b(?:confirm|verifi|prov)\w* (?:que|o seu|a sua|seu|sua|que voce).{0,160}\b(?:entregue|humano|spam|robo|remetente|"
        r"caixa de entrada|pessoa)"),
        (r"\b(?:a sua|sua|o seu|seu) (?:mensagem|e-?mail|email) .{0,80}(?:retid[oa]|em espera|quarentena|aguarda|"
        r"bloquead[oa]).{0,240}\b(?:cli(?:c|qu)|confirm|link|captcha|respond|verifi)"),
        r"\bcli(?:c|qu)\w*\b.{0,160}\b(?:lista branca|autoriz|liberar|permitid|aprovad)",
    ),
    history=History(
        attribution_fronts=("em ", "a ", "no ", "on ", "na "),
        attributions=(
            r"(?:em|a|no|na|as)\b.{4,300}\bescreveu\b.{0,60}:", r".{3,200}\bescreveu \(.{4,60}\)\s*:",
            r".{3,200}\bescreveu(?: (?:em|no dia|a) .{4,80})?\s*:",
        ),
        dividers=(
            "mensagem original", "mensagem encaminhada", "mensagem reencaminhada", "compromisso original", "e-?mail original",
            "forwarded message", "encaminhado por .{1,100}",
        ),
        forwards=(r"inicio da mensagem (?:reencaminhada|encaminhada)\s*:",),
        from_words=("de",),
        header_words=("enviado", "enviada", "enviado em", "enviada em", "data", "para", "assunto", "cc"),
        mobile=(
            r"enviad[oa] (?:do|da|de|a partir d|via|pelo|com|usando)\w* ", r"(?:obter|obtenha|baixar|baixe) o? ?outlook para ",
        ),
        disclaimers=(
            (r"(?:esta|este|a presente|as informacoes contidas n)\w*\b.{0,60}(?:mensagem|e-?mail|email|"
            r"comunicacao)\b.{0,200}\b(?:confidencia|destinatari|exclusiv|destina)"),
            r"(?:aviso (?:legal|de confidencialidade)|confidencialidade|protecao de dados)\b",
            r"(?:antes de imprimir|pense no (?:meio )?ambiente|proteja o ambiente)",
        ),
        reply_above=(r"(?:respond\w+|resposta|escrev\w+|digit\w+|insira).{0,60}(?:acima d|por cima d)esta linha",),
        closings=(
            r"(?:com os )?(?:melhores|meus melhores|os melhores)? ?cumprimentos",
            (r"atenciosamente|atentamente|cordialmente|att\.?|abracos?|um abraco|obrigad[oa]|muito obrigad[oa]|grat[oa]|"
            r"saudacoes|at\.te|cumps\.?|bom (?:dia|trabalho)|boa semana"),
        ),
    ),
    months={
        "janeiro": 1, "jan": 1, "fevereiro": 2, "fev": 2, "marco": 3, "mar": 3, "abril": 4, "abr": 4, "maio": 5, "mai": 5,
        "junho": 6, "jun": 6, "julho": 7, "jul": 7, "agosto": 8, "ago": 8, "setembro": 9, "set": 9, "outubro": 10, "out": 10,
        "novembro": 11, "nov": 11, "dezembro": 12, "dez": 12,
    },
    weekdays={
        "segunda-feira": 0, "segunda": 0, "seg": 0, "terca-feira": 1, "terca": 1, "ter": 1, "quarta-feira": 2, "quarta": 2,
        "qua": 2, "quinta-feira": 3, "quinta": 3, "qui": 3, "sexta-feira": 4, "sexta": 4, "sex": 4, "sabado": 5, "sab": 5,
        "domingo": 6, "dom": 6,
    },
    ordinals=("º", "o"),
    of_words=("de", "do"),
    fillers=("no", "dia", "em", "na", "ao", "o", "a partir de", "proxima", "proximo", "a"),
    next_words=("proxima", "proximo", "nesta", "esta"),
    day_fronts=("dia",),
    day_words={
        "amanha": 1, "depois de amanha": 2,
    },
    next_week=("na proxima semana", "a proxima semana", "semana que vem", "proxima semana"),
    day_first=".",
)  # fmt: skip
