//! Money: whole minor units beside their currency, parsed exactly and never rounded on the way in.
//!
//! Knows how people and spreadsheets write amounts; knows nothing of who pays whom.

use std::fmt;

/// A currency of ISO 4217 that has minor units (none, two, three …).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// United States dollar, the default everywhere.
    pub const USD: Self = Self(iso_currency::Currency::USD);

    /// The currency of a three-letter code in any case, if it is one that amounts can be counted in.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let code = code.trim();
        let found = iso_currency::Currency::from_code(code)
            .or_else(|| iso_currency::Currency::from_code(&code.to_ascii_uppercase()))?;
        found.exponent().map(|_| Self(found))
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        iso_currency::Currency::code(&self.0)
    }

    /// How many decimal digits an amount has: JPY 0, USD 2, KWD 3.
    #[must_use]
    pub fn digits(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    /// How many minor units make one whole.
    fn per_whole(self) -> u64 {
        10_u64.saturating_pow(self.digits())
    }

    /// The sign shown before an amount, for the few currencies whose sign means no other.
    fn sign(self) -> Option<&'static str> {
        match self.code() {
            "USD" => Some("$"),
            "EUR" => Some("€"),
            "GBP" => Some("£"),
            "JPY" => Some("¥"),
            _ => None,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl std::str::FromStr for Currency {
    type Err = NoSuchCurrency;

    fn from_str(code: &str) -> Result<Self, NoSuchCurrency> {
        Self::from_code(code).ok_or(NoSuchCurrency)
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str> as serde::Deserialize<'de>>::deserialize(from)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom(NoSuchCurrency))
    }
}

/// A text that names no currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the three-letter code of a currency, such as USD")]
pub struct NoSuchCurrency;

/// Why a text is not an amount; each says what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("an amount such as 1030.30")]
    NotAnAmount,
    #[error("an amount, not an error of a spreadsheet")]
    SpreadsheetError,
    #[error("an amount in {0}")]
    OtherCurrency(Currency),
    #[error("an amount with at most {} decimal digits, as {} has", .0.digits(), .0)]
    TooManyDigits(Currency),
    #[error("a smaller amount")]
    TooLarge,
}

/// An amount of a currency, in minor units.
///
/// `Display` writes it for people: `$1,030.30`, `-$3.00`, `¥500`, `KWD 1.250`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads an amount exactly: `40`, `40.0`, `$1,030.30`, `-$33.00`, `(3.00)`. Empty is unknown, not zero.
    pub fn parse(text: &str, currency: Currency) -> Result<Option<Self>, MoneyError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if is_spreadsheet_error(text) {
            return Err(MoneyError::SpreadsheetError);
        }
        let (text, in_brackets) = match text.strip_prefix('(') {
            Some(rest) => (rest.strip_suffix(')').ok_or(MoneyError::NotAnAmount)?.trim(), true),
            None => (text, false),
        };
        let (text, sign_before) = strip_sign(text);
        let text = strip_currency(text, currency)?;
        let (text, sign_after) = strip_sign(text);
        let is_negative = match (in_brackets, sign_before, sign_after) {
            (true, None, None) => true,
            (false, Some(is_minus), None) | (false, None, Some(is_minus)) => is_minus,
            (false, None, None) => false,
            _ => return Err(MoneyError::NotAnAmount),
        };
        let minor = count_minor_units(text, currency)?;
        let minor = if is_negative { -minor } else { minor };
        let minor = i64::try_from(minor).or(Err(MoneyError::TooLarge))?;
        Ok(Some(Self { minor, currency }))
    }

    /// The amount for machines: no sign of the currency, no grouping (`1030.30`).
    #[must_use]
    pub fn plain(self) -> PlainMoney {
        PlainMoney(self)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minor < 0 {
            out.write_str("-")?;
        }
        match self.currency.sign() {
            Some(sign) => out.write_str(sign)?,
            None => write!(out, "{} ", self.currency.code())?,
        }
        let per_whole = self.currency.per_whole();
        let units = self.minor.unsigned_abs();
        write_grouped(units / per_whole, out)?;
        write_fraction(units % per_whole, self.currency, out)
    }
}

/// An amount without its currency's sign and without grouping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainMoney(Money);

impl fmt::Display for PlainMoney {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Money { minor, currency } = self.0;
        if minor < 0 {
            out.write_str("-")?;
        }
        let units = minor.unsigned_abs();
        write!(out, "{}", units / currency.per_whole())?;
        write_fraction(units % currency.per_whole(), currency, out)
    }
}

/// The clawback that goes with a credit: publisher payout × credit ÷ payout, half to even.
///
/// Zero where the publisher payout is unknown or negative, or the payout isn't more than zero.
#[must_use]
pub fn proposed_clawback(publisher_payout: Option<i64>, credit: i64, payout: i64) -> i64 {
    match publisher_payout {
        Some(publisher_payout) if publisher_payout > 0 && payout > 0 => share(publisher_payout, credit, payout),
        _ => 0,
    }
}

/// A percentage of the payout, given in hundredths of a percent, half to even: 1250 is 12.50 %.
#[must_use]
pub fn percent_of(payout: i64, hundredths: i64) -> i64 {
    share(payout, hundredths, 10_000)
}

