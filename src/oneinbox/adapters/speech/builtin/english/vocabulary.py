"""Tables of what written English shortens: months, states, streets, titles, units and acronyms."""


def table(text: str) -> dict[str, str]:
    """`key:value` pairs parted by white space; an underscore in a value is a space."""
    pairs = (pair.partition(":") for pair in text.split())
    return {key: value.replace("_", " ") for key, _, value in pairs}


MONTHS = tuple(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ]
)
MONTH_OF = {name: name for name in MONTHS} | table(
    "jan:january feb:february mar:march apr:april jun:june jul:july aug:august sep:september sept:september "
    "oct:october nov:november dec:december"
)
DAY_OF = table(
    "Mon:monday Tues:tuesday Tue:tuesday Wed:wednesday Thurs:thursday Thur:thursday Thu:thursday Fri:friday "
    "Sat:saturday Sun:sunday"
)
STATES = table(
    "AL:alabama AK:alaska AZ:arizona AR:arkansas CA:california CO:colorado CT:connecticut DE:delaware DC:D_C "
    "FL:florida GA:georgia HI:hawaii ID:idaho IL:illinois IN:indiana IA:iowa KS:kansas KY:kentucky LA:louisiana "
    "ME:maine MD:maryland MA:massachusetts MI:michigan MN:minnesota MS:mississippi MO:missouri MT:montana "
    "NE:nebraska NV:nevada NH:new_hampshire NJ:new_jersey NM:new_mexico NY:new_york NC:north_carolina "
    "ND:north_dakota OH:ohio OK:oklahoma OR:oregon PA:pennsylvania RI:rhode_island SC:south_carolina "
    "SD:south_dakota TN:tennessee TX:texas UT:utah VT:vermont VA:virginia WA:washington WV:west_virginia "
    "WI:wisconsin WY:wyoming"
)
STREETS = table(
    "St:street Ave:avenue Blvd:boulevard Rd:road Dr:drive Ln:lane Ct:court Pl:place Pkwy:parkway Hwy:highway "
    "Sq:square Ter:terrace Cir:circle"
)
COMPASS = table("N:north S:south E:east W:west NE:northeast NW:northwest SE:southeast SW:southwest")
TITLES = table(
    "Mr:mister Mrs:missus Ms:miz Dr:doctor Prof:professor Rev:reverend Sgt:sergeant Capt:captain Lt:lieutenant "
    "Gov:governor Sen:senator Hon:honorable St:saint Mt:mount Ft:fort"
)
PLAIN_TITLES = ("Mr", "Mrs", "Ms", "Dr")
DOTTED = table(
    "jr:junior sr:senior inc:incorporated ltd:limited corp:corporation co:company bros:brothers dept:department "
    "univ:university assn:association appt:appointment appts:appointments mtg:meeting mgr:manager apt:apartment "
    "ste:suite bldg:building fl:floor rm:room ext:extension tel:telephone approx:approximately est:established "
    "etc:et_cetera vs:versus max:maximum min:minimum misc:miscellaneous temp:temperature avg:average "
    "govt:government ave:avenue blvd:boulevard rd:road hwy:highway"
)
UNDOTTED = table(
    "appt:appointment appts:appointments mtg:meeting dept:department ext:extension blvd:boulevard ave:avenue "
    "pkwy:parkway bldg:building etc:et_cetera approx:approximately vs:versus apt:apartment ltd:limited"
)
UNITS = table(
    "mg:milligram kg:kilogram g:gram lbs:pound lb:pound oz:ounce ml:milliliter l:liter gal:gallon qt:quart "
    "pt:pint tbsp:tablespoon tsp:teaspoon mm:millimeter cm:centimeter km:kilometer m:meter in:inch ft:foot "
    "yds:yard yd:yard mi:mile mph:mile_per_hour km/h:kilometer_per_hour kph:kilometer_per_hour secs:second "
    "sec:second mins:minute min:minute hrs:hour hr:hour yrs:year yr:year wks:week wk:week mos:month mo:month "
    "kb:kilobyte mb:megabyte gb:gigabyte tb:terabyte mbps:megabit_per_second gbps:gigabit_per_second "
    "kwh:kilowatt_hour kw:kilowatt w:watt v:volt khz:kilohertz mhz:megahertz ghz:gigahertz hz:hertz pcs:piece"
) | {"sq ft": "square foot", "sq. ft": "square foot", "sq m": "square meter"}
PLURALS = {"foot": "feet", "inch": "inches", "hertz": "hertz", "kilohertz": "kilohertz"} | {
    "megahertz": "megahertz",
    "gigahertz": "gigahertz",
}
SAID_AS_WORDS = frozenset(
    [
        "OK",
        "NASA",
        "NATO",
        "HIPAA",
        "COVID",
        "SIM",
        "ZIP",
        "PIN",
        "LASIK",
        "SCUBA",
        "LASER",
        "RADAR",
        "JPEG",
        "AIDS",
        "OPEC",
        "UNICEF",
        "IKEA",
        "VIN",
        "WIFI",
        "SWAT",
        "GIF",
        "RAM",
        "ROM",
        "FICO",
        "FEMA",
        "OSHA",
        "NASDAQ",
        "VISA",
        "CASH",
        "FREE",
        "NEW",
        "NOT",
        "ALL",
        "YES",
        "NO",
        "STOP",
        "PLEASE",
        "AND",
        "THE",
        "OR",
        "FOR",
        "IN",
        "ON",
        "AT",
        "TO",
        "OF",
        "IS",
        "IT",
        "WE",
        "BE",
        "DO",
        "GO",
        "UP",
        "MY",
        "SO",
        "IF",
        "BY",
        "AN",
        "AS",
        "YOU",
        "ARE",
        "CAN",
    ]
)
SPELLED_THOUGH_KNOWN = frozenset(("ASAP", "HTML"))
DOMAINS = frozenset(["com", "org", "net", "gov", "info", "biz", "app", "dev", "shop", "online", "store"])
