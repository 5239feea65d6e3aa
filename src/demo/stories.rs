//! What buyers write about a call: templates by reason, with turns of phrase that vary and facts of the call filled in.

use rand::seq::IndexedRandom as _;

use super::cast::Vertical;
use super::{Dice, chance, pick};

/// The words of one dispute that templates may name in braces.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<(&'static str, String)>);

impl Words {
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str())
    }
}

/// Fills a template: `[a|b]` is one of the two, `{name}` a word of the dispute. Brackets don't nest.
pub(super) fn tell(dice: &mut Dice, template: &str, words: &Words) -> String {
    let mut told = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('[') {
        fill(&mut told, before, words);
        let (choices, after) = after.split_once(']').unwrap_or((after, ""));
        let choices: Vec<&str> = choices.split('|').collect();
        fill(&mut told, choices.choose(dice).copied().unwrap_or_default(), words);
        rest = after;
    }
    fill(&mut told, rest, words);
    told
}

fn fill(told: &mut String, text: &str, words: &Words) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        told.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        told.push_str(words.get(name));
        rest = after;
    }
    told.push_str(rest);
}

/// Additional Information for a reason: a beginning, often a detail, now and then what the buyer asks for.
pub(super) fn information(dice: &mut Dice, reason: &str, words: &Words) -> String {
    // A few buyers let the files speak.
    if chance(dice, 60) {
        return String::new();
    }
    let (openings, details) = match reason {
        "caller_hung_up" => (HUNG_UP, HUNG_UP_DETAILS),
        "not_connected" => (NOT_CONNECTED, NOT_CONNECTED_DETAILS),
        "invalid_caller" => (INVALID, INVALID_DETAILS),
        "duplicate_call" => (DUPLICATE, DUPLICATE_DETAILS),
        "not_qualified" => (NOT_QUALIFIED, NOT_QUALIFIED_DETAILS),
        "technical_issues" => (TECHNICAL, TECHNICAL_DETAILS),
        _ => (OTHER, OTHER_DETAILS),
    };
    let opening = pick(dice, openings);
    let mut text = tell(dice, opening, words);
    if chance(dice, 720) {
        let detail = pick(dice, details);
        // Nobody calls back a number that is withheld.
        if !detail.contains("{caller}") || words.get("caller").starts_with('(') {
            text.push(' ');
            text.push_str(&tell(dice, detail, words));
        }
    }
    if chance(dice, 330) {
        text.push(if chance(dice, 300) { '\n' } else { ' ' });
        let ask = pick(dice, ASKS);
        text.push_str(&tell(dice, ask, words));
    }
    text
}

