"""How written English is said, sentence by sentence."""

import pytest

from oneinbox.adapters.speech.builtin.english.normalise import LONGEST_PIECE, clean, normalise, pieces

WORDS = frozenset(["ann", "no", "is", "it", "at", "tax", "bee", "hive", "nest", "dot", "box", "visa", "nasa", "joe"])
CASES = [
    ("The lamp costs $19.05.", "The lamp costs nineteen dollars and five cents."),
    ("A $40 voucher", "A forty dollar voucher"),
    ("Only $1 left", "Only one dollar left"),
    ("They raised $2.5 million.", "They raised two point five million dollars."),
    ("£0.01 each", "one penny each"),
    ("It rose 12.5%", "It rose twelve point five percent"),
    ("Call 312-555-0188 now", "Call three one two, five five five, zero one eight eight now"),
    ("Ring +1 (800) 555-0111.", "Ring plus one, eight hundred, five five five, zero one one one."),
    ("Press 911", "Press nine one one"),
    ("Come on May 2nd, 2031.", "Come on may second, twenty thirty one."),
    ("You may 2 times", "You may two times"),
    ("Due 2027-01-31", "Due january thirty first, twenty twenty seven"),
    ("since 2003", "since two thousand three"),
    ("the 1970s", "the nineteen seventies"),
    ("Wed-Fri", "wednesday to friday"),
    ("I sat down", "I sat down"),
    ("At 7:05 pm.", "At seven oh five p m."),
    ("From 9-11 a.m. we rest", "From nine to eleven a m we rest"),
    ("At 3:00 sharp", "At three o'clock sharp"),
    ("Order 40021", "Order four zero zero two one"),
    ("Part QX-77B", "Part q x, seven seven b"),
    ("Live at 905 Elm Street", "Live at nine oh five Elm Street"),
    ("12 St. John Rd., Reno, NV 89501", "twelve saint John road, Reno, nevada, eight nine five zero one"),
    ("Dr. Who lives on Elm Dr.", "doctor Who lives on Elm drive."),
    ("Suite 1402", "suite fourteen oh two"),
    ("Mail ann.b@beehive.com", "Mail ann dot b, at beehive dot com"),
    ("See www.nest.io/x1", "See w w w dot nest dot i o slash x one"),
    ("Add 2 lbs. of salt", "Add two pounds of salt"),
    ("It is 1 km", "It is one kilometer"),
    ("-4°C", "minus four degrees celsius"),
    ("a 4x6 print", "a four by six print"),
    ("1 1/2 cups", "one and a half cups"),
    ("The 23rd", "The twenty third"),
    ("1,000,001 bees", "one million one bees"),
    ("Code 007", "Code zero zero seven"),
    ("The CEO of NASA", "The c e o of NASA"),
    ("PLEASE HOLD THE LINE", "PLEASE HOLD THE LINE"),
    ("e.g. tea & milk", "for example, tea and milk"),
    ("No.", "No."),
    ("It costs $12.50 today", "It costs twelve dollars and fifty cents today"),
    ("From $10-$15 each", "From ten to fifteen dollars each"),
    ("$5-7 a head", "five to seven dollars a head"),
    ("your $1,250 deposit is safe", "your one thousand two hundred fifty dollar deposit is safe"),
    ("$3k a year", "three thousand dollars a year"),
    ("$0.50", "fifty cents"),
    ("1,250 seats", "one thousand two hundred fifty seats"),
    ("50% off", "fifty percent off"),
    ("10-15% more", "ten to fifteen percent more"),
    ("Open 9am-5pm.", "Open nine a m to five p m."),
    ("9 a.m.-5:30 p.m. daily", "nine a m to five thirty p m daily"),
    ("10:30-11:15", "ten thirty to eleven fifteen"),
    ("We answer 24/7.", "We answer twenty four seven."),
    ("Mon-Fri", "monday to friday"),
    ("Sat & Sun. Bring a friend", "saturday and sunday. Bring a friend"),
    ("Mon.-Thu., 8 am", "monday to thursday, eight a m"),
    ("Monday-Friday", "monday to friday"),
    ("The 3rd of May", "The third of May"),
    ("On 2026-11-25 we close", "On november twenty fifth, twenty twenty six we close"),
    ("June 3-5", "june third to fifth"),
    ("Dec. 24th at 6 pm", "december twenty fourth at six p m"),
    ("on 5 Oct 2028", "on october fifth, twenty twenty eight"),
    ("the '90s", "the nineties"),
    ("+1 (555) 010-0199", "plus one, five five five, zero one zero, zero one nine nine"),
    ("+15550100199", "plus one, five five five, zero one zero, zero one nine nine"),
    ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
    ("(555) 010-0144", "five five five, zero one zero, zero one four four"),
    ("555.010.0144 now", "five five five, zero one zero, zero one four four now"),
    ("No. 7 is free", "number seven is free"),
    ("Ticket No. 4471", "Ticket number four four seven one"),
    ("1st Ave", "first avenue"),
    ("On 1st Ave. we turn", "On first avenue we turn"),
    ("It is at 77 Pine St. Ring twice", "It is at seventy seven Pine street. Ring twice"),
    ("St. Paul is near Grant St.", "saint Paul is near Grant street."),
    ("Visit St. Mary's", "Visit saint Mary's"),
    ("Dr. Lee, 240 Hill Dr., Apt. 12", "doctor Lee, two forty Hill drive, apartment twelve"),
    ("Ask the Dr. to call", "Ask the doctor to call"),
    ("31 W 8th St, New York, NY 10011", "thirty one west eighth street, New York, new york, one zero zero one one"),
    ("4 Elm Rd., Austin, TX", "four Elm road, Austin, texas"),
    ("Take I-95 south", "Take i ninety five south"),
    ("P.O. Box 120", "p o Box one two zero"),
    ("Mail joe_w@bee-hive.co.uk.", "Mail joe underscore w, at bee dash hive dot c o dot u k."),
    ("HTTPS://www.hive.com/tax/", "w w w dot hive dot com slash tax"),
    ("Go to hive.com.", "Go to hive dot com."),
    ("2½ hours", "two and a half hours"),
    ("3/8 of an acre", "three eighths of an acre"),
    ("2 1/2 lbs. of tax", "two and a half pounds of tax"),
    ("1/4 mi away", "one quarter mile away"),
    ("Ann Lee, Ph.D.", "Ann Lee, p h d."),
    ("Nest Co. is an LLC.", "Nest company is an l l c."),
    ("the U.S. mail", "the u s mail"),
    ("w/o tax, w/ tax", "without tax, with tax"),
    ("8 AM - 12 noon", "eight a m to twelve noon"),
    ("noon-5pm", "noon to five p m"),
    ("Jan-Mar", "january to march"),
    ("Jan 5-Feb 7", "january fifth to february seventh"),
    ("Lincoln Ave Suite 310", "Lincoln avenue suite three ten"),
    ("Oak Rd. Unit 14", "Oak road unit fourteen"),
    ("a +100 bonus", "a plus one hundred bonus"),
    ("Do NOT go IN to the IT room", "Do NOT go IN to the i t room"),
    ("Ave Maria", "Ave Maria"),
    ("my wi-fi and e-mail", "my wifi and email"),
    ("TVs and PCs", "t v's and p c's"),
]


@pytest.mark.parametrize(("written", "said"), CASES)
def test_written_text_is_said_as_a_person_says_it(written: str, said: str) -> None:
    assert normalise(clean(written), WORDS.__contains__).replace("\x01", "") == said


def test_pieces_bound_the_work_and_lose_no_word() -> None:
    text = "One short sentence. Another, with more in it? " * 400
    cut = list(pieces(text))
    assert max(map(len, cut)) <= LONGEST_PIECE
    assert " ".join(cut).split() == text.split()


def test_control_characters_never_reach_the_rules() -> None:
    assert " ".join(pieces("a\x01b\x00\u0085c")).split() == ["a", "b", "c"]