/// How much of the payout a part is, in hundredths of a percent, half to even; zero where the payout isn't more than zero.
#[must_use]
pub fn hundredths_of_percent(part: i64, payout: i64) -> i64 {
    if payout > 0 { share(part, 10_000, payout) } else { 0 }
}

/// `amount × part ÷ whole` in 128 bits, half to even; `whole` is more than zero.
fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let whole = i128::from(whole);
    let product = i128::from(amount) * i128::from(part);
    let (floor, rest) = (product.div_euclid(whole), product.rem_euclid(whole));
    let is_up = match (rest * 2).cmp(&whole) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    let exact = floor + i128::from(is_up);
    i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX })
}

/// Whether a cell holds what a spreadsheet shows for a formula that failed.
#[must_use]
pub fn is_spreadsheet_error(text: &str) -> bool {
    const ERRORS: [&str; 9] =
        ["#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#N/A", "#NUM!", "#NULL!", "#SPILL!", "#ERROR!"];
    text.starts_with('#')
        && (ERRORS.iter().any(|error| error.eq_ignore_ascii_case(text)) || text.bytes().all(|byte| byte == b'#'))
}

/// Takes a sign off: whether there was one, and whether it was a minus.
fn strip_sign(text: &str) -> (&str, Option<bool>) {
    for (sign, is_minus) in [('-', true), ('\u{2212}', true), ('+', false)] {
        if let Some(rest) = text.strip_prefix(sign) {
            return (rest.trim_start(), Some(is_minus));
        }
    }
    (text, None)
}

/// Takes the currency's sign or code off; refuses those of another currency.
fn strip_currency(text: &str, currency: Currency) -> Result<&str, MoneyError> {
    let is_number = |char: char| char.is_ascii_digit() || matches!(char, '.' | ',' | '-' | '+' | '\u{2212}');
    let start = text.find(is_number).ok_or(MoneyError::NotAnAmount)?;
    let end = text.rfind(|char: char| char.is_ascii_digit() || matches!(char, '.' | ',')).map_or(start, |at| at + 1);
    let (Some(before), Some(number), Some(after)) = (text.get(..start), text.get(start..end), text.get(end..)) else {
        return Err(MoneyError::NotAnAmount);
    };
    let (before, after) = (before.trim(), after.trim());
    for mark in [before, after] {
        if mark.is_empty() || mark.eq_ignore_ascii_case(currency.code()) || mark == currency.0.symbol().symbol {
            continue;
        }
        let is_foreign = Currency::from_code(mark).is_some() || mark.chars().all(|char| "$€£¥₹₩".contains(char));
        return Err(if is_foreign { MoneyError::OtherCurrency(currency) } else { MoneyError::NotAnAmount });
    }
    match (before, after) {
        ("", _) | (_, "") => Ok(number),
        _ => Err(MoneyError::NotAnAmount),
    }
}

/// Counts the minor units of digits with optional groups of three and a fraction.
fn count_minor_units(text: &str, currency: Currency) -> Result<i128, MoneyError> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(MoneyError::NotAnAmount),
        None => (text, ""),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(MoneyError::NotAnAmount);
    }
    let mut units = 0_i128;
    for (index, group) in whole.split(',').enumerate() {
        // "1,030" groups thousands; "1,5" and "10,30" would be a decimal comma and must not be read as one number.
        let is_grouped = whole.contains(',');
        let fits = match (is_grouped, index) {
            (false, _) => true,
            (true, 0) => (1..=3).contains(&group.len()),
            (true, _) => group.len() == 3,
        };
        if !fits {
            return Err(MoneyError::NotAnAmount);
        }
        units = append_digits(units, group)?;
    }
    let digits = currency.digits();
    let given = u32::try_from(fraction.len()).or(Err(MoneyError::TooManyDigits(currency)))?;
    units = append_digits(units, fraction)?;
    match digits.checked_sub(given) {
        None => Err(MoneyError::TooManyDigits(currency)),
        Some(missing) => units.checked_mul(10_i128.pow(missing)).ok_or(MoneyError::TooLarge),
    }
}

fn append_digits(start: i128, digits: &str) -> Result<i128, MoneyError> {
    digits.bytes().try_fold(start, |units, byte| {
        if !byte.is_ascii_digit() {
            return Err(MoneyError::NotAnAmount);
        }
        units.checked_mul(10).and_then(|units| units.checked_add(i128::from(byte - b'0'))).ok_or(MoneyError::TooLarge)
    })
}

fn write_grouped(number: u64, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut group = 1_u64;
    while number / group >= 1_000 {
        group *= 1_000;
    }
    write!(out, "{}", number / group)?;
    while group > 1 {
        group /= 1_000;
        write!(out, ",{:03}", number / group % 1_000)?;
    }
    Ok(())
}

fn write_fraction(fraction: u64, currency: Currency, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match currency.digits() {
        0 => Ok(()),
        2 => write!(out, ".{fraction:02}"),
        digits => write!(out, ".{fraction:0width$}", width = usize::try_from(digits).unwrap_or(2)),
    }
}

#[cfg(test)]
mod tests;
