//! Texts: the defender.

pub(in super::super) const MAY_CONNECT_AGAIN: &str = "The address may connect again.";

pub(in super::super) fn banned_until(moment: &str) -> String {
    format!("banned until {moment} UTC")
}

pub(in super::super) fn score(score: i64) -> String {
    format!("score {score}")
}
