//! Keys: files that only their owner can read, and well-known accounts.

use ml_worker::keys::{address, generate_phrase, store, KeyError, KeySource};

#[test]
fn a_stored_key_is_read_again() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("key");
	let phrase = generate_phrase().unwrap();
	assert_eq!(phrase.split(' ').count(), 24);
	let stored = store(&path, &phrase).unwrap();
	let read = KeySource::File(path.clone()).keypair().unwrap();
	assert_eq!(read.public_key().0, stored.public_key().0);
	// It is never overwritten.
	assert!(matches!(store(&path, &phrase), Err(KeyError::File { .. })));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
	use std::os::unix::fs::PermissionsExt;
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("key");
	store(&path, &generate_phrase().unwrap()).unwrap();
	assert_eq!(
		std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
		0o600
	);
	std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
	let error = KeySource::File(path).keypair().unwrap_err().to_string();
	assert!(
		error.contains("mode 640") && error.contains("chmod 600"),
		"{error}"
	);
}

#[test]
fn known_accounts_have_their_known_keys() {
	let alice = KeySource::DevAccount("Alice".into())
		.keypair()
		.unwrap()
		.public_key()
		.0;
	assert_eq!(
		hex::encode(alice),
		"d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
	);
	for name in ["alice", "//Alice"] {
		let keypair = KeySource::DevAccount(name.into()).keypair().unwrap();
		assert_eq!(keypair.public_key().0, alice);
	}
	assert!(address(&alice).starts_with("pw"));
}

#[test]
fn wrong_secrets_are_refused_and_nothing_is_written() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("key");
	for secret in [
		"",
		"//Alice",
		"not a phrase",
		"0x12",
		"nonsense ".repeat(12).trim(),
	] {
		assert!(
			matches!(store(&path, secret), Err(KeyError::Secret { .. })),
			"{secret}"
		);
		assert!(!path.exists());
	}
	for name in ["", "//", "Al ice", "Alice//stash", "Alice///password"] {
		let error = KeySource::DevAccount(name.into()).keypair().unwrap_err();
		assert!(matches!(error, KeyError::DevAccount(_)), "{name}");
	}
}