const HUNG_UP: &[&str] = &[
    "{agent} answered and the line was gone after {talk} seconds. [Nobody said a word.|We only hear a click.|There is no hello in the recording.]",
    "The caller [hung up|dropped off] {talk} seconds in, before {agent} [had finished the greeting|could give our name].",
    "{talk} seconds of talk time. [That is not even our opening line.|Our greeting alone takes eleven.|The agent never got to the first question.]",
    "[Looks like a misdial|This one reads as a pocket dial]: the caller says \"[sorry, wrong number|oh, never mind|who is this]\" and ends the call at {talk} seconds.",
    "Connected to {dest} at {time}, [ended by the caller|caller gone] after {talk} s. We called back at once and [reached a voicemail box|the number rang out|she told us she never meant to call an insurer].",
    "No conversation took place on {day}. {agent} said hello [twice|three times] and the caller disconnected.",
];
const HUNG_UP_DETAILS: &[&str] = &[
    "[Call back attempts at 10 and 40 minutes went unanswered.|We tried the number again the next morning, no answer.]",
    "The call is marked as converted only because the [timer starts at the ring|buffer counts from pick-up on your side].",
    "It is the [third|fourth|second] of this kind on {dest} [this week|since Monday].",
    "Our phone system logs the disconnect as coming from the caller's side.",
    "You can hear [traffic and a radio|nothing but line noise|somebody put the phone down] and then it ends.",
];
const NOT_CONNECTED: &[&str] = &[
    "[Our queue never saw this call.|This call never reached {dest}.|There is no trace of this call in our phone system.] Your log says {cause}.",
    "{dest} was staffed at {time} ([four|six|nine] agents signed in) and no call arrived. Connected duration is zero.",
    "The caller heard ringing for {ring} seconds and was never put through. [We can't pay for a call nobody picked up.|There was nobody to sell to.]",
    "Shown as a conversion with 0:00 connected. [It rang and ended.|The leg to us was torn down before we could answer.]",
    "On {day} at {time} our trunk [had no fault|was up the whole day], see the export. The call ended with {cause} before it came to us.",
];
const NOT_CONNECTED_DETAILS: &[&str] = &[
    "[We checked both carriers.|Our carrier confirms no invite for this call.|The session log for that minute is attached.]",
    "The same minute has two other calls that came through normally.",
    "[Please look at the ring tree for this campaign.|Could it be that the call went to the old overflow number?]",
    "Conversion seems to be set [at dial|by the ring timer] instead of at answer.",
];
const INVALID: &[&str] = &[
    "[A recorded voice|A robot voice] reads an offer for [Medicare benefits|a business loan|a warranty] and doesn't react to {agent}.",
    "The caller [laughs and asks for a pizza|sings and hands the phone around|gives a cartoon character's name]. [A prank, clearly.|Children, we think.]",
    "Spam. The caller sells [search engine listings|solar leads|cleaning contracts] to us and doesn't want {a_product}.",
    "[Nobody speaks.|Dead air from start to end.] {agent} asks [three|four] times whether anyone is there, in {talk} seconds no answer.",
    "The person says a [pop-up told her to call to remove a virus|text message promised a gift card]. She doesn't know what {a_product} is.",
    "Same scripted opening word for word as [two|five|three] other calls [this week|since the 1st]: \"hi, I was told to ask for the discount\". Then [silence|it hangs]. We take it for a bot.",
];
const INVALID_DETAILS: &[&str] = &[
    "Listen from {mark}: [the same sentence twice, to the syllable|the voice doesn't stop when ours begins].",
    "The number {caller} [is not in service when dialed back|plays a fax tone when dialed back|belongs to a call center, by its own greeting].",
    "We have blocked it on our side.",
    "Name and zip code given don't match ([a zip code in Ohio|a zip code that doesn't exist]).",
    "No answer to any of the four questions we ask everybody.",
];
const DUPLICATE: &[&str] = &[
    "Same caller asked for the same {product} on {earlier}. We paid for that call; [the quote is still open|the file was already opened|the appointment was already made].",
    "{customer} called us {gap} before and spoke to {agent2}. [It is the same request.|Nothing has changed since.|We are being charged twice for one person.]",
    "The caller says at the start that [she \"called already\"|he \"spoke to somebody the other day\"|they \"just need the number from last time\"]. The first call was on {earlier}.",
    "{caller} is in our records since {earlier}. [She only wanted to ask where her papers were.|He called back to give a missing date of birth.|The line had dropped and she dialed the ad again.]",
    "Duplicate of the call on {earlier}, {gap} apart, same number, same name, same {product}.",
];
const DUPLICATE_DETAILS: &[&str] = &[
    "{agent} confirms the open file and ends the call [politely|after a minute].",
    "Our order says one paid call per household in [30|60] days.",
    "Record [number |]{file_number} shows both contacts.",
    "The first call ran on [the same campaign|this campaign too], so your filter should have caught it.",
];
const NOT_QUALIFIED: &[&str] = &[
    "{customer} doesn't qualify: {criterion}. [The caller says so at {mark}.|It comes out at {mark}.|{agent} asks, and that is the answer.]",
    "Criterion not met: {criterion}. [The campaign's rule names it.|It is the second line of our order.|We agreed on this in September.]",
    "[Good caller, wrong campaign|A friendly person, but not one we can serve]: {criterion}.",
    "Our screening ends after the [second|third] question because {criterion}. Talk time is long only because {agent} tried to [help anyway|find another product|explain].",
    "The caller wanted {a_product} [for somebody else|for a relative], and {criterion}.",
    "{agent}'s notes: \"{criterion}, [thanked and closed|referred elsewhere|no quote given]\".",
];
const NOT_QUALIFIED_DETAILS: &[&str] = &[
    "No quote was given and no application opened.",
    "The lead sheet with the answers is attached.",
    "[Two more|Another one] of this kind came from the same campaign on {day}.",
    "We pay for callers who meet all points of the order, and this is one of the fixed ones.",
    "The ad seems to promise [help with any claim|cover for everybody|a free inspection], callers repeat it.",
];
const TECHNICAL: &[&str] = &[
    "[One-way audio|The caller couldn't hear us]: {agent} hears the caller, the caller keeps asking \"hello?\" for {talk} seconds.",
    "The line [broke up|crackled and dropped] after {talk} seconds, in the middle of the first question. Hang up is reported as the system's.",
    "The call was cut at {talk} seconds with {cause}. The caller did not hang up and neither did we.",
    "[Heavy echo|A loop of our own greeting] from the first second on. No conversation was possible.",
    "The transfer to {dest} [failed half way|got stuck], both sides heard hold music until it ended.",
];
const TECHNICAL_DETAILS: &[&str] = &[
    "[Our other calls in that quarter of an hour were fine.|Three calls between {time} and the half hour show the same.]",
    "The packet log shows [no audio from your side|38 % loss|nothing after second 9].",
    "{caller} called back on another line and [was not charged|told us the same].",
    "Our carrier's ticket is [open|closed without a fault on our side].",
];
const OTHER: &[&str] = &[
    "The call came in [outside our hours|at {time}, our desk had closed for a company meeting we announced on the portal]. It was answered by the [night service|answering machine].",
    "[Daily cap|Our cap of 25 calls] was reached at noon on {day}; this is call [26|27|29].",
    "The campaign was paused for {dest} since the morning. This call should not have been routed to us.",
    "The caller asked to be put on our do-not-call list and says she [never agreed to be called|filled in no form].",
    "Billed at the [new|higher] price although the order in force on {day} names another.",
];
const OTHER_DETAILS: &[&str] = &[
    "The e-mail about it is attached.",
    "Please compare with the schedule of that week.",
    "We had written about this on the day itself.",
];
const ASKS: &[&str] = &[
    "We ask for [the full payout|{payout}] back.",
    "Please credit {payout}.",
    "[Happy to talk it over.|Tell us if you need more from our side.|Our full recording is available on request.]",
    "Could you [look at the source of these|have a word with the traffic source|check how this passed the filter]?",
    "Part of it would be fine with us, the agent's time was [not entirely|partly] lost.",
];

