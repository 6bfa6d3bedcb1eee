//! Flags count before the environment, the environment before the file.

use clap::Parser;
use ml_worker::config::{
	keypair, ConfigError, ConnectionOptions, Duties, StoreOptions, WorkOptions, DEFAULT_URL,
};
use ml_worker::keys::KeyArguments;
use ml_worker::training::cost::WorkLimits;
use std::path::Path;
use tempfile::TempDir;

/// The phrase that every Substrate developer knows.
const DEVELOPMENT_PHRASE: &str =
	"bottom drive obey lake curtain smoke basket hold race lonely fit walk";

#[derive(Parser)]
struct Arguments {
	#[command(flatten)]
	connection: ConnectionOptions,
	#[command(flatten)]
	keys: KeyArguments,
	#[command(flatten)]
	store: StoreOptions,
	#[command(flatten)]
	work: WorkOptions,
}

fn parse(arguments: &[&str]) -> Arguments {
	Arguments::try_parse_from([&["ml-worker"], arguments].concat()).unwrap()
}

fn file(folder: &TempDir, text: &str) -> String {
	let path = folder.path().join("worker.toml");
	std::fs::write(&path, text).unwrap();
	path.to_str().unwrap().into()
}

// One test: the environment belongs to the whole process.
#[test]
fn flags_then_environment_then_file() {
	let folder = TempDir::new().unwrap();
	let path = file(
		&folder,
		"url = 'ws://file:1'\nstore = '/file'\nrole = ['verifier']\nretention = 7\n\
		 dev-account = 'Bob'\nthreads = 3\nmax-checkpoint-bytes = 5\n",
	);

	let nothing = parse(&[]);
	let empty = nothing.connection.file().unwrap();
	assert_eq!(nothing.connection.url(&empty), DEFAULT_URL);
	assert_eq!(nothing.work.duties(&empty).len(), 5);
	assert_eq!(nothing.work.limits(&empty), WorkLimits::default());
	assert!(keypair(&nothing.keys, &empty).is_err());

	let only_file = parse(&["--config", &path]);
	let said = only_file.connection.file().unwrap();
	assert_eq!(only_file.connection.url(&said), "ws://file:1");
	assert_eq!(only_file.store.folder(&said), Path::new("/file"));
	assert_eq!(only_file.work.duties(&said), [Duties::Verifier]);
	assert_eq!(only_file.work.retention(&said), 7);
	assert_eq!(only_file.work.limits(&said).checkpoint_bytes, 5);
	assert_eq!(only_file.work.threads(&said).unwrap().get(), 3);
	let bob = keypair(&only_file.keys, &said).unwrap();

	std::env::set_var("POUW_CONFIG", &path);
	std::env::set_var("POUW_URL", "ws://environment:1");
	std::env::set_var("POUW_ROLE", "trainer,evaluator");
	std::env::set_var("POUW_SEED", format!("{DEVELOPMENT_PHRASE}//Alice"));
	let environment = parse(&[]);
	let said = environment.connection.file().unwrap();
	assert_eq!(environment.connection.url(&said), "ws://environment:1");
	assert_eq!(
		environment.work.duties(&said),
		[Duties::Trainer, Duties::Evaluator]
	);
	assert_eq!(environment.work.retention(&said), 7);
	let alice = keypair(&environment.keys, &said).unwrap();
	assert_ne!(alice.public_key().0, bob.public_key().0);

	let flags = parse(&[
		"--url",
		"ws://flag:1",
		"--role",
		"client",
		"--dev-account",
		"Bob",
		"--retention",
		"9",
		"--max-segment-multiply-adds",
		"4",
	]);
	let limits = WorkLimits {
		segment_multiply_adds: 4,
		checkpoint_bytes: 5,
	};
	assert_eq!(flags.work.limits(&said), limits);
	assert_eq!(flags.connection.url(&said), "ws://flag:1");
	assert_eq!(flags.work.duties(&said), [Duties::Client]);
	assert_eq!(flags.work.retention(&said), 9);
	assert_eq!(
		keypair(&flags.keys, &said).unwrap().public_key().0,
		bob.public_key().0
	);
	for name in ["POUW_CONFIG", "POUW_URL", "POUW_ROLE", "POUW_SEED"] {
		std::env::remove_var(name);
	}
}

#[test]
fn an_unknown_key_or_a_missing_file_is_named() {
	let folder = TempDir::new().unwrap();
	let path = file(&folder, "url = 'ws://file:1'\nspeed = 3\n");
	let error = parse(&["--config", &path]).connection.file().unwrap_err();
	assert!(matches!(error, ConfigError::Malformed { .. }));
	assert!(error.to_string().contains("speed"), "{error}");
	let error = parse(&["--config", "/nowhere.toml"])
		.connection
		.file()
		.unwrap_err();
	assert!(error.to_string().contains("/nowhere.toml"), "{error}");
}
