//! `ml-worker keys`: make, show or store the key that signs.

use super::{Failure, Global};
use crate::keys::{address, generate_phrase, store, KeyArguments, Keypair};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{io::Read, path::PathBuf};

/// `ml-worker keys`
#[derive(Args)]
pub(super) struct Arguments {
	#[command(subcommand)]
	action: Action,
}

#[derive(Subcommand)]
enum Action {
	/// Make a new secret phrase and store it in a file that only its owner can read.
	Generate {
		/// The file to write; it must not exist.
		#[arg(value_name = "FILE")]
		file: PathBuf,
	},
	/// Show the account of a key.
	Show {
		#[command(flatten)]
		key: KeyArguments,
	},
	/// Store a secret phrase or seed, read from standard input, in a file that only its owner can read.
	Import {
		/// The file to write; it must not exist.
		#[arg(value_name = "FILE")]
		file: PathBuf,
	},
}

pub(super) fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	match arguments.action {
		Action::Generate { file } => {
			let keypair = store(&file, &generate_phrase()?)?;
			print(&keypair, Some(&file), global);
		}
		Action::Show { key } => print(&key.source()?.keypair()?, None, global),
		Action::Import { file } => {
			let mut secret = String::new();
			std::io::stdin().read_to_string(&mut secret)?;
			let keypair = store(&file, secret.trim())?;
			print(&keypair, Some(&file), global);
		}
	}
	Ok(())
}

fn print(keypair: &Keypair, file: Option<&PathBuf>, global: &Global) {
	let public_key = keypair.public_key().0;
	let (address, public_key) = (
		address(&public_key),
		format!("0x{}", hex::encode(public_key)),
	);
	if global.json {
		println!(
			"{}",
			json!({ "address": address, "public_key": public_key, "file": file })
		);
		return;
	}
	println!("address     {address}");
	println!("public key  {public_key}");
	if let Some(file) = file {
		println!(
			"key file    {} (holds the secret; keep a copy in a safe place)",
			file.display()
		);
	}
}