/// What the buyer's campaigns sell, and what callers must meet.
pub(super) fn product(dice: &mut Dice, vertical: Vertical) -> &'static str {
    match vertical {
        Vertical::Auto => pick(dice, &["auto quote", "car insurance quote", "auto policy"]),
        Vertical::Home => pick(dice, &["home quote", "homeowner's policy", "home insurance quote"]),
        Vertical::Renters => pick(dice, &["renters quote", "renters policy"]),
        Vertical::Injury => pick(dice, &["injury screening", "case review"]),
        Vertical::Exterior => pick(dice, &["roof inspection", "solar estimate", "roof estimate"]),
    }
}

pub(super) fn criterion(dice: &mut Dice, vertical: Vertical) -> &'static str {
    match vertical {
        Vertical::Auto => pick(
            dice,
            &[
                "no valid driver's license",
                "the car is registered in another state",
                "the policy was bought the day before",
                "a commercial truck, not a private car",
                "younger than 18",
                "license suspended since March",
            ],
        ),
        Vertical::Home => pick(
            dice,
            &[
                "rents the house and doesn't own it",
                "a mobile home, which we don't insure",
                "the house stands empty",
                "lives outside Arizona",
                "an open claim from this summer",
            ],
        ),
        Vertical::Renters => pick(
            dice,
            &[
                "owns the home",
                "looks for a flat and has no lease",
                "student housing with cover included",
                "wants to insure a storage unit",
            ],
        ),
        Vertical::Injury => pick(
            dice,
            &[
                "the accident was more than two years ago",
                "already has a lawyer",
                "no injury and no treatment",
                "was at fault by the police report",
                "a property damage claim only",
            ],
        ),
        Vertical::Exterior => pick(
            dice,
            &[
                "a tenant, the landlord decides",
                "the roof was replaced last year",
                "outside our service area",
                "a condominium with a shared roof",
                "wants a gutter cleaned, no roof work",
            ],
        ),
    }
}
