"""English, as data (docs/behaviour.md 7.8)."""

from domain.replies.language import History, Language

_LISTS = (
    r"(?:lists?|mailings?|mail-?outs?|database|records?|system|crm|e-?mails?|mails|messages|newsletters?|campaigns?|"
    r"sequences?|cadence|distribution|subscriptions?|communications?|correspondence|spam|outreach|marketing|contacts)"
)
_FROM_LIST = (
    rf"(?:off|from|out of) (?:of )?(?:(?:this|these|the|that|those|your|ur|yr|all|any|future|further|"
    rf"its) )?(?:[\w'-]+ ){{0,5}}?{_LISTS}\b"
)
_ME = (
    r"(?:me|us|myself|the undersigned|own@address|this (?:e-?mail )?(?:address|account|inbox|mailbox)|(?:my|"
    r"our) (?:\w+ ){0,2}(?:inbox|e-?mail|address|company|team|name|details|contact|data|info|information|number|"
    r"organi[sz]ation))"
)
_WRITE = (
    r"(?:e-?mail|mail|contact|messag|spamm?|bother|writ|pester|harass|approach|chas|target|hassl|bombard|solicit|"
    r"follow(?:ing)? up with|reach(?:ing)? out)(?:e|ing)?(?: back| to| at)?"
)
_MAILS = (
    r"(?:e-?mails?|mails?|messages?|newsletters?|spam|junk|stuff|crap|rubbish|garbage|ads|adverts?|advertis\w+|"
    r"marketing|offers?|solicitations?|promotions?|communications?|anything|nonsense|shit|correspondence|contact)"
)
_TAIL = (
    r"(?:\W+(?:please|pls|plz|thanks?|thank you|thx|now|immediately|asap|at once|again|any ?more|any longer|here|"
    r"today|already|right now|right away|effective immediately|permanently|for good|forever|ok|okay|it|this|now|"
    r"cheers|regards|kind regards|best regards|me|us|all))*"
)
_UNSUB = r"un[- ]?su[bscr]{1,5}i?b?e?"
"""As it is spelt and misspelt."""
_STOP = r"(?:stop(?:ped|ping)?|quit|ceased?|end|halt|discontinue)"
_OFF = r"(?:remov(?:e|ed|ing)|delet(?:e|ed|ing)|tak(?:e|ing)|took|get|strike|drop|erased?|scrub|excluded?|pull)"
_NOT = r"(?:do not|did not|didn'?t|would not|don'?t|please don'?t|never|no longer)"

