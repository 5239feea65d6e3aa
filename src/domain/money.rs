//! placeholder until the import branch lands
pub fn proposed_clawback(publisher_payout: Option<i64>, credit: i64, payout: i64) -> i64 {
    let Some(p) = publisher_payout.filter(|p| *p > 0) else {
        return 0;
    };
    let n = i128::from(p) * i128::from(credit);
    let d = i128::from(payout);
    let (q, r) = (n / d, n % d);
    let up = match (2 * r).cmp(&d) {
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => q % 2,
        std::cmp::Ordering::Less => 0,
    };
    i64::try_from(q + up).unwrap_or(p)
}
