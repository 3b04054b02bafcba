"""English, as data (docs/behaviour.md 7.8)."""

from domain.replies.language import Language

_LISTS = (
    r"(?:(?:mailing|e-?mail|contact|distribution|marketing|send|call)\s*)*(?:lists?|database|records?|system|crm|file)"
)
_TAIL = (
    r"(?:\W+(?:please|thanks?|thank you|now|immediately|asap|at once|again|any ?more|any longer|here|today|"
    r"cheers|regards|kind regards|best regards))*"
)
_WRITE = r"(?:e-?mail|mail|contact|messag|spamm?|bother|writ)(?:e|ing)?(?: back)?"
_ME = r"(?:me|us|this (?:e-?mail )?address|my (?:inbox|e-?mail|address|company|team))"

ENGLISH = Language(
    code="en",
    away_subjects=(
        r"out[ -]of[ -](?:the[ -])?office",
        r"^\W*(?:automatic|auto|automated)[ -]?(?:reply|response|answer|responder)\b",
        r"^\W*autoreply\b",
        r"\b(?:on|annual|parental|maternity|paternity|sick|medical) (?:vacation|holidays?|leave)\b",
        r"\baway from (?:the office|my (?:desk|mail|e-?mail))\b",
        r"^\W*ooo\b",
    ),
    away_phrases=(
        r"\bout[ -]of[ -](?:the[ -])?office\b",
        (r"\b(?:i am|i'm|i will be|i'll be|i shall be|am|we are|we're) (?:\w+ ){0,3}(?:away|ooo|"
        r"on (?:\w+ ){0,2}(?:leave|vacation|holidays?|break|travel)|travell?ing|off work|off sick)\b"),
        r"\b(?:currently|presently) (?:away|on (?:\w+ ){0,2}(?:leave|vacation|holidays?)|travell?ing)\b",
        r"\b(?:limited|no|intermittent|restricted|little) access to (?:my )?(?:e-?mails?|mail|messages|internet)\b",
        r"\b(?:will|shall) (?:be back|return|be returning|be away)\b",
        r"\bback (?:in the office|at my desk|at work|online) (?:on|from)\b",
        r"\b(?:our|the) offices? (?:is|are|will be) closed\b",
    ),
    left_phrases=(
        (r"\b(?:has|have|had) (?:now |recently |since )?left (?:the |our |this )?(?:company|"
        r"organi[sz]ation|business|firm|team|employment|practice|group)\b"),
        (r"\b(?:has|have|had) (?:now |recently |"
        r"since )?left (?-i:[A-Z])[\w&.'-]+(?: (?-i:[A-Z])[\w&.'-]+)?(?: (?:as of|since|on|and)\b|[.,!])"),
        r"\b(?:is|am|are) no longer (?:with|at|employed|working|part of|a part of|an employee|in the employ)\b",
        (r"\b(?:does not|doesn't|do not|don't) work (?:here|with us|for (?:us|the company)|"
        r"at [\w&.' -]{1,40}) (?:any ?more|any longer)\b"),
        r"\bno longer works? (?:here|for|at|with)\b",
        r"\b(?:has|have) (?:now |recently )?retired\b",
        r"\bleft (?:his|her|their|my) (?:position|role|post|job)\b",
    ),
    back_cues=(
        (r"(?:be |am |i'm |is )?back (?:again )?(?:in|at|to) (?:the |my )?(?:office|work|"
        r"desk)(?: again)? (?:on|by|from)?"),
        r"(?:be |am |i'm |is )?back(?: online)? (?:on|by|from)?",
        (r"(?:return|returning|returns|resume|resuming)(?: (?:to|in|at) (?:the |my )?(?:office|work|desk|"
        r"duty))? ?(?:on|by|from)?"),
        r"(?:return date|date of return|returning|back)(?: is)? ?:",
        r"available again (?:on|from|as of)?",
        r"(?:reachable|in the office|at my desk|at work) again (?:on|from|as of)?",
        r"my return (?:on|date is|will be on)",
        r"(?:reply|respond|answer|get back to you) (?:\w+ ){0,4}?(?:on|after my return on|from)",
    ),
    until_cues=(r"until(?: the)?", r"till(?: the)?", r"'til", r"before"),
    last_day_cues=(
        r"up to and including",
        r"until and including",
        r"through(?: to)?",
        r"thru",
        r"(?:from|between) {date} ?(?:to|until|till|and|through|thru|-|–|—) ?",
        r"{date} ?(?:to|through|thru|-|–|—) ?",
    ),
    unsubscribe=(
        (rf"(?:un-?subscribe)(?: (?:me|us|this (?:e-?mail )?(?:address|account|mailbox)|"
        rf"my (?:e-?mail )?address))?(?: (?:from|off) (?:this|these|the|your|all|"
        rf"any)?[\w ,'&-]{{0,60}})?{_TAIL}"),
        rf"(?:to )?be (?:un-?subscribed|removed|taken off)(?: (?:from|off)?[\w ,'&-]{{0,60}})?{_TAIL}",
        (rf"(?:remove|delete|take) (?:me|us|my (?:\w+ ){{0,2}}(?:name|address|e-?mail|details|contact|data)|"
        rf"this (?:e-?mail )?address)(?: (?:from|off|out of))?(?: (?:this|these|the|your|all|any|"
        rf"of)){{0,3}} ?(?:{_LISTS})?{_TAIL}"),
        rf"(?:remove|take) (?:me|us|my \w+) (?:from|off) (?:this|these|the|your|all|any)?[\w ,'&-]{{0,60}}{_TAIL}",
        rf"(?:stop|quit|cease|do not|don't|dont|never) {_WRITE}(?:(?: to)? {_ME}[\w ,'&-]{{0,40}})?{_TAIL}",
        (rf"(?:stop|quit|cease|do not|don't|dont|never) (?:send|sending)(?: out)? (?:me|us|these|this|those|"
        rf"any|your|such|more)\b[\w ,'&-]{{0,40}}{_TAIL}"),
        rf"remove{_TAIL}",
        rf"(?:no (?:more|further)) (?:e-?mails?|mails?|messages|contact)[\w ,'&-]{{0,30}}{_TAIL}",
        rf"opt(?:[ -]me)?[ -]?out(?: (?:of|from) [\w ,'&-]{{0,60}})?{_TAIL}",
        rf"stop{_TAIL}",
    ),
    openings=(
        r"(?:hi|hello|hey|dear|good (?:morning|afternoon|day|evening))(?: [\w.'-]+){0,3}\s*[,:;.!-]+",
        r"(?:no|nope|sorry)\b\W*",
        r"(?:no,? )?(?:thanks|thank you|thx)\b(?: (?:but|for (?:your|the|this) [\w-]+))?\W*",
        (r"(?:i'?m |i am |we are |we're )?(?:really |absolutely )?not interested(?: in (?:this|"
        r"your \w+))?\W*(?:and|so)?\W*"),
        r"(?:please|pls|plz|kindly|just|and|then|asap|immediately|again)\b\W*",
        r"(?:can|could|would|will) you(?: guys)?\b\W*",
        r"(?:i|we)(?:'d| would)? (?:like|want|wish|request|ask|demand)(?: you)?(?: to)?\b\W*",
        r"(?:i|we) (?:do|did) not want (?:this|these|your) \w+\W*",
        r"(?:you (?:must|should|have to|need to))\b\W*",
    ),
    unless=(r"unless", r"until", r"except", r"if", r"but", r"before", r"instead", r"other than"),
    receipt_subjects=(r"^\W*(?:read|not read|read receipt|return receipt|delivered)\s*:",),
    receipt_phrases=(
        r"^\W*your message\b.{0,200}\bwas (?:read|deleted without being read|displayed)\b",
        r"^\W*this is a (?:return receipt|receipt) for the mail\b",
    ),
    calendar_subjects=(
        r"^\W*(?:accepted|declined|tentative|tentatively accepted|new time proposed|canceled|cancelled)\s*:",
    ),
    delay_subjects=(
        r"\bdeliver(?:y|y status notification)?\b.{0,20}\bdelay",
        r"\bdelayed mail\b",
        r"^\W*warning: (?:could not send message|message .{0,60}delayed)",
    ),
    challenge_phrases=(
        r"\b(?:spam ?arrest|boxbe|sanebox|mailblocks|choicemail|trustedsender|bitdefender antispam verification)\b",
        (r"\b(?:confirm|verify|prove) (?:that )?(?:you are|you're|your (?:e-?mail|message|identity)|"
        r"yourself|this e-?mail) .{0,120}\b(?:deliver|human|spam|sender|whitelist|allow|inbox)"),
        (r"\byour (?:message|e-?mail) (?:is|has been|was) (?:being )?(?:held|quarantined|waiting)"
        r"\b.{0,160}\b(?:click|confirm|verify|approve|captcha)"),
    ),
    months={
        "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5,
        "june": 6, "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9,
        "october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12, "dec": 12,
    },
    weekdays={
        "monday": 0, "mon": 0, "tuesday": 1, "tue": 1, "tues": 1, "wednesday": 2, "wed": 2, "thursday": 3, "thu": 3,
        "thur": 3, "thurs": 3, "friday": 4, "fri": 4, "saturday": 5, "sat": 5, "sunday": 6, "sun": 6,
    },
    ordinals=("st", "nd", "rd", "th"),
    of_words=("of",),
    day_words={"tomorrow": 1, "the day after tomorrow": 2},
    next_week=("next week",),
)  # fmt: skip
