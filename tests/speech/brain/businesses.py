"""Eight small businesses and what their callers ask, written when the weights were set; none was fitted to them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """A caller's words, and the words that a right answer holds; none where the prompt has no answer."""

    asked: str
    wanted: tuple[str, ...] = ()


BAKERY = """You are Ella, the voice of Morning Crust, a neighbourhood bakery.
Be warm, keep it short, and never make things up.

Morning Crust bakes sourdough bread, croissants and cakes.
We're open Wednesday through Sunday, from six thirty in the morning to two in the afternoon.
You'll find us at 77 Willow Street, opposite the fire station.
A loaf of sourdough is six dollars and fifty cents, and a croissant is three dollars.
Birthday cakes have to be ordered two days in advance and start at forty dollars.
Our rye bread is made without any dairy or nuts.
We only take cards, no cash.
There is a bike rack outside, but no parking of our own.
Leftover bread is donated to the food bank every evening.

If somebody wants to order a cake, take their name and number. Do not discuss allergies beyond what is written here.
"""

VET = """# Role
You are the receptionist of Riverside Animal Clinic.

# Style
Calm, friendly, to the point. Never give medical advice.

# About us
Riverside Animal Clinic treats dogs, cats, rabbits and birds. We do not treat horses or farm animals.

# Opening hours
- Monday to Friday: 8 am to 6 pm
- Saturday: 9 am to 1 pm
- Sunday: closed

# Prices
- Check-up: 60 dollars
- Vaccination: 35 dollars
- Nail trimming: 15 dollars
- Neutering a cat: 120 dollars

# Frequently asked questions
Q: What do I do in an emergency at night?
A: Please call the Harbor Emergency Hospital at 555 014 2200. They are open around the clock.
Q: Do I need an appointment?
A: Yes, please, except for nail trimming.
Q: How long do I have to wait for an appointment?
A: Usually two to three days.
Q: Do you make house calls?
A: No, but we can recommend a mobile vet.

# Location
We are at 3 Bridge Road, and there are eight parking spaces behind the clinic.
"""

GYM = """Role: phone assistant of Ironworks Gym
Tone: upbeat

**Membership:** A monthly membership is 39 euros, and students pay 29 euros.
You can cancel any time with one month's notice.
**Hours:** We are open daily from 6 am to 11 pm, on public holidays from 9 am to 6 pm.
**Address:** Ironworks is on the third floor of the old mill, 21 Canal Street.
**Trial:** The first training session is free. Just bring a towel and indoor shoes.
**Classes:** Yoga is on Tuesdays at seven in the evening, and spinning is on Thursdays at six.
**Facilities:** We have a sauna, showers and lockers. There is no swimming pool.
**Age:** You must be at least sixteen to train with us.
**Team:** Our head trainer is Carla Jensen. Personal training costs 45 euros an hour.

Always end with a motivating sentence.
Don't talk about other gyms.
"""

REPAIR = """You work at the front desk of FixIt, a phone and laptop repair shop. You should sound relaxed.
The shop is inside Central Station, next to the ticket office. It is open Monday to Saturday, ten to eight.
Replacing a cracked screen costs between 90 and 180 dollars, depending on the model. A new battery is 60 dollars.
Most repairs are done within two hours. For water damage we need about three days.
Every repair comes with a six-month guarantee.
Please back up your data before you bring the device in.
We buy old phones and pay up to 200 dollars for them.
You can track your repair on www.fixit.example.
We can't repair televisions or cameras.
If we can't fix your device, you don't pay anything.
If the caller asks about a job, say: "Please send your application to jobs@fixit.example."
When you don't know something, apologise and offer a callback.
"""

PHARMACY = """You are the voice assistant for Greenfield Pharmacy. Help callers quickly and politely.
Greenfield Pharmacy is at 140 High Street, between the bank and the bakery.
Our hours are 8:30 am to 7 pm on weekdays and 9 am to 3 pm on Saturdays; on Sundays we are closed.
Prescriptions are usually ready in twenty minutes.
You can also drop prescriptions into the box by the door at any time.
Flu shots are 25 dollars and need no appointment.
We deliver medicine to your home within three miles, free of charge.
Measuring your blood pressure costs nothing.
We don't stock homeopathic products.
Our pharmacist is Mr. Okafor.
For refills, please have your prescription number ready.
Never give medical advice. If someone sounds unwell, tell them to call their doctor.
"""

