"""What written English shortens, by field: calendar, post, offices, measures and capitals."""

from itertools import product


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


def table(text: str) -> dict[str, str]:
    """`key:value` pairs parted by white space; an underscore in a value is a space."""
    pairs = (pair.partition(":") for pair in text.split())
    return {key: value.replace("_", " ") for key, _, value in pairs}


def shortened(text: str) -> dict[str, str]:
    """Short form to word from lines of `word short short …`; an underscore is a space."""
    rows = ([cell.replace("_", " ") for cell in line.split()] for line in text.strip().splitlines())
    return {short: row[0] for row in rows for short in row[1:]}


MONTHS = tuple("January February March April May June July August September October November December".lower().split())
MONTH_OF = {name: name for name in MONTHS} | {name[:3]: name for name in MONTHS} | {"sept": "september"}
"""By lower-case name or short form."""
DAY_OF = shortened(
    """
    monday Mon
    tuesday Tue Tues
    wednesday Wed Weds
    thursday Thu Thur Thurs
    friday Fri
    saturday Sat
    sunday Sun
    """
)
"""By capitalised short form; some of these are words in small letters (sat, sun, wed)."""

STATES = shortened(
    """
    alabama AL
    alaska AK
    arizona AZ
    arkansas AR
    california CA
    colorado CO
    connecticut CT
    delaware DE
    florida FL
    georgia GA
    hawaii HI
    idaho ID
    illinois IL
    indiana IN
    iowa IA
    kansas KS
    kentucky KY
    louisiana LA
    maine ME
    maryland MD
    massachusetts MA
    michigan MI
    minnesota MN
    mississippi MS
    missouri MO
    montana MT
    nebraska NE
    nevada NV
    new_hampshire NH
    new_jersey NJ
    new_mexico NM
    new_york NY
    north_carolina NC
    north_dakota ND
    ohio OH
    oklahoma OK
    oregon OR
    pennsylvania PA
    puerto_rico PR
    rhode_island RI
    south_carolina SC
    south_dakota SD
    tennessee TN
    texas TX
    utah UT
    vermont VT
    virginia VA
    washington WA
    west_virginia WV
    wisconsin WI
    wyoming WY
    """
)
"""USPS Publication 28, appendix B."""
STREETS = shortened(
    """
    avenue Ave Av
    boulevard Blvd
    circle Cir
    court Ct
    drive Dr
    expressway Expy
    freeway Fwy
    highway Hwy
    lane Ln
    parkway Pkwy
    place Pl
    plaza Plz
    road Rd
    square Sq
    street St
    terrace Ter
    trail Trl
    turnpike Tpke
    """
)
"""USPS Publication 28, appendix C."""
ROOMS = shortened(
    """
    apartment apartment apt
    building building bldg
    exit exit
    floor floor fl
    gate gate
    highway highway hwy
    room room rm
    route route rte
    suite suite ste
    unit unit
    """
)
"""What stands before a number that is said in pairs, long and short."""
_NORTH_SOUTH, _EAST_WEST = table("N:north S:south"), table("E:east W:west")
COMPASS = _NORTH_SOUTH | _EAST_WEST
CORNERS = {a + b: _NORTH_SOUTH[a] + _EAST_WEST[b] for a, b in product(_NORTH_SOUTH, _EAST_WEST)}

PLAIN_TITLES = table("Dr:doctor Mr:mister Mrs:missus Ms:ms")
"""Often written without a full stop."""
TITLES = PLAIN_TITLES | table(
    "Capt:captain Fr:father Gen:general Gov:governor Hon:honorable Lt:lieutenant Prof:professor Rep:representative "
    "Rev:reverend Sen:senator Sgt:sergeant St:saint Ft:fort Mt:mount"
)

PLAIN = table(
    "appt:appointment appts:appointments approx:approximately apt:apartment bldg:building blvd:boulevard "
    "dept:department etc:et_cetera ext:extension ltd:limited mtg:meeting pkwy:parkway vs:versus"
)
"""No words of their own, hence plain without a full stop."""
CLOSING = table("co:company corp:corporation etc:et_cetera inc:incorporated ltd:limited")
"""Stand at a sentence's end as often as not."""
DOTTED = (
    PLAIN
    | CLOSING
    | table(
        "assn:association ave:avenue asst:assistant avg:average bros:brothers est:established fl:floor govt:government "
        "hwy:highway intl:international jr:junior max:maximum mgr:manager min:minimum misc:miscellaneous natl:national "
        "rd:road rm:room sr:senior ste:suite tel:telephone temp:temperature univ:university"
    )
)

_METRIC = (
    ("g", "gram", "mk"),
    ("l", "liter", "m"),
    ("m", "meter", "mck"),
    ("w", "watt", "k"),
    ("wh", "watt hour", "k"),
)
_ELECTRONIC = (("b", "byte", "kmgt"), ("bps", "bit per second", "kmg"), ("hz", "hertz", "kmg"))
_SMALL = table("m:milli c:centi k:kilo")
_LARGE = table("k:kilo m:mega g:giga t:tera")
UNITS = (
    {sign: unit for sign, unit, _ in _METRIC}
    | {size + sign: _SMALL[size] + unit for sign, unit, sizes in _METRIC for size in sizes}
    | {size + sign: _LARGE[size] + unit for sign, unit, sizes in _ELECTRONIC for size in sizes}
    | shortened(
        """
        foot ft
        gallon gal
        hertz hz
        hour hr hrs
        inch in
        kilometer_per_hour km/h kph
        mile mi
        mile_per_hour mph
        minute min mins
        month mo mos
        ounce oz
        piece pcs
        pint pt
        pound lb lbs
        quart qt
        second sec secs
        square_foot sq_ft sq._ft sqft
        square_meter sq_m
        tablespoon tbsp
        teaspoon tsp
        volt v
        week wk wks
        yard yd yds
        year yr yrs
        """
    )
)
"""Short form in small letters to the unit's singular."""
NUMBERED = words(
    "account booking box case claim code confirmation ext extension flight id invoice number order part pin policy ref "
    "reference serial ticket tracking zip"
)
"""Words whose numbers are said digit by digit."""
PLURALS = table("foot:feet inch:inches")
WITHOUT_PLURAL = "hertz"

ACRONYM_WORDS = words("OK SIM ZIP PIN VIN GIF RAM ROM NASA NATO HIPAA COVID LASIK UNICEF IKEA WIFI FICO FEMA OSHA SWAT")
"""Capitals said as a word though short, or though the lexicon may lack them."""
SHOUTED = words("ALL FREE GO NEW NO NOT STOP UP YES")
"""Short words that people write in capitals for weight, besides function words."""
SPELLED_THOUGH_KNOWN = words("AM ASAP HTML IT US")
DOMAINS = words("app biz com dev gov info net online org shop store")
"""Last parts of host names that are said as a word."""
SPELLED_DOMAINS = words("ai ca co de edu io me uk us tv")
"""Last parts that are spelled."""
