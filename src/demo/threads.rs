//! What both sides write to each other about a dispute, and what a manager writes with a decision.

use super::stories::{Words, tell};
use super::{Dice, pick};

/// A question of the platform, and what the buyer answers.
type Exchange = (&'static str, &'static str);

/// Questions and answers that fit a reason.
pub(super) fn exchange(dice: &mut Dice, reason: &str) -> Exchange {
    match reason {
        "caller_hung_up" => pick(dice, HUNG_UP),
        "not_connected" => pick(dice, NOT_CONNECTED),
        "invalid_caller" => pick(dice, INVALID),
        "duplicate_call" => pick(dice, DUPLICATE),
        "not_qualified" => pick(dice, NOT_QUALIFIED),
        "technical_issues" => pick(dice, TECHNICAL),
        _ => pick(dice, OTHER),
    }
}

const HUNG_UP: &[Exchange] = &[
    (
        "Did {agent} [call back|try the number again]? Our rule counts a hang up only where the caller can't be reached the same day.",
        "Yes, [twice|three times] that afternoon. [It rings out.|Voicemail both times.] The call list is attached.",
    ),
    (
        "We hear [about two seconds of breathing|somebody say \"hello\"] before it ends. Is your side's recording longer?",
        "No, ours is the same {talk} seconds. {agent} says the caller was gone before the greeting ended.",
    ),
    ("What does your phone system give as the side that ended it?", "The caller's. I added the line from our log."),
];
const NOT_CONNECTED: &[Exchange] = &[
    (
        "Our switch shows {ring} seconds of ringing to {dest}. Was anybody signed in there?",
        "[Six people|Four people|Everybody] on that shift. The queue report has no call between [the hour and five past|those two minutes].",
    ),
    (
        "Which number did you expect this on? The order still names the old one for {dest}.",
        "The number on the order is right. It [took calls|answered others] before and after this one.",
    ),
    ("Can you send the carrier's trace for {time}?", "Attached. No invite reached us."),
];
const INVALID: &[Exchange] = &[
    (
        "From which second on do you take it for a recording? To us the first half sounds like a person.",
        "[From {mark}|At {mark}]: {agent} interrupts and the voice just goes on.",
    ),
    (
        "Have you had this number before?",
        "[Not this one, but the same voice from two other numbers.|Yes, in the spring, also as a prank.|No. It is a first for us.]",
    ),
    ("Did the caller give any name or zip code at all?", "Only \"[Mike|Jane], zip 00000\". {agent} noted it as given."),
];
const DUPLICATE: &[Exchange] = &[
    (
        "Which campaign did the first call come in on? The caller IDs match, [the campaign on our side does not|we want to be sure it is the same request].",
        "[{campaign}, the same one.|The same one, through the same ad.] It is the same {product} for the same address.",
    ),
    (
        "How do you know it is the same person and not the same household?",
        "{customer} gives [the same date of birth|the file number from the first call], see {mark}.",
    ),
    (
        "{gap} is close to the edge of the rule. Was the first call [quoted|closed]?",
        "Quoted by {agent2} on {earlier}, the file {file_number} is still open.",
    ),
];
const NOT_QUALIFIED: &[Exchange] = &[
    (
        "Where in the recording does that come up? We hear [the greeting and the zip code|general questions] only.",
        "[At|Right at] {mark}. {agent} asks directly and {first} answers.",
    ),
    (
        "The order names it as a preferred point, [not as a fixed one|not as one that excludes]. Has it been changed?",
        "It was changed on [1 November|15 October] by e-mail. I attached [it|the thread].",
    ),
    (
        "The call ran {minutes}. What was talked about after the screening question?",
        "{agent} [looked for another product|explained where to go instead]. No quote was given.",
    ),
];
const TECHNICAL: &[Exchange] = &[
    (
        "Our media server shows audio in both directions for the first [nine|twelve] seconds. What did {agent} hear?",
        "[A crackle and then nothing.|Half words.] The caller asks \"are you there\" until it ends.",
    ),
    ("Do you have the call's trace from your side?", "Attached. The stream from you stops, ours goes on."),
];
const OTHER: &[Exchange] = &[
    (
        "We have no record of that [change|notice]. When did you tell us, and whom?",
        "By e-mail on [the Monday before|the 3rd], to the account desk. A copy is attached.",
    ),
    (
        "Is this about the price or about the call itself?",
        "About the call. It [should not have been routed to us|came after the cap].",
    ),
];

/// What the buyer adds after the first exchange.
pub(super) const FOLLOW_UPS: &[Exchange] = &[
    (
        "Thank you, that helps. I have asked the source and [come back to you tomorrow|will write when they answer].",
        "[Thanks.|Good, we'll wait.] There are [two|three] more like it that I haven't sent yet.",
    ),
    (
        "[Understood.|Seen.] Would half of it settle the matter for you?",
        "[We would rather have the whole, but half is fair.|Half would be fine for this one.|I'd have to ask, but I think so.]",
    ),
    (
        "One more thing: was {first} offered a call back later?",
        "No. [There was no reason to.|Nobody asked for one.|Nobody picked up.]",
    ),
    (
        "Please don't send the same file twice, the second one is identical.",
        "[Sorry, that was the upload on our side.|My mistake.]",
    ),
];