DRIVING = """# Role
Answer calls for Green Light Driving School.

## Personality
- Patient
- Encouraging

## Lessons
A single lesson lasts fifty minutes and costs 48 pounds. Ten lessons together are 450 pounds.
Lessons are possible every day between seven in the morning and nine in the evening.
Your instructor picks you up at home, at work or at school.
We teach in cars with manual and with automatic gears.

## Enrolment
You have to be seventeen and need a provisional licence.
To sign up, fill in the form on our website, www.greenlight.example.

## Office
12 Station Parade, above the barber's. The office is staffed Monday, Wednesday and Friday from ten to four.

## FAQ
Q: How many lessons will I need?
A: Most learners take between thirty and forty.
Q: What happens if I fail the test?
A: You can book another try after ten working days.
Q: Can I cancel a lesson?
A: Yes, free of charge up to two days before.
"""

GUESTHOUSE = """You take calls for Seaview Guesthouse. Sound welcoming. Don't confirm bookings yourself.

Seaview Guesthouse has nine rooms, all with a private bathroom.
A double room is 95 dollars a night, breakfast included, and a single is 70.
Check-in is from three in the afternoon, and check-out is until eleven.
Breakfast is served from seven to ten in the garden room.
The beach is a five-minute walk away.
We are at the end of Cliff Road in Westhaven.
Parking in the yard is free for guests.
Small dogs may stay for 10 dollars a night.
There is fast wireless internet in every room.
The airport shuttle leaves every hour and takes forty minutes.
We are closed in January.
Smoking is only allowed on the balconies.
If a caller wants to reserve, take a message with the dates.
"""

PLUMBER = """Name: Sam
Role: receptionist for Drake Plumbing & Heating
Rules: never quote a total price

Q: What areas do you cover?
A: We work in all of Kent County.
Q: What does a visit cost?
A: The call-out fee is 75 dollars, which includes the first half hour. After that it is 30 dollars per quarter hour.
Q: Do you come on weekends?
A: Yes, around the clock for emergencies, with a surcharge of fifty percent.
Q: When can somebody come?
A: For emergencies within two hours, otherwise within three days.
Q: Are your plumbers licensed?
A: Yes, all of them are licensed and insured.
Q: Do you install boilers?
A: Yes, and we service every brand.
Q: How do I pay?
A: By card on the spot or by bank transfer within two weeks.
If water is running, please turn off the main valve right away.
The company was founded by Peter Drake in 1987.
"""