ENGLISH = Language(
    code="en",
    away_subjects=(
        r"\bout[ -]of[ -](?:the[ -])?office\b",
        r"\b(?:on|annual|parental|maternity|paternity|sick|medical|public) (?:vacation|holidays?|leave)\b",
        r"\baway from (?:the office|my (?:desk|mail|e-?mail))\b", r"^\W*ooo\b",
        r"^\W*(?:absence|vacation|holiday|away) (?:notice|message|notification|reply|auto-?reply)\b",
        r"^\W*(?:i am|i'm) (?:away|on leave|on holiday|on vacation)\b",
    ),
    auto_subjects=(
        r"^\W*(?:automatic|automated|auto)[ -]?(?:reply|response|answer|responder|generated)\b", r"^\W*autoreply\b", r"^\W*auto:",
    ),
    away_phrases=(
        r"\bout[ -]of[ -](?:the[ -])?office\b",
        (r"\b(?:i am|i'm|i will be|i'll be|i shall be|am|we are|we're|will be) (?:[\w.,'/-]+ ){0,4}?(?:away|ooo|offline|"
        r"unavailable|on (?:\w+ ){0,2}(?:leave|vacation|holidays?|break|travel|sabbatical)|travell?ing|off work|off sick|"
        r"out sick|out (?:on|of|until|till|this|from|for|all)|not in(?: the office)?|not (?:available|working)|in training)\b"),
        r"\b(?:currently|presently) (?:away|unavailable|on (?:\w+ ){0,2}(?:leave|vacation|holidays?|sabbatical)|travell?ing)\b",
        (r"\b(?:limited|no|intermittent|restricted|little|sporadic|irregular) access to (?:my |the )?(?:e-?mails?|mail|"
        r"messages|internet|inbox)\b"),
        (r"\b(?:will|shall|'ll) (?:be back (?:in (?:the )?(?:office|work)|at (?:my|work|the)|on|from|by|after|next|online|"
        r"tomorrow)|return (?:on|to|in|from|by|after|next)|be returning|be away|not be (?:in|able|checking|reading|available|"
        r"at)|not have access)\b"),
        r"\bback (?:in the office|at my desk|at work|online) (?:on|from)\b",
        r"\b(?:our|the) offices? (?:is|are|will be) closed (?:from|until|for the|between|over|due|on)\b",
        r"\b(?:annual|parental|maternity|paternity|sick|medical|family|bank|public) (?:leave|holidays?)\b",
        r"\bwe (?:are|will be) (?:[\w.,'/-]+ ){0,4}?closed (?:from|until|for|between|over|due|on|and)\b",
        r"\bnot checking (?:my )?(?:e-?mails?|mail)\b",
    ),
    away_words=(
        r"\bon (?:annual leave|vacation|holidays?|pto|leave|sabbatical)\b",
        r"\b(?:attending|at) an? (?:conference|fair|training|event|off-?site) (?:until|till|this|from|through)\b",
        r"\bpto (?:until|through|from|this)\b", r"\b(?:away|out) (?:until|till|through|this week|today)\b",
    ),
    left_phrases=(
        (r"\b(?:has|have|had) (?:\w+ )?left (?:the |our |this )?(?:company|organi[sz]ation|business|firm|team|employment|"
        r"practice|group|school|university)\b"),
        (r"\b(?:has|have|had) (?:now |recently |since )?left (?-i:[A-Z])[\w&.'-]+(?: (?-i:[A-Z])[\w&.'-]+){0,3}(?: (?:as of|"
        r"since|on|and|in)\b|[.,!]|$)"),
        r"\bleft (?-i:[A-Z])[\w&.'-]+(?: (?-i:[A-Z])[\w&.'-]+){0,2} (?:as of|in|on) (?:\w+ ){0,2}\d",
        (r"\b(?:is|am|are|'m) no longer (?:with|at|employed|working|part of|a part of|an employee|in the employ|in this role|"
        r"in this position|a member|in post|here)\b"),
        (r"\b(?:does not|doesn't|do not|don't) work (?:here|with us|for (?:us|the company)|(?:at|"
        r"for) [\w&.' -]{1,40}) (?:any ?more|any longer)\b"),
        r"\bno longer (?:work|works|working|employed) (?:here|for|at|with|by)\b",
        r"\b(?:has|have|i) (?:now |recently )?retired\b", r"\bleft (?:his|her|their|my) (?:\w+ )?(?:position|role|post|job)\b",
        r"\bmoved on from (?:the company|(?-i:[A-Z])[\w&.'-]+|our|his|her|my)\b",
        r"\b(?:my|his|her|their) last (?:working )?day (?:at|with|in|was)\b",
    ),
    back_cues=(
        r"(?:be |am |i'm |is )?back (?:again )?(?:in|at|to) (?:the |my )?(?:office|work|desk)(?: again)? (?:on|by|from)?",
        r"(?:be |am |i'm |is )?back(?: again| online)? (?:on|by|from|as of)?",
        (r"(?:return|returning|returns|resume|resuming)(?: (?:to|in|at|from) (?:the |my |work|leave|vacation|"
        r"holiday)?(?: ?(?:office|work|desk|leave|vacation|holiday|duty))?)? ?(?:on|by|from|as of)?"),
        r"(?:return date|date of return|returning|back|return)(?: is)? ?:", r"available again (?:on|from|as of)?",
        r"(?:reachable|in the office|at my desk|at work|online) again (?:on|from|as of)?", r"my return (?:on|date is|will be on)",
        r"(?:reopens?|re-opens?|reopening|open again) (?:on|from)?",
        r"(?:reply|respond|answer|get back to you) (?:\w+ ){0,4}?(?:on|after my return on|from)",
        r"(?:due|expected) back(?: on)?", r"first day back (?:is|will be)(?: on)?",
    ),
    back_frames=(
        r"(?:will|'ll|shall|am|are) (?:only )?(?:on |from ){back} (?:be )?back",
        (r"(?:as of|from|starting|on) {back},? (?:i|we) (?:will be|am|are|'ll be|shall be) (?:back|available|reachable|"
        r"in the office|at my desk)"),
    ),
    until_cues=(r"until(?: the)?", r"till(?: the)?", r"'til", r"before"),
    last_day_cues=(
        r"up to and including", r"until and including", r"through(?: to)?", r"thru",
        r"(?:from|between) {date}(?:,| )? ?(?:to|until|till|and|through|thru|-) ?", r"{date} ?(?:to|through|thru|-) ?",
        r"(?:last day (?:of|away)[\w ]{0,20}) is(?: on)?",
    ),
    last_day_frames=(r"(?:until|till|through|to) {back}\)?,? ?\(?(?:inclusive|included|incl\b)",),
    engaging=(
        (r"\b(?:interested|sounds (?:good|great|interesting|like)|let'?s (?:talk|chat|speak|meet|connect|catch|schedule|"
        r"discuss|do|set|find)|(?:call|ping|ring) me|happy to|glad to|love to|looking forward|keen|go ahead|works for me|"
        r"please send|send (?:me|us|over)|pric(?:e|es|ing)|quote|demo|a call|set up a|not (?:for us|relevant|interested)|"
        r"no thanks?|reach out (?:again )?(?:after|then|when|in)|(?:write|contact|e-?mail|call|"
        r"try) (?:me )?(?:again )?(?:then|when i'?m back|after)|talk (?:then|when|soon|after|next)|remind me|follow up|"
        r"circle back|speak (?:then|when|soon))\b"),
    ),
    ask_words=(
        r"un[- ]?su[bscr]", r"remov", r"\bt[ao]kes?\b", r"\btaking", r"\btook", r"\bstop", r"\bquit\b", r"\bcease", r"delet",
        r"opt\w*[ -]*(?:me|us)?[ -]*out", r"opted", r"do not", r"don'?t", r"rather not", r"not to be", r"refrain", r"\bout of\b",
        r"desist", r"abstain", r"exclud", r"did not", r"didn'?t", r"would not", r"never", r"no more", r"no longer", r"no further",
        r"\balone\b", r"\boff\b", r"eras", r"consent", r"deletion", r"get off", r"subscri", r"\blose\b", r"stricken", r"strike",
        r"object", r"blacklist", r"do-not", r"\bdrop", r"scrub", r"\bpull", r"discontinu", r"\bhalt", r"\bend\b",
        r"destroy",
    ),
    asks=(
        rf"{_UNSUB} {_ME}\b", rf"un-?sub {_ME}\b",
        rf"(?:{_STOP}|{_NOT}) follow(?:ing)?[ -]?up(?: (?:again|any ?more|further|with (?:me|us)))*$",
        rf"{_UNSUB} from (?:this|these|your|all|any|further|future|the (?:\w+ )?(?:list|mailing|newsletter))\b",
        rf"{_OFF} {_ME}(?: and {_ME})?(?: [\w@.'-]+){{0,6}}? {_FROM_LIST}",
        (r"(?:remove|take|get|pull) (?:me|us|my \w+|this \w+) (?:off|from) (?:this|these|it|there|that)(?: immediately| now|"
        r" please| asap| thanks| thank you)?(?:$|[.,;!])"),
        (r"(?:delete|erase|remove) (?:all )?(?:of )?(?:my|our) (?:\w+ ){0,2}(?:data|details|information|record|records|contact|"
        r"address|e-?mail)\b"),
        rf"(?:{_STOP}|{_NOT}) {_WRITE} {_ME}\b",
        rf"(?:{_STOP}|{_NOT}) (?:send(?:ing)?)(?: out)? (?:me|us|to this address) (?:[\w'-]+ ){{0,4}}?{_MAILS}\b",
        (rf"(?:{_STOP}|{_NOT}) (?:send(?:ing)?)(?: out)? (?:me |us )?(?:any|these|this|those|more|such|your|further|"
        rf"unsolicited)(?: [\w'-]+){{0,3}}? {_MAILS}\b"),
        (rf"(?:{_STOP}|{_NOT}) (?:send(?:ing)?)(?: me| us)? (?:this|these|those|any more|any ?more|more)(?: of (?:these|this|"
        rf"those|them))?(?:$|[.,;!])"),
        rf"(?:{_STOP}|{_NOT} send|cease) (?:all |any |further |the |these |this |your )+(?:[\w'-]+ ){{0,2}}?{_MAILS}\b",
        (rf"(?:i|we) (?:no longer|do not|don'?t|never) (?:\w+ )?(?:want|wish|like|care|need|consent)(?:ed)?(?: to)? (?:be |"
        rf"get |receive |receiving |getting |have |see |hear |any |more |your |these |such |"
        rf"further )+(?:[\w'-]+ ){{0,3}}?(?:{_MAILS}|contacted|e-?mailed|from you)\b"),
        (rf"(?:i|we) (?:no longer|do not|don'?t) (?:want|wish|like) (?:any (?:more |further )?|more |further |your |these |"
        rf"this ){_MAILS}\b"),
        rf"(?:i|we) (?:no longer|do not|don'?t) (?:want|wish) (?:you |for you )?to (?:{_WRITE}) {_ME}\b",
        r"(?:i|we) (?:did not|didn'?t|never) (?:subscrib|sign|opt)\w* .{0,60}(?:remove|unsubscribe|stop|take (?:me|us) off)",
        rf"(?:be|being|get|getting) (?:{_UNSUB}d?|opted out)\b",
        (rf"(?:be|being|get|getting|(?:i |we )?(?:am|are)|have (?:\w+ ){{0,3}}) ?(?:removed|deleted|"
        rf"taken)(?: [\w'-]+){{0,3}}? {_FROM_LIST}"),
        r"(?:be|being|get) (?:removed|taken off)(?: immediately| now| please| asap)?(?:$|[.,;!])",
        r"(?:opt|opting) (?:me|us|out)\b(?: out)?", r"(?:leave|let) (?:me|us) (?:alone|be)\b",
        (r"(?:no (?:more|further)) (?:[\w'-]+ ){0,2}?(?:e-?mails?|mails?|messages|contact|spam|newsletters?|marketing|"
        r"communications?)\b"),
        (r"(?:put|add) (?:me|us|my \w+) (?:on|to) (?:your |the )?(?:do[ -]not[ -](?:contact|e-?mail|call|mail)|suppression|"
        r"opt[ -]out|black)"),
        r"(?:cancel|end|stop|terminate) (?:my|our|this) (?:\w+ )?subscription\b", r"(?:withdraw|revoke) (?:my|our|any) consent\b",
        r"(?:i |we )?(?:object|objecting) to (?:the |any )?(?:\w+ )?processing of (?:my|our)\b",
        r"(?:the )?(?:removal|deletion|erasure) of (?:all )?(?:my|our)\b",
        (rf"(?:(?:i|we)(?:'d| would)? )?(?:rather|prefer) not (?:to )?(?:be (?:contacted|e-?mailed|on|approached)|(?:receive|"
        rf"get|hear|have) (?:[\w']+ ){{0,3}}?(?:{_MAILS}|from you))\b"),
        r"(?:refrain|desist|abstain) from (?:any |further |all |ever )*(?:contact|e-?mail|writ|send|messag|communicat)\w*",
        (rf"(?:{_STOP}|{_NOT}) (?:contact|e-?mail|writ|reach|messag|mail|spamm?)\w*(?: out)?(?: to)? (?:again|any ?more|"
        r"any further|in (?:the )?future|ever)\b"),
        r"(?:take|get|leave) (?:me|us) off(?: please| now| asap| immediately)?$",
        r"lose (?:my|our|this) (?:e-?mail(?: address)?|number|address|contact|details)\b",
        rf"(?:{_STOP}|{_NOT}) send(?:ing)? (?:[\w'-]+ ){{0,3}}?{_MAILS} to {_ME}\b",
        (r"(?:delete|erase|remove|destroy) (?:all |any |every |the )*(?:personal )?(?:data|information|details|records?)(?: that)? "
        r"you (?:\w+ )?(?:hold|have|keep|store|possess|process)(?: \w+){0,3}? (?:me|us|own@address)\b"),
        (r"(?:delete|erase|remove|destroy) (?:all |any |every )(?:of )?(?:the )?(?:personal )?(?:data|information|details|records?) "
        r"(?:relating to|concerning|about|on) (?:me|own@address)\b"),
        rf"how (?:do|can) (?:i|we) (?:{_UNSUB}|opt out|get off|be removed|stop)(?: from| of)? (?:this|these|your|all)\b",
        (r"consider this (?:e-?mail |message |reply |as )*(?:a |my |our |an )?(?:formal )?(?:request|"
        r"notice)?(?: to)? ?(?:unsubscribe|opt[ -]out|removal)"),
    ),
    bare=(
        rf"(?:to )?(?:{_UNSUB}|un-?sub|remove|stop|opt[ -]?out|unsubscribed){_TAIL}",
        rf"stop (?:it|this|e-?mails?|mails?|e-?mailing|mailing|sending|spamming|spam|contacting|messaging|writing)(?: to)?{_TAIL}",
        rf"(?:do not|don'?t|never) (?:e-?mail|mail|contact|write)(?: to)?(?: again| any ?more){_TAIL}",
        rf"make (?:it|this|these|them) stop{_TAIL}",
        rf"how (?:do|can) (?:i|we) (?:{_UNSUB}|opt out|get off)", r"take me off",
        rf"remove (?:me|us|my (?:e-?mail|address|name|e-?mail address)){_TAIL}",
        rf"remove (?:from|my) (?:your )?(?:\w+ )?(?:list|mailing list|database){_TAIL}",
        rf"(?:off|out of|out) (?:of )?(?:your|the|this) (?:mailing )?list{_TAIL}", rf"no (?:more|further){_TAIL}",
    ),
    sure_words=(_UNSUB, r"opt[ -]?out", r"remove me", r"stop (?:e-?mail|spam|contact|mail)"),
    openings=(
        r"(?:hi|hello|hey|dear|good (?:morning|afternoon|day|evening)|to whom it may concern)(?: [\w.'-]+){0,3}\s*(?:[,:;.!-]+|$)",
        r"(?:hi|hello|hey)(?: there| all| team)?\b\W*",
        r"(?:no|nope|sorry|ok|okay|yes|again|seriously|enough|urgent|final|second|third|last)\b\W*",
        (r"(?:no,? )?(?:many )?(?:thanks|thank you|thx|ty|cheers)\b(?: (?:anyway|you|all|but|for (?:your|the|this|reaching|"
        r"getting) [\w-]+))?\W*"),
        (r"(?:i'?m |i am |we are |we're )?(?:really |absolutely |currently |"
        r"just )?not (?:at all )?interested(?: at all)?(?: in (?:this|that|these|your [\w ]{0,30}|any [\w ]{0,30}))?\W*(?:and|"
        r"so)?\W*"),
        r"(?:please|pl[ea]{0,2}s+e?|plz|kindly|just|and|but|then|asap|immediately|again|so|therefore|simply|promptly|also)\b\W*",
        r"(?:can|could|would|will|may) (?:you|u|ya|someone|somebody|i|we)(?: guys| all)?\b\W*(?:be so kind (?:as )?to |mind )?",
        (r"(?:i|we)(?:'d|'m| would| am| are|'re)?(?: just)? (?:like|love|want|wish|request|requesting|ask|asking|asked|demand|"
        r"insist|prefer|need|writing|have to ask|must ask)(?:ed)?(?: that)?(?: you)?(?: to)?\b\W*"),
        (r"(?:i|we)(?:'ll|'d| will| would)? (?:really |very much |greatly )?appreciate (?:it )?if you (?:could |"
        r"would )?(?:please )?\W*"),
        r"(?:i|we)(?: have|'ve)? (?:\w+ )?(?:asked|told) you (?:\w+ ){0,3}?to\b\W*",
        r"(?:i|we) (?:do|did) not want (?:this|these|your) \w+\W*",
        r"(?:you (?:must|should|have to|need to|can|may|are (?:asked|required|requested) to))\b\W*",
        r"(?:make sure|see to it|ensure)(?: that)?(?: you| to)?\b\W*",
        (r"(?:for the (?:last|second|third|\w+) time|last (?:warning|time|chance)|with immediate effect|effective immediately)"
        r"\b\W*"),
        (r"(?:per|under|pursuant to|in accordance with|according to|by virtue of) (?:(?:the|uk|eu|art(?:icle|\.)?|\d+(?:\(\d\))?|"
        r"of) ?)*gdpr\b(?:,? art(?:icle|\.)? ?\d+(?:\(\d\))?)?\W*"),
        r"(?:(?:i|we) )?hereby (?:\w+ (?:to|that you) )?",
        r"(?:(?:i|we)(?:'d| would)? |would )(?:really |very much |greatly )?appreciate (?:it )?\W*", r"do (?:please )?",
        (r"(?:(?:i|we)(?:'d| would)? |would )?be (?:very |most |really )?(?:grateful|obliged|thankful|glad|happy|"
        r"pleased) if (?:you|someone)(?: could| would| might)?\W*"),
        r"my request is(?: to)?\W*",
        r"this is (?:my|our|the|a) (?:\w+ )?(?:request|notice|message|e-?mail)(?: asking)?(?: you)?(?: to)?\b\W*",
    ),
    unless=(
        r"unless", r"until", r"till", r"except", r"if", r"but", r"before", r"instead", r"other than", r"rather", r"apart from",
        r"call me", r"give (?:me|us) a call", r"phone me", r"ring me", r"text me", r"whatsapp", r"while", r"use my",
        r"on linkedin", r"about (?:the|that|this) (?:old|meeting|invoice|order|ticket)", r"this week", r"next week", r"tomorrow",
        r"yet", r"during", r"on weekends?", r"to book", r"(?:my|our) old", r"(?:my|our|the|a) new (?:e-?mail |mail )?(?:address|one)",
    ),
    harmless=(
        r"\b(?:i|we)(?:'d| would) rather not\b",
        r"\b(?:but|and) (?:i )?(?:many )?(?:thanks?|thank you|good luck|all the best|i wish|best of luck|appreciate)\b",
        r"\bif (?:possible|you (?:could|would|can|will|please|don'?t mind)|that'?s ok|you haven'?t already|not already)\b",
        r"\b(?:or|otherwise|else) (?:i|we)(?:'ll| will)\b.*",
        r"\bbefore (?:i|we) (?:report|block|mark|call|take|complain|file|sue)\b.*",
        r"\bif (?:you|this|i|it|we) (?:\w+ ){0,6}?(?:again|i(?:'ll| will)|report|complaint)\b.*",
        r"\bi(?:'m| am) not interested\b",
    ),
    joins=(
        r"and", r"so", r"but", r"therefore", r"hence", r"then", r"please", r"kindly", r"because",
        r"(?:request|ask|demand|insist|require|expect)(?:ed|ing)? (?:that )?you(?: to| please| kindly)?",
    ),
    receipt_subjects=(
        r"^\W*(?:read|not read|read receipt|return receipt|delivered|disposition notification)\b.{0,30}:", r"return receipt",
    ),
    receipt_phrases=(
        r"\byour message\b.{0,300}\b(?:was|has been) (?:read|deleted without being read|displayed|opened)\b",
        r"^\W*this is a (?:return receipt|receipt) for the (?:mail|message)\b", r"\bhas been displayed on the (?:recipient|user)",
    ),
    calendar_subjects=(
        (r"^\W*(?:accepted|declined|tentative|tentatively accepted|new time proposed|canceled|cancelled|"
        r"updated invitation)\b.{0,30}:"),
    ),
    delay_subjects=(
        r"\bdeliver(?:y|y status notification)?\b.{0,20}\bdelay", r"\bdelayed mail\b",
        r"^\W*warning: (?:could not send message|message .{0,60}delayed)", r"\bmessage (?:\w+ ){0,2}delayed\b",
        r"\bstill being retried\b", r"\bnot yet (?:been )?delivered\b", r"\btransient failure\b",
    ),
    failure_subjects=(
        r"undeliver", r"delivery (?:status notification|failure|failed|has failed|report|problem|notification)", r"returned mail",
        r"failure notice", r"mail delivery", r"could ?n[o']t be delivered", r"not delivered", r"delivery to .{0,80}failed",
        r"message not delivered", r"mail system error", r"non[ -]?delivery", r"rejected:? ", r"returned to sender", r"bounced",
    ),
    challenge_phrases=(
        r"\b(?:spam ?arrest|boxbe|sanebox|mailblocks|choicemail|trustedsender|bitdefender antispam verification)\b",
        (r"\b(?:confirm|verify|prove) (?:that )?(?:you are|you're|your (?:e-?mail|message|identity|address)|yourself|"
        r"this e-?mail) .{0,120}\b(?:deliver|human|spam|sender|whitelist|allow|inbox|person|robot)"),
        (r"\byour (?:message|e-?mail|mail) (?:\"[^\"]{0,80}\" |\w+ ){0,6}?(?:is|has been|was|is being) (?:being |"
        r"currently )?(?:held|quarantined|waiting|on hold|placed)\b.{0,200}\b(?:click|confirm|verify|approve|captcha|reply)"),
        (r"\b(?:click|follow|visit|reply|answer)\b.{0,120}\b(?:approved|allowed|whitelisted|white list|whitelist|sender list|"
        r"safe senders?|guest list)\b"),
    ),
    history=History(
        attribution_fronts=("on ",),
        attributions=(
            r"on\b.{4,300}\b(?:wrote|writes)(?: .{0,60})?\s*:", r".{3,200}\b(?:wrote|writes)\s*:", r"quoting .{3,120}:",
            r".{3,100}\bwrote on .{3,60}:",
        ),
        dividers=(
            "original message", "forwarded message", "original appointment", "reply message", "forwarded by .{1,100}",
            "original e-?mail",
        ),
        forwards=(r"begin forwarded message\s*:",),
        from_words=("from",),
        header_words=("sent", "date", "to", "subject", "cc", "reply-to", "sent by", "when", "received", "posted at"),
        mobile=(
            (r"sent from (?:my|mail|outlook|yahoo|samsung|proton|a |an |the |gmail|my|aol|blackberry|nine|spark|android|iphone|"
            r"workspace)"),
            r"get outlook for ", r"sent (?:via|using|with) ", r"sent on the go", r"get bluemail",
            r"from my (?:iphone|ipad|android|mobile|phone)", r"on the move",
        ),
        disclaimers=(
            r"disclaimer\b",
            (r"(?:legal notice|legal disclaimer|confidentiality|privileged and confidential|confidential)\b.{0,40}(?:notice|"
            r"note|statement|:|$)"),
            (r"(?:this|the (?:information|contents?)|the above) .{0,80}(?:e-?mail|message|communication|transmission|"
            r"mail)\b.{0,200}\b(?:confidential|privileged|intended (?:only|solely|for|recipient)|addressee)"),
            (r"(?:this|the) (?:e-?mail|message|communication|transmission|mail)\b.{0,160}\b(?:confidential|privileged|"
            r"intended (?:only|solely|recipient)|virus)"),
            r"please (?:consider|think of|think about) the environment before",
            r"if you (?:are not|have received) .{0,60}(?:intended recipient|in error)",
            r"registered (?:in|office|company|number)\b.{0,80}\b(?:england|wales|scotland|ireland|number|no\.)",
            r"scanned (?:by|for) ",
        ),
        reply_above=(
            (r"(?:please )?(?:type|write|enter|add|post)? ?(?:your )?(?:reply|response|answer|respond|"
            r"replies) (?:\w+ ){0,2}?above (?:this|the) line"),
            r"(?:in replies )?all text above this line", r"(?:reply|replies|text) above this line",
            r"(?:do not|don'?t) (?:write|type|reply) below (?:this|the) line",
        ),
        closings=(
            (r"(?:(?:with )?(?:many thanks|kind|kindest|best|warm|warmest|many|yours|with)? ?(?:regards|wishes)|best|cheers|"
            r"sincerely|yours (?:sincerely|truly|faithfully)|sincerely yours|(?:thanks|many thanks|thank you)(?: again|"
            r" so much| and (?:best|kind)? ?regards)?|all the best|(?:best|kind|warm) regards|take care|respectfully|rgds|br|"
            r"kr|cordially|talk soon|have a (?:nice|good|great) (?:day|week|weekend|one))"),
        ),
    ),
    months={
        "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5, "june": 6, "jun": 6,
        "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9, "october": 10, "oct": 10, "november": 11,
        "nov": 11, "december": 12, "dec": 12,
    },
    weekdays={
        "monday": 0, "mon": 0, "tuesday": 1, "tue": 1, "tues": 1, "wednesday": 2, "wed": 2, "thursday": 3, "thu": 3, "thur": 3,
        "thurs": 3, "friday": 4, "fri": 4, "saturday": 5, "sat": 5, "sunday": 6, "sun": 6,
    },
    ordinals=("st", "nd", "rd", "th"),
    of_words=("of",),
    fillers=("on", "from", "the", "about", "around", "early", "of", "morning of"),
    next_words=("next", "this", "coming"),
    day_fronts=("the",),
    day_words={
        "tomorrow": 1, "the day after tomorrow": 2,
    },
    next_week=("next week",),
)  # fmt: skip
