"""Four small businesses and what their callers ask: written when every weight was fixed, and not used to set one."""

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
)