BUSINESSES: tuple[tuple[str, tuple[Case, ...]], ...] = (
    (
        BAKERY,
        (
            Case("What time do you guys open?", ("six thirty",)),
            Case("Can I stop by on Monday?", ("Wednesday through Sunday",)),
            Case("Where is your store?", ("77 Willow Street",)),
            Case("How expensive is a loaf of bread?", ("six dollars and fifty cents",)),
            Case("I'd like a cake for my daughter's birthday.", ("two days in advance",)),
            Case("Is there anything for someone who can't have nuts?", ("without any dairy or nuts",)),
            Case("Can I pay with dollar bills?", ("no cash",)),
            Case("Is there somewhere to leave my car?", ("no parking",)),
            Case("What happens to the bread you don't sell?", ("food bank",)),
            Case("How much is a croissant, and when do you close?", ("three dollars", "two in the afternoon")),
            Case("Do you have a toilet?"),
            Case("Could you repair my laptop?"),
            Case("Do you teach baking classes?"),
        ),
    ),
    (
        VET,
        (
            Case("When can I come in with my dog?", ("8 am to 6 pm",)),
            Case("Are you there on Saturdays?", ("9 am to 1 pm",)),
            Case("Are you open on Sunday?", ("closed",)),
            Case("What does a shot cost?", ("35 dollars",)),
            Case("How much do you take for clipping her claws?", ("15 dollars",)),
            Case("My horse is limping, can you have a look?", ("horses",)),
            Case("It's the middle of the night and my cat is bleeding.", ("555 014 2200",)),
            Case("Can the vet come to my home?", ("mobile vet",)),
            Case("How soon can you see us?", ("two to three days",)),
            Case("Can I just walk in?", ("except for nail trimming",)),
            Case("Where are you and is there parking?", ("3 Bridge Road", "parking spaces")),
            Case("Do you sell dog food?"),
            Case("Do you offer pet insurance?"),
        ),
    ),
    (
        GYM,
        (
            Case("How much is it per month?", ("39 euros",)),
            Case("Is there a discount for students?", ("29 euros",)),
            Case("How late can I work out?", ("11 pm",)),
            Case("Where can I find you?", ("21 Canal Street",)),
            Case("Can I try it out first?", ("first training session is free",)),
            Case("When is the yoga class?", ("Tuesdays at seven",)),
            Case("Can I swim at your place?", ("no swimming pool",)),
            Case("My son is fourteen, may he join?", ("sixteen",)),
            Case("How do I end my contract?", ("one month's notice",)),
            Case("Who is the coach?", ("Carla Jensen",)),
            Case("What should I bring the first time?", ("towel",)),
            Case("Are you open at Christmas?", ("public holidays",)),
            Case("Do you have a restaurant?"),
            Case("Can I rent a bike from you?"),
        ),
    ),
    (
        REPAIR,
        (
            Case("My screen is broken, how much would that be?", ("between 90 and 180",)),
            Case("How long will it take?", ("within two hours",)),
            Case("I dropped my phone in the toilet.", ("three days",)),
            Case("Where do I have to go?", ("Central Station",)),
            Case("Until when are you open tonight?", ("ten to eight",)),
            Case("Do I get a warranty?", ("six-month guarantee",)),
            Case("Would you take my old iPhone off my hands?", ("buy old phones",)),
            Case("My TV won't turn on.", ("can't repair televisions",)),
            Case("Are you looking for staff?", ("jobs@fixit.example",)),
            Case("Will I lose my photos?", ("back up your data",)),
            Case("What do I owe you if it can't be saved?", ("don't pay anything",)),
            Case("Do you sell flowers?"),
            Case("Do you have an office in Paris?"),
        ),
    ),
    (
        PHARMACY,
        (
            Case("Are you open right now, it's Saturday two o'clock?", ("9 am to 3 pm",)),
            Case("How do I find you?", ("140 High Street",)),
            Case("When can I pick up my pills?", ("twenty minutes",)),
            Case("Can I get vaccinated against the flu, and what is it?", ("25 dollars",)),
            Case("I can't leave the house, could you bring me my medication?", ("deliver",)),
            Case("Can you check my blood pressure?", ("costs nothing",)),
            Case("Do you have homeopathic drops?", ("homeopathic",)),
            Case("Who is the pharmacist?", ("Okafor",)),
            Case("What do I need for a refill?", ("prescription number",)),
            Case("Can I leave a prescription at night?", ("box by the door",)),
            Case("Do you sell beer?"),
            Case("Do you do eye tests?"),
        ),
    ),
    (
        DRIVING,
        (
            Case("What do you charge for one lesson?", ("48 pounds",)),
            Case("Is there a discount if I book several?", ("450 pounds",)),
            Case("How long does a lesson go?", ("fifty minutes",)),
            Case("Can I have lessons in the evening?", ("nine in the evening",)),
            Case("Where do we meet for the lesson?", ("picks you up",)),
            Case("Can I learn on an automatic?", ("automatic",)),
            Case("How old must I be?", ("seventeen",)),
            Case("How do I register?", ("greenlight.example",)),
            Case("Where's your office?", ("12 Station Parade",)),
            Case("What if I don't pass?", ("ten working days",)),
            Case("I can't make my lesson on Thursday.", ("two days before",)),
            Case("Do you teach motorbikes?"),
            Case("Do you rent out trucks?"),
        ),
    ),
    (
        GUESTHOUSE,
        (
            Case("How much for two people for a night?", ("95 dollars",)),
            Case("When can we get into the room?", ("three in the afternoon",)),
            Case("What time do we have to leave the room?", ("until eleven",)),
            Case("Until when can I eat breakfast?", ("seven to ten",)),
            Case("How far is it to the sea?", ("five-minute walk",)),
            Case("What's the address?", ("Cliff Road",)),
            Case("Is there a place for my car?", ("free for guests",)),
            Case("Can my dog come along?", ("10 dollars a night",)),
            Case("Do you have wifi?", ("wireless internet",)),
            Case("How do we get there from the airport?", ("shuttle",)),
            Case("Can I come in January?", ("closed in January",)),
            Case("May I smoke in the room?", ("balconies",)),
            Case("Do you have a gym?"),
            Case("Do you sell surfboards?"),
        ),
    ),
    (
        PLUMBER,
        (
            Case("Do you also come to Kent?", ("Kent County",)),
            Case("How expensive is it if you come by?", ("75 dollars",)),
            Case("My pipe burst, how fast can you be here?", ("within two hours",)),
            Case("Do you work on Sundays?", ("around the clock",)),
            Case("Can you put in a new boiler?", ("every brand",)),
            Case("Can I pay with my credit card?", ("By card",)),
            Case("Are you insured?", ("insured",)),
            Case("There's water everywhere, what should I do?", ("main valve",)),
            Case("Who started the company?", ("Peter Drake",)),
            Case("Do you repair roofs?"),
            Case("Do you walk dogs?"),
        ),
    ),
)