pub(super) const REMINDERS: &[&str] = &[
    "[Any news on this one?|Is there anything we can add?] Our books close [on Friday|at the end of the week].",
    "Just checking that the file opened on your side.",
    "{agent} found the note from the call, it says the same. I can send it if it helps.",
];
pub(super) const INTERNAL: &[&str] = &[
    "{publisher} [confirms both calls came from the same landing page|says the source was switched off on {day}|asks for the recording before they agree].",
    "Third one from {publisher} on {campaign} this week. [Keep an eye on the placement.|I have asked them for the sub source.]",
    "Listened to it twice. [I lean to accept.|Not clear to me, second opinion welcome.|The buyer is right about {mark}.]",
    "{company} is usually careful with these.",
];
pub(super) const WITHDRAWALS: &[&str] = &[
    "We found the caller in our system after all, [a policy was sold|an appointment is booked]. Withdrawn.",
    "[Sent by mistake, it was meant for the call before this one.|Wrong call picked, sorry.]",
    "{agent} reached {first} [the next day|on the phone this morning]. We take it back.",
];
pub(super) const THANKS: &[&str] =
    &["Thank you, [that was quick|that is fair].", "[Understood, thanks.|Fine with us.]"];
pub(super) const OBJECTIONS: &[&str] = &[
    "We see it differently: [the part before {mark} is hold music|there is no consent to be heard]. But we leave it at that.",
    "Could somebody else listen again? [It is clear from {mark} on.|{agent} is certain.]",
];

/// The note to the buyer that goes with a verdict.
pub(super) fn note(dice: &mut Dice, verdict: &str, reason: &str, words: &Words) -> String {
    let notes: &[&str] = match (verdict, reason) {
        ("accepted", "caller_hung_up") => &[
            "No conversation in the recording. The whole payout is credited.",
            "{talk} seconds without a word from the caller. [Credited in full.|We credit {payout}.]",
        ],
        ("accepted", "not_connected") => &[
            "Our log agrees: ended with {cause} before it reached {dest}. Credited in full.",
            "The call was never answered. We have also corrected the [conversion timer|ring rule] of this campaign.",
        ],
        ("accepted", "invalid_caller") => &[
            "A recorded voice, as you say. Credited, and the number is blocked.",
            "[No person on the line.|A prank.] The whole payout is credited.",
        ],
        ("accepted", "duplicate_call") => &[
            "Same caller within {gap}, same request. Credited in full.",
            "Both calls are from {caller} and the first one was paid. We credit this one.",
        ],
        ("accepted", "not_qualified") => &[
            "The caller names it at {mark}, and the order excludes it. Credited in full.",
            "[Right|Agreed]: {criterion}. We credit {payout}.",
        ],
        ("accepted", _) => {
            &["The fault was on our side. Credited in full.", "Our records say the same as yours. We credit {payout}."]
        }
        ("accepted_partial", "duplicate_call") => &[
            "The first call was {gap} before and on another request, so {percent} % of the payout is credited.",
            "Same household, but a second car was quoted. We meet in the middle with {percent} %.",
        ],
        ("accepted_partial", "not_qualified") => &[
            "The point came up only after a full screening. We credit {percent} %.",
            "The order leaves this point open; [from now on it is a fixed one|we have made it clear for next month]. {percent} % is credited.",
        ],
        ("accepted_partial", _) => &[
            "There was a short conversation before it [ended|broke off], so {percent} % of the payout is credited.",
            "Both sides have a point here. We credit {percent} %.",
        ],
        ("rejected", "caller_hung_up") => &[
            "The recording has an answer to the first question before the caller hangs up. The call stays payable.",
            "The caller was reached on your call back the same day, see your own list. No credit.",
        ],
        ("rejected", "not_connected") => {
            &["Our switch has an answer from {dest} after {ring} seconds. Please check the queue's own log."]
        }
        ("rejected", "invalid_caller") => &[
            "We hear a person who gives a name and asks for a price. The call stays payable.",
            "Odd, but a real caller: she answers two of the questions. No credit.",
        ],
        ("rejected", "duplicate_call") => &[
            "The first call was not charged, so this is the first one you pay for.",
            "Same number, another person: the names differ at {mark}. No credit.",
        ],
        ("rejected", "not_qualified") => &[
            "The recording shows a caller who qualifies.",
            "The order in force on {day} doesn't name this point. [We can add it for next month.|Please write to us about the order.]",
        ],
        _ => &[
            "We can't find the fault in the recording or in our logs. The call stays payable.",
            "Nothing in the files shows it. You may send it again with a trace.",
        ],
    };
    let template = pick(dice, notes);
    tell(dice, template, words)
}
