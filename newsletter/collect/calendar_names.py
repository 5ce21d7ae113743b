"""Names of months and of time zones, as dates on pages and in feeds have them."""

from __future__ import annotations

from typing import Final

# Genitive and nominative, full and short: a page says "26 сентября", a heading "Сентябрь".
# A line for each month; English, German, French, Spanish, Italian, Portuguese, Polish, Dutch.
_LATIN: Final = """
january jan januar jänner janvier janv enero ene gennaio gen janeiro styczeń stycznia januari
february feb februar février févr fevrier febrero febbraio fevereiro luty lutego februari
march mar märz marz mars marzo março marzec marca maart
april apr avril avr abril aprile kwiecień kwietnia
may mai mayo maggio maio maj maja mei
june jun juni juin junio giugno junho czerwiec czerwca
july jul juli juillet juil julio luglio julho lipiec lipca
august aug août aout agosto sierpień sierpnia augustus
september sep sept septembre septiembre settembre setembro wrzesień września
october oct oktober okt octobre octubre ottobre outubro październik października
november nov novembre noviembre novembro listopad listopada
december dec dezember dez décembre déc decembre diciembre dicembre dezembro grudzień grudnia
"""
# Russian, Belarusian, Ukrainian.
_CYRILLIC: Final = """
январь января янв студзень студзеня січень січня
февраль февраля фев лютый лютага лютий лютого
март марта мар сакавік сакавіка березень березня
апрель апреля апр красавік красавіка квітень квітня
май мая травень травеня траўня травня
июнь июня июн чэрвень чэрвеня червень червня
июль июля июл ліпень ліпеня липень липня
август августа авг жнівень жніўня серпень серпня
сентябрь сентября сен сент верасень верасня вересень вересня
октябрь октября окт кастрычнік кастрычніка жовтень жовтня
ноябрь ноября ноя лістапад лістапада листопада листопад
декабрь декабря дек снежань снежня грудень грудня
"""
MONTHS: Final = {
    name: number
    for names in (_LATIN, _CYRILLIC)
    for number, line in enumerate(names.strip().split("\n"), 1)
    for name in line.split()
}

ZONES: Final = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("bst", "west", "cet", "mez"), 60),
    **dict.fromkeys(("cest", "mesz", "eet", "sast"), 120),
    **dict.fromkeys(("msk", "eest", "trt"), 180),
    "ist": 330,
    "sgt": 480,
    "hkt": 480,
    "awst": 480,
    "jst": 540,
    "kst": 540,
    "aest": 600,
    "aedt": 660,
    "nzst": 720,
    "nzdt": 780,
    "nst": -210,
    "ndt": -150,
    "brt": -180,
    "art": -180,
    **dict.fromkeys(("edt", "ast"), -240),
    **dict.fromkeys(("est", "cdt", "et"), -300),
    **dict.fromkeys(("cst", "mdt", "ct"), -360),
    **dict.fromkeys(("mst", "pdt", "mt"), -420),
    **dict.fromkeys(("pst", "akdt", "pt"), -480),
    "adt": -180,
    "akst": -540,
    "hst": -600,
}
"""Minutes east of Greenwich; where two zones share a name, the one of most feeds."""
