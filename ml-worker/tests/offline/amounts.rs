//! Amounts are exact decimals.

use ml_worker::amount::Amount;

#[test]
fn decimals_are_exact() {
	let units = |text: &str| text.parse::<Amount>().unwrap().0;
	assert_eq!(units("1"), 1_000_000_000_000);
	assert_eq!(units("12.5"), 12_500_000_000_000);
	assert_eq!(units("0.000000000001"), 1);
	assert_eq!(units("0"), 0);
}

#[test]
fn what_is_printed_can_be_read() {
	for text in [
		"1",
		"12.5",
		"0.000000000001",
		"340282366920938463463374607.431768211455",
	] {
		assert_eq!(text.parse::<Amount>().unwrap().to_string(), text);
	}
}

#[test]
fn other_texts_are_refused() {
	for text in [
		"",
		".",
		"1.",
		".5",
		"-1",
		"+1",
		"1e3",
		"1,5",
		"0.0000000000001",
		"340282366920938463463374608",
	] {
		let error = text.parse::<Amount>().unwrap_err().to_string();
		assert!(error.contains(&format!("`{text}`")), "{error}");
	}
}
